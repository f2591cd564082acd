import { Lexer, type ErrorCode } from 'yaml'
import { indentation, spaceAfterColon } from './misplaced.ts'
import { lineOf, part, inQuotes, spotAt, whole, type Problem, type Slip, type Spot } from './spot.ts'

/** Said of `!x`: tags would turn text into something else, or vanish. */
export const NO_TAGS = 'in YAML a ! begins a tag, which lab files do not use'

/** Problems that say nothing about each other, so that each of them is reported. */
const independent = new Set<ErrorCode>(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED'])

/** What is wrong with the text: the first mistake, because a parser stumbles on after it, and others that are no consequence. */
export function slipsIn(problems: readonly Problem[], text: string): Slip[] {
  const ordered = [...problems].sort((a, b) => a.pos[0] - b.pos[0])
  const [first] = ordered
  const all = first && independent.has(first.code) ? ordered.filter(({ code }) => independent.has(code)) : [first]
  return all.slice(0, 20).flatMap((problem) => (problem ? [slipOf(problem, text)] : []))
}

function slipOf(problem: Problem, text: string): Slip {
  const spot = spotAt(problem, text, problem.pos[0])
  for (const explain of [byCode, needsQuotes, spaceAfterColon, quoting, brackets, reserved, indentation]) {
    const slip = explain(spot)
    if (slip) return slip
  }
  return generic(spot)
}

/** Mistakes that have a code of the parser to themselves. */
function byCode(spot: Spot): Slip | undefined {
  const { code, text, pos, line, begin } = spot
  const at = text.slice(pos[0])
  switch (code) {
    case 'DUPLICATE_KEY':
      return {
        summary: 'the map already has this key',
        detail: 'Remove one of the two.',
        start: pos[0],
        end: pos[1],
      }
    case 'MULTIPLE_DOCS':
      return {
        summary: 'a second document begins here',
        detail: 'A lab file is one document. Put the second document into another file.',
        ...whole(spot),
      }
    case 'TAG_RESOLVE_FAILED':
      return { summary: NO_TAGS, detail: 'Remove it, or put the whole text in quotes.', ...whole(spot) }
    case 'TAB_AS_INDENT': {
      const tab = Math.max(line.indexOf('\t'), 0)
      return {
        summary: 'a tab cannot be used to indent',
        detail: 'Indent with spaces, usually two for each level.',
        ...part(spot, tab, /^\t*/.exec(line.slice(tab))?.[0].length),
      }
    }
    case 'BAD_DIRECTIVE':
      return {
        summary: 'a line that begins with % is a directive for the YAML parser',
        detail: 'Put the text in quotes, or remove the line.',
        ...whole(spot),
      }
    case 'BAD_DQ_ESCAPE':
      return {
        summary: 'in double quotes a backslash begins an escape sequence, and this one does not exist',
        detail: "Write \\\\ for a backslash, or use single quotes: '\\d'.",
        ...whole(spot),
      }
    case 'BAD_ALIAS':
      return {
        summary: 'in YAML a * begins an alias, and a & an anchor',
        detail: 'Put the text in quotes if it is text: "*".',
        start: pos[0] - (at.startsWith('*') || at.startsWith('&') ? 0 : 1),
        end: pos[0] + 1,
      }
  }
  return /document-start|directives-end/.test(spot.message) && line.startsWith('---')
    ? { summary: 'a second document begins here', start: begin, end: begin + 3 }
    : undefined
}

/** `h[1..3]` and `{i}` in braces or brackets, and `{i}` at the beginning of a value. */
function needsQuotes(spot: Spot): Slip | undefined {
  const { line, begin, pos } = spot
  const word = /(?:[^\s,{}[\]"'#]|\[[^\][\s,"']*\.\.[^\][,"']*\]|\{[a-z][^{}\s,"':]*(?::\w+)?\})+/g
  const column = pos[0] - begin
  for (const { 0: found, index } of line.matchAll(word)) {
    const text = found.replace(/:$/, '')
    const expression = /\[[^\]]*\.\.[^\]]*\]|\{[a-z][^}]*\}/.exec(text)?.[0]
    if (expression === undefined || column < index || column > index + found.length) continue
    const isRange = expression.startsWith('[')
    return {
      summary: `${expression} needs quotes here`,
      detail: `Here YAML takes ${isRange ? '[ as the beginning of a list' : '{ as the beginning of a map'}. Write "${text}".`,
      ...part(spot, index, text.length),
    }
  }
  return undefined
}

/** A token of the text: its source, and where it begins. */
interface Token {
  readonly source: string
  readonly start: number
}

/** Marks of the lexer that have no text: the start of a document, of a scalar, and the early end of braces. */
const marks = new Set(['\x02', '\x1f', '\x18'])

function* tokensOf(text: string): Generator<Token> {
  let start = 0
  for (const source of new Lexer().lex(text)) {
    yield { source, start }
    if (!marks.has(source)) start += source.length
  }
}

