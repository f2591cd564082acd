import type { RuleOperation } from '../../model/operation.ts'
import { ruleWords } from '../../model/rule-spec.ts'
import { MAIN_TABLE } from '../../model/tables.ts'
import { addressBytes, attribute, flags, text, toU32, toU8, type Attribute, type Message } from './message.ts'
import { cidrOf, familyNumber, isDevice, isNumber } from './values.ts'
import { FRA } from './attribute-numbers.ts'

const RTM = { newrule: 32, delrule: 33 } as const
/** fib_rules.h */
const FR_ACT_TO_TBL = 1
/** rtnetlink(7): the types of route that a rule can give by itself. */
const actions = { blackhole: 6, unreachable: 7, prohibit: 8 } as const

/** The message that adds or deletes a rule; undefined for what is left to `ip`. */
export function ruleMessage(operation: RuleOperation): Message | undefined {
  const { rule } = operation
  const { family, priority, iif, oif, fwmark, action } = rule
  const adds = operation.do === 'rule.add'
  const { protocol } = operation
  const [from, to] = [networkOf(rule.from, family), networkOf(rule.to, family)]
  const marks = fwmark?.split('/').map(markOf) ?? []
  const table = action ? 0 : (rule.table ?? (adds ? MAIN_TABLE : 0))
  const isKnown =
    ruleWords.every((word) => rule[word] === undefined) &&
    [iif, oif].every((name) => name === undefined || isDevice(name)) &&
    [priority, table, ...marks].every((value) => isNumber(value)) &&
    marks.length <= 2
  if (!isKnown || !from || !to) return undefined
  const [mark, mask] = marks
  const attributes: Attribute[] = [attribute(FRA.priority, toU32(priority))]
  if (from.bytes) attributes.push(attribute(FRA.src, from.bytes))
  if (to.bytes) attributes.push(attribute(FRA.dst, to.bytes))
  if (iif !== undefined) attributes.push(text(FRA.iifname, iif))
  if (oif !== undefined) attributes.push(text(FRA.oifname, oif))
  if (mark !== undefined) attributes.push(attribute(FRA.fwmark, toU32(mark)))
  if (mask !== undefined) attributes.push(attribute(FRA.fwmask, toU32(mask)))
  if (protocol !== undefined) attributes.push(attribute(FRA.protocol, toU8(protocol)))
  if (table > 255) attributes.push(attribute(FRA.table, toU32(table)))
  const does = action ? actions[action] : adds ? FR_ACT_TO_TBL : 0
  return {
    type: adds ? RTM.newrule : RTM.delrule,
    flags: adds ? flags.create | flags.excl : 0,
    // fib_rule_hdr: family, lengths of dst and src, tos, table, two reserved, action, flags
    header: Uint8Array.of(
      ...[familyNumber(family), to.prefix, from.prefix, 0, table > 255 ? 0 : table, 0, 0, does],
      ...[0, 0, 0, 0],
    ),
    attributes,
  }
}

/** A network of the rule's family; undefined: it is none. */
function networkOf(text: string | undefined, family: 4 | 6): { bytes?: Uint8Array; prefix: number } | undefined {
  if (text === undefined) return { prefix: 0 }
  const cidr = cidrOf(text)
  return cidr?.family === family ? { bytes: addressBytes(cidr.address), prefix: cidr.prefix } : undefined
}

/** Decimal or hexadecimal; NaN: neither. */
const markOf = (word: string): number => (/^(0x[0-9a-f]+|0|[1-9]\d*)$/i.test(word) ? Number(word) : NaN)
