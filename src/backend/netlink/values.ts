import { parseCidr, type Cidr } from '../../model/cidr.ts'
import { addressBytes } from './message.ts'

/** Whether it is the name of an interface as the kernel takes it: at most 15 bytes, without spaces, slashes, colons and patterns. */
export const isDevice = (name: string): boolean => /^[\w.@+=,~-]{1,15}$/.test(name) && name !== '.' && name !== '..'

/** Whether it is a name under /run/netns, or a path; iproute2 takes a pid as well, which this is not. */
export const isNamespace = (name: string): boolean =>
  /^(?:\/[^\0]+|[^/\0]{1,255})$/.test(name) && !/^\d+$/.test(name) && name !== '.' && name !== '..'

/** Whether it is a whole number from `least` to `most`. */
export const isNumber = (value: unknown, most = 0xffffffff, least = 0): value is number =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most

/** An IP address, with a prefix length or without one; undefined: none, or one that is left to `ip`. */
export const cidrOf = (text: string): Cidr | undefined =>
  // The parser takes `::10.0.0.9` for `::ffff:10.0.0.9`.
  /^::\d+\./.test(text) ? undefined : parseCidr(text)

/** The bytes of an IP address of this family; undefined: it is none. */
export function bytesOf(address: string, family?: 4 | 6): Uint8Array | undefined {
  const cidr = address.includes('/') ? undefined : cidrOf(address)
  return cidr && (family ?? cidr.family) === cidr.family ? addressBytes(cidr.address) : undefined
}

/** The six bytes of a MAC address; undefined: it is none. */
export const macOf = (text: string): Uint8Array | undefined =>
  /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)
    ? Uint8Array.from(text.split(':'), (byte) => parseInt(byte, 16))
    : undefined

/** AF_INET and AF_INET6. */
export const familyNumber = (family: 4 | 6): number => (family === 4 ? 2 : 10)
