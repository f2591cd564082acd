import { addressFlags, usualAddressScope, type AddressSpec } from '../model/address-spec.ts'
import { familyOf, parseCidr, subnetOf } from '../model/cidr.ts'
import type { Difference } from '../model/change.ts'
import { linkId } from '../model/resource.ts'
import type { IpAddress } from '../model/ip-address.ts'
import { same } from './common.ts'
import { daemonOf } from './protocols.ts'

/** The settings that an address may have in a lab file. */
export const settings = ['scope', 'label', 'broadcast', 'metric', 'preferred_lft', ...addressFlags] as const

/** `ns0/veth0/192.168.0.2/24` */
export const addressId = (namespace: string, dev: string, name: string): string => `${linkId(namespace, dev)}/${name}`

/** The network that the kernel reaches through the interface because of an address with this name. */
export function networkOf(name: string): string {
  const cidr = parseCidr(name.slice(name.lastIndexOf(' ') + 1))
  return cidr ? subnetOf(cidr) : name
}

/**
 * The addresses of one interface that the kernel makes secondary, each → the primary one: IPv4 addresses in the subnet of an
 * earlier address. The kernel deletes secondaries along with their primary address (docs/kernel.md).
 */
export function primaries(names: readonly string[]): Map<string, string> {
  const first = new Map<string, string>()
  const result = new Map<string, string>()
  const four = names.filter((text) => familyOf(text) === 4)
  if (four.length < 2) return result
  for (const text of four) {
    const subnet = networkOf(text)
    const primary = first.get(subnet)
    if (primary === undefined) first.set(subnet, text)
    else result.set(text, primary)
  }
  return result
}

/** The scopes of rtnetlink(7), by number. */
const scopes: Readonly<Record<string, string>> = {
  0: 'global',
  200: 'site',
  253: 'link',
  254: 'host',
  255: 'nowhere',
}
const FOREVER = 0xffffffff

/** The settings of a live address that differ from their defaults. */
export function unusual(dev: string, a: IpAddress): Partial<AddressSpec> {
  const result: { -readonly [K in keyof AddressSpec]?: AddressSpec[K] } = {}
  if (a.address !== undefined) result.remote = a.address
  if (a.family === 'inet') {
    const scope = scopes[a.scope ?? '0'] ?? a.scope ?? 'global'
    if (scope !== usualAddressScope(a.local)) result.scope = scope
    if (a.label !== undefined && a.label !== dev) result.label = a.label
    if (a.broadcast !== undefined) result.broadcast = a.broadcast
  }
  if (a.metric) result.metric = a.metric
  for (const flag of addressFlags) if (a[flag]) result[flag] = true
  if (a.dynamic) result.valid_lft = 'limited'
  else if (a.deprecated) result.preferred_lft = 0
  else if (a.preferred_life_time !== undefined && a.preferred_life_time !== FOREVER)
    result.preferred_lft = a.preferred_life_time
  const proto = daemonOf(a.protocol)
  if (proto !== undefined) result.proto = proto
  // Only the kernel creates temporary addresses, and dynamic ones with mngtmpaddr: from advertisements (net/ipv6/addrconf.c).
  if (a.temporary || (a.dynamic && a.mngtmpaddr)) result.origin = 'slaac'
  else if (a.dynamic) result.origin = 'dynamic'
  return result
}

/** The settings that `ip addr replace` can change: of IPv4 (__inet_insert_ifa in net/ipv4/devinet.c) and of IPv6 addresses. */
const changeable = {
  4: ['metric', 'preferred_lft'],
  6: ['metric', 'preferred_lft', 'noprefixroute', 'home', 'mngtmpaddr'],
} as const

/** The difference in one setting; empty when there is none. */
export function difference(field: (typeof settings)[number], live: AddressSpec, desired: AddressSpec): Difference[] {
  const [from, to] = [live[field], desired[field]]
  // An address with a lifetime has a preferred lifetime as well: that is not a difference of its own.
  if (same(from, to) || (field === 'preferred_lft' && live.valid_lft !== undefined && to === undefined)) return []
  const inPlace = (changeable[desired.family] as readonly string[]).includes(field)
  return [
    {
      field,
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(!inPlace && { forces: 'the kernel keeps it as it was when the address was added' }),
    },
  ]
}
