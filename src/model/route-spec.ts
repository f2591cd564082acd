import { familyOf } from './cidr.ts'
import { metrics } from './metrics.ts'
import { MAIN_TABLE } from './tables.ts'

export type Hop = {
  /** The labels that replace it (MPLS): `200/201`. Absent: it is taken off. */
  readonly as?: string
  readonly via?: string
  readonly dev?: string
  readonly weight?: number
  /** The gateway is reachable on the link even if no subnet contains it. */
  readonly onlink?: true
  /** In the form that src/model/encap.ts gives it. */
  readonly encap?: string
  /** The destination realm `4`, or source and destination `3/4`. */
  readonly realm?: string
}

/** The types of routes but unicast, by their numbers (RTN_… of rtnetlink.h). */
export const routeTypes: Readonly<Record<string, RouteSpec['type']>> = {
  2: 'local',
  3: 'broadcast',
  4: 'anycast',
  5: 'multicast',
  6: 'blackhole',
  7: 'unreachable',
  8: 'prohibit',
  9: 'throw',
}

/** Metrics are fields too, by their words (src/model/metrics.ts). */
export type RouteSpec = Hop & {
  /** A canonical CIDR, or `default` (IPv4; IPv6’s is `::/0`); a label in a route of MPLS. */
  readonly to: string
  readonly family: 4 | 6 | 'mpls'
  readonly type?: 'blackhole' | 'unreachable' | 'prohibit' | 'throw' | 'local' | 'broadcast' | 'anycast' | 'multicast'
  /** The network of the source addresses to which it applies (IPv6). */
  readonly from?: string
  /** Whether the TTL of the label goes into what it was on (MPLS); absent: as `net.mpls.ip_ttl_propagate` says. */
  readonly ttl_propagate?: boolean
  readonly src?: string
  readonly metric?: number
  readonly table?: number
  readonly scope?: string
  /** Bytes; `lock 1400`. */
  readonly mtu?: number | string
  /** low or high (IPv6). */
  readonly pref?: string
  /** The id of a nexthop object: the route then has no `via`, `dev` and `nexthops`. */
  readonly nexthop?: number
  /** Two or more: a multipath route, without `via` and `dev`. */
  readonly nexthops?: readonly Hop[]
  /** `0x10` */
  readonly tos?: string
  /** The daemon that it belongs to (live side only). */
  readonly protocol?: string
}

/** RTPROT_KERNEL of rtnetlink(7): the kernel created the route. */
export const PROTOCOL_KERNEL = 2

/** The types without a next hop. */
const DISCARDS: ReadonlySet<RouteSpec['type']> = new Set(['blackhole', 'unreachable', 'prohibit', 'throw'])
/** The types that iproute2 puts into the table local unless a table is given. */
export const LOCALS: ReadonlySet<RouteSpec['type']> = new Set(['local', 'broadcast', 'anycast'])

/** Whether a route of this type discards packets or refuses to look further: it has no next hop. */
export const discards = (type: RouteSpec['type']): boolean => DISCARDS.has(type)

/** The names of the metrics, which are fields of a route. */
export const metricWords = metrics.map(({ word }) => word) as 'mtu'[]

/** The scope that iproute2 gives a route by default (ip-route(8)). */
export function usualScope({ type, family, via, nexthop, nexthops }: Omit<RouteSpec, 'to'>): string {
  if (family !== 4 || discards(type)) return 'global'
  if (type === 'local') return 'host'
  return type === undefined && (via !== undefined || nexthop !== undefined || nexthops) ? 'global' : 'link'
}

const word = (name: string, value: string | number | undefined): string[] =>
  value === undefined ? [] : [name, ...String(value).split(' ')]

/** The words of a next hop. `encap` comes first, so that `via` or `dev` ends it: `ip` would read `tos` as its own word. */
const hopWords = (hop: Hop, family: RouteSpec['family']): string[] => [
  ...word('as', hop.as),
  ...word('encap', hop.encap),
  ...(hop.via === undefined ? [] : ['via', ...viaFamily(hop.via, family), hop.via]),
  ...word('dev', hop.dev),
  ...(hop.onlink ? ['onlink'] : []),
  ...word('realm', hop.realm),
]

const viaFamily = (via: string, family: RouteSpec['family']): string[] =>
  familyOf(via) === family ? [] : [familyOf(via) === 6 ? 'inet6' : 'inet']

/** The route in the words of ip-route(8), for plans and after `ip route add`; without the table for people. */
export function routeWords(s: RouteSpec, withTable = true): string[] {
  // iproute2 takes `default via inet6 …` for the IPv6 default route.
  const isMixed = s.to === 'default' && [s, ...(s.nexthops ?? [])].some(({ via }) => via?.includes(':'))
  return [
    ...(s.type ? [s.type] : []),
    isMixed ? '0.0.0.0/0' : s.to,
    ...word('from', s.from),
    ...word('nhid', s.nexthop),
    ...hopWords(s, s.family),
    ...word('tos', s.tos),
    ...word('src', s.src),
    ...word('metric', s.metric),
    ...(withTable && (s.table !== undefined || LOCALS.has(s.type)) ? ['table', String(s.table ?? MAIN_TABLE)] : []),
    ...word('scope', s.scope),
    ...metricWords.flatMap((name) => word(name, s[name])),
    ...word('pref', s.pref),
    ...(s.ttl_propagate === undefined ? [] : ['ttl-propagate', s.ttl_propagate ? 'enabled' : 'disabled']),
    ...(s.nexthops ?? []).flatMap((hop) => [
      'nexthop',
      ...hopWords(hop, s.family),
      ...(hop.weight === undefined ? [] : ['weight', String(hop.weight)]),
    ]),
  ]
}
