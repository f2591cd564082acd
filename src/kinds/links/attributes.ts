import type { LinkAttribute } from '../../model/link-type.ts'

type More = Omit<LinkAttribute, 'number' | 'as'>

const of =
  (as: LinkAttribute['as']) =>
  (number: number, more: More = {}): LinkAttribute => ({ number, as, ...more })

/** Attributes of rtnetlink, by their form: `u16(6)`. */
export const u8 = of('u8')
export const u16 = of('u16')
export const u32 = of('u32')
/** Of times, none of which needs more than 32 of the 64 bits. */
export const u64 = of('u64')
export const be16 = of('be16')
export const be32 = of('be32')
export const mac = of('mac')
export const ipAddress = of('address')
export const ipAddresses = of('addresses')
export const ifIndex = of('device')
export const present = of('present')
export const user = of('user')

/** A byte that is printed as true or false. */
export const toggled = (number: number): LinkAttribute => u8(number, { print: 'boolean' })

/** The kinds of tags of VLANs: ETH_P_8021Q and ETH_P_8021AD of if_ether.h. */
export const tagProtocol = (number: number): LinkAttribute =>
  be16(number, { words: { '802.1Q': 0x8100, '802.1ad': 0x88a8 }, print: 'bracketed' })
