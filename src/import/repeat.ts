import type { LabFile } from '../language/lab-file.ts'
import { isFields } from '../model/fields.ts'
import { seriesIn } from './series.ts'
import type { ShortForm } from './shorten.ts'

type Map = Record<string, unknown>

/** Namespaces whose names and numbers follow one another are one entry with a range, and so are links. */
export const repeatedNamespaces: ShortForm = (file, stays) => {
  const all = Object.entries(file.namespaces)
  return {
    ...file,
    namespaces: Object.fromEntries(folded(all, ([name]) => !stays(name))),
  }
}

/** The same of links. A link that ends in an interface which `stays` is written by itself. */
export const repeatedLinks: ShortForm = (file, stays) => {
  const isFree = ({ endpoints }: NonNullable<LabFile['links']>[number]): boolean => {
    const ends = Array.isArray(endpoints) ? (endpoints as string[]) : Object.keys(endpoints)
    return !ends.some((end) => stays(end.replace(':', '/')))
  }
  return { ...file, ...(file.links && { links: folded(file.links, isFree) }) }
}

/** The same within a namespace that is written by itself: interfaces, routes, neighbours, rules of firewalls. */
export const repeatedEntries: ShortForm = (file, stays) => ({
  ...file,
  namespaces: Object.fromEntries(
    Object.entries(file.namespaces).map(([name, fields]) => [
      name,
      fields === null || name.includes('[') || stays(name) ? fields : inNamespace(fields as Map),
    ]),
  ),
})

function inNamespace(fields: Map): Map {
  const result = { ...fields }
  for (const part of ['interfaces', 'bridges', 'sysctls'])
    if (isFields(fields[part])) result[part] = Object.fromEntries(folded(Object.entries(fields[part]), () => true))
  for (const part of ['routes', 'neighbors'])
    if (Array.isArray(fields[part])) result[part] = folded(fields[part] as unknown[], () => true)
  for (const part of ['iptables', 'ip6tables']) if (isFields(fields[part])) result[part] = inTables(fields[part])
  return result
}

/** Rules in the chains of tables: their order counts. */
const inTables = (value: unknown): unknown =>
  Array.isArray(value)
    ? folded(value, () => true, true)
    : isFields(value)
      ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, inTables(inner)]))
      : value

/** The entries, with those of a series as one, in the place of the first of them. */
function folded<T>(entries: readonly T[], isFree: (entry: T) => boolean, isOrdered = false): T[] {
  const places = entries.flatMap((entry, n) => (isFree(entry) ? [n] : []))
  const free = places.map((n) => entries[n])
  const gone = new Set<number>()
  const instead = new globalThis.Map<number, T>()
  for (const { members, entry } of seriesIn(free, isOrdered)) {
    const at = members.map((n) => places[n] ?? 0)
    for (const n of at) gone.add(n)
    instead.set(Math.min(...at), entry as T)
  }
  return entries.flatMap((entry, n) => {
    const series = instead.get(n)
    return series !== undefined ? [series] : gone.has(n) ? [] : [entry]
  })
}
