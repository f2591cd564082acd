import {
  addressBytes,
  attribute,
  flags,
  text,
  u32,
  u8,
  type Attribute,
  type Message,
} from '../../backend/netlink/message.ts'
import { device, familyNumber, NotUnderstood, number, parse, prefix, type Words } from './words.ts'

const RTM = { newrule: 32, delrule: 33 } as const
/** fib_rules.h */
const FRA = { dst: 1, src: 2, iifname: 3, priority: 6, fwmark: 10, table: 15, fwmask: 16, oifname: 17, protocol: 21 }
const FR_ACT_TO_TBL = 1
const RT_TABLE_MAIN = 254
/** rtnetlink(7): the types of route that a rule can give by itself. */
const actions = { blackhole: 6, unreachable: 7, prohibit: 8 } as const

/** `ip [-6] rule add|del …`; what follows `rule`. */
export function ruleMessage(words: Words, asked: 6 | undefined): Message {
  const verb = words.next()
  if (verb !== 'add' && verb !== 'del') throw new NotUnderstood()
  const adds = verb === 'add'
  const attributes: Attribute[] = []
  // iproute2 does not take the family of a rule from its addresses.
  const family = asked ?? 4
  let [dstLength, srcLength, action] = [0, 0, adds ? FR_ACT_TO_TBL : 0]
  let table: number | undefined
  const push = (type: number, bytes: Uint8Array): void => void attributes.push(attribute(type, bytes))
  const address = (type: number, rest: Words): number => {
    const cidr = prefix(rest.next())
    if (family !== cidr.family) throw new NotUnderstood()
    push(type, addressBytes(cidr.address))
    return cidr.prefix
  }
  const act = (value: number) => () => {
    action = value
    table ??= 0
  }
  parse(words, {
    priority: (rest) => push(FRA.priority, u32(number(rest.next()))),
    from: (rest) => void (srcLength = address(FRA.src, rest)),
    to: (rest) => void (dstLength = address(FRA.dst, rest)),
    iif: (rest) => void attributes.push(text(FRA.iifname, device(rest.next()))),
    oif: (rest) => void attributes.push(text(FRA.oifname, device(rest.next()))),
    fwmark: (rest) => {
      const [mark = '', mask, extra] = rest.next().split('/')
      if (extra !== undefined) throw new NotUnderstood()
      push(FRA.fwmark, u32(mixed(mark)))
      if (mask !== undefined) push(FRA.fwmask, u32(mixed(mask)))
    },
    table: (rest) => void (table = number(rest.next())),
    protocol: (rest) => push(FRA.protocol, u8(number(rest.next(), 255))),
    blackhole: act(actions.blackhole),
    unreachable: act(actions.unreachable),
    prohibit: act(actions.prohibit),
  })
  if (table === undefined) table = adds ? RT_TABLE_MAIN : 0
  if (table > 255) push(FRA.table, u32(table))
  return {
    type: adds ? RTM.newrule : RTM.delrule,
    flags: adds ? flags.create | flags.excl : 0,
    // fib_rule_hdr: family, lengths of dst and src, tos, table, two reserved, action, flags
    header: Uint8Array.of(
      ...[familyNumber(family), dstLength, srcLength, 0, table > 255 ? 0 : table, 0, 0, action],
      ...[0, 0, 0, 0],
    ),
    attributes,
  }
}

/** Decimal or hexadecimal, 32 bits. */
const mixed = (word: string): number => (/^0x[0-9a-f]{1,8}$/i.test(word) ? parseInt(word.slice(2), 16) : number(word))
