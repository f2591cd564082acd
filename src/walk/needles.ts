import { randomBytes } from 'node:crypto'
import { toBe16, toBe32 } from '../backend/netlink/message.ts'
import { decodePacket, headerOf, RAW_IP, type Packet } from '../checks/packet.ts'

/** The packet that is traced, by what identifies it wherever it is, also behind a translation. */
export interface Flow {
  readonly protocol: 'icmp' | 'tcp' | 'udp'
  readonly family: 4 | 6
  readonly destination: string
  /** Of tcp and udp. */
  readonly dport?: number
  /** The source port; of icmp the identifier. */
  readonly sport: number
  /** The first sequence number of tcp. */
  readonly sequence: number
  /** With what icmp and udp begin to carry. */
  readonly token: Buffer
  /** How many bytes the whole packet has; it is not fragmented. Absent: as few as needed. */
  readonly size?: number
  /** Of udp, when its way has been seen. Absent: an answer is known by its port. */
  readonly ends?: DatagramEnds
}

/** Bytes at a place after the network header of packets of this protocol. */
export interface Needle {
  readonly protocol: number
  /** In bytes. */
  readonly offset: number
  readonly bytes: Uint8Array
}

/** What part a packet has in the exchange. */
export type Role = 'request' | 'reply' | 'error'

/** Numbers of protocols (`/etc/protocols`). */
export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const
/** The ports that a packet starts from: those that programs get by default (ip_local_port_range). */
const PORTS = { from: 32768, to: 60999 }
/** The header of ICMP, of both versions, and of UDP. */
const HEADER = 8
/** How long the network header is that an ICMP error quotes, without options. */
const quotedHeader = ({ family }: Pick<Flow, 'family'>): number => (family === 6 ? 40 : 20)
/** From where to where in a packet the kernel looks for the words, in bytes: as deep as tunnels in tunnels put them. */
const [SHALLOWEST, DEEPEST] = [8, 200]
/** Of a cooked capture (LINKTYPE_LINUX_SLL2). */
const COOKED_HEADER = 20
const TOKEN = 16

/** A new packet to this address. */
export function newFlow({
  protocol,
  address: destination,
  port: dport,
  size,
}: {
  readonly protocol: Flow['protocol']
  readonly address: string
  readonly port?: number
  readonly size?: number
}): Flow {
  const random = randomBytes(TOKEN + 6)
  const sport = PORTS.from + (random.readUInt16BE(TOKEN) % (PORTS.to - PORTS.from))
  return {
    ...{ protocol, family: destination.includes(':') ? 6 : 4, destination, sport },
    ...(dport !== undefined && { dport }),
    ...(size !== undefined && { size }),
    ...{ sequence: random.readUInt32BE(TOKEN + 2) & 0x7fffffff, token: random.subarray(0, TOKEN) },
  }
}

/**
 * How many bytes are between the network header of a packet and that of one that it carries: of ipip and sit; of gre, also with a
 * key; of gretap; of vxlan and geneve, in UDP and with a header of Ethernet.
 */
const CARRIED_AT = [0, 4, 8, 18, 22, 30]

/** The smallest packet that can be recognised, in bytes. */
export const leastSize = (address: string): number => (address.includes(':') ? 40 : 20) + HEADER + TOKEN

/** What a datagram or an echo request carries: the token, and then zeros. */
export function payloadOf({ token, size, destination }: Pick<Flow, 'token' | 'size' | 'destination'>): Buffer {
  const more = size === undefined ? 0 : size - leastSize(destination)
  return Buffer.concat([token, Buffer.alloc(more)])
}

/** How rules of nftables know the packet, its answer, and errors that quote it; where there are tunnels, also what carries them. */
export function needlesOf(flow: Flow, tunnels: boolean): Needle[] {
  const plain = plainNeedles(flow)
  if (!tunnels) return plain
  const header = quotedHeader(flow)
  const deeper = CARRIED_AT.flatMap((at) => plain.map((one) => ({ ...one, offset: at + header + one.offset })))
  const isKnown = (one: Needle): boolean =>
    plain.some(({ offset, bytes }) => offset === one.offset && Buffer.compare(bytes, one.bytes) === 0)
  return [...plain, ...deeper.filter((one) => !isKnown(one))]
}

function plainNeedles(flow: Flow): Needle[] {
  const { protocol, family, token, sport, sequence } = flow
  const icmp = family === 6 ? PROTOCOL.icmp6 : PROTOCOL.icmp
  const own = protocol === 'icmp' ? icmp : PROTOCOL[protocol]
  const quoted = HEADER + quotedHeader(flow)
  if (protocol === 'tcp')
    return [
      { protocol: own, offset: 4, bytes: toBe32(sequence) },
      { protocol: own, offset: 8, bytes: toBe32(sequence + 1) },
      { protocol: icmp, offset: quoted + 4, bytes: toBe32(sequence) },
    ]
  return [
    { protocol: own, offset: HEADER, bytes: token.subarray(0, 8) },
    ...(protocol === 'udp' ? [{ protocol: own, offset: 2, bytes: toBe16(sport) }] : []),
    { protocol: icmp, offset: quoted + HEADER, bytes: token.subarray(0, 8) },
  ]
}

/**
 * A filter for captures, as tcpdump takes it, that lets pass every packet with a word of this flow in it, however deep in
 * tunnels, and the questions for neighbours. The answer to a datagram is known by its port only; `tunnels`: also in a tunnel.
 */
