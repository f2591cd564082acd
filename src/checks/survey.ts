import type { Live } from '../observe/read.ts'
import { liveNames, namesIn, toldTo, type Addressed } from '../model/names.ts'
import { nameOf, namespaceOf, type Resources } from '../model/resource.ts'
import { parseCidr, type Cidr } from '../model/cidr.ts'
import type { Dump, IpRoute } from '../model/runner.ts'
import type { LabIndex, NamespaceIndex } from './lab-index.ts'

/** What the lab file says, as far as it matters here. */
interface Surveyed {
  readonly name: string
  readonly folder: string
  readonly resources: Resources
  readonly namespaces: ReadonlyMap<string, { readonly root?: true; readonly shares?: string }>
}

/**
 * What the live network of a lab looks like to the checks. The lab file says what its names mean, so that a check means the
 * same before and after something was changed by hand; a name without an address there means the live one.
 */
export function survey({ name: lab, folder, resources: desired, namespaces }: Surveyed, live: Live): LabIndex {
  const { resources, others, dumps } = live
  const owners = new Map<string, string>()
  const holders = new Map<string, string>()
  const down = new Set<string>()
  for (const { kind, namespace, spec } of [...desired.values(), ...resources.values(), ...others.values()])
    if (kind === 'address')
      holders.set(String(spec['address']).replace(/\/.*/, ''), `${namespace}:${String(spec['dev'])}`)
  const peers = new Map<string, Map<string, string>>()
  const addresses: Addressed[] = []
  const shares = new Map<string, string>()
  for (const { id, kind, namespace, spec } of [...resources.values(), ...others.values()]) {
    if (spec['up'] === false) down.add(`${namespace}:${nameOf(id)}`)
    if (kind === 'share') shares.set(id, String(spec['of']))
    if (kind === 'address') {
      const address = String(spec['address']).replace(/\/.*/, '')
      owners.set(address, namespace)
      addresses.push({ namespace, dev: String(spec['dev']), address })
    }
    if (typeof spec['peer'] === 'string') {
      const ends = peers.get(namespace) ?? new Map<string, string>()
      ends.set(nameOf(id), `${namespaceOf(spec['peer'])}:${nameOf(spec['peer'])}`)
      peers.set(namespace, ends)
    }
  }
  const places = new Map<string, string | undefined>()
  for (const [name, { root }] of namespaces) {
    const kind = resources.get(name)?.kind
    if (root) places.set(name, undefined)
    else if (kind === 'share' || (kind === 'namespace' && !resources.get(name)?.spec['stale'])) places.set(name, name)
  }
  const nodes = new Map<string, NamespaceIndex>()
  for (const [name, dump] of dumps)
    if (places.has(name)) nodes.set(name, nodeOf(dump, peers.get(name) ?? new Map<string, string>()))
  const told = (namespace: string): string[] => toldTo(lab, namespace, folder)
  const said = namesIn(desired)
  const names = new Map([...liveNames(said, addresses, shares), ...said])
  return { told, names, places, owners, holders, down, nodes }
}

function nodeOf(dump: Dump, peers: ReadonlyMap<string, string>): NamespaceIndex {
  const forwards = (key: string): boolean => dump.sysctls.get(key)?.trim() !== '0'
  return {
    interfaces: new Map(dump.links.map(({ ifindex, ifname }) => [ifindex, ifname])),
    peers,
    carriers: new Set(
      dump.links.flatMap(({ ifname, master, link }) => [...(master ? [ifname] : []), ...(link ? [link] : [])]),
    ),
    routes: dump.routes.flatMap(networkOf),
    forwards: { 4: forwards('net.ipv4.ip_forward'), 6: forwards('net.ipv6.conf.all.forwarding') },
    firewall: { 4: dump.iptables, 6: dump.ip6tables },
  }
}

/** Where a route leads; nowhere when it only refuses. Only IPv6 routes carry a preference, and their default no address. */
function networkOf({ dst, type, ...more }: IpRoute): Cidr[] {
  if (['6', '7', '8', 'blackhole', 'unreachable', 'prohibit'].includes(type ?? '')) return []
  const network = parseCidr(dst === 'default' ? ('pref' in more ? '::/0' : '0.0.0.0/0') : dst)
  return network ? [network] : []
}
