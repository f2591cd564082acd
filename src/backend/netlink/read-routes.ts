import type { Slice } from './message.ts'
import { metrics, metricValue, type Metric, type Metrics } from '../../model/metrics.ts'
import type { IpRoute, IpRule } from '../../model/runner.ts'
import { NotUnderstood, addressText, attributes, bits, decodedOnce, messages, string } from './answer.ts'
import { encapsulation, labels } from './read-encap.ts'
import { RTA, FRA } from './attribute-numbers.ts'

/** rtnetlink.h */
const RTAX_LOCK = 1
const [AF_INET, AF_INET6, AF_MPLS] = [2, 10, 28]
const [FR_ACT_TO_TBL, FR_ACT_GOTO, FR_ACT_NOP] = [1, 2, 3]
const [FIB_RULE_INVERT, FIB_RULE_UNRESOLVED] = [2, 4]
/** RTNH_F_* and RTM_F_*, in the order in which iproute2 prints them. */
const flagWords = bits([
  [0x1, 'dead'],
  [0x4, 'onlink'],
  [0x2, 'pervasive'],
  [0x8, 'offload'],
  [0x40, 'trap'],
  [0x100, 'notify'],
  [0x10, 'linkdown'],
  [0x20, 'unresolved'],
  [0x4000, 'rt_offload'],
  [0x8000, 'rt_trap'],
])
const metricsByNumber = new Map(metrics.map((metric) => [metric.number, metric]))
const preferences: Readonly<Record<number, string>> = { 0: 'medium', 1: 'high', 3: 'low' }

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Hop = Writable<NonNullable<IpRoute['nexthops']>[number]>

/**
 * What `ip -j -d -N route show table all` prints, from the answer to RTM_GETROUTE of all families, with encapsulations as text. Throws
 * NotUnderstood for encapsulations in other than labels.
 */
