import { familyOf, type Cidr } from '../../model/cidr.ts'
import { metrics } from '../../model/metrics.ts'
import type { RouteOperation } from '../../model/operation.ts'
import { metricWords, type Hop, type RouteSpec } from '../../model/route-spec.ts'
import { MAIN_TABLE } from '../../model/tables.ts'
import { addressBytes, attribute, flags, nest, toU16, toU32, type Attribute, type Message } from './message.ts'
import { bytesOf, cidrOf, familyNumber, isDevice, isNumber } from './values.ts'
import { RTA } from './attribute-numbers.ts'

const RTM = { newroute: 24, delroute: 25 } as const
/** The metrics whose value is the kernel's number. */
const numbers = new Map<string, number>(
  metrics.flatMap((metric) => (metric.words || metric.perMillisecond ? [] : [[metric.word, metric.number]])),
)
const RTNH_F_ONLINK = 4
const RTPROT_BOOT = 3
const scopes = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const
const types = {
  ...{ unicast: 1, local: 2, broadcast: 3, anycast: 4, multicast: 5 },
  ...{ blackhole: 6, unreachable: 7, prohibit: 8, throw: 9 },
} as const
const ON_LINK: readonly (string | undefined)[] = ['broadcast', 'anycast', 'multicast']
const hows = {
  'route.add': flags.create | flags.excl,
  'route.replace': flags.create | flags.replace,
  'route.append': flags.create | flags.append,
  'route.delete': 0,
} as const
/** What only `ip` says. */
const others = ['realm', 'as', 'ttl_propagate', 'from', 'nexthop', 'tos', 'pref'] as const

/** The message that sets or deletes a route; undefined for what is left to `ip`. */
export function routeMessage(operation: RouteOperation): Message | undefined {
  const deletes = operation.do === 'route.delete'
  const s = operation.route
  const { family, type, nexthops = [] } = s
  const to = destinationOf(s)
  if (family === 'mpls' || !to || others.some((field) => s[field] !== undefined)) return undefined
  if (type !== undefined && !Object.hasOwn(types, type)) return undefined
  if (s.scope !== undefined && !Object.hasOwn(scopes, s.scope)) return undefined
  if (![s, ...nexthops].every((hop) => isKnownHop(hop, deletes))) return undefined
  const src = s.src === undefined ? undefined : bytesOf(s.src, family)
  if (s.src !== undefined && !src) return undefined
  const { metric = 0, table = MAIN_TABLE } = s
  const settings = settingsOf(s)
  if (!isNumber(metric) || !isNumber(table, undefined, 1) || !settings) return undefined

  const attributes: Attribute[] = []
  if (to !== 'default') attributes.push(attribute(RTA.dst, addressBytes(to.address)))
  if (s.via !== undefined) attributes.push(via(s.via, family))
  if (s.dev !== undefined) attributes.push({ type: RTA.oif, device: s.dev })
  if (src) attributes.push(attribute(RTA.prefsrc, src))
  if (s.metric !== undefined) attributes.push(attribute(RTA.priority, toU32(metric)))
  if (nexthops.length)
    attributes.push(
      nest(
        RTA.multipath,
        nexthops.map((hop) => hopOf(hop, family)),
      ),
    )
  if (settings.length) attributes.push(nest(RTA.metrics, settings))
  if (table > 255) attributes.push(attribute(RTA.table, toU32(table)))
  const protocol = deletes ? 0 : (operation.protocol ?? RTPROT_BOOT)
  const scope = s.scope === undefined ? scopeFor(s, deletes) : scopes[s.scope as keyof typeof scopes]
  const kind = type === undefined ? (deletes ? 0 : types.unicast) : types[type as keyof typeof types]
  return {
    type: deletes ? RTM.delroute : RTM.newroute,
    flags: hows[operation.do],
    // rtmsg: family, lengths of dst and src, tos, table, protocol, scope, type, flags
    header: Uint8Array.of(
      ...[familyNumber(family), to === 'default' ? 0 : to.prefix, 0, 0, table > 255 ? 0 : table, protocol, scope, kind],
      ...toU32(s.onlink ? RTNH_F_ONLINK : 0),
    ),
    attributes,
  }
}

/** The scope that iproute2 gives a route by default (ip-route(8)). */
function scopeFor({ family, type, via, nexthops }: RouteSpec, deletes: boolean): number {
  if (family === 6) return scopes.global
  if (type === 'local') return scopes.host
  if (ON_LINK.includes(type)) return scopes.link
  if (deletes) return scopes.nowhere
  return type !== undefined || via !== undefined || nexthops ? scopes.global : scopes.link
}

function destinationOf({ to, family }: RouteSpec): Cidr | 'default' | undefined {
  if (to === 'default') return family === 4 ? to : undefined
  const cidr = cidrOf(to)
  return cidr?.family === family ? cidr : undefined
}

/** Nothing is said of the encapsulation of a route that goes. */
const isKnownHop = ({ via, dev, weight = 1, encap, realm }: Hop, deletes: boolean): boolean =>
  (via === undefined || bytesOf(via) !== undefined) &&
  (dev === undefined || isDevice(dev)) &&
  isNumber(weight, 256, 1) &&
  (encap === undefined || deletes) &&
  realm === undefined

/** A gateway of another family than the route's has another attribute. */
const via = (address: string, family: 4 | 6): Attribute =>
  familyOf(address) === family
    ? attribute(RTA.gateway, addressBytes(address))
    : attribute(RTA.via, Buffer.concat([toU16(familyNumber(familyOf(address))), addressBytes(address)]))

/** An rtnexthop, shaped like an attribute: length, flags, weight less one, index. */
const hopOf = (hop: Hop, family: 4 | 6): Attribute => ({
  type: (((hop.weight ?? 1) - 1) << 8) | (hop.onlink ? RTNH_F_ONLINK : 0),
  header: new Uint8Array(4),
  ...(hop.dev !== undefined && { device: { name: hop.dev, at: 0 } }),
  attributes: hop.via === undefined ? [] : [via(hop.via, family)],
})

/** The metrics; undefined: one of them is left to `ip`. */
function settingsOf(s: RouteSpec): Attribute[] | undefined {
  const result: Attribute[] = []
  for (const word of metricWords) {
    const value = s[word]
    if (value === undefined) continue
    const number = numbers.get(word)
    if (number === undefined || !isNumber(value)) return undefined
    result.push(attribute(number, toU32(value)))
  }
  return result
}
