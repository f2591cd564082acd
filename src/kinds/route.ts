import { canonicalAddress } from '../model/cidr.ts'
import { canonicalEncap, featureOf } from '../model/encap.ts'
import type { Kind } from '../model/kind.ts'
import { labProtocol } from '../model/owner.ts'
import type { Operation } from '../model/operation.ts'
import type { Difference, Emission } from '../model/change.ts'
import { placeOf } from '../model/place.ts'
import { linkId, type Resource } from '../model/resource.ts'
import type { IpHop, IpRoute } from '../model/runner.ts'
import {
  discards,
  metricWords,
  routeTypes,
  routeWords,
  usualScope,
  type Hop,
  type RouteSpec,
} from '../model/route-spec.ts'
import { LOCAL_TABLE, MAIN_TABLE } from '../model/tables.ts'
import { boundRoute, devices } from './bound-route.ts'
import { isLost, same } from './common.ts'
import { isKernels, protocolNumber, routingDaemonOf } from './protocols.ts'
import { nexthopId } from './nexthop.ts'
import { ofNamespace, without } from './lab-entry.ts'

const scopes: Readonly<Record<string, string>> = { 0: 'global', 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere' }

/** The id: the destination, and what else identifies the route if it is not the default: table, metric and others. */
export const routeId = (namespace: string, { to, family, from, tos, table, metric }: RouteSpec): string =>
  [
    `${namespace}/route/${family === 'mpls' ? `mpls ${to}` : to}`,
    ...(from === undefined ? [] : [`from ${from}`]),
    ...(tos === undefined ? [] : [`tos ${tos}`]),
    ...(table === undefined ? [] : [`table ${table}`]),
    ...(metric === undefined ? [] : [`metric ${metric}`]),
  ].join(' ')

/** A next hop without defaults. It is filled field by field, so that V8 needs few hidden classes (docs/decisions.md). */
export function makeHop(hop: {
  as?: string | undefined
  via?: string | undefined
  dev?: string | undefined
  weight?: number | undefined
  onlink?: boolean | undefined
  encap?: string | undefined
  realm?: string | undefined
}): Hop {
  const result: { -readonly [K in keyof Hop]: Hop[K] } = {}
  if (hop.as !== undefined) result.as = hop.as
  if (hop.via !== undefined) result.via = hop.via
  if (hop.dev !== undefined) result.dev = hop.dev
  if (hop.weight !== undefined && hop.weight !== 1) result.weight = hop.weight
  if (hop.onlink) result.onlink = true
  if (hop.encap !== undefined) result.encap = hop.encap
  if (hop.realm !== undefined) result.realm = hop.realm
  return result
}

const gateway = (hop: { gateway?: string; via?: { host: string } }): string | undefined => {
  const text = hop.gateway ?? hop.via?.host
  return text === undefined ? undefined : canonicalAddress(text)
}
const hopOf = (hop: IpHop): Hop => {
  const { dev, weight, flags, flow, encap } = hop
  return makeHop({
    as: hop.to,
    via: gateway(hop),
    dev,
    weight,
    onlink: flags?.includes('onlink'),
    ...(encap !== undefined && { encap: canonicalEncap(encap) ?? encap }),
    realm: flow && [flow.from, flow.to].filter((realm) => realm !== undefined).join('/'),
  })
}

function familyOfRoute(r: IpRoute): RouteSpec['family'] {
  if (/^\d+$/.test(r.dst)) return 'mpls'
  return r.dst.includes(':') || (r.dst === 'default' && isIpv6(r)) ? 6 : 4
}

function specOf(r: IpRoute): RouteSpec {
  const family = familyOfRoute(r)
  // The type of a route with a nexthop object is that of the object.
  const type = r.nhid === undefined ? routeTypes[r.type ?? '1'] : undefined
  const isWhole = family === 'mpls' || r.dst.includes('/') || r.dst === 'default'
  const host = isWhole ? r.dst : `${r.dst}/${family === 6 ? 128 : 32}`
  const to = host === 'default' && family === 6 ? '::/0' : host
  const spec: RouteSpec = {
    to,
    family,
    ...(type && { type }),
    ...(r.from !== undefined && { from: r.from.includes('/') ? r.from : `${r.from}/128` }),
    ...(discards(type) || r.nhid !== undefined ? {} : hopOf(r)),
    ...(r.nhid !== undefined && { nexthop: r.nhid }),
    ...(r.ttl_propagate !== undefined && { ttl_propagate: r.ttl_propagate === 'enabled' }),
    ...(r.prefsrc !== undefined && { src: r.prefsrc }),
    ...(r.metric !== undefined && r.metric !== (family === 6 ? 1024 : 0) && { metric: r.metric }),
    ...(Number(r.table ?? MAIN_TABLE) !== MAIN_TABLE && { table: Number(r.table) }),
    ...r.metrics?.[0],
    ...(r.tos !== undefined && { tos: `0x${Number(r.tos).toString(16)}` }), // `ip` prints 0x08
    ...(r.pref !== undefined && r.pref !== 'medium' && { pref: r.pref }),
    ...(r.nexthops && r.nhid === undefined && { nexthops: r.nexthops.map(hopOf) }),
  }
  const scope = scopes[r.scope ?? '0'] ?? r.scope
  return scope === undefined || scope === usualScope(spec) ? spec : { ...spec, scope }
}

/** Whether a default route is IPv6: only those have a router preference or an IPv6 `gateway` (IPv4 routes print `via`). */
const isIpv6 = (r: IpRoute): boolean => r.pref !== undefined || r.gateway?.includes(':') === true

/** Whether it is one of several routes with the same destination and metric, and not the first. */
const isTwin = (id: string): boolean => / #\d+$/.test(id)

const isDirect = ({ via, nexthop, nexthops }: RouteSpec): boolean => (via ?? nexthop ?? nexthops) === undefined

/** The ids of the interfaces and the nexthop object that a route goes by. */
const ways = (namespace: string, spec: RouteSpec): string[] => [
  ...devices(spec).map((dev) => linkId(namespace, dev)),
  ...(spec.nexthop === undefined ? [] : [nexthopId(namespace, spec.nexthop)]),
]

const compared = [
  ...([
    'type',
    'via',
    'dev',
    'onlink',
    'encap',
    'realm',
    'nexthop',
    'nexthops',
    'as',
    'src',
    'scope',
    'pref',
    'ttl_propagate',
  ] as const),
  ...metricWords,
  'protocol' as const,
]

const REPLACED = 'the kernel replaces an IPv6 route of another shape only by deleting it'

/** The value of a route in a lab file. `onlink` of a multipath route is written once, for all next hops. */
function routeValue(spec: RouteSpec): Readonly<Record<string, unknown>> {
  const { nexthops = [] } = spec
  return {
    ...without(spec, 'family', 'protocol'),
    ...(nexthops.some(({ onlink }) => onlink) && {
      onlink: true,
      nexthops: nexthops.map((hop) => without(hop, 'onlink')),
    }),
    ...(spec.family === 'mpls' && { to: Number(spec.to), family: spec.family }),
    // Without a gateway, `default` would be the family of the interface's addresses.
    ...(spec.to === 'default' && spec.via === undefined && { to: '0.0.0.0/0' }),
  }
}

/** A route in a table of a namespace. Routes of the kernel are no resources; those of routing daemons belong to others. */
export const route: Kind<RouteSpec> = {
  name: 'route',

  read(dump, { namespace, borrowed, lab, unmarked }) {
    const seen = new Map<string, number>()
    const theirs: (() => Resource<RouteSpec>)[] = []
    const mine = dump.routes.flatMap((r): Resource<RouteSpec>[] => {
      const isFree = borrowed !== undefined && r.protocol !== String(labProtocol(lab))
      if ((isFree && !unmarked) || isKernels(r.protocol)) return []
      const protocol = routingDaemonOf(r.protocol, lab)
      // Older kernels give their own local routes of IPv6 addresses no protocol.
      const byKernel = Number(r.table) === LOCAL_TABLE && r.protocol === '0'
      if (byKernel || r.dst.startsWith('ff00:')) return []
      if (protocol === undefined && !isFree) return [found(specOf(r))]
      theirs.push(() => ({
        ...found({ ...specOf(r), ...(protocol !== undefined && { protocol }) }),
        ...(protocol !== undefined && { others: true }),
        ...(isFree && { unmarked: Number(r.protocol ?? 0) }),
      }))
      return []
    })
    return [...mine, ...theirs.map((make) => make())]

    function found(spec: RouteSpec): Resource<RouteSpec> {
      const id = routeId(namespace, spec)
      const twin = seen.get(id) ?? 0
      seen.set(id, twin + 1)
      // The kernel allows several routes with one destination and metric (`ip route append`).
      return { id: twin ? `${id} #${twin + 1}` : id, kind: 'route', namespace, ...(borrowed && { borrowed }), spec }
    }
  },

  toLab: (r) => ofNamespace(r, { routes: [routeValue(r.spec)] }),
  describe({ metric: _, ...spec }) {
    const words = routeWords(spec, false)
    const at = [spec.to, '0.0.0.0/0'].map((to) => words.indexOf(to)).find((place) => place >= 0)
    return words
      .filter((_, place) => place !== at)
      .concat(spec.protocol === undefined ? [] : ['proto', spec.protocol])
      .join(' ')
  },

  compare(live, desired) {
    const reshaped =
      desired.family === 6 && (live.type !== desired.type || !live.nexthops !== !desired.nexthops || !!live.nexthops)
    return compared.flatMap((field): Difference[] => {
      const [from, to] = [live[field], desired[field]]
      if (same(from, to)) return []
      return [
        {
          field,
          ...(from !== undefined && { from }),
          ...(to !== undefined && { to }),
          ...(reshaped && { forces: REPLACED }),
        },
      ]
    })
  },

  requires({ spec }) {
    const needed = new Set([spec, ...(spec.nexthops ?? [])].flatMap(({ encap }) => featureOf(encap) ?? []))
    return [...(spec.family === 'mpls' ? needed.add('mpls') : needed)]
  },
  needs: ({ namespace, spec }) => [namespace, ...ways(namespace, spec)],
  lostWith: ({ namespace, spec }) => [namespace, ...ways(namespace, spec)],

  // The kernel keeps an IPv6 route, without its `src`, when that address is removed (fib6_remove_prefsrc, net/ipv6/route.c).
  afterLosing(r, goes, topology) {
    const { src, family, ...rest } = r.spec
    const lost =
      src !== undefined &&
      family === 6 &&
      devices(r.spec).some((dev) =>
        topology
          .on(linkId(r.namespace, dev))
          .some(
            ({ kind, id, spec }) => kind === 'address' && String(spec['address']).startsWith(`${src}/`) && goes(id),
          ),
      )
    return lost ? { ...r, spec: { family, ...rest } } : r
  },

  create: (r, { lab, live }) => [
    {
      // Gateways may be reached through device routes, so those come first. Routes of one destination and metric keep their order.
      stage: isDirect(r.spec) && !isTwin(r.id) ? 'add device routes' : 'add routes',
      // The kernel keeps a multipath route, without the next hop, when one of its interfaces is removed.
      operation: setting(isTwin(r.id) ? 'append' : live.has(r.id) && r.spec.nexthops ? 'replace' : 'add', r, lab),
    },
  ],
  // The kernel changes the protocol of a route in place.
  adopt: (r, lab) => [{ stage: 'add routes', operation: setting('replace', r, lab) }],
  release: (r) => [
    { stage: 'add routes', operation: { do: 'route.replace', place: placeOf(r), route: r.spec, protocol: r.unmarked } },
  ],
  bound: boundRoute,
  update: ({ live, desired }, { lab }) =>
    // `replace` would replace the first of several routes.
    isTwin(desired.id)
      ? [deletion(live), { stage: 'add routes', operation: setting('append', desired, lab) }]
      : [{ stage: 'add routes', operation: setting('replace', desired, lab) }],
  remove: (r, context) => (isLost(route, r, context) ? [] : [deletion(r)]),
}

const setting = (how: 'add' | 'replace' | 'append', r: Resource<RouteSpec>, lab: string): Operation => ({
  do: `route.${how}`,
  place: placeOf(r),
  route: r.spec,
  // A rollback puts back what a daemon has made of a route.
  protocol:
    r.spec.protocol === undefined ? (r.borrowed ? labProtocol(lab) : undefined) : protocolNumber(r.spec.protocol),
})

const deletion = (r: Resource<RouteSpec>): Emission => ({
  stage: 'delete routes',
  operation: { do: 'route.delete', place: placeOf(r), route: r.spec },
})
