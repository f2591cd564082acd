import type { Pair } from '../model/reach-pair.ts'

/** Namespaces that reach, and are reached by, the same others. */
export interface ReachGroup {
  readonly members: readonly string[]
}

/** Who reaches whom, by ping, between groups. */
export interface ReachTable {
  readonly rows: readonly ReachGroup[]
  readonly columns: readonly ReachGroup[]
  /** For a row and a column: whether it was reached; undefined: nothing was asked, as between a namespace and itself. */
  readonly cell: (row: number, column: number) => boolean | undefined
}

/** The table of these pairs; with `full`, each namespace has a row and a column of its own. */
export function reachTable(pairs: readonly Pair[], full: boolean): ReachTable {
  const pings = pairs.filter(({ protocol }) => protocol === 'icmp')
  const names = [...new Set(pings.flatMap(({ from, to }) => [from, to]))]
  const number = new Map(names.map((name, i) => [name, i]))
  const count = names.length
  const cells = new Int8Array(count * count).fill(-1)
  for (const { from, to, reached } of pings) cells[number.get(from)! * count + number.get(to)!] = reached ? 1 : 0
  const at = (from: number, to: number): number => cells[from * count + to]!

  /** Whether two namespaces are alike for all others, and for each other. */
  function alike(a: number, b: number): boolean {
    if (at(a, b) !== at(b, a)) return false
    for (let other = 0; other < count; other++)
      if (other !== a && other !== b && (at(a, other) !== at(b, other) || at(other, a) !== at(other, b))) return false
    return true
  }

  const groups: number[][] = []
  for (let name = 0; name < count; name++) {
    const group = full
      ? undefined
      : groups.find(
          ([first, second]) => alike(first!, name) && (second === undefined || at(first!, second) === at(first!, name)),
        )
    if (group) group.push(name)
    else groups.push([name])
  }
  const asks = (group: readonly number[]): boolean => names.some((_, to) => at(group[0]!, to) >= 0)
  const isAsked = (group: readonly number[]): boolean => names.some((_, from) => at(from, group[0]!) >= 0)
  const rows = groups.filter(asks)
  const columns = groups.filter(isAsked)
  const shown = (group: readonly number[]): ReachGroup => ({ members: group.map((i) => names[i]!) })
  return {
    rows: rows.map(shown),
    columns: columns.map(shown),
    cell(row, column) {
      const [from, to] = [rows[row]!, columns[column]!]
      const value = from === to ? (from.length > 1 ? at(from[0]!, from[1]!) : -1) : at(from[0]!, to[0]!)
      return value < 0 ? undefined : value === 1
    },
  }
}

/** A service, and who reaches it. */
export interface ReachedService {
  readonly name: string
  readonly by: readonly string[]
  readonly notBy: readonly string[]
}

/** The services of these pairs, in their order. */
export function reachedServices(pairs: readonly Pair[]): ReachedService[] {
  const found = new Map<string, { name: string; by: string[]; notBy: string[] }>()
  for (const { from, to, protocol, port, reached } of pairs) {
    if (port === undefined) continue
    const name = `${to}:${port}/${protocol}`
    const one = found.get(name) ?? { name, by: [], notBy: [] }
    found.set(name, one)
    ;(reached ? one.by : one.notBy).push(from)
  }
  return [...found.values()]
}

/** Why pairs were not reached: each reason, with its pairs. */
export function reasonsOf(pairs: readonly Pair[]): Map<string, Pair[]> {
  const found = new Map<string, Pair[]>()
  for (const pair of pairs) {
    if (pair.reached) continue
    const reason = pair.reason ?? ''
    const list = found.get(reason)
    if (list) list.push(pair)
    else found.set(reason, [pair])
  }
  return found
}
