import { canonicalAddress } from '../model/cidr.ts'

/** A packet that was captured. */
export interface Packet {
  /** Nanoseconds since 1970. */
  readonly time: bigint
  /** The interface's index, in a capture on all interfaces. */
  readonly ifindex?: number
  /** Whether it came in or went out, in a capture on all interfaces. */
  readonly direction?: 'in' | 'out'
  /** It came in and was addressed to another host's MAC address: a bridge floods frames for unknown addresses. */
  readonly strange?: true
  readonly protocol: string
  readonly source: string
  readonly destination: string
  readonly sport?: number
  readonly dport?: number
  /** From the IP header on. */
  readonly bytes: Buffer
}

/** The link types of captures (pcap-linktype(7)) without a link-layer header: the variants of raw IP. */
const RAW = new Set([12, 14, 101, 228, 229])
/** LINKTYPE_RAW. */
export const RAW_IP = 101
const ETHERNET = 1
const COOKED = 276
const ARP = 0x0806
/** The header of IPv6 that fragments have, by its number. */
export const FRAGMENT = 44
const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp6' }

/**
 * Reads a pcap stream as tcpdump writes it (pcap-savefile(5), either byte order, micro- or nanoseconds) and calls `each` for
 * every IP packet. Returns the function that takes the next piece of the stream.
 */
export function pcapReader(each: (packet: Packet) => void): (piece: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  let format: { little: boolean; nano: boolean; link: number } | undefined
  return (piece) => {
    rest = rest.length ? Buffer.concat([rest, piece]) : piece
    if (!format) {
      if (rest.length < 24) return
      const little = rest[0] === 0xd4 || rest[0] === 0x4d
      const magic = little ? rest.readUInt32LE(0) : rest.readUInt32BE(0)
      const link = (little ? rest.readUInt32LE(20) : rest.readUInt32BE(20)) & 0xffff
      format = { little, nano: magic === 0xa1b23c4d, link }
      rest = rest.subarray(24)
    }
    const { little, nano, link } = format
    const u32 = (at: number): number => (little ? rest.readUInt32LE(at) : rest.readUInt32BE(at))
    while (rest.length >= 16 && rest.length >= 16 + u32(8)) {
      const time = BigInt(u32(0)) * 1_000_000_000n + BigInt(u32(4)) * (nano ? 1n : 1000n)
      const end = 16 + u32(8)
      const packet = decodePacket(rest.subarray(16, end), link)
      if (packet) each({ time, ...packet })
      rest = rest.subarray(end)
    }
  }
}

/** Decodes the headers of one frame; undefined unless it is IP or, in a capture on all interfaces, ARP. */
export function decodePacket(frame: Buffer, link: number): Omit<Packet, 'time'> | undefined {
  if (RAW.has(link)) return decodeIp(frame)
  if (link === COOKED) {
    if (frame.length < 20) return undefined
    const body = frame.subarray(20)
    const packet = frame.readUInt16BE(0) === ARP ? decodeArp(body) : decodeIp(body)
    // Packet type 4: sent by this host; 3: received, but addressed to another host (packet(7)).
    const [ifindex, type] = [frame.readUInt32BE(4), frame[10]]
    return packet && { ifindex, direction: type === 4 ? 'out' : 'in', ...(type === 3 && { strange: true }), ...packet }
  }
  if (link !== ETHERNET) return undefined
  let at = 12
  while (frame.length >= at + 4 && [0x8100, 0x88a8].includes(frame.readUInt16BE(at))) at += 4
  return decodeIp(frame.subarray(at + 2))
}

function decodeArp(bytes: Buffer): Omit<Packet, 'time'> | undefined {
  if (bytes.length < 28) return undefined
  const [source, destination] = [bytes.subarray(14, 18).join('.'), bytes.subarray(24, 28).join('.')]
  return { protocol: 'arp', source, destination, bytes }
}

/** The address that an ARP request (RFC 826) or neighbor solicitation (RFC 4861) asks for; undefined for others. */
export function sought({ protocol, destination, bytes }: Packet): string | undefined {
  if (protocol === 'arp') return bytes.readUInt16BE(6) === 1 ? destination : undefined
  if (protocol !== 'icmp6' || bytes[40] !== 135 || bytes.length < 64) return undefined
  return textOf(bytes.subarray(48, 64))
}

const textOf = (part: Buffer): string => {
  if (part.length === 4) return part.join('.')
  const text = part.toString('hex').match(/.{4}/g)?.join(':') ?? ''
  return canonicalAddress(text) ?? text
}

function decodeIp(bytes: Buffer): Omit<Packet, 'time'> | undefined {
  const version = (bytes[0] ?? 0) >> 4
  const six = version === 6
  if ((!six && version !== 4) || bytes.length < (six ? 40 : 20)) return undefined
  const next = bytes[six ? 6 : 9] ?? 0
  const isLater = isLaterFragment(bytes)
  const number = six && next === FRAGMENT && !isLater ? (bytes[40] ?? 0) : next
  const protocol = PROTOCOLS[number] ?? `${number}`
  const address = (from: number): string => textOf(bytes.subarray(from, from + (six ? 16 : 4)))
  const payload = bytes.subarray(headerOf(bytes))
  const ports = !isLater && (protocol === 'tcp' || protocol === 'udp') && payload.length >= 4
  return {
    protocol,
    source: address(six ? 8 : 12),
    destination: address(six ? 24 : 16),
    ...(ports && { sport: payload.readUInt16BE(0), dport: payload.readUInt16BE(2) }),
    bytes,
  }
}

/** The length of the network header with which the bytes begin, with that of a fragment (RFC 8200, 4.5). */
export function headerOf(bytes: Buffer): number {
  if ((bytes[0] ?? 0) >> 4 !== 6) return ((bytes[0] ?? 0) & 15) * 4
  return bytes[6] === FRAGMENT ? 48 : 40
}

/** Whether an IP packet is a fragment of another from further on than its beginning: without the header of its protocol. */
function isLaterFragment(bytes: Buffer): boolean {
  if ((bytes[0] ?? 0) >> 4 !== 6) return (bytes.readUInt16BE(6) & 0x1fff) > 0
  return bytes[6] === FRAGMENT && bytes.length >= 44 && bytes.readUInt16BE(42) >> 3 > 0
}

/** The Internet checksum of a message of an even number of bytes, whose own checksum is 0 (RFC 1071). */
export function checksum(bytes: Buffer): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += bytes.readUInt16BE(i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** Whether a packet of tcp, whose network header the bytes begin with, refuses or ends the connection (RST). */
export const isReset = (bytes: Buffer): boolean => ((bytes[headerOf(bytes) + 13] ?? 0) & 4) !== 0

/** The sequence number of a TCP packet that opens a connection; undefined for any other. */
export function opening({ protocol, bytes }: Packet): Buffer | undefined {
  if (protocol !== 'tcp') return undefined
  const header = headerOf(bytes)
  const flags = bytes[header + 13] ?? 0
  return (flags & 0x12) === 0x02 ? bytes.subarray(header + 4, header + 8) : undefined
}

/** `10.0.0.1:4000 → 10.0.0.2:80 tcp` */
export function packetText({ protocol, source, destination, sport, dport }: Packet): string {
  const end = (address: string, port: number | undefined): string =>
    port === undefined ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  return `${end(source, sport)} → ${end(destination, dport)} ${protocol}`
}
