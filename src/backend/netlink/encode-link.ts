import { typesByName } from '../../kinds/links/link-types.ts'
import { portTable } from '../../kinds/links/port.ts'
import { settingTable } from '../../kinds/settings.ts'
import type { Field, LinkType } from '../../model/link-type.ts'
import type { LinkChange, LinkOperation, NewLink, TypeSettings } from '../../model/operation.ts'
import { encodeFields, encodeValue } from './encode-data.ts'
import { attribute, flags, nest, text, toU32, type Attribute, type Message } from './message.ts'
import { isDevice, isNamespace } from './values.ts'
import { IFLA, INFO } from './attribute-numbers.ts'

const RTM = { newlink: 16, dellink: 17 } as const
/** veth.h */
const VETH_INFO_PEER = 1
/** net/if.h */
const IFF_UP = 1

/** ifinfomsg: family, type, index (4), flags (8), which flags change (12). */
function header(set = 0, change = 0): Uint8Array {
  const bytes = new Uint8Array(16)
  if (change === 0) return bytes
  bytes.set(toU32(set), 8)
  bytes.set(toU32(change), 12)
  return bytes
}

/** The message that makes, changes or removes an interface; undefined for what is left to `ip`. */
export function linkMessage(operation: LinkOperation): Message | undefined {
  switch (operation.do) {
    case 'link.add':
      return addMessage(operation)
    case 'link.set':
      return setMessage(operation.name, operation.set)
    case 'link.delete': {
      const base = { type: RTM.dellink, flags: 0, header: header() }
      if (!('name' in operation)) {
        const group = encodeValue({ number: IFLA.group, as: 'u32' }, operation.group)
        return group && { ...base, attributes: [group] }
      }
      return isDevice(operation.name) ? { ...base, device: { name: operation.name, at: 4 }, attributes: [] } : undefined
    }
  }
}

function addMessage({ link, type, lower, peer }: Extract<LinkOperation, { do: 'link.add' }>): Message | undefined {
  const kind = typesByName.get(type.name)
  const attributes = newAttributes(link)
  const data = kind && (kind.pair ? peer && pairData(peer) : typeData(kind, type.data, lower))
  if (!kind || !attributes || !data || !(lower === undefined || isDevice(lower))) return undefined
  if (lower !== undefined && kind.lowerAttribute === undefined) attributes.push({ type: IFLA.link, device: lower })
  const linkinfo = [attribute(INFO.kind, Buffer.from(kind.name))]
  if (data.length) linkinfo.push(nest(INFO.data, data))
  attributes.push(nest(IFLA.linkinfo, linkinfo))
  const up = link.up ? IFF_UP : 0
  return { type: RTM.newlink, flags: flags.create | flags.excl, header: header(up, up), attributes }
}

/** What a message says of an interface that is to be made, but for its type. */
function newAttributes({ name, netns, group, mac, mtu, queues }: NewLink): Attribute[] | undefined {
  if (!isDevice(name) || !(netns === undefined || isNamespace(netns))) return undefined
  const attributes: (Attribute | undefined)[] = [text(IFLA.ifname, name)]
  if (netns !== undefined) attributes.push({ type: IFLA.netNsFd, netns })
  if (group !== undefined) attributes.push(encodeValue({ number: IFLA.group, as: 'u32' }, group))
  if (mac !== undefined) attributes.push(encodeValue({ number: IFLA.address, as: 'mac' }, mac))
  if (mtu !== undefined) attributes.push(encodeValue({ number: IFLA.mtu, as: 'u32' }, mtu))
  if (queues !== undefined)
    for (const number of [IFLA.numTxQueues, IFLA.numRxQueues])
      attributes.push(encodeValue({ number, as: 'u32' }, queues))
  return whole(attributes)
}

/** Undefined when there is one that only `ip` knows how to say. */
const whole = (all: (Attribute | undefined)[]): Attribute[] | undefined =>
  all.includes(undefined) ? undefined : (all as Attribute[])

/** VETH_INFO_PEER holds what a message of its own would. */
function pairData(peer: NewLink): Attribute[] | undefined {
  const attributes = peer.up ? undefined : newAttributes(peer)
  return attributes && [{ type: VETH_INFO_PEER, header: header(), attributes }]
}

function typeData(type: LinkType, data: TypeSettings['data'], lower: string | undefined): Attribute[] | undefined {
  const attributes = type.addWords ? undefined : encodeFields(type.fields, data, true)
  if (lower !== undefined && type.lowerAttribute !== undefined)
    attributes?.push({ type: type.lowerAttribute, device: lower })
  return attributes
}

function setMessage(name: string, set: LinkChange): Message | undefined {
  const attributes: (Attribute | undefined)[] = []
  let [on, change] = [0, 0]
  for (const [field, value] of Object.entries(set)) {
    const setting = Object.hasOwn(settingTable, field) ? settingTable[field] : undefined
    if (setting?.flag && typeof value === 'boolean') {
      change |= setting.flag.bit
      if (value !== (setting.flag.inverted ?? false)) on |= setting.flag.bit
    } else if (setting?.attribute) attributes.push(encodeValue(setting.attribute, value))
    else attributes.push(moveOrType(field, set))
  }
  const found = isDevice(name) && attributes.length + change > 0 ? whole(attributes) : undefined
  return (
    found && { type: RTM.newlink, flags: 0, header: header(on, change), device: { name, at: 4 }, attributes: found }
  )
}

function moveOrType(field: string, { netns, name, type }: LinkChange): Attribute | undefined {
  if (field === 'netns' && netns !== undefined && isNamespace(netns)) return { type: IFLA.netNsFd, netns }
  if (field === 'name' && name !== undefined && isDevice(name)) return text(IFLA.ifname, name)
  if (field !== 'type' || !type) return undefined
  const isPort = type.name === 'bridge_slave'
  const kind = isPort ? undefined : typesByName.get(type.name)
  const fields: Readonly<Record<string, Field>> | undefined = isPort ? portTable : kind?.setSingly && kind.fields
  const data = fields && encodeFields(fields, type.data, false)
  const [kindNumber, dataNumber] = isPort ? [INFO.slaveKind, INFO.slaveData] : [INFO.kind, INFO.data]
  return (
    data &&
    nest(IFLA.linkinfo, [attribute(kindNumber, Buffer.from(isPort ? 'bridge' : type.name)), nest(dataNumber, data)])
  )
}
