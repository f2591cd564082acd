import { tiesOf, type Tie } from '../language/expand-machines.ts'
import type { Lab } from '../language/load-lab.ts'
import { NEAR } from '../model/other-machine.ts'
import { linkId, type Resource } from '../model/resource.ts'
import { scriptTies } from './script-ties.ts'

/** Namespaces that stay together. */
interface Group {
  readonly names: string[]
  /** The machine that the file, or what is live, gives one of them. */
  place: string | undefined
  /** By group, the number of links to it. */
  readonly links: Map<Group, number>
}

/** How often the placement is improved at most. */
const ROUNDS = 20

/**
 * The machine of every namespace. Those for which the file names none are where netlab runs, or, if the lab `spreads`, over the
 * machines: where they are live already, and otherwise so that few links join two machines and all have about as many namespaces. `live` has
 * by namespace the machine on which it is.
 *
 * New groups are taken in the order in which links lead from one to the next, and each goes where most of its neighbours are,
 * less the fuller that is (linear deterministic greedy: Stanton and Kliot, Streaming Graph Partitioning, 2012). Then single groups
 * move or change places as long as that saves links.
 */
export function placesOf(lab: Lab, live: ReadonlyMap<string, string>): Record<string, string> {
  const groups = groupsOf(lab)
  const machines = lab.spreads ? [...(lab.machines?.keys() ?? [])] : []
  for (const group of groups) {
    if (machines.length === 0 && group.place === undefined) group.place = NEAR
    group.place ??= group.names.map((name) => live.get(name)).find((place) => machines.includes(place ?? ''))
  }
  if (machines.length) spread(groups, machines)
  return Object.fromEntries(groups.flatMap(({ names, place = NEAR }) => names.map((name) => [name, place])))
}

/** The groups in the order of the file, with their links. What a namespace borrows is where netlab runs unless the file says else. */
function groupsOf({ namespaces, resources, checks }: Lab): Group[] {
  const of = new Map<string, Group>()
  for (const [name, { machine, borrowed }] of namespaces) {
    const place = machine ?? (borrowed === undefined ? undefined : NEAR)
    of.set(name, { names: [name], place, links: new Map() })
  }
  const ties = [...tiesOf(resources), ...tunnelTies(resources), ...scriptTies(checks, [...namespaces.keys()])]
  for (const { namespace, other } of ties) {
    const [a, b] = [of.get(namespace), of.get(other)]
    if (!a || !b || a === b) continue
    a.names.push(...b.names)
    a.place ??= b.place
    for (const name of b.names) of.set(name, a)
  }
  for (const { kind, namespace, spec } of resources.values()) {
    const peer = kind === 'veth' ? resources.get(String(spec['peer'])) : undefined
    const [a, b] = [of.get(namespace), of.get(peer?.namespace ?? '')]
    if (a && b && a !== b) a.links.set(b, (a.links.get(b) ?? 0) + 1)
  }
  return [...new Set(of.values())]
}

/**
 * Cables to bridges with a VXLAN of the lab among their ports. In place of such a cable, a link between machines would look like
 * one more tunnel: FRR announces no stations behind it.
 */
function tunnelTies(resources: Lab['resources']): Tie[] {
  const bridgeOf = ({ namespace, spec: { master } }: Resource): string | undefined =>
    typeof master === 'string' ? linkId(namespace, master) : undefined
  const all = [...resources.values()]
  const tunneled = new Set(all.flatMap((r) => (r.kind === 'vxlan' ? (bridgeOf(r) ?? []) : [])))
  return all.flatMap((r): Tie[] => {
    const other = resources.get(String(r.spec['peer']))?.namespace
    return other !== undefined && tunneled.has(bridgeOf(r) ?? '') ? [{ namespace: r.namespace, other, id: r.id }] : []
  })
}

/** Places the groups that have no place yet. */
function spread(groups: readonly Group[], machines: readonly string[]): void {
  const movable = groups.filter(({ place }) => place === undefined)
  const sizes = new Map(machines.map((name) => [name, 0]))
  const grow = (place: string, by: number): void => void (sizes.has(place) && sizes.set(place, sizes.get(place)! + by))
  for (const { place, names } of groups) if (place !== undefined) grow(place, names.length)
  const all = groups.reduce((sum, { names }) => sum + names.length, 0)
  const room = Math.ceil(all / machines.length)
  const put = (group: Group, place: string): void => {
    if (group.place !== undefined) grow(group.place, -group.names.length)
    group.place = place
    grow(place, group.names.length)
  }
  const pull = (group: Group, place: string): number =>
    [...group.links].reduce((sum, [other, count]) => sum + (other.place === place ? count : 0), 0)
  const best = (score: (place: string) => number): string =>
    machines.reduce((best, place) => (score(place) > score(best) ? place : best))
  for (const group of inReach(movable)) {
    const fits = (place: string): boolean => sizes.get(place)! + group.names.length <= room
    const left = (place: string): number => 1 - sizes.get(place)! / room
    put(
      group,
      best((place) => (fits(place) ? pull(group, place) * left(place) + left(place) / 1000 : left(place) - 1000)),
    )
  }
  for (let round = 0; round < ROUNDS && improve(movable, { machines, sizes, room, pull, put }); round++);
}

interface Moves {
  readonly machines: readonly string[]
  readonly sizes: ReadonlyMap<string, number>
  readonly room: number
  readonly pull: (group: Group, place: string) => number
  readonly put: (group: Group, place: string) => void
}

/** Moves groups, or lets two change places, where that saves links; whether any did. */
function improve(movable: readonly Group[], { machines, sizes, room, pull, put }: Moves): boolean {
  let any = false
  for (const group of movable)
    for (const place of machines) {
      const from = group.place!
      const gain = pull(group, place) - pull(group, from)
      if (place === from || gain <= 0) continue
      const fits = sizes.get(place)! + group.names.length <= room
      const partner = fits
        ? undefined
        : movable.find(
            (other) =>
              other.place === place &&
              other.names.length === group.names.length &&
              gain + pull(other, from) - pull(other, place) - 2 * (group.links.get(other) ?? 0) > 0,
          )
      if (!fits && !partner) continue
      put(group, place)
      if (partner) put(partner, from)
      any = true
    }
  return any
}

/** The groups, each after one to which it has a link, as far as there is one. */
function inReach(groups: readonly Group[]): Set<Group> {
  const wanted = new Set(groups)
  const seen = new Set<Group>()
  for (const start of groups) {
    if (seen.has(start)) continue
    const near = new Set([start])
    for (const group of near) for (const other of group.links.keys()) if (wanted.has(other)) near.add(other)
    for (const group of near) seen.add(group)
  }
  return seen
}
