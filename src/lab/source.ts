import {
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml'
import type { Diagnostic, Position } from '../model/diagnostic.ts'

/** Where something is in a lab file: keys and indexes from the top. */
export type Path = readonly (string | number)[]

/** A lab file that was parsed, and the way from its values back to its lines. */
export interface Source {
  readonly file: string
  readonly text: string
  /** The plain value; undefined when the text is no YAML at all. */
  readonly value: unknown
  readonly errors: readonly Diagnostic[]
  /** The place of the value at the path, or of its key; of the nearest thing around it when it is not written. */
  readonly position: (path: Path, on?: 'key' | 'value') => Position
  /** The offset in the text at which the value's scalar begins; undefined when there is none. */
  readonly offset: (path: Path) => number | undefined
  /** The position of an offset. */
  readonly at: (offset: number, length?: number) => Position
  /** The lines around a position, for a diagnostic. */
  readonly snippet: (position: Position) => NonNullable<Diagnostic['snippet']>
}

/** A larger file is no lab; it would only keep people waiting. In characters. */
const LARGEST = 16 * 1024 * 1024
/** How often anchors may multiply before it is an attack. */
const MAX_ALIASES = 1000

/** Parses YAML. Never throws: what is wrong is in `errors`. */
export function parse(file: string, text: string): Source {
  const counter = new LineCounter()
  const lines = (): string[] => text.split('\n')
  const at = (offset: number, length = 1): Position => {
    const { line, col } = counter.linePos(Math.min(offset, text.length))
    return { file, line: Math.max(1, line), column: Math.max(1, col), length: Math.max(1, length) }
  }
  const snippet = (position: Position): NonNullable<Diagnostic['snippet']> => {
    const firstLine = Math.max(1, position.line - 1)
    const shown = lines().slice(firstLine - 1, position.line + 1)
    return { firstLine, lines: shown.map((line) => line.replace(/\r$/, '').slice(0, 200)) }
  }
  const failed = (errors: Diagnostic[]): Source => ({
    ...{ file, text, value: undefined, errors, at, snippet },
    position: () => at(0),
    offset: () => undefined,
  })
  const broken = (summary: string, position: Position, detail?: string): Diagnostic => ({
    severity: 'error',
    summary,
    position,
    snippet: snippet(position),
    ...(detail !== undefined && { detail }),
  })
  if (text.length > LARGEST) return failed([broken('the file is larger than 16 MiB', { file, line: 1, column: 1 })])

  const document = parseDocument(text, { lineCounter: counter, merge: true, prettyErrors: false, logLevel: 'silent' })
  const errors = document.errors.slice(0, 20).map((error) => {
    const [summary = '', ...more] = error.message.split('\n')
    return broken(summary, at(error.pos[0], error.pos[1] - error.pos[0]), more.join('\n') || undefined)
  })
  if (errors.length) return failed(errors)
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES })
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
    }
  } catch (error) {
    return failed([broken('the file cannot be read as YAML', at(0), (error as Error).message)])
  }
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
