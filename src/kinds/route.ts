import { canonicalAddress, familyOf } from '../model/cidr.ts'
import type { Kind } from '../model/kind.ts'
import { labProtocol } from '../model/owner.ts'
import type { Difference } from '../model/plan.ts'
import { linkId, type Resource } from '../model/resource.ts'
import type { IpRoute } from '../model/runner.ts'
import { covered, ip } from './common.ts'
import { LOCAL_TABLE, MAIN_TABLE } from './tables.ts'

export type Hop = {
  readonly via?: string
  readonly dev?: string
  readonly weight?: number
  /** The gateway is on the link although no subnet says so. */
  readonly onlink?: true
}

export type RouteSpec = Hop & {
  /** A canonical CIDR, or `default` (IPv4; IPv6’s is `::/0`). */
  readonly to: string
  readonly family: 4 | 6
  readonly type?: 'blackhole' | 'unreachable' | 'prohibit' | 'local'
  readonly src?: string
  readonly metric?: number
  readonly table?: number
  readonly scope?: string
  /** Bytes. */
  readonly mtu?: number
  /** Two or more: a multipath route, without `via` and `dev`. */
  readonly nexthops?: readonly Hop[]
  /** What only others' routes are for: `0x10`. */
  readonly tos?: string
}

/** rtnetlink(7): who made a route. boot is `ip route add`; daemons and the kernel have numbers of their own. */
const CONFIGURED = new Set(['0', '3', '4'])
const types: Readonly<Record<string, RouteSpec['type']>> = {
  2: 'local',
  6: 'blackhole',
  7: 'unreachable',
  8: 'prohibit',
}
const scopes: Readonly<Record<string, string>> = { 0: 'global', 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere' }

/** The id: destination, and the table and metric when they are not the usual ones. */
export const routeId = (namespace: string, { to, tos, table, metric }: RouteSpec): string =>
  [
    `${namespace}/route/${to}`,
    ...(tos === undefined ? [] : [`tos ${tos}`]),
    ...(table === undefined ? [] : [`table ${table}`]),
    ...(metric === undefined ? [] : [`metric ${metric}`]),
  ].join(' ')

/** A way, without what goes without saying. Filled in field by field, so that all are of few shapes (docs/decisions.md). */
export function makeHop(hop: {
  via?: string | undefined
  dev?: string | undefined
  weight?: number | undefined
  onlink?: boolean | undefined
}): Hop {
  const result: { -readonly [K in keyof Hop]: Hop[K] } = {}
  if (hop.via !== undefined) result.via = hop.via
  if (hop.dev !== undefined) result.dev = hop.dev
  if (hop.weight !== undefined && hop.weight !== 1) result.weight = hop.weight
  if (hop.onlink) result.onlink = true
  return result
}

/** The scope that iproute2 gives a route when none is asked for (ip-route(8)). */
const usualScope = (r: RouteSpec): string =>
  r.family === 6 || r.via !== undefined || r.nexthops || (r.type !== undefined && r.type !== 'local')
    ? 'global'
    : r.type === 'local'
      ? 'host'
      : 'link'

const gateway = (hop: { gateway?: string; via?: { host: string } }): string | undefined => {
  const text = hop.gateway ?? hop.via?.host
  return text === undefined ? undefined : canonicalAddress(text)
}
const hopOf = (hop: NonNullable<IpRoute['nexthops']>[number]): Hop => {
  const { dev, weight, flags } = hop
  return makeHop({ via: gateway(hop), dev, weight, onlink: flags?.includes('onlink') })
}

function specOf(r: IpRoute): RouteSpec {
  const type = types[r.type ?? '1']
  const host = r.dst.includes('/') || r.dst === 'default' ? r.dst : `${r.dst}/${r.dst.includes(':') ? 128 : 32}`
  const family = r.dst.includes(':') || (r.dst === 'default' && isIpv6(r)) ? 6 : 4
  const to = host === 'default' && family === 6 ? '::/0' : host
  const discards = type !== undefined && type !== 'local'
  const mtu = r.metrics?.find((m) => m['mtu'] !== undefined)?.['mtu']
  const spec: RouteSpec = {
    to,
    family,
    ...(type && { type }),
    ...(discards ? {} : hopOf(r)),
    ...(r.prefsrc !== undefined && { src: r.prefsrc }),
    ...(r.metric !== undefined && r.metric !== (family === 6 ? 1024 : 0) && { metric: r.metric }),
    ...(Number(r.table ?? MAIN_TABLE) !== MAIN_TABLE && { table: Number(r.table) }),
    ...(mtu !== undefined && { mtu }),
    ...(r.tos !== undefined && { tos: r.tos }),
    ...(r.nexthops && { nexthops: r.nexthops.map(hopOf) }),
  }
  const scope = scopes[r.scope ?? '0'] ?? r.scope
  return scope === undefined || scope === usualScope(spec) ? spec : { ...spec, scope }
}

/** A default has no address to tell the family by. Only IPv6 routes carry a router preference, or an IPv6 `gateway`: IPv4's is `via`. */
const isIpv6 = (r: IpRoute): boolean => (r as { pref?: string }).pref !== undefined || r.gateway?.includes(':') === true

const hopWords = (hop: Hop, family: 4 | 6): string[] => [
  ...(hop.via === undefined ? [] : ['via', ...(familyOf(hop.via) === family ? [] : ['inet6']), hop.via]),
  ...(hop.dev === undefined ? [] : ['dev', hop.dev]),
  ...(hop.onlink ? ['onlink'] : []),
]

/** What follows `ip route add`. */
function words(s: RouteSpec, withTable = true): string[] {
  // To iproute2 `default via inet6 …` is IPv6's default.
  const isMixed = s.to === 'default' && [s, ...(s.nexthops ?? [])].some(({ via }) => via?.includes(':'))
  return [
    ...(s.type ? [s.type] : []),
    isMixed ? '0.0.0.0/0' : s.to,
    ...hopWords(s, s.family),
    ...(s.tos === undefined ? [] : ['tos', s.tos]),
    ...(s.src === undefined ? [] : ['src', s.src]),
    ...(s.metric === undefined ? [] : ['metric', String(s.metric)]),
    // iproute2 puts local routes into the local table unless it is told.
    ...(withTable && (s.table !== undefined || s.type === 'local') ? ['table', String(s.table ?? MAIN_TABLE)] : []),
    ...(s.scope === undefined ? [] : ['scope', s.scope]),
    ...(s.mtu === undefined ? [] : ['mtu', String(s.mtu)]),
    ...(s.nexthops ?? []).flatMap((hop) => [
      'nexthop',
      ...hopWords(hop, s.family),
      ...(hop.weight === undefined ? [] : ['weight', String(hop.weight)]),
    ]),
  ]
}

const devices = ({ dev, nexthops = [] }: RouteSpec): string[] =>
  [dev, ...nexthops.map((hop) => hop.dev)].filter((name) => name !== undefined)

const REPLACED = 'the kernel replaces an IPv6 route of another shape only by deleting it'

/** A route of a namespace's tables. Routes of the kernel's and of routing daemons are theirs. */
export const route: Kind<RouteSpec> = {
  name: 'route',

  read(dump, { namespace, root, lab }) {
    const seen = new Map<string, number>()
    return dump.routes.flatMap((r): Resource<RouteSpec>[] => {
      const mine = root ? r.protocol === String(labProtocol(lab)) : CONFIGURED.has(r.protocol ?? '3')
      // Older kernels do not say that they have made the local routes of IPv6 addresses themselves.
      const byKernel = Number(r.table) === LOCAL_TABLE && r.protocol === '0'
      if (!mine || byKernel || r.dst.startsWith('ff00:') || r.type === '5' || r.type === '3') return []
      const spec = specOf(r)
      const id = routeId(namespace, spec)
      const twin = seen.get(id) ?? 0
      seen.set(id, twin + 1)
      // The kernel allows several of one destination and metric (`ip route append`).
      return [{ id: twin ? `${id} #${twin + 1}` : id, kind: 'route', namespace, ...(root && { root }), spec }]
    })
  },

  describe: ({ metric: _, ...spec }) =>
    words(spec, false)
      .filter((word) => word !== spec.to && word !== '0.0.0.0/0')
      .join(' '),

  compare(live, desired) {
    const reshaped =
      desired.family === 6 && (live.type !== desired.type || !live.nexthops !== !desired.nexthops || !!live.nexthops)
    return (['type', 'via', 'dev', 'src', 'scope', 'onlink', 'mtu', 'nexthops'] as const).flatMap(
      (field): Difference[] => {
        const [from, to] = [live[field], desired[field]]
        // The device follows from the gateway where the file does not say it.
        if (JSON.stringify(from) === JSON.stringify(to)) return []
        return [
          {
            field,
            ...(from !== undefined && { from }),
            ...(to !== undefined && { to }),
            ...(reshaped && { forces: REPLACED }),
          },
        ]
      },
    )
  },

  needs: ({ namespace, spec }) => [namespace, ...devices(spec).map((dev) => linkId(namespace, dev))],
  lostWith: ({ namespace, spec }) => [namespace, ...devices(spec).map((dev) => linkId(namespace, dev))],

  // An IPv6 route outlives its source, without it (fib6_remove_prefsrc in the kernel's net/ipv6/route.c).
  loosened(r, goes, wiring) {
    const { src, family, ...rest } = r.spec
    const lost =
      src !== undefined &&
      family === 6 &&
      devices(r.spec).some((dev) =>
        wiring
          .on(linkId(r.namespace, dev))
          .some(
            ({ kind, id, spec }) => kind === 'address' && String(spec['address']).startsWith(`${src}/`) && goes(id),
          ),
      )
    return lost ? { ...r, spec: { family, ...rest } } : r
  },

  create: (r, { lab, live }) => [
    {
      // Gateways may be reached through routes of other networks to a device: those come first.
      stage: r.spec.via === undefined && !r.spec.nexthops ? 'add device routes' : 'add routes',
      operation: ip(
        ...([r, 'route'] as const),
        // A multipath route outlives one of its interfaces, without that hop.
        live.has(r.id) && r.spec.nexthops ? 'replace' : 'add',
        ...words(r.spec),
        ...(r.root ? ['proto', String(labProtocol(lab))] : []),
      ),
    },
  ],
  update: ({ desired }, { lab }) => [
    {
      stage: 'add routes',
      operation: ip(
        desired,
        'route',
        'replace',
        ...words(desired.spec),
        ...(desired.root ? ['proto', String(labProtocol(lab))] : []),
      ),
    },
  ],
  remove: (r, outlook) =>
    covered(route, r, outlook) ? [] : [{ stage: 'delete routes', operation: ip(r, 'route', 'del', ...words(r.spec)) }],
}
