import type { Diagnostic } from '../model/diagnostic.ts'
import { evaluate, type Variables } from './arithmetic.ts'
import { FREE, idOf, NAMES, RANGE, rangesIn, rangesOf, VALUE, type Range } from './range-text.ts'
import { largest, MOST_VALUES, type RangeTotals } from './range-size.ts'
import { suggest } from './report.ts'
import { NO_VARS, type Vars } from './vars.ts'
import { diagnosticAt } from './yaml/origin.ts'
import type { Path, Source } from './yaml/source.ts'

/** While ranges are written out: the value of each name, and the text that replaces each range, by its id. */
interface RangePlace {
  readonly names: Variables
  readonly ranges: ReadonlyMap<string, string>
}

/** Fields at the top whose values are taken as they are. */
const GIVEN = new Set(['vars', 'include'])
/** The most things that the ranges of a lab may make. */
const MOST = 100_000

/**
 * Writes ranges out. A range in a key of a map repeats the entry; a range in an item of a list repeats the item (in the ends of a
 * link, the link). `{i}` and arithmetic with it are replaced by numbers, and `{name}` by the value of a var. Positions of
 * generated values are those of the text that they come from. A file without ranges is returned unchanged, if there are no vars. `totals` are those of the lab's other files.
 */
export function writeOut(source: Source, vars: Vars = NO_VARS, totals: RangeTotals = { values: 0, things: 0 }): Source {
  if (source.value === undefined || (vars === NO_VARS && source.text.search(RANGE) < 0)) return source
  const errors: Diagnostic[] = []
  const large = largest(source.value, vars.numbers, totals)
  if (large) {
    const position = source.position(large.path, large.on)
    const summary = `the ranges of this lab produce more than ${MOST_VALUES} values`
    const detail = `${large.text} has too many values. Make it smaller.`
    return {
      ...source,
      value: undefined,
      errors: [
        ...source.errors,
        diagnosticAt(source, position, { code: 'bad-range', severity: 'error', summary, detail }),
      ],
    }
  }
  const missing = new Set<string>()
  const complain = (path: Path, on: 'key' | 'value', summary: string, detail: string): void => {
    // A range that is missing may be counted in many places of one namespace or link.
    const name = detail.startsWith('No range counts') ? [...path.slice(0, 2), detail].join('\0') : undefined
    if (name !== undefined && missing.has(name)) return
    if (name !== undefined) missing.add(name)
    const position = source.position(path, on)
    if (!errors.some((e) => e.position?.line === position.line && e.position.column === position.column))
      errors.push(diagnosticAt(source, position, { code: 'bad-range', severity: 'error', summary, detail }))
  }
  /** For each generated map or list: the key or index in the file of each member, and the values of the names there. */
  const origins = new WeakMap<object, Map<string | number, { written: string | number; names: Variables }>>()

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
      if (path.length === 0 && GIVEN.has(key)) {
        grown.set(key, value)
        continue
      }
      const ranges = free || path.at(-1) === 'endpoints' ? [] : rangesIn(key, at, 'key')
      for (const inner of every(ranges, place)) {
        const name = String(fill(key, at, 'key', inner, free))
        if (grown.has(name))
          complain(at, 'key', `the map already has the key ${name}`, 'A range produces the same key.')
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
      const outcome = evaluate(text, place.names, vars.numbers)
      if (outcome && 'value' in outcome) return outcome.value
      complain(first.path, first.on, `${first.text} is not a range`, reason(text, outcome, place.names, vars))
      return undefined
    }
    const [from, to] = [number(first.from), number(first.to)]
    if (from === undefined || to === undefined) return
    if (Object.hasOwn(vars.texts, name))
      return complain(
        first.path,
        first.on,
        `${name} is a variable`,
        'Choose another name for the counter of this range.',
      )
    if (Object.hasOwn(place.names, name))
      return complain(
        first.path,
        first.on,
        `another range already counts ${name} here`,
        `Choose another name than ${name}.`,
      )
    if (from > to && !/[a-z]/.test(first.from + first.to))
      return complain(first.path, first.on, `${first.text} is empty`, 'A range counts upwards.')
    const except = first.except === undefined ? undefined : number(first.except)
    // `h[01..12]` makes h01.
    const width = /^ *0[0-9]/.test(first.from) ? first.from.trim().length : 0
    for (let n = from; n <= to && totals.things <= MOST; n++) {
      if (n === except) continue
      if (++totals.things > MOST)
        complain(first.path, first.on, `the ranges of this lab produce more than ${MOST} entries`, 'Make them smaller.')
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
    let only: unknown
    const filled = text
      .replace(RANGE, (range) => {
        const counted = ranges.get(idOf(path, on, n++))
        if (counted === undefined && !free)
          complain(
            path,
            on,
            `the range ${range} has no effect here`,
            'Put a range in the key of a map or in an item of a list.',
          )
        return counted ?? String(range)
      })
      .replace(VALUE, (braces, expression: string, zero?: string, width?: string, base?: string) => {
        const whole = braces === text && base === undefined && !free
        const name = expression.trim()
        if (base === undefined && Object.hasOwn(vars.texts, name)) {
          if (whole) only = vars.values[name]
          return vars.texts[name]!
        }
        const outcome = evaluate(expression, names, vars.numbers)
        if (outcome && 'value' in outcome) {
          if (whole) only = outcome.value
          return outcome.value.toString(base === 'x' ? 16 : 10).padStart(Number(width ?? 0), zero ? '0' : ' ')
        }
        // Names with _ are those of vars.
        if (!free && !(vars === NO_VARS && expression.includes('_')))
          complain(path, on, `${braces} has no value`, reason(expression, outcome, names, vars))
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

const where = (names: Variables): string =>
  Object.entries(names)
    .map(([name, n]) => `${name} = ${n}`)
    .join(', ')

function reason(text: string, outcome: ReturnType<typeof evaluate>, names: Variables, { texts }: Vars): string {
  if (!outcome || !('unknown' in outcome)) return `"${text.trim()}" is not a calculation with whole numbers.`
  const { unknown } = outcome
  if (Object.hasOwn(texts, unknown))
    return `The variable ${unknown} is "${texts[unknown]}", which is not a whole number.`
  const known = [...Object.keys(names), ...Object.keys(texts)]
  if (Object.keys(texts).length && unknown.length > 1)
    return `There is no variable ${unknown}. ${suggest(unknown, known) ?? `There is ${known.join(', ')}.`}`
  return `No range counts ${unknown} here. ${known.length ? `There is ${known.join(', ')}.` : 'A range is written h[1..40].'}`
}
