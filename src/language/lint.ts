import type { Code } from '../model/diagnostic-codes.ts'
import { linkId, namespaceOf, nameOf, type Resource } from '../model/resource.ts'
import type { RouteSpec } from '../model/route-spec.ts'
import { isLink, type Topology } from '../model/topology.ts'
import type { Expansion } from './expansion.ts'

/** Types of interfaces that connect only to what the lab lists. */
const closed = new Set(['veth', 'bridge', 'loopback'])

/** Warns of what is valid and cannot work. Everything has been expanded. */
export function lint(x: Expansion, topology: Topology): void {
  const { segment, holders, ofKind } = topology
  const open = new Set<string>()
  // Where a bridge looks at tags, what is one segment here may be several, which may have the same addresses.
  const tagged = new Set(
    ofKind('bridge').flatMap(({ id, spec }) => (spec['vlan_filtering'] === true ? [segment(id)] : [])),
  )
  for (const r of x.resources.values()) {
    if (isLink(r)) {
      if (!closed.has(r.kind)) open.add(segment(r.id))
      if (r.root && r.spec.master !== undefined) open.add(segment(r.id)) // the bridge may be the machine's own
      if (r.spec.link !== undefined) open.add(segment(r.spec.link))
    } else if (r.kind === 'address') {
      const address = String(r.spec['address']).replace(/\/.*/, '')
      const link = linkId(r.namespace, String(r.spec['dev']))
      if (tagged.has(segment(link))) continue
      for (const other of holders(address)) {
        if (other.link === link) break // reported once, by the last of them
        if (segment(other.link) !== segment(link)) continue
        warn(
          x,
          r,
          'address-twice',
          `${address} is on this segment already: ${other.link.replace('/', ':')} has it`,
          'Two hosts of one segment need different addresses.',
        )
        break
      }
    }
  }
  for (const r of ofKind('route')) lintRoute(x, r, topology, open)
  for (const r of ofKind('veth')) lintMtu(x, r, topology)
}

const warn = (x: Expansion, { source }: Resource, code: Code, summary: string, detail: string): void => {
  if (source) x.report.warn(code, source(), summary, detail)
}

/** Warns of a gateway address that no interface has, and of a router that does not forward. */
function lintRoute(x: Expansion, route: Resource, { holders, segment }: Topology, open: ReadonlySet<string>): void {
  const { via, dev, to, family: of, encap } = route.spec as RouteSpec
  if (via === undefined || dev === undefined || route.root || via.startsWith('fe80:')) return
  const here = segment(linkId(route.namespace, dev))
  const gateway = holders(via).find(({ link }) => segment(link) === here)
  if (!gateway) {
    if (!open.has(here))
      warn(
        x,
        route,
        'unknown-gateway',
        `nobody on this segment has the address ${via}`,
        `The route to ${to} leads to a gateway that the lab does not have.`,
      )
    return
  }
  const family = via.includes(':') ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward'
  const forwards = x.resources.get(`${gateway.namespace}/sysctl/${family}`)?.spec['value'] === '1'
  const isOwn = holders(to.split('/')[0] ?? '').some(({ namespace }) => namespace === gateway.namespace)
  // What has a label is forwarded by the routes of MPLS.
  const labelled = of === 'mpls' || encap?.startsWith('mpls ')
  if (!forwards && !isOwn && !labelled && !x.file.namespaces[gateway.namespace]?.root)
    warn(
      x,
      route,
      'not-forwarding',
      `${gateway.namespace} (${via}) does not forward`,
      `Packets to ${to} end there. Add forwarding: true to namespaces.${gateway.namespace}.`,
    )
}

/** The two ends of a cable that disagree on the largest packet lose large ones without a word. */
function lintMtu(x: Expansion, link: Resource, topology: Topology): void {
  const peer = topology.peer(link.id)
  if (!peer || link.id > peer.id || link.spec['mtu'] === peer.spec['mtu']) return
  warn(
    x,
    link,
    'mtu-differs',
    `the ends of this cable have different MTUs: ${String(link.spec['mtu'])} here, ${String(peer.spec['mtu'])} at ${namespaceOf(peer.id)}:${nameOf(peer.id)}`,
    'Larger packets are dropped by the end that takes less. Give the link one mtu.',
  )
}
