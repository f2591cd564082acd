import { usualAddressScope } from '../../model/address-spec.ts'
import type { AddressOperation } from '../../model/operation.ts'
import { addressBytes, attribute, flags, text, toU32, type Attribute, type Message } from './message.ts'
import { bytesOf, cidrOf, familyNumber, isDevice, isNumber } from './values.ts'
import { IFA } from './attribute-numbers.ts'

const RTM = { newaddr: 20, deladdr: 21 } as const
/** if_addr.h, as ip-address(8) calls them. */
const IFA_F = { nodad: 0x02, home: 0x10, mngtmpaddr: 0x100, noprefixroute: 0x200 } as const
const scopes = new Map(Object.entries({ global: 0, site: 200, link: 253, host: 254 }))
const FOREVER = 0xffffffff

/** The message that sets or deletes an address; undefined for what is left to `ip`. */
export function addressMessage(operation: AddressOperation): Message | undefined {
  const { dev, family, address, remote } = operation.address
  const cidr = cidrOf(address)
  const local = cidr && addressBytes(cidr.address)
  const far = remote === undefined ? local : bytesOf(remote, family)
  if (cidr?.family !== family || !local || !far || !isDevice(dev)) return undefined
  const attributes = [attribute(IFA.local, local), attribute(IFA.address, far)]
  const message = (type: number, how: number, set: number, scope: number): Message => ({
    type,
    flags: how,
    // ifaddrmsg: family, prefix length, flags, scope, index
    header: Uint8Array.of(familyNumber(family), cidr.prefix, set & 0xff, scope, 0, 0, 0, 0),
    device: { name: dev, at: 4 },
    attributes,
  })
  if (operation.do === 'address.delete') return message(RTM.deladdr, 0, 0, 0)
  const scope = scopes.get(operation.address.scope ?? usualAddressScope(address))
  const more = settingsOf(operation)
  const set = flagsOf(operation)
  if (scope === undefined || !more || set === undefined) return undefined
  attributes.push(...more)
  if (set > 0xff) attributes.push(attribute(IFA.flags, toU32(set)))
  return message(RTM.newaddr, flags.create | (operation.do === 'address.add' ? flags.excl : flags.replace), set, scope)
}

type Setting = Exclude<AddressOperation, { readonly do: 'address.delete' }>

/** The attributes that say more of the address than itself; undefined: one of them is left to `ip`. */
function settingsOf({ address: { dev, family, label, broadcast, metric, preferred_lft } }: Setting) {
  const result: Attribute[] = []
  if (label !== undefined) {
    if (family !== 4 || !label.startsWith(dev) || label.length > 15) return undefined
    result.push(text(IFA.label, label))
  }
  if (broadcast !== undefined) {
    const bytes = family === 4 ? bytesOf(broadcast, family) : undefined
    if (!bytes) return undefined
    result.push(attribute(IFA.broadcast, bytes))
  }
  if (metric !== undefined) {
    if (!isNumber(metric)) return undefined
    result.push(attribute(IFA.metric, toU32(metric)))
  }
  if (preferred_lft !== undefined) {
    if (!isNumber(preferred_lft)) return undefined
    // ifa_cacheinfo: preferred, valid, and two times that are the kernel's.
    const lifetimes = Uint8Array.of(...toU32(preferred_lft), ...toU32(FOREVER), ...new Uint8Array(8))
    result.push(attribute(IFA.cacheinfo, lifetimes))
  }
  return result
}

/** The flags of the address; undefined: one of them is left to `ip`. */
function flagsOf({ address: { family, noprefixroute, home, mngtmpaddr, autojoin }, nodad }: Setting) {
  if (autojoin || (family === 4 && (nodad || home || mngtmpaddr))) return undefined
  return (
    (nodad ? IFA_F.nodad : 0) |
    (home ? IFA_F.home : 0) |
    (mngtmpaddr ? IFA_F.mngtmpaddr : 0) |
    (noprefixroute ? IFA_F.noprefixroute : 0)
  )
}
