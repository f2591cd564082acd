import { neighborId } from '../kinds/neighbor.ts'
import { canonicalAddress, familyOf, parseCidr } from '../model/cidr.ts'
import { linkId } from '../model/resource.ts'
import type { Expansion } from './expansion.ts'
import type { NeighborFile } from './lab-file.ts'
import { isUnclear, listNets, mustHave, netsFor, type Home, type Net } from './home.ts'
import { expandRoute } from './expand-routes.ts'
import { expandRules } from './expand-rules.ts'
import type { Path } from './yaml/source.ts'

/** Routes, rules and neighbours of every namespace. Interfaces and addresses must have been expanded. */
export function expandRouting(x: Expansion): void {
  const subnets = new Map<string, Net[]>()
  const peers = new Map<string, Net[]>()
  const devices = new Map<string, Set<string>>()
  for (const r of x.resources.values()) {
    if (r.kind === 'address') {
      const cidr = parseCidr(String(r.spec['address']))
      if (cidr) {
        const list = subnets.get(r.namespace) ?? []
        const dev = String(r.spec['dev'])
        const table = tableOf(x, r.namespace, dev)
        list.push({ dev, cidr, ...(table !== undefined && { table }) })
        subnets.set(r.namespace, list)
        const { remote } = r.spec as { remote?: string }
        if (remote !== undefined) {
          const other = { dev, cidr: { ...cidr, address: remote }, ...(table !== undefined && { table }) }
          peers.set(r.namespace, [...(peers.get(r.namespace) ?? []), other])
        }
      }
    } else if ('up' in r.spec) {
      const known = devices.get(r.namespace) ?? new Set()
      devices.set(r.namespace, known.add(r.id.slice(r.namespace.length + 1)))
    }
  }
  for (const [namespace, fields] of Object.entries(x.file.namespaces)) {
    const path = ['namespaces', namespace]
    const home: Home = {
      namespace,
      root: fields?.root === true,
      subnets: subnets.get(namespace) ?? [],
      peers: peers.get(namespace) ?? [],
      devices: devices.get(namespace) ?? new Set(),
    }
    const direct = (fields?.routes ?? []).flatMap(({ to, dev, via, nexthops }): Net[] => {
      const cidr = via === undefined && !nexthops && dev !== undefined ? parseCidr(to) : undefined
      const table = dev === undefined ? undefined : tableOf(x, namespace, dev)
      return cidr && dev !== undefined ? [{ dev, cidr, ...(table !== undefined && { table }) }] : []
    })
    const onLink = [...home.peers, ...direct]
    fields?.routes?.forEach((route, i) => expandRoute(x, home, onLink, route, [...path, 'routes', i]))
    expandRules(x, namespace, home.root ? undefined : home.devices, fields?.rules ?? [], [...path, 'rules'])
    fields?.neighbors?.forEach((n, i) => expandNeighbor(x, home, n, [...path, 'neighbors', i]))
  }
}

/** The routing table of the VRF that an interface belongs to, if it belongs to one. */
function tableOf(x: Expansion, namespace: string, dev: string): number | undefined {
  const master = x.resources.get(linkId(namespace, dev))?.spec['master']
  const vrf = typeof master === 'string' ? x.resources.get(linkId(namespace, master)) : undefined
  return vrf?.kind === 'vrf' ? Number(vrf.spec['table']) : undefined
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
