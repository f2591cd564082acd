import { familyOf } from './cidr.ts'
import { metrics } from './metrics.ts'
import { MAIN_TABLE } from './tables.ts'

export type Hop = {
  readonly via?: string
  readonly dev?: string
  readonly weight?: number
  /** The gateway is on the link although no subnet says so. */
  readonly onlink?: true
  /** In the form that src/model/encap.ts gives it. */
  readonly encap?: string
  /** `4`, or `3/4` with the realm of the sources. */
  readonly realm?: string
}

/** Metrics are fields too, by their words (src/model/metrics.ts). */
export type RouteSpec = Hop & {
  /** A canonical CIDR, or `default` (IPv4; IPv6’s is `::/0`); a label in a route of MPLS. */
  readonly to: string
  readonly family: 4 | 6 | 'mpls'
  readonly type?: 'blackhole' | 'unreachable' | 'prohibit' | 'throw' | 'local' | 'broadcast' | 'anycast' | 'multicast'
  /** The network of the sources that it is for (IPv6). */
  readonly from?: string
  /** The labels that MPLS puts in its place. */
  readonly as?: string
  readonly src?: string
  readonly metric?: number
  readonly table?: number
  readonly scope?: string
  /** Bytes; `lock 1400`. */
  readonly mtu?: number | string
  /** low or high (IPv6). */
  readonly pref?: string
  /** The id of a nexthop object: then it has no way of its own. */
  readonly nexthop?: number
  /** Two or more: a multipath route, without `via` and `dev`. */
  readonly nexthops?: readonly Hop[]
  /** `0x10` */
  readonly tos?: string
  /** The daemon that it belongs to (live side only). */
  readonly protocol?: string
}

/** RTPROT_KERNEL of rtnetlink(7): the kernel made it. */
export const PROTOCOL_KERNEL = 2

/** The types that lead nowhere. */
const DISCARDS: ReadonlySet<RouteSpec['type']> = new Set(['blackhole', 'unreachable', 'prohibit', 'throw'])
/** Those that iproute2 puts into the table local unless it is told a table. */
const LOCALS: ReadonlySet<RouteSpec['type']> = new Set(['local', 'broadcast', 'anycast'])

/** Whether a route of this type leads nowhere. */
export const discards = (type: RouteSpec['type']): boolean => DISCARDS.has(type)

/** The words of metrics, as fields of a route. */
export const metricWords = metrics.map(({ word }) => word) as 'mtu'[]

/** The scope that iproute2 gives a route when none is asked for (ip-route(8)). */
export function usualScope({ type, family, via, nexthop, nexthops }: Omit<RouteSpec, 'to'>): string {
  if (family !== 4 || discards(type)) return 'global'
  if (type === 'local') return 'host'
  return type === undefined && (via !== undefined || nexthop !== undefined || nexthops) ? 'global' : 'link'
}

const word = (name: string, value: string | number | undefined): string[] =>
  value === undefined ? [] : [name, ...String(value).split(' ')]

/** An encapsulation comes first: what follows it would else be taken for words of it. */
const hopWords = (hop: Hop, family: RouteSpec['family']): string[] => [
  ...word('encap', hop.encap),
  ...(hop.via === undefined ? [] : ['via', ...viaFamily(hop.via, family), hop.via]),
  ...word('dev', hop.dev),
  ...(hop.onlink ? ['onlink'] : []),
  ...word('realm', hop.realm),
]

const viaFamily = (via: string, family: RouteSpec['family']): string[] =>
  familyOf(via) === family ? [] : [familyOf(via) === 6 ? 'inet6' : 'inet']

/** The route in the words of ip-route(8), in plans and after `ip route add`; `withTable` false: for people. */
export function routeWords(s: RouteSpec, withTable = true): string[] {
  // To iproute2 `default via inet6 …` is IPv6's default.
  const isMixed = s.to === 'default' && [s, ...(s.nexthops ?? [])].some(({ via }) => via?.includes(':'))
  return [
    ...(s.type ? [s.type] : []),
    isMixed ? '0.0.0.0/0' : s.to,
    ...word('as', s.as),
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
    ...(s.nexthops ?? []).flatMap((hop) => [
      'nexthop',
      ...hopWords(hop, s.family),
      ...(hop.weight === undefined ? [] : ['weight', String(hop.weight)]),
    ]),
  ]
}
