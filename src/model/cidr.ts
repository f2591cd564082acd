import ipaddr from 'ipaddr.js'

/** An address and the prefix length of its subnet, in the form that the kernel prints. */
export interface Cidr {
  readonly family: 4 | 6
  readonly address: string
  readonly prefix: number
}

const decimal = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/

/** The 32 bits of an IPv4 address; undefined when it is none. Labs have thousands, and ipaddr.js takes ten times as long. */
function number4(text: string): number | undefined {
  const match = decimal.exec(text)
  if (!match) return undefined
  let bits = 0
  for (let i = 1; i <= 4; i++) {
    const byte = Number(match[i])
    if (byte > 255) return undefined
    bits = bits * 256 + byte
  }
  return bits
}

/** The dotted form of an IPv4 address. */
const text4 = (bits: number): string => `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`

/** An IPv4 address with all bits after the prefix set to zero. */
const network4 = (bits: number, prefix: number): number => (prefix === 0 ? 0 : (bits & (-1 << (32 - prefix))) >>> 0)

/** The same function, which computes what it has not computed before: a lab says and has the same addresses many times. */
function remembering<T>(compute: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    let result = known.get(text)
    if (result === undefined && !known.has(text)) known.set(text, (result = compute(text)))
    return result as T
  }
}

/** The address as the kernel prints it (IPv6 compressed and lower-case, `::ffff:10.0.0.9`); undefined when it is none. */
export const canonicalAddress = remembering((text): string | undefined => {
  if (number4(text) !== undefined) return text
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined
  // ipaddr.js reads `::1.2.3.4`, which has only zeros before the decimal part, as an IPv4-mapped address.
  const compatible = /^::(\d+\.\d+\.\d+\.\d+)$/.exec(text)?.[1]
  if (compatible !== undefined) return `::${ipaddr.IPv4.parse(compatible).toString()}`
  const parsed = ipaddr.IPv6.parse(text)
  return parsed.isIPv4MappedAddress() ? `::ffff:${parsed.toIPv4Address().toString()}` : parsed.toRFC5952String()
})

/** 4 or 6, for a valid address. */
export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

/** Whether a canonical address is that of a multicast group. */
export const isMulticast = (address: string): boolean =>
  familyOf(address) === 6 ? address.startsWith('ff') : Number.parseInt(address, 10) >> 4 === 14

/** Parses `192.168.0.2/24`; without a prefix length it is /32 or /128, as for `ip addr add`. Undefined when it is invalid. */
export const parseCidr = remembering((text): Cidr | undefined => {
  const [host = '', bits, extra] = text.split('/')
  const address = canonicalAddress(host)
  if (address === undefined || extra !== undefined) return undefined
  const family = familyOf(address)
  const longest = family === 4 ? 32 : 128
  if (bits !== undefined && !/^(0|[1-9]\d{0,2})$/.test(bits)) return undefined
  const prefix = bits === undefined ? longest : Number(bits)
  return prefix <= longest ? { family, address, prefix } : undefined
})

/** `192.168.0.2/24` */
export const formatCidr = ({ address, prefix }: Cidr): string => `${address}/${prefix}`

/** The subnet that the address lies in, as a canonical CIDR: `192.168.0.2/24` → `192.168.0.0/24`. */
export function subnetOf({ family, address, prefix }: Cidr): string {
  const network =
    family === 4
      ? text4(network4(number4(address) ?? 0, prefix))
      : (canonicalAddress(ipaddr.IPv6.networkAddressFromCIDR(`${address}/${prefix}`).toRFC5952String()) ?? address)
  return `${network}/${prefix}`
}

/** Whether the address lies in the subnet of the CIDR. */
export function contains(cidr: Cidr, address: string): boolean {
  if (familyOf(address) !== cidr.family) return false
  if (cidr.family === 6) return subnetOf({ ...cidr, address }) === subnetOf(cidr)
  return network4(number4(address) ?? 0, cidr.prefix) === network4(number4(cidr.address) ?? 0, cidr.prefix)
}
