import { neighbor, neighborId, type NeighborFile } from '../kinds/neighbor.ts'
import { parseCidr } from '../model/cidr.ts'
import { linkId, nameOf } from '../model/resource.ts'
import { topologyOf } from '../model/topology.ts'
import { labContext, type Expansion } from './expansion.ts'
import { isUnclear, listNets, mustHave, netsFor, type Home, type Net } from './subnets.ts'
import { expandNexthops } from './expand-nexthops.ts'
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
      borrowed: x.borrowed(namespace) !== undefined,
      subnets,
      peers,
      devices: new Set(links(namespace).map(({ id }) => nameOf(id))),
    }
    const direct = (fields?.routes ?? []).flatMap(({ to, dev, via, nexthops }): Net[] => {
      const cidr = via === undefined && !nexthops && dev !== undefined ? parseCidr(String(to)) : undefined
      return cidr && dev !== undefined ? [{ dev, cidr, ...tableOf(namespace, dev) }] : []
    })
    const onLink = [...home.peers, ...direct]
    expandNexthops(x, home, [...subnets, ...onLink], fields?.nexthops ?? [], [...path, 'nexthops'])
    fields?.routes?.forEach((route, i) => expandRoute(x, home, onLink, route, [...path, 'routes', i]))
    expandRules(x, namespace, home.borrowed ? undefined : home.devices, fields?.rules ?? [], [...path, 'rules'])
    fields?.neighbors?.forEach((n, i) => expandNeighbor(x, home, n, [...path, 'neighbors', i]))
  }
}

function expandNeighbor(x: Expansion, home: Home, entry: NeighborFile, path: Path): void {
  const { namespace } = home
  const deviceTo = (address: string, named: string | undefined): string | undefined => {
    if (!mustHave(x, home, named, path)) return undefined
    const nets = named === undefined ? netsFor([...home.subnets, ...home.peers], address, undefined) : []
    if (isUnclear(x, home, address, nets, [...path, 'to'])) return undefined
    const dev = named ?? nets[0]?.dev
    if (dev === undefined)
      x.report.error(
        'no-subnet',
        [...path, 'to'],
        `${address} is not in any subnet of ${namespace}`,
        `${listNets(home)} Or name the interface with dev.`,
      )
    return dev
  }
  const spec = neighbor.fromLab?.(entry, { ...labContext(x, namespace, '', path), deviceTo })
  if (spec) x.add({ id: neighborId(namespace, spec), kind: 'neighbor', namespace, spec }, path)
}
