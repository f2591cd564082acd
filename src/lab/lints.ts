import { linkId, namespaceOf, nameOf, type Resource } from '../model/resource.ts'
import type { Expansion } from './context.ts'

interface Holder {
  readonly namespace: string
  readonly link: string
}

/** Who has which address, and who hears whom. */
interface Wiring {
  readonly holders: ReadonlyMap<string, readonly Holder[]>
  /** A name of the segment that a link is on. */
  readonly segment: (link: string) => string
  /** Segments that lead on to where this cannot see: through lower devices, tunnels, programs. */
  readonly open: ReadonlySet<string>
}

/** Interfaces that lead nowhere but where the lab says. */
const closed = new Set(['veth', 'bridge', 'loopback'])

/** Warns of what is well-formed and cannot work. Everything has been expanded. */
export function lint(x: Expansion): void {
  const holders = new Map<string, Holder[]>()
  const segment = segmentsOf(x)
  const open = new Set<string>()
  // Where a bridge looks at tags, what is one segment here may be several, which may have the same addresses.
  const tagged = new Set(
    [...x.resources.values()].flatMap(({ id, kind, spec }) =>
      kind === 'bridge' && spec['vlan_filtering'] === true ? [segment(id)] : [],
    ),
  )
  for (const resource of x.resources.values()) {
    if (resource.kind !== 'address') {
      if ('up' in resource.spec && !closed.has(resource.kind)) open.add(segment(resource.id))
      if (typeof resource.spec['link'] === 'string') open.add(segment(resource.spec['link']))
      continue
    }
    const address = String(resource.spec['address']).split('/')[0] ?? ''
    const link = linkId(resource.namespace, String(resource.spec['dev']))
    const others = holders.get(address) ?? []
    const twin = others.find((other) => segment(other.link) === segment(link) && other.link !== link)
    if (twin && !tagged.has(segment(link)))
      warn(
        x,
        resource,
        `${address} is on this segment already: ${twin.link.replace('/', ':')} has it`,
        'Two hosts of one segment need different addresses.',
      )
    others.push({ namespace: resource.namespace, link })
    holders.set(address, others)
  }
  const wiring = { holders, segment, open }
  for (const resource of x.resources.values()) {
    if (resource.kind === 'route') lintRoute(x, resource, wiring)
    else if (resource.kind === 'veth') lintMtu(x, resource)
  }
}

const warn = (x: Expansion, { source }: Resource, summary: string, detail: string): void => {
  if (source) x.report.warn(source(), summary, detail)
}

/** Which links hear each other: cables and bridges joined to segments. Returns a name of the segment of a link. */
function segmentsOf(x: Expansion): (link: string) => string {
  const parent = new Map<string, string>()
  const find = (id: string): string => {
    const up = parent.get(id)
    if (up === undefined || up === id) return id
    const top = find(up)
    parent.set(id, top)
    return top
  }
  const join = (a: string, b: string): void => void parent.set(find(a), find(b))
  for (const { id, namespace, spec } of x.resources.values()) {
    if (typeof spec['peer'] === 'string') join(id, spec['peer'])
    const master = typeof spec['master'] === 'string' ? linkId(namespace, spec['master']) : undefined
    if (master !== undefined && x.resources.get(master)?.kind === 'bridge') join(id, master)
  }
  return find
}

/** A gateway that nobody has, and a router that does not forward. */
function lintRoute(x: Expansion, route: Resource, { holders, segment, open }: Wiring): void {
  const { via, dev, to } = route.spec as { via?: string; dev?: string; to: string }
  if (via === undefined || dev === undefined || route.root || via.startsWith('fe80:')) return
  const here = segment(linkId(route.namespace, dev))
  const gateway = holders.get(via)?.find(({ link }) => segment(link) === here)
  if (!gateway) {
    if (!open.has(here))
      warn(
        x,
        route,
        `nobody on this segment has the address ${via}`,
        `The route to ${to} leads to a gateway that the lab does not have.`,
      )
    return
  }
  const family = via.includes(':') ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward'
  const forwards = x.resources.get(`${gateway.namespace}/sysctl/${family}`)?.spec['value'] === '1'
  const isOwn = holders.get(to.split('/')[0] ?? '')?.some(({ namespace }) => namespace === gateway.namespace)
  if (!forwards && !isOwn && !x.file.namespaces[gateway.namespace]?.root)
    warn(
      x,
      route,
      `${gateway.namespace} (${via}) does not forward`,
      `Packets to ${to} end there. Add forwarding: true to namespaces.${gateway.namespace}.`,
    )
}

/** The two ends of a cable that disagree on the largest packet lose large ones without a word. */
function lintMtu(x: Expansion, link: Resource): void {
  const peer = typeof link.spec['peer'] === 'string' ? x.resources.get(link.spec['peer']) : undefined
  if (!peer || link.id > peer.id || link.spec['mtu'] === peer.spec['mtu']) return
  warn(
    x,
    link,
    `the ends of this cable have different MTUs: ${String(link.spec['mtu'])} here, ${String(peer.spec['mtu'])} at ${namespaceOf(peer.id)}:${nameOf(peer.id)}`,
    'Larger packets are dropped by the end that takes less. Give the link one mtu.',
  )
}
