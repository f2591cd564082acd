import ipaddr from 'ipaddr.js'

/** An address and its subnet's prefix length, in the form in which the kernel prints them. */
export interface Cidr {
  readonly family: 4 | 6
  readonly address: string
  readonly prefix: number
}

const decimal = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/

/** The 32 bits of an IPv4 address; undefined: not one. Labs have thousands: the library takes ten times as long. */
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

/** The IPv4 address with these bits, as it is written. */
const text4 = (bits: number): string => `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`

/** The first bits of an IPv4 address, the others zero. */
const network4 = (bits: number, prefix: number): number => (prefix === 0 ? 0 : (bits & (-1 << (32 - prefix))) >>> 0)

/** The address as the kernel prints it (IPv6 compressed and lower-case, `::ffff:10.0.0.9`); undefined: not an address. */
export function canonicalAddress(text: string): string | undefined {
  if (number4(text) !== undefined) return text
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined
  // ipaddr.js takes the last 32 bits in decimal for a mapped address, also where only zeros precede them.
  const compatible = /^::(\d+\.\d+\.\d+\.\d+)$/.exec(text)?.[1]
  if (compatible !== undefined) return `::${ipaddr.IPv4.parse(compatible).toString()}`
  const parsed = ipaddr.IPv6.parse(text)
  return parsed.isIPv4MappedAddress() ? `::ffff:${parsed.toIPv4Address().toString()}` : parsed.toRFC5952String()
}

/** 4 or 6; the address must be one. */
export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

/** Parses `192.168.0.2/24`; without a prefix length it is the whole address (/32, /128), as `ip addr add` takes it. */
export function parseCidr(text: string): Cidr | undefined {
  const [host = '', bits, extra] = text.split('/')
  const address = canonicalAddress(host)
  if (address === undefined || extra !== undefined) return undefined
  const family = familyOf(address)
  const longest = family === 4 ? 32 : 128
  if (bits !== undefined && !/^(0|[1-9]\d{0,2})$/.test(bits)) return undefined
  const prefix = bits === undefined ? longest : Number(bits)
  return prefix <= longest ? { family, address, prefix } : undefined
}

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
