import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml'
import type { Diagnostic, Position } from '../../model/diagnostic.ts'
import { LARGEST } from '../../model/text.ts'
import { isMerge, nameKeys } from './keys.ts'
import { parsePlain } from './plain.ts'
import { NO_TAGS, slipsIn } from './slips.ts'
import { snippetAt } from './snippet.ts'
import { inQuotes } from './spot.ts'

/** Where something is in a lab file: keys and indexes from the top. */
export type Path = readonly (string | number)[]

/** A parsed lab file, with functions that find the position of a value. */
export interface Source {
  readonly file: string
  readonly text: string
  /** Plain data; undefined when the text is not YAML. */
  readonly value: unknown
  readonly errors: readonly Diagnostic[]
  /** The position of the value at the path, or of its key; of the nearest value around it if the file does not have it. */
  readonly position: (path: Path, on?: 'key' | 'value') => Position
  /** The offset in the text at which the value's scalar begins; undefined when there is none. */
  readonly offset: (path: Path) => number | undefined
  /** The position of an offset. */
  readonly at: (offset: number, length?: number) => Position
  /** The lines around a position, for a diagnostic. */
  readonly snippet: (position: Position) => NonNullable<Diagnostic['snippet']>
  /** Whether a range repeats what is at the position. */
  readonly isRepeated?: (position: Position) => boolean
  /** The numbers of the ranges at the path, as `i = 1`; undefined where there are none. */
  readonly where?: (path: Path) => string | undefined
  /** The text of a number or of true and false as it is written; undefined where that is what JavaScript makes of it. */
  readonly spelling?: (path: Path) => string | undefined
  /** Of a lab with `include`: the files that it is made of. */
  readonly parts?: readonly Source[]
  /** Of a lab with `include`: the file in which the value at the path is written, and the path there. */
  readonly origin?: (path: Path) => Origin
}

/** A file, and a path in it. */
export interface Origin {
  readonly source: Source
  readonly path: Path
}

/** A NUL, or an escape that may stand for one. */
const NUL = /\0|\\(?:0|x00|u0000|U00000000)/
/** The most values that aliases may stand for: more are an attack. */
const MOST_VALUES = 300_000

/**
 * Parses YAML. Never throws: errors are in `errors`. The positions of a plain text's values are found on the first request,
 * because that takes most of the time.
 */
export function parseYaml(file: string, text: string): Source {
  const plain = text.length > LARGEST || NUL.test(text) ? undefined : parsePlain(text)
  if (!plain) return parseFully(file, text)
  let parsed: Source | undefined
  const fully = (): Source => (parsed ??= parseFully(file, text))
  return {
    ...{ file, text, value: plain.value, errors: [] },
    position: (path, on) => fully().position(path, on),
    offset: (path) => fully().offset(path),
    at: (offset, length) => fully().at(offset, length),
    snippet: (position) => fully().snippet(position),
  }
}

function parseFully(file: string, text: string): Source {
  const counter = new LineCounter()
  let split: readonly string[] | undefined
  const lines = (): readonly string[] => (split ??= text.split('\n'))
  const at = (offset: number, length = 1): Position => {
    const { line, col } = counter.linePos(Math.min(offset, text.length))
    return { file, line: Math.max(1, line), column: Math.max(1, col), length: Math.max(1, length) }
  }
  const snippet = (position: Position): NonNullable<Diagnostic['snippet']> => snippetAt(lines(), position)
  const failed = (errors: Diagnostic[]): Source => ({
    ...{ file, text, value: undefined, errors, at, snippet },
    position: () => at(0),
    offset: () => undefined,
  })
  const broken = (summary: string, position: Position, detail?: string): Diagnostic => ({
    code: 'yaml-syntax',
    severity: 'error',
    summary,
    position,
    snippet: snippet(position),
    ...(detail !== undefined && { detail }),
  })
  if (text.length > LARGEST) return failed([broken('the file is larger than 16 MiB', { file, line: 1, column: 1 })])

  const document = parseDocument(text, {
    ...{ lineCounter: counter, merge: true, prettyErrors: false, logLevel: 'error' },
    // Tags would turn maps into sets and text into bytes, which no lab needs.
    resolveKnownTags: false,
    uniqueKeys: false, // the parser would compare each key of a map with all others: see nameKeys
  })
  const problems = [...document.errors, ...document.warnings]
  const deep = problems.find(({ message }) => message.startsWith('Maximum call stack'))
  if (deep) return failed([broken('the file is nested too deeply', at(deep.pos[0]))])
  const errors = slipsIn([...problems, ...nameKeys(document)], text).map(({ summary, detail, start, end }) =>
    broken(summary, at(start, end - start), detail),
  )
  if (errors.length) return failed(errors)
  const nuls = NUL.test(text) ? nulsIn(document) : []
  if (nuls.length)
    return failed(
      nuls.map(([start, end]) =>
        broken('a lab file cannot contain a NUL character', at(start, end - start), 'Remove it.'),
      ),
    )
  const tags = text.includes('!') ? tagsIn(document, text) : []
  if (tags.length)
    return failed(
      tags.map(([start, end]) =>
        broken(NO_TAGS, at(start, end - start), `Put the whole text in quotes: ${inQuotes(text.slice(start, end))}.`),
      ),
    )
  const bomb = text.includes('*') ? excessive(document) : undefined
  if (bomb) {
    const summary = `the aliases of this file expand to more than ${MOST_VALUES} values`
    return failed([
      broken(summary, at(bomb[0], bomb[1] - bomb[0]), 'Aliases inside aliases multiply. Use fewer of them.'),
    ])
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: -1 })
    const find = (path: Path, on: 'key' | 'value' = 'value'): Node | undefined => nodeAt(document, path, on)
    return {
      ...{ file, text, value, errors, at, snippet },
      position(path, on) {
        const node = find(path, on)
        const [start, end] = node?.range ?? [0, 1]
        const firstLine = text.indexOf('\n', start)
        return at(start, Math.min(end, firstLine < 0 ? end : firstLine) - start)
      },
      offset: (path) => {
        const node = find(path)
        return isScalar(node) ? node.range?.[0] : undefined
      },
      spelling: (path) => {
        const node = find(path)
        return isScalar(node) ? node.source : undefined
      },
    }
  } catch (error) {
    const { message } = error as Error
    if (message.startsWith('Maximum call stack')) return failed([broken('the file is nested too deeply', at(0))])
    const [start, end] = culprit(document) ?? [0, 1]
    const found = text.slice(start, end)
    return failed([
      found.startsWith('*')
        ? broken(
            `there is no anchor &${found.slice(1)} above`,
            at(start, end - start),
            `In YAML a * begins an alias. Put it in quotes if it is text: "${found}".`,
          )
        : broken(
            '<< merges a map, and this is not a map',
            at(start, end - start),
            'Write <<: *NAME, with an anchor &NAME at a map above.',
          ),
    ])
  }
}

