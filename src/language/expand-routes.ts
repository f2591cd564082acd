import { addressId } from '../kinds/address-settings.ts'
import { routingTable } from '../kinds/rule-lab.ts'
import { routeId } from '../kinds/route.ts'
import { discards, LOCALS, usualScope, type Hop, type RouteSpec } from '../model/route-spec.ts'
import { canonicalAddress, familyOf, formatCidr, parseCidr, subnetOf, type Cidr } from '../model/cidr.ts'
import { metrics, metricValue, type Metrics } from '../model/metrics.ts'
import { linkId } from '../model/resource.ts'
import { labContext, type Expansion } from './expansion.ts'
import { downLinks, expandHop } from './expand-hops.ts'
import { expandMpls } from './expand-mpls.ts'
import { familyOfNexthop, routeOfNexthop } from './route-nexthop.ts'
import type { RouteFile } from './lab-file.ts'
import { listNets, type Home, type Net } from './subnets.ts'
import type { Path } from './yaml/source.ts'

/** A route of a namespace; `onLink` are the networks that routes to a device lead to. */
export function expandRoute(x: Expansion, home: Home, onLink: readonly Net[], r: RouteFile, path: Path): void {
  const { namespace } = home
  if (r.family === 'mpls') return expandMpls(x, home, onLink, r, path)
  const given = String(r.to)
  const type = r.type === undefined || r.type === 'unicast' ? undefined : (r.type as RouteSpec['type'])
  const ends = discards(type)
  const destination = given === 'default' ? undefined : parseCidr(given)
  if (given !== 'default' && !destination)
    return x.report.error(
      'bad-value',
      [...path, 'to'],
      `"${given}" is not a network`,
      'Write `default`, or a network as 10.0.0.0/8.',
    )
  const family = destination?.family ?? familyOfNexthop(x, home, r.nexthop) ?? familyOfDefault(home, r)
  if (destination) {
    const right = subnetOf(destination)
    if (right !== formatCidr(destination)) {
      const text = `${given} has host bits set: the network is ${right}`
      if (family === 4) return x.report.error('host-bits', [...path, 'to'], text, `Write ${right}.`)
      x.report.warning('host-bits', [...path, 'to'], text, `The kernel takes it as ${right}.`)
    }
  }
  if (r.nexthop !== undefined && !routeOfNexthop(x, home, r, family, path)) return
  if (ends && (r.via ?? r.dev ?? r.nexthops ?? r.encap) !== undefined)
    return x.report.error(
      'senseless-field',
      path,
      `a ${r.type} route discards packets: it cannot have via, dev, encap or nexthops`,
    )
  if (r.nexthops && (r.via ?? r.dev) !== undefined)
    return x.report.error('senseless-field', path, 'a route has either via and dev, or nexthops')
  if (r.nexthops && (r.encap ?? r.realm) !== undefined)
    return x.report.error('senseless-field', path, 'set encap and realm at each of the nexthops')
  if (!ends && (r.nexthops ?? r.nexthop ?? r.via ?? r.dev) === undefined)
    return x.report.error(
      'missing-field',
      path,
      `the route to ${given} has neither via nor dev`,
      'Give the gateway (via) or the interface (dev).',
    )
  if (r.nexthops && r.nexthops.length < 2)
    return x.report.error(
      'senseless-field',
      [...path, 'nexthops'],
      'nexthops needs at least two entries',
      'Write via and dev instead.',
    )
  if (r.onlink && r.via === undefined && !r.nexthops?.some(({ via }) => via !== undefined))
    return x.report.error(
      'senseless-field',
      [...path, 'onlink'],
      'onlink applies to a gateway, and the route has none',
      undefined,
      'key',
    )
  const src = r.src === undefined ? undefined : canonicalAddress(r.src)
  if (
    r.src !== undefined &&
    !(src !== undefined && (home.borrowed || home.subnets.some(({ cidr }) => cidr.address === src)))
  )
    return x.report.error(
      'unknown-reference',
      [...path, 'src'],
      `${r.src} is not an address of ${namespace}`,
      listNets(home),
    )
  if (src !== undefined && familyOf(src) !== family)
    return x.report.error('family-mismatch', [...path, 'src'], `${src} is not a source of IPv${family} packets`)
  if (r.vrf !== undefined && r.table !== undefined)
    return x.report.error(
      'senseless-field',
      [...path, 'vrf'],
      'the table is that of the VRF: a route has either table or vrf',
    )
  if (r.vrf !== undefined && x.resources.get(linkId(namespace, r.vrf))?.kind !== 'vrf')
    return x.report.error('unknown-reference', [...path, 'vrf'], `there is no VRF ${r.vrf} in ${namespace}`)
  // As iproute2 does: local routes are looked for in the local table.
  const named = r.vrf ?? r.table ?? (LOCALS.has(type) ? 'local' : undefined)
  const table = routingTable(named, labContext(x, namespace, '', path))
  if (!isOfFamily(x, r, family, path)) return
  const ground = { nets: [...home.subnets, ...onLink], table, onlink: r.onlink === true }
  const hop = ends || r.nexthops || r.nexthop !== undefined ? {} : expandHop(x, home, ground, r, path)
  const nexthops = r.nexthops?.map((h, i) => expandHop(x, home, ground, h, [...path, 'nexthops', i]))
  if (!hop || nexthops?.some((h) => h === undefined)) return
  // IPv4 by way of an IPv6 gateway is possible (RFC 5549), the reverse is not.
  for (const [i, { via }] of [hop, ...(nexthops ?? [])].entries() as IterableIterator<[number, Hop]>)
    if (via !== undefined && family === 6 && familyOf(via) === 4)
      return x.report.error(
        'family-mismatch',
        i ? [...path, 'nexthops', i - 1, 'via'] : [...path, 'via'],
        `an IPv6 route cannot have the gateway ${via}`,
        'The gateway must have an IPv6 address.',
      )
  downLinks(x, home, [hop, ...(nexthops ?? [])], path)
  const to = !destination ? (family === 6 ? '::/0' : 'default') : subnetOf(destination)
  const from = r.from === undefined ? undefined : parseCidr(r.from)
  if (r.from !== undefined && from?.family !== 6)
    return x.report.error('bad-value', [...path, 'from'], `"${r.from}" is not a network of IPv6 sources`)
  const shape = {
    ...(type && { type }),
    family,
    ...hop,
    ...(r.nexthop !== undefined && { nexthop: r.nexthop }),
    ...(nexthops && { nexthops: [] }),
  }
  const spec: RouteSpec = {
    to: to === '0.0.0.0/0' ? 'default' : to,
    family,
    ...(type && { type }),
    ...(from && from.prefix > 0 && { from: subnetOf(from) }),
    ...hop,
    ...(r.nexthop !== undefined && { nexthop: r.nexthop }),
    ...(src !== undefined && { src }),
    // 0 is the default of both; IPv6's is called 1024.
    ...(r.metric !== undefined && r.metric !== 0 && !(family === 6 && r.metric === 1024) && { metric: r.metric }),
    ...(table !== undefined && { table }),
    ...metricsOf(x, r, path),
    ...(r.tos !== undefined && Number(r.tos) !== 0 && { tos: `0x${Number(r.tos).toString(16)}` }),
    ...(r.pref !== undefined && r.pref !== 'medium' && { pref: r.pref }),
    ...(nexthops && { nexthops: nexthops.filter((h) => h !== undefined) }),
    ...scopeOf(x, r.scope, shape, path),
  }
  kernelsOwn(x, home, spec, path)
  x.add({ id: routeId(namespace, spec), kind: 'route', namespace, spec }, path)
}

