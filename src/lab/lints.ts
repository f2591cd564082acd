import { contains, parseCidr } from '../model/cidr.ts'
import { linkId, namespaceOf, nameOf, type Resource } from '../model/resource.ts'
import type { Expansion } from './context.ts'

interface Holder {
  readonly namespace: string
  readonly link: string
  readonly resource: Resource
}

/** Warns of what is well-formed and cannot work. Everything has been expanded. */
export function lint(x: Expansion): void {
  const holders = new Map<string, Holder[]>()
  const segments = segmentsOf(x)
  for (const resource of x.resources.values()) {
    if (resource.kind !== 'address') continue
    const address = String(resource.spec['address']).split('/')[0] ?? ''
    const link = linkId(resource.namespace, String(resource.spec['dev']))
    const others = holders.get(address) ?? []
    const twin = others.find((other) => segments(other.link) === segments(link) && other.link !== link)
    if (twin && resource.source)
      warn(
        x,
        resource,
        `${address} is on this segment already: ${twin.link.replace('/', ':')} has it`,
        'Two hosts of one segment need different addresses.',
      )
    holders.set(address, [...others, { namespace: resource.namespace, link, resource }])
  }
  for (const route of x.resources.values()) if (route.kind === 'route') lintRoute(x, route, holders, segments)
  for (const link of x.resources.values()) lintMtu(x, link)
}

const warn = (x: Expansion, { source }: Resource, summary: string, detail: string): void => {
  if (source) x.report.warn(source, summary, detail)
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
    if (master !== undefined && x.resources.get(master)?.kind === 'bridge' && spec['vlan'] === undefined)
      join(id, master)
  }
  return find
}

/** A gateway that nobody has, and a router that does not forward. */
function lintRoute(
  x: Expansion,
  route: Resource,
  holders: ReadonlyMap<string, readonly Holder[]>,
  segments: (link: string) => string,
): void {
  const { via, dev, to } = route.spec as { via?: string; dev?: string; to: string }
  if (via === undefined || dev === undefined || route.root) return
  const link = linkId(route.namespace, dev)
  const gateway = holders.get(via)?.find((holder) => segments(holder.link) === segments(link))
  const abroad = [...x.resources.values()].some(
    ({ kind, id }) =>
      kind !== 'veth' &&
      kind !== 'bridge' &&
      segments(id) === segments(link) &&
      kind !== 'address' &&
      id !== link &&
      x.resources.get(id) &&
      'link' in (x.resources.get(id)?.spec ?? {}),
  )
  if (!gateway) {
    if (!abroad && !via.startsWith('fe80:'))
      warn(
        x,
        route,
        `nobody on this segment has the address ${via}`,
        `The route to ${to} leads to a gateway that the lab does not have.`,
      )
    return
  }
  const sysctl = `${gateway.namespace}/sysctl/${via.includes(':') ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward'}`
  const isRoot = x.file.namespaces[gateway.namespace]?.root
  const destination = to === 'default' || to === '::/0' ? undefined : parseCidr(to)
  const isOwn =
    destination &&
    [...holdersOf(holders, gateway.namespace)].some(
      (address) => contains({ ...destination }, address) && destination.prefix >= 32,
    )
  if (!isRoot && !isOwn && x.resources.get(sysctl)?.spec['value'] !== '1')
    warn(
      x,
      route,
      `${gateway.namespace} (${via}) does not forward`,
      `Packets to ${to} end there. Add forwarding: true to namespaces.${gateway.namespace}.`,
    )
}

function* holdersOf(holders: ReadonlyMap<string, readonly Holder[]>, namespace: string): Generator<string> {
  for (const [address, list] of holders) if (list.some((holder) => holder.namespace === namespace)) yield address
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
