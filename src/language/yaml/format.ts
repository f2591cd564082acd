import { CST, Parser } from 'yaml'
import { after, colonOf, flatFlow, isProperty, scalarLines, trimmed, words, type Mark, type Trivia } from './tokens.ts'

/** The longest line that a collection in brackets may make. */
const WIDTH = 120
/** Spaces per level. */
const STEP = 2

type Token = CST.Token
type Item = CST.CollectionItem
type Flow = CST.FlowCollection
type BlockCollection = CST.BlockMap | CST.BlockSequence

/** A block collection around a place: its column in the text that is read, and in the text that is written. */
interface Level {
  readonly source: number
  readonly target: number
}

/**
 * The same YAML in netlab's layout: two spaces per level, at most one blank line, one space around and after what needs one, and
 * collections in brackets in one line where they fit. Everything else stays as it is written: comments, order, quotes,
 * and which collections are in brackets. The text must be YAML without errors.
 */
export function formatYaml(text: string): string {
  const layout = new Parser().parse(text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n'))
  /** The lines that are complete, and the one that is being written; several if it has a text in lines. */
  const done: string[] = []
  let line = ''
  /** The line breaks since the last thing that was written. */
  let breaks = 0
  /** The spaces before the token that is read, where it is the first of its line. */
  let spaces = 0
  const levels: Level[] = []

  /** Appends to the line, or begins a new one with this indentation where the text that is read does. */
  function write(piece: string, indent: number): void {
    if (breaks > 0 && !isEmpty()) done.push(...(breaks > 1 ? [line, ''] : [line]))
    if (breaks > 0 || isEmpty()) line = ' '.repeat(indent)
    line += piece
    breaks = 0
  }

  const isEmpty = (): boolean => done.length === 0 && line === ''
  const column = (): number => line.length - line.lastIndexOf('\n') - 1

  /** Writes the comments of these tokens, and counts their line breaks. Returns whether there was a comment. */
  function trivia(tokens: Trivia): boolean {
    let commented = false
    for (const { type, source } of tokens ?? []) {
      if (type === 'newline') breaks++
      if (type === 'comment') {
        commented = true
        if (breaks === 0 && !isEmpty()) line += ` ${trimmed(source)}`
        else write(trimmed(source), (levels.findLast((level) => level.source <= spaces) ?? levels[0])?.target ?? 0)
      }
      spaces = type === 'space' ? source.length : 0
    }
    return commented
  }

  /**
   * Writes what is between an indicator and its value: comments, and anchors and tags, which stay on the line of the indicator.
   * `commented`: a comment is the last of them.
   */
  function between(tokens: Trivia, indent: number): { readonly commented: boolean; readonly named: boolean } {
    let commented = false
    let named = false
    for (const token of tokens ?? [])
      if (isProperty(token)) {
        if (!commented) breaks = 0
        write(`${breaks ? '' : ' '}${token.source}`, indent)
        commented = false
        named = true
      } else commented = trivia([token]) || commented
    return { commented, named }
  }

  /** Writes a value after `key:` or `-`. `indent` is that of its own lines. */
  function value(token: Token | null | undefined, before: Trivia, parent: number, isItem: boolean): void {
    const indent = parent + STEP
    const isBlock = token?.type === 'block-map' || token?.type === 'block-seq'
    levels.push({ source: isBlock ? token.indent : parent + 1, target: indent })
    const { commented, named } = between(before, indent)
    levels.pop()
    if (!token) return
    if (isBlock) {
      if (!commented) breaks = isItem && !named ? 0 : 1
      if (breaks === 0) line += ' '
      block(token, indent)
      return
    }
    if (!commented) breaks = 0
    if (breaks === 0) line += ' '
    inline(token, indent, parent, !isItem && !commented && !named)
  }

  function block(token: BlockCollection, target: number): void {
    levels.push({ source: token.indent, target })
    for (const item of token.items) {
      const dash = item.start.findIndex(({ type }) => type === 'seq-item-ind')
      if (dash >= 0) {
        trivia(item.start.slice(0, dash))
        write('-', target)
        value(item.value, item.start.slice(dash + 1), target, true)
        trivia(after(item.value))
      } else entry(item, target)
    }
    levels.pop()
  }

  /** An entry of a block map, or the comments after its last one. */
  function entry(item: Item, target: number): void {
    trivia(item.start)
    const head = words(item.start)
    if (head) write(`${head} `, target)
    if (item.key) inline(item.key, target + STEP, target, false, target)
    trivia(after(item.key))
    const colon = colonOf(item)
    trivia(item.sep?.slice(0, colon))
    if (colon < 0) return
    write(':', target)
    value(item.value, item.sep?.slice(colon + 1), target, false)
    trivia(after(item.value))
  }

  /** Writes a scalar, an alias or a collection in brackets at this place. `own`: it may move to a line of its own. */
  function inline(token: Token, indent: number, parent: number, own: boolean, first = indent): void {
    switch (token.type) {
      case 'block-map':
      case 'block-seq':
        return block(token, indent)
      case 'flow-collection':
        return flow(token, indent, own)
      case 'block-scalar':
        return blockScalar(token, parent)
      case 'alias':
      case 'scalar':
      case 'single-quoted-scalar':
      case 'double-quoted-scalar':
        write(
          scalarLines(token)
            .join(`\n${' '.repeat(indent)}`)
            .replace(/\n +(?=\n)/g, '\n'),
          first,
        )
    }
  }

  function flow(token: Flow, indent: number, own: boolean): void {
    const flat = flatFlow(token)
    if (flat !== undefined && (breaks ? indent : column()) + flat.length <= WIDTH) write(flat, indent)
    else {
      if (own) {
        line = trimmed(line)
        breaks = 1
      }
      if (flat !== undefined && own && indent + flat.length <= WIDTH) write(flat, indent)
      else brokenFlow(token, indent)
    }
  }

  function brokenFlow(token: Flow, indent: number): void {
    const inner = indent + STEP
    write(token.start.source, indent)
    levels.push({ source: -1, target: inner })
    for (const item of token.items) {
      trivia(item.start)
      if (!item.key && !item.value && !item.sep) continue
      breaks = 1
      const head = words(item.start)
      if (head) write(`${head} `, inner)
      if (item.key) inline(item.key, inner, inner, false)
      trivia(after(item.key))
      const colon = colonOf(item)
      trivia(item.sep?.slice(0, colon))
      if (colon >= 0) write(':', inner)
      if (colon >= 0) value(item.value, item.sep?.slice(colon + 1), inner, false)
      else if (item.value) inline(item.value, inner, inner, false)
      if (!item.value && colon >= 0 && breaks === 0) line += ' '
      write(',', inner)
      trivia(after(item.value))
    }
    levels.pop()
    breaks = 1
    write(token.end[0]?.source ?? '', indent)
  }

  /** A text in lines. The source has the indentation of its lines, and the blank lines after it. */
  function blockScalar(token: CST.BlockScalar, parent: number): void {
    const props = token.props as readonly Mark[]
    const header = props.find(({ type }) => type === 'block-scalar-header')?.source ?? '|'
    write(header, parent + STEP)
    trivia(props.filter(({ type }) => type !== 'newline'))
    const lines = token.source.replace(/\n$/, '').split('\n')
    let blank = 0
    if (!header.includes('+')) while (lines.length && !/[^ ]/.test(lines.at(-1) ?? '')) blank += lines.splice(-1).length
    const digit = Number(/\d/.exec(header)?.[0] ?? 0)
    const first = lines.find((line) => /[^ ]/.test(line)) ?? ''
    const strip = digit ? Math.max(0, token.indent) + digit : first.search(/[^ ]/)
    const indent = ' '.repeat(digit ? Math.max(0, parent) + digit : parent + STEP)
    for (const one of lines) line += one.length > strip ? `\n${indent}${one.slice(strip)}` : '\n'
    breaks = 1 + blank
  }

  /** Writes what is in a line of its own around documents. */
  function marker(token: Mark): void {
    if (['directive', 'doc-start', 'doc-end'].includes(token.type)) {
      breaks ||= 1
      write(token.source, 0)
    } else trivia([token])
  }

  for (const token of layout)
    switch (token.type) {
      case 'document': {
        for (const one of token.start) marker(one)
        if (token.value?.type === 'block-map' || token.value?.type === 'block-seq') {
          if (!isEmpty()) breaks ||= 1
          block(token.value, 0)
        } else if (token.value) inline(token.value, 0, -STEP, false)
        trivia(after(token.value))
        trivia(token.end)
        break
      }
      default:
        // Comments, directives (%YAML) and the end of a document (...).
        if (!CST.isScalar(token) && 'source' in token && token.type !== 'error') marker(token)
        if (token.type === 'doc-end') trivia(token.end)
    }
  return `${[...done, line].join('\n')}\n`
}