export function filterOf({ protocol, sequence, token, sport }: Flow, tunnels: boolean): string {
  const words = protocol === 'tcp' ? [sequence, sequence + 1] : [token.readUInt32BE(0)]
  const places: string[] = []
  for (let at = SHALLOWEST; at <= DEEPEST; at += 2) {
    for (const word of words) places.push(`link[${COOKED_HEADER + at}:4] = ${word}`)
    if (tunnels && protocol === 'udp') places.push(`link[${COOKED_HEADER + at}:2] = ${sport}`)
  }
  const neighbors = 'arp or (ip6[6] = 58 and (ip6[40] = 135 or ip6[40] = 136))'
  return [neighbors, ...(protocol === 'udp' ? [`udp port ${sport}`] : []), ...places].join(' or ')
}

/** A packet of the exchange, and the one that carries it, if it is in a tunnel. */
export interface Seen {
  readonly role: Role
  readonly packet: Omit<Packet, 'time'>
  readonly outer?: Omit<Packet, 'time'>
}

/** Which part of the exchange a packet is; `bytes` begins with its network header. Undefined: none. */
export function recognise(bytes: Buffer, flow: Flow): Seen | undefined {
  const packet = decodePacket(bytes, RAW_IP)
  if (!packet) return undefined
  const role = roleIn(packet, flow)
  if (role) return { role, packet }
  // What quotes a packet does not carry it: a redirect.
  if (packet.protocol === 'icmp' || packet.protocol === 'icmp6') return undefined
  for (let at = headerOf(bytes); at + 28 <= bytes.length && at < DEEPEST; at += 2) {
    const version = (bytes[at] ?? 0) >> 4
    if (version !== 4 && version !== 6) continue
    const inner = decodePacket(bytes.subarray(at), RAW_IP)
    const innerRole = inner && roleIn(inner, flow)
    if (innerRole) return { role: innerRole, packet: inner, outer: packet }
  }
  return undefined
}

const ICMP_ERRORS: Readonly<Record<string, readonly number[]>> = { icmp: [3, 4, 11, 12], icmp6: [1, 2, 3, 4] }

/** Whether a packet is an ICMP error that ends its way (RFC 792, RFC 4443). */
export const isError = ({ protocol, bytes }: Pick<Packet, 'protocol' | 'bytes'>): boolean =>
  ICMP_ERRORS[protocol]?.includes(bytes[headerOf(bytes)] ?? -1) ?? false

/** Which part of the exchange a packet is. */
export function roleIn(packet: Omit<Packet, 'time'>, flow: Flow): Role | undefined {
  const { bytes } = packet
  const at = headerOf(bytes)
  if (isError(packet)) {
    const quoted = decodePacket(bytes.subarray(at + HEADER), RAW_IP)
    // The kernel's report of a step has only the beginning of the quoted packet, and it reports no other error.
    if (!quoted) return bytes.length <= at + 20 ? 'error' : undefined
    const role = roleIn(quoted, flow)
    return role === undefined ? undefined : 'error'
  }
  const isAt = (offset: number, wanted: Uint8Array): boolean =>
    bytes.subarray(at + offset, at + offset + wanted.length).equals(wanted)
  const { protocol, sport, dport } = packet
  if (flow.protocol === 'tcp') {
    if (protocol !== 'tcp') return undefined
    return isAt(4, toBe32(flow.sequence)) ? 'request' : isAt(8, toBe32(flow.sequence + 1)) ? 'reply' : undefined
  }
  const token = flow.token.subarray(0, 8)
  if (flow.protocol === 'icmp') {
    if (protocol !== 'icmp' && protocol !== 'icmp6') return undefined
    const type = bytes[at]
    return isAt(HEADER, token) ? (type === 8 || type === 128 ? 'request' : 'reply') : undefined
  }
  if (protocol !== 'udp') return undefined
  if (flow.ends) return isAnswer(packet, flow.ends) ? 'reply' : isAt(HEADER, token) ? 'request' : undefined
  if (isAt(HEADER, token) && dport !== flow.sport) return 'request'
  return dport === flow.sport && sport !== flow.sport ? 'reply' : undefined
}

/** The ends of the datagram, wherever it was seen: behind a translation it has others. */
interface DatagramEnds {
  /** Where it came from, and where it went. */
  readonly from: ReadonlySet<string>
  readonly to: ReadonlySet<string>
  /** The ports that it went to; absent: an answer comes from the same address, too. */
  readonly ports?: ReadonlySet<number>
}

const end = (address: string, port: number | undefined): string => `${address} ${port}`

function isAnswer(
  { source, sport, destination, dport }: Omit<Packet, 'time'>,
  { from, to, ports }: DatagramEnds,
): boolean {
  const isFromThere = to.has(end(source, sport)) || (sport !== undefined && ports?.has(sport))
  return isFromThere === true && from.has(end(destination, dport))
}

/**
 * The flow with the ends of its datagram, which was seen, in order: what carries its own bytes is the datagram, unless it comes back
 * from where that went. Other hosts may use its port as well, so an answer goes from where it went to where it came from; only where
 * there is none, from another address, as some programs answer.
 */
export function withAnswers(flow: Flow, seen: readonly Pick<Seen, 'role' | 'packet'>[]): Flow {
  if (flow.protocol !== 'udp') return flow
  const from = new Set<string>()
  const to = new Set([end(flow.destination, flow.dport)])
  const ports = new Set<number>()
  const known = { ...flow, ends: { from, to } }
  for (const { packet } of seen) {
    if (isError(packet) || roleIn(packet, known) !== 'request') continue
    from.add(end(packet.source, packet.sport))
    to.add(end(packet.destination, packet.dport))
    if (packet.dport !== undefined) ports.add(packet.dport)
  }
  return seen.some(({ packet }) => roleIn(packet, known) === 'reply') ? known : { ...flow, ends: { from, to, ports } }
}