/** The range of the first alias without an anchor, or of the first merge key without a map. */
function culprit(document: Document): readonly [start: number, end: number] | undefined {
  let range: readonly [number, number] | undefined
  const found = (node: unknown): symbol => {
    range = isNode(node) && node.range ? [node.range[0], node.range[1]] : undefined
    return visit.BREAK
  }
  visit(document, {
    Alias: (_, alias) => (alias.resolve(document) ? undefined : found(alias)),
    Pair: (_, { key, value }) =>
      isScalar(key) && isMerge(key) && (isScalar(value) || value === null) ? found(value ?? key) : undefined,
  })
  return range
}

/** The range of the alias with which the values that aliases stand for become too many. */
function excessive(document: Document): readonly [start: number, end: number] | undefined {
  let total = 0
  let excess: readonly [number, number] | undefined
  const anchors = new Map<string, number>()
  const sizeOf = (node: unknown): number => {
    if (isAlias(node)) {
      const size = anchors.get(node.source) ?? 1
      total += size
      if (total > MOST_VALUES && node.range) excess ??= [node.range[0], node.range[1]]
      return size
    }
    if (isPair(node)) return sizeOf(node.value)
    let size = 1
    if (isCollection(node)) for (const item of node.items) size += sizeOf(item)
    if (isNode(node) && 'anchor' in node && node.anchor) anchors.set(node.anchor, size)
    return size
  }
  sizeOf(document.contents)
  return excess
}

/** The ranges of texts that contain a NUL, which neither paths nor arguments can contain. */
function nulsIn(document: Document): (readonly [start: number, end: number])[] {
  const ranges: (readonly [number, number])[] = []
  visit(document, {
    Scalar(_, { value, range }) {
      if (typeof value === 'string' && value.includes('\0') && range) ranges.push([range[0], range[1]])
    },
  })
  return ranges
}

/** The ranges of values with a tag that means nothing to the parser, which would drop it: `! -i lo`. */
function tagsIn(document: Document, text: string): (readonly [start: number, end: number])[] {
  const ranges: (readonly [number, number])[] = []
  visit(document, {
    Node(_, node) {
      if ('tag' in node && node.tag !== undefined && node.range)
        ranges.push([Math.max(0, text.lastIndexOf('!', node.range[0])), node.range[1]])
    },
  })
  return ranges
}

/** Keys → pairs of a map, made once: files with a thousand namespaces are asked for every one of them. */
const indexes = new WeakMap<YAMLMap, Map<string, Pair>>()
function pairOf(map: YAMLMap, key: string): Pair | undefined {
  let index = indexes.get(map)
  if (!index) indexes.set(map, (index = new Map(map.items.map((pair) => [keyOf(pair), pair]))))
  return index.get(key)
}
const keyOf = (pair: Pair): string => (isScalar(pair.key) ? String(pair.key.value) : String(pair.key))

/** The node at a path; where the path leaves the file, the last node on the way. */
function nodeAt(document: Document, path: Path, on: 'key' | 'value'): Node | undefined {
  let node = document.contents as Node | undefined
  for (const [i, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = pairOf(node, String(step))
      if (!pair) return node
      const last = i === path.length - 1
      const next = (last && on === 'key' ? pair.key : (pair.value ?? pair.key)) as Node | undefined
      node = next ?? node
    } else if (node && 'items' in node && typeof step === 'number') {
      node = (node.items[step] as Node | undefined) ?? node
    } else return node
  }
  return node
}
