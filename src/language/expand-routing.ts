import { neighborId } from '../kinds/neighbor.ts'
import { canonicalAddress, familyOf, parseCidr } from '../model/cidr.ts'
import { linkId, nameOf } from '../model/resource.ts'
import { topologyOf } from '../model/topology.ts'
import type { Expansion } from './expansion.ts'
import type { NeighborFile } from './lab-file.ts'
import { isUnclear, listNets, mustHave, netsFor, type Home, type Net } from './home.ts'
import { expandRoute } from './expand-routes.ts'
import { expandRules } from './expand-rules.ts'
import type { Path } from './yaml/source.ts'

/** Routes, rules and neighbours of every namespace. Interfaces and addresses must have been expanded. */
export function expandRouting(x: Expansion): void {
  const { within, links, master } = topologyOf(x.resources)
  /** The routing table of the VRF that an interface belongs to, if it belongs to one. */
  const tableOf = (namespace: string, dev: string): { table?: number } => {
    const vrf = master(linkId(namespace, dev))
    return vrf?.kind === 'vrf' ? { table: Number(vrf.spec['table']) } : {}
  }
  for (const [namespace, fields] of Object.entries(x.file.namespaces)) {
    const path = ['namespaces', namespace]
    const subnets: Net[] = []
    const peers: Net[] = []
    for (const { kind, spec } of within(namespace)) {
      const cidr = kind === 'address' ? parseCidr(String(spec['address'])) : undefined
      if (!cidr) continue
      const net = { dev: String(spec['dev']), cidr, ...tableOf(namespace, String(spec['dev'])) }
      subnets.push(net)
      const { remote } = spec
      if (typeof remote === 'string') peers.push({ ...net, cidr: { ...cidr, address: remote } })
    }
    const home: Home = {
      namespace,
      root: fields?.root === true,
      subnets,
      peers,
      devices: new Set(links(namespace).map(({ id }) => nameOf(id))),
    }
    const direct = (fields?.routes ?? []).flatMap(({ to, dev, via, nexthops }): Net[] => {
      const cidr = via === undefined && !nexthops && dev !== undefined ? parseCidr(to) : undefined
      return cidr && dev !== undefined ? [{ dev, cidr, ...tableOf(namespace, dev) }] : []
    })
    const onLink = [...home.peers, ...direct]
    fields?.routes?.forEach((route, i) => expandRoute(x, home, onLink, route, [...path, 'routes', i]))
    expandRules(x, namespace, home.root ? undefined : home.devices, fields?.rules ?? [], [...path, 'rules'])
    fields?.neighbors?.forEach((n, i) => expandNeighbor(x, home, n, [...path, 'neighbors', i]))
  }
}

function expandNeighbor(x: Expansion, home: Home, n: NeighborFile, path: Path): void {
  const to = canonicalAddress(n.to)
  const lladdr = n.lladdr?.toLowerCase()
  if (to === undefined) return x.report.error([...path, 'to'], `"${n.to}" is no address`)
  if (n.proxy && (lladdr !== undefined || n.router))
    return x.report.error(path, 'a proxy entry has neither lladdr nor router', 'The interface’s own address is told.')
  if (!n.proxy && lladdr === undefined)
    return x.report.error(path, `the neighbour ${n.to} needs lladdr, its MAC address`, 'Or proxy: true.')
  if (lladdr !== undefined && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(lladdr))
    return x.report.error(
      [...path, 'lladdr'],
      `"${n.lladdr}" is no MAC address`,
      'Six pairs of hexadecimal digits: 02:00:00:00:00:01.',
    )
  if (!mustHave(x, home, n.dev, path)) return
  const nets = n.dev === undefined ? netsFor([...home.subnets, ...home.peers], to, undefined) : []
  if (isUnclear(x, home, to, nets, [...path, 'to'])) return
  const dev = n.dev ?? nets[0]?.dev
  if (dev === undefined)
    return x.report.error(
      [...path, 'to'],
      `${n.to} is on no subnet of ${home.namespace}`,
      `${listNets(home)} Or say the interface with dev.`,
    )
  const spec = {
    to,
    dev,
    family: familyOf(to),
    ...(lladdr !== undefined && { lladdr }),
    ...(n.proxy && { proxy: true as const }),
    ...(n.router && { router: true as const }),
  }
  x.add({ id: neighborId(home.namespace, spec), kind: 'neighbor', namespace: home.namespace, spec }, path)
}
