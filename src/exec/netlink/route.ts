import { familyOf } from '../../model/cidr.ts'
import {
  addressBytes,
  attribute,
  flags,
  nest,
  u16,
  u32,
  type Attribute,
  type Message,
} from '../../backend/netlink/message.ts'
import { metrics } from '../../model/metrics.ts'
import { choice, device, familyNumber, host, NotUnderstood, number, prefix, type Words } from './words.ts'

const RTM = { newroute: 24, delroute: 25 } as const
/** rtnetlink.h */
const RTA = {
  dst: 1,
  oif: 4,
  gateway: 5,
  priority: 6,
  prefsrc: 7,
  metrics: 8,
  multipath: 9,
  table: 15,
  via: 18,
} as const
/** The metrics whose value is the kernel's number. */
const numbers = Object.fromEntries(
  metrics.flatMap((metric) => (metric.words || metric.perMillisecond ? [] : [[metric.word, metric.number]])),
)
const RTNH_F_ONLINK = 4
const RTPROT_BOOT = 3
const table = { main: 254, local: 255 } as const
const scopes = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const
const types = { unicast: 1, local: 2, blackhole: 6, unreachable: 7, prohibit: 8 } as const

/** `ip route add|replace|del …`; what follows `route`. */
export function routeMessage(words: Words): Message {
  const verb = words.next()
  if (verb !== 'add' && verb !== 'replace' && verb !== 'del') throw new NotUnderstood()
  const deletes = verb === 'del'
  let word = words.next()
  const type = Object.hasOwn(types, word) ? choice(types, word) : undefined
  if (type !== undefined) word = words.next()

  const attributes: Attribute[] = []
  const push = (attributeType: number, bytes: Uint8Array): void => void attributes.push(attribute(attributeType, bytes))
  let family: 4 | 6 | undefined
  let length = 0
  if (word !== 'default') {
    const cidr = prefix(word)
    family = cidr.family
    length = cidr.prefix
    push(RTA.dst, addressBytes(cidr.address))
  }
  const given: { table?: number; scope?: number; protocol?: number; gateway?: boolean; hops?: boolean } = {}
  let onlink = 0
  /** `via [inet6] ADDRESS`: another family than the route's needs another attribute. */
  const via = (into: Attribute[]): void => {
    const asked = words.skip('inet6') ? 6 : words.skip('inet') ? 4 : family
    const address = host(words.next())
    if (asked !== undefined && familyOf(address) !== asked) throw new NotUnderstood()
    family ??= familyOf(address)
    const bytes = addressBytes(address)
    into.push(
      familyOf(address) === family
        ? attribute(RTA.gateway, bytes)
        : attribute(RTA.via, Buffer.concat([u16(familyNumber(familyOf(address))), bytes])),
    )
  }
  /** `nexthop [via ADDRESS] [dev X] [weight N]`, any number of them: each is an rtnexthop, shaped like an attribute. */
  const hops = (): Attribute[] => {
    const result: Attribute[] = []
    do {
      const inner: Attribute[] = []
      let dev: string | undefined
      let weight = 1
      let hopFlags = 0
      while (words.more()) {
        if (words.skip('via')) via(inner)
        else if (words.skip('dev')) dev = device(words.next())
        else if (words.skip('weight')) weight = number(words.next(), 256, 1)
        else if (words.skip('onlink')) hopFlags = RTNH_F_ONLINK
        else break
      }
      result.push({
        type: ((weight - 1) << 8) | hopFlags,
        header: new Uint8Array(4),
        ...(dev !== undefined && { device: { name: dev, at: 0 } }),
        attributes: inner,
      })
    } while (words.skip('nexthop'))
    if (words.more()) throw new NotUnderstood()
    return result
  }
  const settings: Attribute[] = []
  while (words.more()) {
    const field = words.next()
    switch (field) {
      case 'via':
        via(attributes)
        given.gateway = true
        break
      case 'dev':
        attributes.push({ type: RTA.oif, device: device(words.next()) })
        break
      case 'onlink':
        onlink = RTNH_F_ONLINK
        break
      case 'src': {
        const src = host(words.next())
        family ??= familyOf(src)
        if (familyOf(src) !== family) throw new NotUnderstood()
        push(RTA.prefsrc, addressBytes(src))
        break
      }
      case 'metric':
        push(RTA.priority, u32(number(words.next())))
        break
      case 'table':
        given.table = number(words.next(), 0xffffffff, 1)
        break
      case 'scope':
        given.scope = choice(scopes, words.next())
        break
      case 'proto':
        given.protocol = number(words.next(), 255)
        break
      case 'nexthop':
        attributes.push(nest(RTA.multipath, hops()))
        given.hops = true
        break
      default:
        settings.push(attribute(choice(numbers, field), u32(number(words.next()))))
    }
  }
  if (settings.length) attributes.push(nest(RTA.metrics, settings))
  const inTable = given.table ?? (type === types.local ? table.local : table.main)
  if (inTable > 255) push(RTA.table, u32(inTable))
  const header = [familyNumber(family ?? 4), length, 0, 0, inTable > 255 ? 0 : inTable]
  header.push(
    given.protocol ?? (deletes ? 0 : RTPROT_BOOT),
    given.scope ?? scopeFor(),
    type ?? (deletes ? 0 : types.unicast),
  )
  return {
    type: deletes ? RTM.delroute : RTM.newroute,
    flags: deletes ? 0 : flags.create | (verb === 'add' ? flags.excl : flags.replace),
    // rtmsg: family, lengths of dst and src, tos, table, protocol, scope, type, flags
    header: Uint8Array.of(...header, ...u32(onlink)),
    attributes,
  }

  /** The scope that iproute2 gives when none is asked for (ip-route(8)). */
  function scopeFor(): number {
    if (family === 6) return scopes.global
    if (type === types.local) return scopes.host
    if (type !== undefined && type !== types.unicast) return deletes ? scopes.nowhere : scopes.global
    if (deletes) return scopes.nowhere
    return given.gateway || given.hops ? scopes.global : scopes.link
  }
}
