import { evaluate, type Variables } from './arithmetic.ts'
import { FREE, isVarying, NAMES, rangesIn, rangesOf, type Range } from './range-text.ts'
import type { Path } from './yaml/source.ts'

/** The most values that the ranges of a lab may make. */
export const MOST_VALUES = 300_000

/** How many values and things the ranges of a lab have made so far, in all its files. */
export interface RangeTotals {
  values: number
  things: number
}

/**
 * The first range that makes more values than a lab may have, found by counting before anything is written out. Adds the values of this
 * file to the totals.
 */
export function largest(top: unknown, vars: Variables, totals: RangeTotals): Range | undefined {
  let found: Range | undefined
  const sizes = new WeakMap<object, number>()
  const varying = new WeakMap<object, boolean>()
  const depends = (range: Range): boolean => isVarying(range, vars)
  /** Whether it contains a range whose bounds depend on other ranges. */
  const varies = (value: unknown): boolean => {
    if (typeof value === 'string') return rangesIn(value, [], 'value').some(depends)
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
      if (totals.values + size > MOST_VALUES && ranges[0]) found ??= ranges[0]
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
    const [from, to] = [first.from, first.to].map((text) => evaluate(text, names, vars))
    if (!from || !to || !('value' in from) || !('value' in to) || from.value > to.value) return 1
    const name = first.name ?? NAMES.find((candidate) => !Object.hasOwn(names, candidate)) ?? 'i'
    const inner = (n: number): number => times(more, item, { ...names, [name]: n }, once)
    if (!more.some(depends) && !varies(item)) return (to.value - from.value + 1) * inner(from.value)
    let size = 0
    for (let n = from.value; n <= to.value && size <= MOST_VALUES; n++) size += inner(n)
    return size
  }
  totals.values += sizeOf(top, [], {}, false)
  return found
}
