import { marksIn, type FoundMark } from '../kinds/fault-marks.ts'
import { isOfRoot } from '../kinds/faulted.ts'
import { kindOf } from '../kinds/index.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Endpoint } from '../model/fault.ts'
import { isPath, type Place } from '../model/place.ts'
import type { Resource } from '../model/resource.ts'
import type { Dump, IpLink, Runner } from '../model/runner.ts'
import { withDetails } from '../observe/found.ts'

/** The network in which faults are set: the namespaces of one lab, or of several, by their names. */
export interface FaultNet {
  readonly runner: Runner
  readonly places: ReadonlyMap<string, Place>
}

/** A namespace as it is at the moment, with its faults. */
export interface Site {
  readonly name: string
  readonly place: Place
  readonly dump: Dump
  readonly marks: readonly FoundMark[]
}

/**
 * Reads namespaces: their interfaces, addresses and faults; with `depth` `all` their queues as well, which may take a program. Throws a
 * UserError when one is not of this network.
 */
export async function readSites(
  { runner, places }: FaultNet,
  names: Iterable<string>,
  depth: 'rules' | 'all' = 'rules',
): Promise<Map<string, Site>> {
  const wanted = [...new Set(names)].map((name) => {
    const place = places.get(name)
    if (!place) throw UserError.of('unknown-reference', `there is no namespace ${name} of a lab here`)
    return [name, place] as const
  })
  const paths = [...places.values()].flatMap(({ netns }) => (netns !== undefined && isPath(netns) ? [netns] : []))
  const dumps = await runner.dump(
    wanted.map(([, place]) => ({ ...place, sysctls: [], depth, ...(paths.length && { paths }) })),
  )
  const sites = new Map<string, Site>()
  for (const [i, [name, place]] of wanted.entries()) {
    const read = dumps[i]
    const dump = read && depth === 'all' ? await withDetails(read, place, runner) : read
    if (dump) sites.set(name, { name, place, dump, marks: marksIn(dump.nftables) })
  }
  return sites
}

/** The interface. Throws a UserError when there is none of this name, or it is `lo`. */
export function linkAt(sites: ReadonlyMap<string, Site>, { namespace, device }: Endpoint): IpLink {
  const links = sites.get(namespace)?.dump.links ?? []
  const found = links.find(({ ifname }) => ifname === device)
  if (found && !found.flags.includes('LOOPBACK')) return found
  const names = links.flatMap(({ ifname, flags }) => (flags.includes('LOOPBACK') ? [] : [ifname]))
  throw UserError.of(
    'unknown-reference',
    found ? `${namespace}:${device} is no cable` : `${namespace} has no interface ${device}`,
    names.length ? `It has: ${names.join(' ')}` : 'It has none but lo.',
  )
}

/** The namespace in which the other end of a cable is; undefined when it is no cable, or its other end is not in this network. */
export function farSide(net: FaultNet, site: Site, link: IpLink): string | undefined {
  if (link.linkinfo?.info_kind !== 'veth') return undefined
  if (link.link_netnsid === undefined) return link.link ? site.name : undefined
  const netns = site.dump.nsids.get(link.link_netnsid)
  return [...net.places].find(([, place]) => netns !== undefined && place.netns === netns)?.[0]
}

/** The other end of a cable, once the namespace that `farSide` named has been read. */
export function farEndOf(site: Site, link: IpLink, far: Site | undefined): Endpoint | undefined {
  const end = far?.dump.links.find((other) =>
    far === site ? other.ifname === link.link : other.ifindex === link.link_index && other.link_index === link.ifindex,
  )
  return far && end && { namespace: far.name, device: end.ifname }
}

/** The root qdisc of an interface and what belongs to it, as it is at the moment. */
export const queuesOf = ({ name, dump }: Site, device: string): Resource[] =>
  ['qdisc', 'tc']
    .flatMap((kind) => kindOf(kind).read(dump, { namespace: name, lab: '' }) as Resource[])
    .filter((r) => isOfRoot(r, device))
