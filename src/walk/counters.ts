import { readFileSync } from 'node:fs'

/** The counter of neighbours for which the kernel of the machine had no room, beside those of a namespace. */
export const NEIGHBORS_REFUSED = 'Neighbors.TableFulls'

/** The counters in /proc/net/snmp, snmp6 and netstat of the namespace that the thread is in: `Ip.InNoRoutes` → packets. */
export function readCounters(): Map<string, number> {
  const result = new Map<string, number>()
  for (const file of ['snmp', 'netstat'] as const) {
    const lines = readFileSync(`/proc/thread-self/net/${file}`, 'utf8').split('\n')
    for (let i = 0; i + 1 < lines.length; i += 2) {
      const [group = '', ...names] = (lines[i] ?? '').split(' ')
      const values = (lines[i + 1] ?? '').split(' ').slice(1)
      names.forEach((name, at) => result.set(`${group.replace(':', '.')}${name}`, Number(values[at])))
    }
  }
  try {
    for (const line of readFileSync('/proc/thread-self/net/snmp6', 'utf8').split('\n')) {
      const [name = '', value] = line.split(/\s+/)
      if (value !== undefined) result.set(name, Number(value))
    }
  } catch {
    return result // a kernel without IPv6
  }
  return result
}

/** What has grown, and by how much. */
export function grownCounters(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Map<string, number> {
  return new Map(
    [...after].flatMap(([name, value]) => {
      const more = value - (before.get(name) ?? 0)
      return more > 0 ? [[name, more] as const] : []
    }),
  )
}
