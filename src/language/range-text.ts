import type { Variables } from './arithmetic.ts'
import type { Path } from './yaml/source.ts'

/** One range as it is written, such as `[1..40]`, `[s=1..4]` or `[1..40 != i]`. */
export interface Range {
  readonly text: string
  readonly path: Path
  readonly on: 'key' | 'value'
  /** Unique: path, key or value, and the number of the range in that text. */
  readonly id: string
  readonly name: string | undefined
  readonly from: string
  readonly to: string
  readonly except: string | undefined
}

/** `[1..40]`, `[s=1..4]`, `[1..40 != i]`. */
export const RANGE = /\[(?:([a-z]+)\s*=)?([a-z0-9_+\-*/%() ]+)\.\.([a-z0-9_+\-*/%() ]+)(?:!=([a-z0-9_+\-*/%() ]+))?\]/g
/** `{i+1}`, and in another form `{i:02x}`; `${i}` is a shell's. */
export const VALUE = /(?<!\$)\{([a-z0-9_+\-*/%() ]*[a-z][a-z0-9_+\-*/%() ]*)(?::(?:(0?)([1-9][0-9]?))?([dx]))?\}/g
/** Fields with free text or another language: `{i}` is replaced in them, and `[1..3]` is not a range. */
export const FREE = new Set([
  'name',
  'description',
  'run',
  'command',
  'env',
  'expect',
  'nftables',
  'comment',
  'content',
])

/** The names that ranges without one count. */
export const NAMES = ['i', 'j', 'k', 'l', 'm', 'n']

/** The names in an expression. */
export const countedNames = (expression: string): string[] => expression.match(/[a-z][a-z0-9_]*/g) ?? []

/** Whether the numbers of a range depend on those of a range around it. */
export const isVarying = ({ from, to }: Range, vars: Variables): boolean =>
  countedNames(`${from} ${to}`).some((name) => !Object.hasOwn(vars, name))

/** The id of a range. */
export const idOf = (path: Path, on: 'key' | 'value', n: number): string => [...path, on, n].join('\0')

/** The ranges in a text. */
export const rangesIn = (text: string, path: Path, on: 'key' | 'value'): Range[] =>
  text.includes('..')
    ? [...text.matchAll(RANGE)].map(([range, name, from = '', to = '', except], n) => ({
        ...{ text: range, path, on, id: idOf(path, on, n), name, from, to, except },
      }))
    : []

/** The ranges that repeat an item of a list: all within it, except those that repeat an item of a list in it. */
export function rangesOf(item: unknown, path: Path): Range[] {
  if (typeof item === 'string') return rangesIn(item, path, 'value')
  const ends = path.at(-1) === 'endpoints'
  if (Array.isArray(item)) return ends ? item.flatMap((one, n) => rangesOf(one, [...path, n])) : []
  if (item === null || typeof item !== 'object') return []
  return Object.entries(item).flatMap(([key, value]) =>
    FREE.has(key) ? [] : [...(ends ? rangesIn(key, [...path, key], 'key') : []), ...rangesOf(value, [...path, key])],
  )
}
