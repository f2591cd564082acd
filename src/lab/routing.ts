import { neighborId } from '../kinds/neighbor.ts'
import { makeHop, routeId, type Hop, type RouteSpec } from '../kinds/route.ts'
import { canonicalAddress, contains, familyOf, formatCidr, parseCidr, subnetOf, type Cidr } from '../model/cidr.ts'
import { linkId } from '../model/resource.ts'
import type { Expansion } from './context.ts'
import type { HopFile, RouteFile } from './file.ts'
import { suggest } from './report.ts'
import { expandRules, tableNumber } from './rules.ts'
import type { Path } from './source.ts'

/** The subnets of a namespace, and its interfaces. */
interface Home {
  readonly namespace: string
  readonly root: boolean
  readonly subnets: readonly { readonly dev: string; readonly cidr: Cidr }[]
  readonly devices: ReadonlySet<string>
}

/** Routes, rules and neighbours of every namespace. Interfaces and addresses must have been expanded. */
export function expandRouting(x: Expansion): void {
  const subnets = new Map<string, { dev: string; cidr: Cidr }[]>()
  const devices = new Map<string, Set<string>>()
  for (const r of x.resources.values()) {
    if (r.kind === 'address') {
      const cidr = parseCidr(String(r.spec['address']))
      if (cidr) {
        const list = subnets.get(r.namespace) ?? []
        list.push({ dev: String(r.spec['dev']), cidr })
        subnets.set(r.namespace, list)
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
      devices: devices.get(namespace) ?? new Set(),
    }
    const onLink = (fields?.routes ?? []).flatMap(({ to, dev, via, nexthops }) => {
      const cidr = via === undefined && !nexthops && dev !== undefined ? parseCidr(to) : undefined
      return cidr && dev !== undefined ? [{ dev, cidr }] : []
    })
    fields?.routes?.forEach((route, i) => expandRoute(x, home, onLink, route, [...path, 'routes', i]))
    expandRules(x, namespace, home.root ? undefined : home.devices, fields?.rules ?? [], [...path, 'rules'])
    fields?.neighbors?.forEach((n, i) => expandNeighbor(x, home, n, [...path, 'neighbors', i]))
  }
}

type Nets = Home['subnets']

/** The interface whose subnet the address is in: of several the one with the longest prefix. */
const deviceFor = (nets: Nets, address: string): string | undefined =>
  nets
    .filter(({ cidr }) => contains(cidr, address))
    .reduce<Nets[number] | undefined>(
      (best, net) => (best && best.cidr.prefix >= net.cidr.prefix ? best : net),
      undefined,
    )?.dev

const listNets = ({ namespace, subnets }: Home): string =>
  subnets.length
    ? `${namespace} is in ${subnets.map(({ dev, cidr }) => `${subnetOf(cidr)} (${dev})`).join(', ')}.`
    : `${namespace} has no address.`

function mustHave(x: Expansion, home: Home, dev: string | undefined, path: Path): boolean {
  if (dev === undefined || home.devices.has(dev) || home.root) return true
  x.report.error(
    [...path, 'dev'],
    `there is no interface ${dev} in ${home.namespace}`,
    () => suggest(dev, home.devices) ?? `There are: ${[...home.devices].join(', ') || 'none'}.`,
  )
  return false
}

/** The gateway and the interface it is reached by; undefined when something is wrong with them. */
function expandHop(x: Expansion, home: Home, onLink: Nets, hop: HopFile, onlink: boolean, path: Path): Hop | undefined {
  const via = hop.via === undefined ? undefined : canonicalAddress(hop.via)
  if (hop.via !== undefined && via === undefined) {
    x.report.error([...path, 'via'], `"${hop.via}" is no address`, 'A gateway is an address without a prefix length.')
    return undefined
  }
  if (!mustHave(x, home, hop.dev, path)) return undefined
  const own = via !== undefined && home.subnets.find(({ cidr }) => cidr.address === via)
  if (own) {
    x.report.error(
      [...path, 'via'],
      `${via} is ${home.namespace}’s own address (${own.dev})`,
      'A gateway is another host: the router’s address in this subnet.',
    )
    return undefined
  }
  const nets = [...home.subnets, ...onLink]
  const near = hop.dev === undefined ? nets : nets.filter(({ dev }) => dev === hop.dev)
  const linkLocal = via?.startsWith('fe80:')
  const dev = hop.dev ?? (via === undefined || linkLocal ? undefined : deviceFor(nets, via))
  const reachable = via === undefined || linkLocal || onlink || home.root || deviceFor(near, via) !== undefined
  if (!reachable || (via !== undefined && dev === undefined && !home.root)) {
    const needs = linkLocal
      ? 'A link-local gateway needs `dev`: it is on every interface.'
      : `${listNets(home)} A gateway is reached directly, so it is in one of the namespace’s own subnets.`
    x.report.error(
      [...path, 'via'],
      `${via} is on no subnet of ${home.namespace}${hop.dev === undefined ? '' : ` on ${hop.dev}`}`,
      needs,
    )
    return undefined
  }
  return makeHop({ via, dev, weight: hop.weight, onlink: onlink && via !== undefined })
}

const DISCARD = ['blackhole', 'unreachable', 'prohibit']

function expandRoute(x: Expansion, home: Home, onLink: Nets, r: RouteFile, path: Path): void {
  const { namespace } = home
  const type = r.type === undefined || r.type === 'unicast' ? undefined : (r.type as RouteSpec['type'])
  const discards = type !== undefined && DISCARD.includes(type)
  const destination = r.to === 'default' ? undefined : parseCidr(r.to)
  if (r.to !== 'default' && !destination)
    return x.report.error([...path, 'to'], `"${r.to}" is no network`, 'Write `default`, or a network as 10.0.0.0/8.')
  const family = destination?.family ?? familyOfDefault(home, r)
  if (destination) {
    const right = subnetOf(destination)
    if (right !== formatCidr(destination)) {
      const text = `${r.to} has host bits set: the network is ${right}`
      if (family === 4) return x.report.error([...path, 'to'], text, `Write ${right}.`)
      x.report.warning([...path, 'to'], text, `The kernel takes it as ${right}.`)
    }
  }
  if (discards && (r.via ?? r.dev ?? r.nexthops) !== undefined)
    return x.report.error(path, `a ${r.type} route leads nowhere: it has no via, dev or nexthops`)
  if (r.nexthops && (r.via ?? r.dev) !== undefined)
    return x.report.error(path, 'a route has either via and dev, or nexthops')
  if (!discards && !r.nexthops && r.via === undefined && r.dev === undefined)
    return x.report.error(
      path,
      `the route to ${r.to} says neither via nor dev`,
      'Where should it go? Give the gateway (via) or the interface (dev).',
    )
  if (r.nexthops && r.nexthops.length < 2)
    return x.report.error([...path, 'nexthops'], 'several ways are at least two', 'Write via and dev instead.')
  if (r.onlink && r.via === undefined && !r.nexthops?.some(({ via }) => via !== undefined))
    return x.report.error([...path, 'onlink'], 'onlink is said of a gateway, and there is none', undefined, 'key')
  const src = r.src === undefined ? undefined : canonicalAddress(r.src)
  if (
    r.src !== undefined &&
    !(src !== undefined && (home.root || home.subnets.some(({ cidr }) => cidr.address === src)))
  )
    return x.report.error([...path, 'src'], `${r.src} is no address of ${namespace}`, listNets(home))
  if (src !== undefined && familyOf(src) !== family)
    return x.report.error([...path, 'src'], `${src} is no source of IPv${family} packets`)
  const hop = discards || r.nexthops ? {} : expandHop(x, home, onLink, r, r.onlink === true, path)
  const nexthops = r.nexthops?.map((h, i) => expandHop(x, home, onLink, h, r.onlink === true, [...path, 'nexthops', i]))
  if (!hop || nexthops?.some((h) => h === undefined)) return
  // IPv4 by way of an IPv6 gateway is possible (RFC 5549), the reverse is not.
  for (const [i, { via }] of [hop, ...(nexthops ?? [])].entries() as IterableIterator<[number, Hop]>)
    if (via !== undefined && family === 6 && familyOf(via) === 4)
      return x.report.error(
        i ? [...path, 'nexthops', i - 1, 'via'] : [...path, 'via'],
        `an IPv6 route cannot go by way of ${via}`,
        'Its gateway has an IPv6 address.',
      )
  downLinks(x, home, [hop, ...(nexthops ?? [])], path)
  // As iproute2 does: local routes are looked for in the local table.
  const table = tableNumber(x, r.table ?? (type === 'local' ? 'local' : undefined), path)
  const to = !destination ? (family === 6 ? '::/0' : 'default') : subnetOf(destination)
  const scope = r.scope
  const usual =
    family === 6 || discards || hop.via !== undefined || nexthops ? 'global' : type === 'local' ? 'host' : 'link'
  const spec: RouteSpec = {
    to: to === '0.0.0.0/0' ? 'default' : to,
    family,
    ...(type && { type }),
    ...hop,
    ...(src !== undefined && { src }),
    // 0 is the default of both; IPv6's is called 1024.
    ...(r.metric !== undefined && r.metric !== 0 && !(family === 6 && r.metric === 1024) && { metric: r.metric }),
    ...(table !== undefined && { table }),
    ...(r.mtu !== undefined && { mtu: r.mtu }),
    ...(nexthops && { nexthops: nexthops.filter((h) => h !== undefined) }),
    ...(scope !== undefined && scope !== usual && { scope }),
  }
  kernelsOwn(x, home, spec, path)
  x.add({ id: routeId(namespace, spec), kind: 'route', namespace, spec }, path)
}

/** What `default` means: the family of the gateway or source; else IPv6’s where the interface has no other addresses. */
function familyOfDefault({ subnets }: Home, { via, nexthops, src, dev }: RouteFile): 4 | 6 {
  const said = [via, nexthops?.[0]?.via, src].find((text) => text !== undefined && canonicalAddress(text) !== undefined)
  if (said !== undefined) return familyOf(said)
  const own = subnets.filter((subnet) => subnet.dev === dev)
  return own.length && own.every(({ cidr }) => cidr.family === 6) ? 6 : 4
}

/** The kernel refuses a second route of the destination and metric that it has given one itself: to the subnet of an address. */
function kernelsOwn(x: Expansion, { namespace, subnets }: Home, spec: RouteSpec, path: Path): void {
  if (spec.table !== undefined || spec.metric !== (spec.family === 6 ? 256 : undefined)) return
  const own = subnets.find(({ dev, cidr }) => {
    const link = x.resources.get(linkId(namespace, dev))?.spec
    const vrf =
      typeof link?.['master'] === 'string' && x.resources.get(linkId(namespace, link['master']))?.kind === 'vrf'
    const isMade = link?.['up'] === true && !vrf && dev !== 'lo' && (cidr.family === 6 || cidr.prefix < 32)
    return isMade && subnetOf(cidr) === spec.to
  })
  if (own)
    x.report.error(
      [...path, 'to'],
      `the kernel makes the route to ${spec.to} itself: ${own.dev} has ${formatCidr(own.cidr)}`,
      'Leave it out, or give it another metric.',
    )
}

/** The kernel refuses routes by way of an interface that is down. */
function downLinks(x: Expansion, home: Home, hops: readonly (Hop | undefined)[], path: Path): void {
  for (const hop of hops)
    if (hop?.dev !== undefined && x.resources.get(linkId(home.namespace, hop.dev))?.spec['up'] === false)
      x.report.error(
        path,
        `the route goes by way of ${hop.dev}, which is down`,
        `Set ${hop.dev} up, or leave the route out.`,
      )
}

function expandNeighbor(x: Expansion, home: Home, n: { to: string; lladdr: string; dev?: string }, path: Path): void {
  const to = canonicalAddress(n.to)
  const lladdr = n.lladdr.toLowerCase()
  if (to === undefined) return x.report.error([...path, 'to'], `"${n.to}" is no address`)
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(lladdr))
    return x.report.error(
      [...path, 'lladdr'],
      `"${n.lladdr}" is no MAC address`,
      'Six pairs of hexadecimal digits: 02:00:00:00:00:01.',
    )
  if (!mustHave(x, home, n.dev, path)) return
  const dev = n.dev ?? deviceFor(home.subnets, to)
  if (dev === undefined)
    return x.report.error(
      [...path, 'to'],
      `${n.to} is on no subnet of ${home.namespace}`,
      `${listNets(home)} Or say the interface with dev.`,
    )
  const spec = { to, dev, family: familyOf(to), lladdr }
  x.add({ id: neighborId(home.namespace, spec), kind: 'neighbor', namespace: home.namespace, spec }, path)
}
