import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml'
import { UserError, type Position } from '../model/diagnostic.ts'
import { isFields, type Fields } from '../model/fields.ts'
import type { LabPath } from '../model/kind.ts'

/** Something of a file that has no place in a lab, and why. */
export interface LeftOut {
  readonly position: Position
  /** The path in the file: `services.web.volumes`. */
  readonly what: string
  readonly why: string
}

/** A lab made from the file of another tool. */
export interface FromFile {
  readonly lab: Fields
  readonly leftOut: readonly LeftOut[]
}

/** A file of another tool that is being read. */
export interface ForeignFile {
  readonly file: string
  readonly value: Fields
  /** Reports what is left out, at its place. */
  readonly leave: (path: LabPath, why: string) => void
  readonly leftOut: readonly LeftOut[]
  /** The error at a place of the file. */
  readonly wrong: (path: LabPath, summary: string, detail?: string) => UserError
}

/** Parses a file of another tool. Throws a UserError that points at what is no YAML. */
export function foreignFile(file: string, text: string): ForeignFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, merge: true })
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const [error] = document.errors
  if (error) throw UserError.of('yaml-syntax', error.message.split('\n')[0] ?? 'no YAML', undefined, at(error.pos[0]))
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 1000 })
  } catch {
    throw UserError.of('yaml-syntax', `${file} repeats its anchors too often`)
  }
  if (!isFields(value)) throw UserError.of('wrong-shape', `${file} is not a map`, undefined, at(0))
  const leftOut: LeftOut[] = []
  const placeOf = (path: LabPath): Position => at(offsetOf(document, path))
  return {
    file,
    value,
    leftOut,
    leave: (path, why) => void leftOut.push({ position: placeOf(path), what: path.join('.'), why }),
    wrong: (path, summary, detail) => UserError.of('wrong-shape', summary, detail, placeOf(path)),
  }
}

/** Where the key, or the item, at a path is written; what is above it where it comes from an anchor. */
function offsetOf(document: Document, path: LabPath): number {
  for (let above = path; above.length; above = above.slice(0, -1)) {
    const parent = above.length > 1 ? document.getIn(above.slice(0, -1), true) : document.contents
    const last = String(above.at(-1))
    const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === last) : undefined
    const node = pair ? pair.key : document.getIn(above, true)
    const range = (node as { range?: readonly number[] | null } | undefined)?.range
    if (range) return range[0] ?? 0
  }
  return 0
}

/** The value as a list: that of a text is the text alone. */
export const asList = (value: unknown): unknown[] =>
  Array.isArray(value) ? (value as unknown[]) : value === undefined || value === null ? [] : [value]

/** A map, from a map or from a list of `NAME=VALUE`; empty for anything else. */
export const mapOf = (value: unknown, separator = '='): Fields =>
  isFields(value)
    ? value
    : Object.fromEntries(
        asList(value).map((one) => {
          const text = String(one)
          const cut = text.indexOf(separator)
          return cut < 0 ? [text, ''] : [text.slice(0, cut), text.slice(cut + 1)]
        }),
      )