export function decodeRoutes(bytes: Buffer, answer: Slice, nameOf: (index: number) => string): IpRoute[] {
  const routes: IpRoute[] = []
  messages(bytes, answer, (_, at, end) => {
    const family = bytes[at] ?? 0
    const length = bytes[at + 1] ?? 0
    if (family !== AF_INET && family !== AF_INET6 && family !== AF_MPLS) return
    let encap: readonly [from: number, to: number] | undefined
    const route: Writable<IpRoute> = {
      type: String(bytes[at + 7]),
      dst: length === 0 ? 'default' : `0/${length}`,
      table: String(bytes[at + 4]),
      protocol: String(bytes[at + 5]),
      scope: String(bytes[at + 6]),
      flags: flagWords(bytes.readUInt32LE(at + 8)),
      ...(bytes[at + 3] && { tos: mark(bytes[at + 3] ?? 0) }),
    }
    attributes(bytes, at + 12, end, (attribute, from, to) => {
      switch (attribute) {
        case RTA.dst: {
          const host = length === (family === AF_INET ? 32 : 128)
          route.dst =
            family === AF_MPLS
              ? labels(bytes, from, to)
              : host
                ? addressText(bytes, from, to)
                : `${addressText(bytes, from, to)}/${length}`
          break
        }
        case RTA.oif:
          route.dev = nameOf(bytes.readUInt32LE(from))
          break
        case RTA.gateway:
        case RTA.via:
          gateway(route, attribute, from, to)
          break
        case RTA.priority:
          route.metric = bytes.readUInt32LE(from)
          break
        case RTA.prefsrc:
          route.prefsrc = addressText(bytes, from, to)
          break
        case RTA.metrics:
          route.metrics = [metricsOf(from, to)]
          break
        case RTA.multipath:
          route.nexthops = hops(from, to, family)
          break
        case RTA.table:
          route.table = String(bytes.readUInt32LE(from))
          break
        case RTA.pref: {
          const pref = preferences[bytes[from] ?? 0]
          if (pref !== undefined) route.pref = pref
          break
        }
        case RTA.src: {
          const sources = bytes[at + 2] ?? 0
          route.from = sources === 128 ? addressText(bytes, from, to) : `${addressText(bytes, from, to)}/${sources}`
          break
        }
        case RTA.flow:
          route.flow = realms(bytes.readUInt32LE(from))
          break
        case RTA.nhId:
          route.nhid = bytes.readUInt32LE(from)
          break
        case RTA.newdst:
          route.to = labels(bytes, from, to)
          break
        case RTA.ttlPropagate:
          route.ttl_propagate = bytes[from] ? 'enabled' : 'disabled'
          break
        case RTA.encap:
          encap = [from, to]
          break
        case RTA.encapType:
          route.encap = encapsulation(bytes, bytes.readUInt16LE(from), encap)
          break
      }
    })
    routes.push(route)
  })
  return routes

  function gateway(hop: Pick<Hop, 'gateway' | 'via'>, attribute: number, from: number, to: number): void {
    if (attribute === RTA.gateway) hop.gateway = addressText(bytes, from, to)
    else {
      const family = bytes.readUInt16LE(from) === AF_INET ? 'inet' : 'inet6'
      hop.via = { family, host: addressText(bytes, from + 2, to) }
    }
  }

  function metricsOf(from: number, to: number): Metrics {
    const result: Record<string, number | string> = {}
    let locks = 0
    attributes(bytes, from, to, (attribute, at) => {
      if (attribute === RTAX_LOCK) locks = bytes.readUInt32LE(at)
    })
    attributes(bytes, from, to, (attribute, at, end) => {
      const metric = metricsByNumber.get(attribute)
      if (metric) result[metric.word] = metricValue(metric, valueOf(metric, at, end), (locks & (1 << attribute)) !== 0)
    })
    return result
  }

  function valueOf({ perMillisecond, words }: Metric, at: number, end: number): number | string {
    if (words === 'name') return string(bytes, at, end)
    const value = bytes.readUInt32LE(at)
    if (perMillisecond !== undefined) return `${Math.floor(value / perMillisecond)}ms`
    return words ? (words.length === 1 && value === 1 ? (words[0] ?? '') : mark(value)) : value
  }

  /** Each rtnexthop: length, flags, weight less one, index, attributes. */
  function hops(from: number, to: number, family: number): Hop[] {
    const result: Hop[] = []
    for (let at = from; at + 8 <= to;) {
      const length = bytes.readUInt16LE(at)
      if (length < 8) break
      const hop: Hop = {
        // Ways of MPLS have none.
        ...(family !== AF_MPLS && { weight: (bytes[at + 3] ?? 0) + 1 }),
        flags: flagWords(bytes[at + 2] ?? 0),
      }
      const index = bytes.readUInt32LE(at + 4)
      if (index) hop.dev = nameOf(index)
      let encap: readonly [from: number, to: number] | undefined
      attributes(bytes, at + 8, at + length, (attribute, start, end) => {
        if (attribute === RTA.gateway || attribute === RTA.via) gateway(hop, attribute, start, end)
        else if (attribute === RTA.flow) hop.flow = realms(bytes.readUInt32LE(start))
        else if (attribute === RTA.newdst) hop.to = labels(bytes, start, end)
        else if (attribute === RTA.encap) encap = [start, end]
        else if (attribute === RTA.encapType) hop.encap = encapsulation(bytes, bytes.readUInt16LE(start), encap)
      })
      result.push(hop)
      at += (length + 3) & ~3
    }
    return result
  }
}

/** The realm of the sources is in the upper half. */
const realms = (both: number): NonNullable<IpRoute['flow']> =>
  both >>> 16 ? { from: String(both >>> 16), to: String(both & 0xffff) } : { to: String(both & 0xffff) }

/** What a rule has that suppresses nothing. */
const NONE = 0xffffffff

/** As `%#x` prints it. */
const mark = (bits: number): string => (bits === 0 ? '0' : `0x${bits.toString(16)}`)

/**
 * What `ip -4` and `ip -6 -j -d -N rule show` print, from the answer to RTM_GETRULE of all families. Throws NotUnderstood for
 * what only others' rules have.
 */
