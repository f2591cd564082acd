import { kindOf } from '../kinds/index.ts'
import { linkId, nameOf, type Resource, type Resources } from '../model/resource.ts'
import type { IpLink } from '../model/runner.ts'
import { isLink } from '../model/topology.ts'
import type { Live } from './read.ts'

/** What `--adopt` takes over. */
export interface Adoptions {
  /** The ids of namespaces, and of interfaces, routes and rules of borrowed namespaces. */
  readonly ids: ReadonlySet<string>
  /** The ids of interfaces, routes and rules that the lab declares and cannot have → why. */
  readonly refused: ReadonlyMap<string, string>
}

/**
 * Finds what `--adopt` takes over: namespaces, and interfaces of borrowed namespaces that are of the type that the lab declares. Nothing
 * that belongs to a lab is among them, and no interface that something of others depends on: with it, `destroy` would cut the machine off
 * (a bridge with its network card), and no later apply could mend that. Routes and rules there are taken over only where they serve the
 * lab's interfaces alone.
 */
export function adoptions(
  wanted: Resources,
  { foreign, adoptable, resources, dumps }: Pick<Live, 'foreign' | 'adoptable' | 'resources' | 'dumps'>,
): Adoptions {
  const ids = new Set<string>()
  const refused = new Map<string, string>()
  const links = new Map<string, Resource>()
  for (const id of foreign.keys()) {
    const [asked, live] = [wanted.get(id), adoptable.get(id)]
    if (asked?.kind === 'namespace') ids.add(id)
    if (!live || asked?.kind !== live.kind || !isBorrowedLink(live)) continue
    const end = live.spec['peer']
    if (end === asked.spec['peer']) links.set(id, live)
    else refused.set(id, `its other end is ${typeof end === 'string' ? end.replace('/', ':') : 'out of sight'}`)
  }
  const namespaces = new Set([...links.values()].map(({ namespace }) => namespace))
  const dependants = new Map([...namespaces].map((name) => [name, dependantsIn(dumps.get(name)?.links ?? [])]))
  for (let before = -1; before !== links.size;) {
    before = links.size
    for (const [id, { namespace }] of links) {
      const others = dependants.get(namespace)?.get(nameOf(id)) ?? []
      const other = others.find(
        (name) => !links.has(linkId(namespace, name)) && !resources.has(linkId(namespace, name)),
      )
      if (other === undefined) continue
      links.delete(id)
      refused.set(id, `${other} depends on it and is not the lab’s`)
    }
  }
  for (const id of links.keys()) ids.add(id)
  const isLabs = (id: string): boolean => ids.has(id) || (resources.has(id) && resources.get(id)?.kind !== 'existing')
  for (const r of adoptable.values()) {
    if (r.unmarked === undefined || wanted.get(r.id)?.kind !== r.kind) continue
    const all = [...resources.values(), ...adoptable.values()].filter(({ namespace }) => namespace === r.namespace)
    const why = r.others ? 'it belongs to a program or to another lab' : kindOf(r.kind).bound?.(r, { isLabs, all })
    if (why === undefined) ids.add(r.id)
    else refused.set(r.id, why)
  }
  return { ids, refused }
}

/** The names of interfaces → those that are lost or cut off without them: their ports, what is on top of them, the other end of a cable. */
function dependantsIn(links: readonly IpLink[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const { ifname, master, link, link_netnsid } of links)
    for (const name of [master, link_netnsid === undefined ? link : undefined]) {
      if (!name) continue
      const list = found.get(name)
      if (list) list.push(ifname)
      else found.set(name, [ifname])
    }
  return found
}

const isBorrowedLink = (r: Resource): boolean => r.borrowed !== undefined && isLink(r)

/** What is taken over with these ids: the resources themselves, and what is in these namespaces, or on these interfaces. */
export const adoptedWith = (adoptable: Resources, ids: ReadonlySet<string>): [string, Resource][] =>
  [...adoptable].filter(([id, r]) =>
    ids.has(r.unmarked === undefined ? (r.borrowed ? interfaceOf(r) : r.namespace) : id),
  )

const interfaceOf = (r: Resource): string =>
  isLink(r) ? r.id : linkId(r.namespace, String(r.spec['dev'] ?? r.spec['port']))