/** A quote that is not closed, and text after one that is. */
function quoting(spot: Spot): Slip | undefined {
  const { message, text, pos, line, begin } = spot
  if (message.startsWith('Missing closing')) {
    let open: Token | undefined
    for (const token of tokensOf(text))
      if (/^["']/.test(token.source) && (token.source.length === 1 || !token.source.endsWith(token.source.charAt(0))))
        open ??= token
    const start = open?.start ?? pos[0]
    const { line: full, begin: from } = spotAt(spot, text, start)
    const before = full.slice(0, start - from)
    // `- -j LOG --log-prefix "in: "`: the first of the quotes is inside plain text, and the colon makes a map of it.
    const item = /^\s*(?:- +)*(?:[\w.-]+: +)?(.*["'].*: *)$/.exec(before)?.[1]
    return {
      summary: item === undefined ? 'this quote is not closed' : 'a colon followed by a space makes this text a map',
      detail:
        item === undefined
          ? `Add ${text.charAt(start)} where the text ends.`
          : `Put the whole text in quotes: '${(item + full.slice(start - from)).trim().replaceAll("'", "''")}'.`,
      ...(item === undefined
        ? { start, end: start + 1 }
        : { start: from + before.indexOf(item), end: from + full.length }),
    }
  }
  const before = line.slice(0, pos[0] - begin)
  if (!message.includes('at node end') || !/["'] ?$/.test(before)) return undefined
  const mark = before.trimEnd().slice(-1)
  const start = before.trimEnd().slice(0, -1).lastIndexOf(mark)
  const inner = line.slice(start + 1, before.trimEnd().length - 1)
  return {
    summary: 'there is text after the closing quote',
    detail: `Put the whole text in quotes: ${inQuotes(inner + line.slice(before.trimEnd().length).trimEnd())}.`,
    ...whole(spot),
  }
}

const closers: Readonly<Record<string, string>> = { '{': '}', '[': ']' }

/** Braces and brackets that are not closed, or close nothing, and commas that are missing between them. */
function brackets(spot: Spot): Slip | undefined {
  const { message, text, pos } = spot
  if (/flow|Flow|node end|collection/.test(message)) {
    const open: Token[] = []
    for (const token of tokensOf(text)) {
      const { source, start } = token
      const last = open.at(-1)
      if (source === '{' || source === '[') open.push(token)
      else if (source === '}' || source === ']') {
        if (!last)
          return {
            summary: `this ${source} has no opening ${source === '}' ? '{' : '['}`,
            detail: `Remove it, or add the opening bracket.`,
            start,
            end: start + 1,
          }
        if (closers[last.source] !== source)
          return unclosed(last, `The ${source} on line ${lineOf(text, start)} comes first.`)
        open.pop()
      } else if (source === '\x18' && last) return unclosed(last, '')
    }
    const last = open.at(-1)
    if (last) return unclosed(last, '')
  }
  if (message.startsWith('Missing ,') || (message.includes('at node end') && /[}\]]\s*$/.test(text.slice(0, pos[0]))))
    return {
      summary: 'a comma is missing here',
      detail: 'In braces and brackets, commas separate the items. Text that contains brackets or braces needs quotes.',
      ...whole(spot),
    }
  if (message.startsWith('Unexpected ,') || message.startsWith('Unexpected empty item'))
    return { summary: 'there is nothing before this comma', detail: 'Remove it.', ...whole(spot) }
  if (spot.code === 'BLOCK_IN_FLOW')
    return {
      summary: 'inside braces or brackets, a map needs braces and a list needs brackets',
      detail: 'Write { KEY: VALUE } and [ITEM, ITEM]; or write everything on separate lines, without braces.',
      ...whole(spot),
    }
  return undefined
}

const unclosed = ({ source, start }: Token, why: string): Slip => ({
  summary: `this ${source} is not closed`,
  detail:
    `Add ${closers[source]} where it ends, and indent the lines in between further than its first line. ${why}`.trim(),
  start,
  end: start + 1,
})

/** A value that begins with a character that has a meaning in YAML. */
function reserved(spot: Spot): Slip | undefined {
  if (spot.code !== 'BAD_SCALAR_START') return undefined
  const { text, pos, line, begin } = spot
  const value = /^[^,}\]]*/.exec(line.slice(pos[0] - begin))?.[0].trim() ?? ''
  return {
    summary: `a value cannot begin with ${text.charAt(pos[0])} without quotes`,
    detail: `Write ${inQuotes(value)}.`,
    ...whole(spot),
  }
}

/** What has no sentence of its own. */
const generic = (spot: Spot): Slip => ({
  summary: 'this cannot be read as YAML',
  detail: `Text with brackets, braces, a colon or a # in it needs quotes. (The YAML parser reports: ${spot.message.split('\n')[0]}.)`,
  ...whole(spot),
})