/** What only routes of MPLS have. */
const ofMpls = ['as', 'ttl_propagate'] as const

/** Reports settings that only the other family has; returns whether there are none. */
function isOfFamily(x: Expansion, r: RouteFile, family: 4 | 6, path: Path): boolean {
  const others = [...(family === 6 ? (['tos', 'realm'] as const) : (['pref', 'from'] as const)), ...ofMpls]
  const wrong = others.find((field) => r[field] !== undefined)
  if (wrong !== undefined)
    x.report.error('family-mismatch', [...path, wrong], `an IPv${family} route has no ${wrong}`, undefined, 'key')
  return wrong === undefined
}

/** The scope, where it is not the usual one. The kernel refuses or leaves out what a warning is given for. */
function scopeOf(
  x: Expansion,
  scope: string | undefined,
  shape: Omit<RouteSpec, 'to'>,
  path: Path,
): { scope?: string } {
  if (scope === undefined || scope === usualScope(shape)) return {}
  const senseless =
    shape.family === 6
      ? 'an IPv6 route has no scope'
      : scope === 'nowhere' && !discards(shape.type)
        ? 'only a route that discards packets can have the scope nowhere'
        : undefined
  if (senseless === undefined) return { scope }
  x.report.warning('senseless-field', [...path, 'scope'], senseless, 'It is left out.')
  return {}
}

/** The metrics as the kernel has them. */
function metricsOf(x: Expansion, r: RouteFile, path: Path): Metrics {
  const result: Record<string, number | string> = {}
  for (const metric of metrics) {
    const { word, most = 0xffffffff } = metric
    const given = (r as unknown as Metrics)[word]
    if (given === undefined) continue
    const [value = '', locked] = String(given).split(' ').reverse()
    const [, count, unit] = /^(\d+)(ms|s)?$/.exec(value) ?? []
    const number = Number(count) * (unit === 's' ? 1000 : 1)
    if (count !== undefined && number > most)
      x.report.error('out-of-range', [...path, word], `${word} is at most ${most}`)
    const exact = metric.perMillisecond !== undefined ? `${number}ms` : metric.words ? value : number
    result[word] = metricValue(metric, exact, locked === 'lock')
  }
  return result
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
  if (spec.metric !== (spec.family === 6 ? 256 : undefined)) return
  const isWithoutRoute = (dev: string, cidr: Cidr): boolean =>
    x.resources.get(addressId(namespace, dev, formatCidr(cidr)))?.spec['noprefixroute'] === true
  const own = subnets.find(({ dev, cidr, table }) => {
    const link = x.resources.get(linkId(namespace, dev))?.spec
    const isMade =
      link?.['up'] === true &&
      !isWithoutRoute(dev, cidr) &&
      table === spec.table &&
      dev !== 'lo' &&
      (cidr.family === 6 || cidr.prefix < 32)
    return isMade && subnetOf(cidr) === spec.to
  })
  if (own)
    x.report.error(
      'kernel-makes-it',
      [...path, 'to'],
      `the kernel adds the route to ${spec.to} itself: ${own.dev} has ${formatCidr(own.cidr)}`,
      'Leave it out, or give it another metric.',
    )
}