export const decodeRules = decodedOnce((bytes, answer): { rules: IpRule[]; rules6: IpRule[] } => {
  const found = { rules: [] as IpRule[], rules6: [] as IpRule[] }
  messages(bytes, answer, (_, at, end) => {
    const family = bytes[at]
    if (family !== AF_INET && family !== AF_INET6) return
    const whole = family === AF_INET ? 32 : 128
    const [dstLength = 0, srcLength = 0] = [bytes[at + 1], bytes[at + 2]]
    const rule: Writable<IpRule> = { priority: 0, src: srcLength === 0 ? 'all' : '0' }
    if (srcLength > 0 && srcLength < whole) rule.srclen = srcLength
    if (dstLength > 0 && dstLength < whole) rule.dstlen = dstLength
    if (dstLength > 0) rule.dst = '0'
    const tos = bytes[at + 3]
    const set = bytes.readUInt32LE(at + 8)
    if (tos) rule.tos = mark(tos)
    if (set & FIB_RULE_INVERT) rule.not = null
    if (set & FIB_RULE_UNRESOLVED) rule.unresolved = null
    let table = bytes[at + 4] ?? 0
    const action = bytes[at + 7] ?? 0
    attributes(bytes, at + 12, end, (attribute, from, to) => {
      switch (attribute) {
        case FRA.src:
          rule.src = addressText(bytes, from, to)
          break
        case FRA.dst:
          rule.dst = addressText(bytes, from, to)
          break
        case FRA.iifname:
          rule.iif = string(bytes, from, to)
          break
        case FRA.oifname:
          rule.oif = string(bytes, from, to)
          break
        case FRA.priority:
          rule.priority = bytes.readUInt32LE(from)
          break
        case FRA.fwmark:
          rule.fwmark = mark(bytes.readUInt32LE(from))
          break
        case FRA.fwmask: {
          const mask = bytes.readUInt32LE(from)
          if (mask !== 0xffffffff) rule.fwmask = mark(mask)
          // The kernel leaves out a mark of 0.
          rule.fwmark ??= mark(0)
          break
        }
        case FRA.table:
          table = bytes.readUInt32LE(from)
          break
        case FRA.protocol:
          rule.protocol = String(bytes[from])
          break
        case FRA.l3mdev:
          if (bytes[from]) rule.l3mdev = null
          break
        case FRA.suppressPrefix:
          if (bytes.readUInt32LE(from) !== NONE) rule.suppress_prefixlen = bytes.readUInt32LE(from)
          break
        case FRA.suppressIfgroup:
          if (bytes.readUInt32LE(from) !== NONE) rule.suppress_ifgroup = String(bytes.readUInt32LE(from))
          break
        case FRA.tunId:
          rule.tun_id = Number(bytes.readBigUInt64BE(from))
          break
        case FRA.goto:
          rule.goto = bytes.readUInt32LE(from)
          break
        case FRA.flow: {
          const { from: source, to: destination } = realms(bytes.readUInt32LE(from))
          Object.assign(rule, source !== undefined && { flow_from: source }, { flow_to: destination })
          break
        }
        case FRA.uidRange:
          Object.assign(rule, { uid_start: bytes.readUInt32LE(from), uid_end: bytes.readUInt32LE(from + 4) })
          break
        case FRA.ipProto:
          rule.ipproto = `ipproto-${bytes[from]}`
          break
        case FRA.sport:
        case FRA.dport: {
          const name = attribute === FRA.sport ? 'sport' : 'dport'
          const [first, last] = [bytes.readUInt16LE(from), bytes.readUInt16LE(from + 2)]
          Object.assign(rule, first === last ? { [name]: first } : { [`${name}_start`]: first, [`${name}_end`]: last })
          break
        }
        default:
          throw new NotUnderstood()
      }
    })
    if (table) rule.table = String(table)
    if (action === FR_ACT_NOP) rule.nop = null
    else if (action !== FR_ACT_TO_TBL && action !== FR_ACT_GOTO) rule.action = String(action)
    found[family === AF_INET ? 'rules' : 'rules6'].push(rule)
  })
  return found
})
