import type { Diagnostic } from '../model/diagnostic.ts'
import { evaluate, type Variables } from './arithmetic.ts'
import type { Path, Source } from './yaml/source.ts'

/** One range as it is written, such as `[1..40]`, `[s=1..4]` or `[1..40 != i]`. */
interface Range {
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

/** While ranges are written out: the value of each name, and the text that replaces each range, by its id. */
interface RangePlace {
  readonly names: Variables
  readonly ranges: ReadonlyMap<string, string>
}

const RANGE = /\[(?:([a-z]+)\s*=)?([a-z0-9+\-*/%() ]+)\.\.([a-z0-9+\-*/%() ]+)(?:!=([a-z0-9+\-*/%() ]+))?\]/g
/** `{i+1}`, and in another form `{i:02x}`; `${i}` is a shell's. */
const VALUE = /(?<!\$)\{([a-z0-9+\-*/%() ]*[a-z][a-z0-9+\-*/%() ]*)(?::(?:(0?)([1-9][0-9]?))?([dx]))?\}/g
/** Fields with free text or another language: `{i}` is replaced in them, and `[1..3]` is not a range. */
const FREE = new Set(['name', 'description', 'run', 'command', 'env', 'expect', 'nftables', 'comment'])
const NAMES = ['i', 'j', 'k', 'l', 'm', 'n']
/** The most things, and values in them, that the ranges of a file may make. */
const MOST = 100_000
const MOST_VALUES = 300_000

/**
 * Writes ranges out. A range in a key of a map repeats the entry; a range in an item of a list repeats the item (in the ends of a
 * link, the link). `{i}` and arithmetic with it are replaced by numbers. Positions of generated values are those of the text that
 * they come from. A file without ranges is returned unchanged.
 */
export function writeOut(source: Source): Source {
  if (source.value === undefined || source.text.search(RANGE) < 0) return source
  const errors: Diagnostic[] = []
  const large = largest(source.value)
  if (large) {
    const position = source.position(large.path, large.on)
    const summary = `the ranges of this file make more than ${MOST_VALUES} values`
    const detail = `${large.text} repeats what is in its reach too often. Make it smaller.`
    return {
      ...source,
      value: undefined,
      errors: [
        ...source.errors,
        { code: 'bad-range', severity: 'error', summary, detail, position, snippet: source.snippet(position) },
      ],
    }
  }
  const complain = (path: Path, on: 'key' | 'value', summary: string, detail: string): void => {
    const position = source.position(path, on)
    if (!errors.some((e) => e.position?.line === position.line && e.position.column === position.column))
      errors.push({
        code: 'bad-range',
        severity: 'error',
        summary,
        detail,
        position,
        snippet: source.snippet(position),
      })
  }
  /** For each generated map or list: the key or index in the file of each member, and the values of the names there. */
  const origins = new WeakMap<object, Map<string | number, { written: string | number; names: Variables }>>()
  let made = 0

  const grow = (value: unknown, path: Path, place: RangePlace, free: boolean): unknown => {
    if (typeof value === 'string') return fill(value, path, 'value', place, free)
    if (Array.isArray(value)) return growList(value, path, place, free)
    if (value !== null && typeof value === 'object') return growMap(value, path, place, free)
    return value
  }

  const growList = (list: readonly unknown[], path: Path, place: RangePlace, free: boolean): unknown[] => {
    const grown: unknown[] = []
    const origin = new Map<number, { written: number; names: Variables }>()
    for (const [n, item] of list.entries()) {
      const at = [...path, n]
      const ranges = free || path.at(-1) === 'endpoints' ? [] : rangesOf(item, at)
      for (const inner of every(ranges, place)) {
        origin.set(grown.length, { written: n, names: inner.names })
        grown.push(grow(item, at, inner, free))
      }
    }
    origins.set(grown, origin)
    return grown
  }

  const growMap = (map: object, path: Path, place: RangePlace, free: boolean): object => {
    const grown = new Map<string, unknown>()
    const origin = new Map<string, { written: string; names: Variables }>()
    for (const [key, value] of Object.entries(map)) {
      const at = [...path, key]
      const ranges = free || path.at(-1) === 'endpoints' ? [] : rangesIn(key, at, 'key')
      for (const inner of every(ranges, place)) {
        const name = String(fill(key, at, 'key', inner, free))
        if (grown.has(name)) complain(at, 'key', `${name} is in the map already`, 'A range makes it, too.')
        origin.set(name, { written: key, names: inner.names })
        grown.set(name, grow(value, at, inner, free || FREE.has(key)))
      }
    }
    const result = Object.fromEntries(grown)
    origins.set(result, origin)
    return result
  }

  /** The place for every combination of the ranges' numbers. */
  function* every([first, ...more]: readonly Range[], place: RangePlace): Generator<RangePlace> {
    if (!first) {
      yield place
      return
    }
    const name = first.name ?? NAMES.find((candidate) => !Object.hasOwn(place.names, candidate)) ?? 'i'
    const number = (text: string): number | undefined => {
      const outcome = evaluate(text, place.names)
      if (outcome && 'value' in outcome) return outcome.value
      complain(first.path, first.on, `${first.text} is no range`, reason(text, outcome, place.names))
      return undefined
    }
    const [from, to] = [number(first.from), number(first.to)]
    if (from === undefined || to === undefined) return
    if (Object.hasOwn(place.names, name))
      return complain(first.path, first.on, `${name} counts something else here`, `Choose another name than ${name}.`)
    if (from > to && !/[a-z]/.test(first.from + first.to))
      return complain(first.path, first.on, `${first.text} is empty`, 'Ranges count upwards.')
    const except = first.except === undefined ? undefined : number(first.except)
    // `h[01..12]` makes h01.
    const width = /^ *0[0-9]/.test(first.from) ? first.from.trim().length : 0
    for (let n = from; n <= to && made <= MOST; n++) {
      if (n === except) continue
      if (++made > MOST)
        complain(first.path, first.on, `the ranges of this file make more than ${MOST} things`, 'Make them smaller.')
      yield* every(more, {
        names: { ...place.names, [name]: n },
        ranges: new Map(place.ranges).set(first.id, String(n).padStart(width, '0')),
      })
    }
  }

  const fill = (
    text: string,
    path: Path,
    on: 'key' | 'value',
    { names, ranges }: RangePlace,
    free: boolean,
  ): unknown => {
    if (!text.includes('{') && !text.includes('..')) return text
    let n = 0
    let only: number | undefined
    const filled = text
      .replace(RANGE, (range) => {
        const counted = ranges.get(idOf(path, on, n++))
        if (counted === undefined && !free)
          complain(
            path,
            on,
            `${range} repeats nothing`,
            'A range stands in a name that is the key of a map, or in the item of a list.',
          )
        return counted ?? String(range)
      })
      .replace(VALUE, (braces, expression: string, zero?: string, width?: string, base?: string) => {
        const outcome = evaluate(expression, names)
        if (outcome && 'value' in outcome) {
          if (braces === text && base === undefined && !free) only = outcome.value
          return outcome.value.toString(base === 'x' ? 16 : 10).padStart(Number(width ?? 0), zero ? '0' : ' ')
        }
        if (!free) complain(path, on, `${braces} stands for nothing`, reason(expression, outcome, names))
        return braces
      })
    return on === 'value' ? (only ?? filled) : filled
  }

  const value = grow(source.value, [], { names: {}, ranges: new Map() }, false)

  /** The path in the file of a generated path, and the values of the names at its end. */
  const trace = (path: Path): { written: Path; names: Variables } => {
    let at: unknown = value
    let names: Variables = {}
    const written = path.map((step) => {
      const origin = origins.get(Object(at) as object)?.get(step)
      if (origin) names = origin.names
      at = (at as Record<string | number, unknown> | null | undefined)?.[step]
      return origin?.written ?? step
    })
    return { written, names }
  }
  const repeated = new Set<string>()
  return {
    ...source,
    value,
    errors: [...source.errors, ...errors],
    position(path, on) {
      const { written, names } = trace(path)
      const position = source.position(written, on)
      if (Object.keys(names).length) repeated.add(`${position.line}:${position.column}`)
      return position
    },
    // Offsets within a text that a range has changed would be wrong in the file.
    offset: (path) => (trace(path).written.join('\0') === path.join('\0') ? source.offset(path) : undefined),
    isRepeated: ({ line, column }) => repeated.has(`${line}:${column}`),
    where: (path) => where(trace(path).names) || undefined,
  }
}

/** The first range that makes more values than a file may have, found by counting before anything is written out. */
function largest(top: unknown): Range | undefined {
  let found: Range | undefined
  const sizes = new WeakMap<object, number>()
  const varying = new WeakMap<object, boolean>()
  /** Whether it contains a range whose bounds depend on other ranges. */
  const varies = (value: unknown): boolean => {
    if (typeof value === 'string') return rangesIn(value, [], 'value').some(isVarying)
    if (value === null || typeof value !== 'object') return false
    const known = varying.get(value)
    if (known !== undefined) return known
    varying.set(value, false) // ends the recursion where an alias contains itself
    const answer = Object.entries(value).some(([key, item]) => varies(key) || varies(item))
    varying.set(value, answer)
    return answer
  }
  const sizeOf = (value: unknown, path: Path, names: Variables, free: boolean): number => {
    if (value === null || typeof value !== 'object' || found) return 1
    const known = sizes.get(value)
    if (known !== undefined) return known
    if (!varies(value)) sizes.set(value, 1)
    const isEnds = free || path.at(-1) === 'endpoints'
    let size = 1
    for (const [key, item] of Object.entries(value)) {
      const at = [...path, Array.isArray(value) ? Number(key) : key]
      const ranges = isEnds ? [] : Array.isArray(value) ? rangesOf(item, at) : rangesIn(key, at, 'key')
      size += times(ranges, item, names, (inner) => sizeOf(item, at, inner, free || FREE.has(key)))
      if (size > MOST_VALUES && ranges[0]) found ??= ranges[0]
      if (found) return size
    }
    if (!varies(value)) sizes.set(value, size)
    return size
  }
  const times = (
    [first, ...more]: readonly Range[],
    item: unknown,
    names: Variables,
    once: (names: Variables) => number,
  ): number => {
    if (!first) return once(names)
    const [from, to] = [first.from, first.to].map((text) => evaluate(text, names))
    if (!from || !to || !('value' in from) || !('value' in to) || from.value > to.value) return 1
    const name = first.name ?? NAMES.find((candidate) => !Object.hasOwn(names, candidate)) ?? 'i'
    const inner = (n: number): number => times(more, item, { ...names, [name]: n }, once)
    if (!more.some(isVarying) && !varies(item)) return (to.value - from.value + 1) * inner(from.value)
    let size = 0
    for (let n = from.value; n <= to.value && size <= MOST_VALUES; n++) size += inner(n)
    return size
  }
  sizeOf(top, [], {}, false)
  return found
}

const isVarying = ({ from, to }: Range): boolean => /[a-z]/.test(from + to)

const idOf = (path: Path, on: 'key' | 'value', n: number): string => [...path, on, n].join('\0')

/** The ranges in a text. */
const rangesIn = (text: string, path: Path, on: 'key' | 'value'): Range[] =>
  text.includes('..')
    ? [...text.matchAll(RANGE)].map(([range, name, from = '', to = '', except], n) => ({
        ...{ text: range, path, on, id: idOf(path, on, n), name, from, to, except },
      }))
    : []

/** The ranges that repeat an item of a list: all within it, except those that repeat an item of a list in it. */
function rangesOf(item: unknown, path: Path): Range[] {
  if (typeof item === 'string') return rangesIn(item, path, 'value')
  const ends = path.at(-1) === 'endpoints'
  if (Array.isArray(item)) return ends ? item.flatMap((one, n) => rangesOf(one, [...path, n])) : []
  if (item === null || typeof item !== 'object') return []
  return Object.entries(item).flatMap(([key, value]) =>
    FREE.has(key) ? [] : [...(ends ? rangesIn(key, [...path, key], 'key') : []), ...rangesOf(value, [...path, key])],
  )
}

const where = (names: Variables): string =>
  Object.entries(names)
    .map(([name, n]) => `${name} = ${n}`)
    .join(', ')

const reason = (text: string, outcome: ReturnType<typeof evaluate>, names: Variables): string =>
  outcome && 'unknown' in outcome
    ? `No range counts ${outcome.unknown} here. ${Object.keys(names).length ? `There is ${Object.keys(names).join(', ')}.` : 'A range is written h[1..40].'}`
    : `"${text.trim()}" is no calculation with whole numbers.`
