import type { NexthopSpec } from '../../model/nexthop-spec.ts'
import type { NexthopOperation } from '../../model/operation.ts'
import { attribute, flags, nest, toU16, toU32, type Attribute, type Message } from './message.ts'
import { NHA, NHA_RES_GROUP, NLA_F_NESTED } from './attribute-numbers.ts'
import { bytesOf, familyNumber, isDevice, isNumber } from './values.ts'

const RTM = { newnexthop: 104, delnexthop: 105 } as const
const RTNH_F_ONLINK = 4
/** NEXTHOP_GRP_TYPE_RES of nexthop.h */
const RESILIENT = 1
/** USER_HZ: timers are in hundredths of a second. */
const HUNDREDTHS = 100
const EMPTY = new Uint8Array(0)

/** The message that sets or deletes a nexthop object; undefined for what is left to `ip`. */
export function nexthopMessage(operation: NexthopOperation): Message | undefined {
  if (operation.do === 'nexthop.delete')
    return { type: RTM.delnexthop, flags: 0, header: new Uint8Array(8), attributes: [idOf(operation.id)] }
  const { nexthop, protocol = 0 } = operation
  const { id, family, via, dev, encap, onlink, group } = nexthop
  const gateway = via === undefined ? undefined : bytesOf(via, family)
  if (!isNumber(id, undefined, 1) || encap !== undefined) return undefined
  if ((via !== undefined && !gateway) || (dev !== undefined && !isDevice(dev))) return undefined
  const more = group ? groupOf(nexthop, group) : []
  if (!more) return undefined
  const attributes: Attribute[] = [idOf(id), ...more]
  if (gateway) attributes.push(attribute(NHA.gateway, gateway))
  if (dev !== undefined) attributes.push({ type: NHA.oif, device: dev })
  if (nexthop.blackhole) attributes.push(attribute(NHA.blackhole, EMPTY))
  if (nexthop.fdb) attributes.push(attribute(NHA.fdb, EMPTY))
  return {
    type: RTM.newnexthop,
    flags: flags.create | (operation.do === 'nexthop.add' ? flags.excl : flags.replace),
    // nhmsg: family, scope, protocol, reserved, flags (4)
    header: Uint8Array.of(
      family === undefined ? 0 : familyNumber(family),
      0,
      protocol,
      0,
      ...toU32(onlink ? RTNH_F_ONLINK : 0),
    ),
    attributes,
  }
}

const idOf = (id: number): Attribute => attribute(NHA.id, toU32(id))

/** nexthop_grp of each member: id (4), weight less one, reserved (3); then the type and its settings. */
function groupOf(
  { type, buckets, idle_timer, unbalanced_timer }: NexthopSpec,
  group: NonNullable<NexthopSpec['group']>,
): Attribute[] | undefined {
  if (!group.every(({ id, weight = 1 }) => isNumber(id, undefined, 1) && isNumber(weight, 256, 1))) return undefined
  const all = attribute(
    NHA.group,
    Uint8Array.from(group.flatMap(({ id, weight = 1 }) => [...toU32(id), weight - 1, 0, 0, 0])),
  )
  if (type === undefined) return [all]
  const settings: Attribute[] = []
  if (buckets !== undefined) settings.push(attribute(NHA_RES_GROUP.buckets, toU16(buckets)))
  if (idle_timer !== undefined) settings.push(attribute(NHA_RES_GROUP.idleTimer, toU32(idle_timer * HUNDREDTHS)))
  if (unbalanced_timer !== undefined)
    settings.push(attribute(NHA_RES_GROUP.unbalancedTimer, toU32(unbalanced_timer * HUNDREDTHS)))
  return [all, attribute(NHA.groupType, toU16(RESILIENT)), nest(NHA.resGroup | NLA_F_NESTED, settings)]
}
