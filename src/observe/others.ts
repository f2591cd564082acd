import { linkId, type Resource, type Resources } from '../model/resource.ts'
import { isLink, topologyOf } from '../model/topology.ts'
import type { Live } from './read.ts'

/**
 * Divides the live resources between the lab and others. What the lab lists is compared, no matter who created it. The
 * rest of what belongs to others, by its marks or because the lab says `others: keep` there, goes into `others`.
 */
export function withListed<L extends Pick<Live, 'resources' | 'others'>>(live: L, wanted: Resources): L {
  const claimed = [...live.others.values()].filter(({ id }) => wanted.has(id))
  const kept = keptIn(live.resources, wanted)
  const lasting = [...live.others].filter(([, { passing }]) => !passing)
  if (claimed.length + kept.length === 0) return { ...live, others: new Map(lasting) }
  const others = new Map([...lasting, ...kept.map((r) => [r.id, { ...r, others: true as const }] as const)])
  for (const { id } of claimed) others.delete(id)
  const gone = new Set(kept.map(({ id }) => id))
  const mine = [...live.resources.values(), ...claimed].filter(({ id }) => !gone.has(id))
  const ids = new Set(mine.map(({ id }) => id))
  const resources = new Map(mine.map((r) => [r.id, withoutOthers(r, ids)]))
  return { ...live, resources, others }
}

/** The live resources that the lab does not list, in namespaces and on interfaces with `others: keep`. */
function keptIn(live: Resources, wanted: Resources): Resource[] {
  const homes = new Set([...wanted.values()].flatMap(({ id, spec }) => (spec['others'] === 'keep' ? [id] : [])))
  if (homes.size === 0) return []
  const unlisted = [...live.values()].filter(({ id, namespace }) => !wanted.has(id) && wanted.has(namespace))
  const { links, ports, uppers } = topologyOf(new Map(unlisted.map((r) => [r.id, r])))
  const devices = new Set<string>()
  const found = [...homes].flatMap((id) => [...links(id), ...ports(id), ...uppers(id)])
  for (const { id, kind } of found) {
    if (kind === 'loopback' || devices.has(id)) continue
    devices.add(id)
    found.push(...ports(id), ...uppers(id))
  }
  const isOn = (r: Resource, names: ReadonlySet<string>): boolean =>
    namesIn(r).some((name) => names.has(linkId(r.namespace, name)))
  return unlisted.filter((r) =>
    isLink(r)
      ? devices.has(r.id)
      : KEPT.has(r.kind)
        ? homes.has(r.namespace) || isOn(r, homes) || isOn(r, devices)
        : isOn(r, devices),
  )
}

/**
 * The kinds of which others may have resources in a namespace, or on an interface, of the lab; firewalls only if the lab has none
 * of that kind in the namespace. Resources of other kinds belong to others only if their interface does.
 */
const KEPT: ReadonlySet<string> = new Set([
  'address',
  'neighbor',
  'fdb',
  'mdb',
  'tc',
  'nexthop',
  'route',
  'rule',
  'iptables',
  'ip6tables',
  'nftables',
])

/** The names of the interfaces, in its own namespace, that a resource which is not an interface refers to. */
const namesIn = ({ spec }: Resource): string[] =>
  [spec['dev'], spec['port'], spec['iif'], spec['oif']]
    .concat(((spec['nexthops'] ?? []) as { dev?: string }[]).map(({ dev }) => dev))
    .filter((name) => typeof name === 'string')

/** Drops `primary` when it names an address of others: of the lab's own addresses this one is the first in its subnet. */
function withoutOthers(r: Resource, ids: ReadonlySet<string>): Resource {
  const { primary, ...spec } = r.spec
  const first = r.kind === 'address' && typeof primary === 'string'
  return first && !ids.has(`${linkId(r.namespace, String(spec['dev']))}/${primary}`) ? { ...r, spec } : r
}
