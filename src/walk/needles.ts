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
  /** With what errors quote it, when its way has been seen (`quoteOf`). Absent: an error whose quotation is cut off may be of it. */
  readonly quotes?: ReadonlySet<string>
}

/** Bytes at a place after the network header. */
export interface Needle {
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
/** How long a token is, and how much of it packets that are traced together have in common. */
const [TOKEN, SHARED] = [16, 4]

/** Where a packet goes that is to be traced. */
export interface Aim {
  readonly protocol: Flow['protocol']
  readonly address: string
  readonly port?: number
  /** Of the whole packet, in bytes. */
  readonly size?: number
}

/** How many packets can be traced together. */
export const MOST_FLOWS = 32

/**
 * New packets to these addresses, `MOST_FLOWS` at most. One filter fits them all: their ports are in one block, their sequence
 * numbers begin with the same three bytes, and their tokens with the same four.
 */
export function newFlows(aims: readonly Aim[]): Flow[] {
  const random = randomBytes(8 + SHARED)
  const port = random.readUInt16BE(0) % (PORTS.to - PORTS.from)
  const sequence = random.readUInt32BE(4) & 0x7fffff00
  return aims.map(({ protocol, address: destination, port: dport, size }, i) => ({
    ...{ protocol, family: destination.includes(':') ? 6 : 4, destination },
    ...(dport !== undefined && { dport }),
    ...(size !== undefined && { size }),
    sport: PORTS.from + blockOf(port) + ((port + i) % MOST_FLOWS),
    // An answer acknowledges the next number.
    sequence: sequence + 2 * i,
    token: Buffer.concat([random.subarray(8), randomBytes(TOKEN - SHARED)]),
  }))
}

/** The first of the ports among which is this one. */
const blockOf = (port: number): number => port - (port % MOST_FLOWS)

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

/** How rules of nftables know these packets, their answers, and errors that quote them; where there are tunnels, also what carries them. */
export function needlesOf(flows: readonly Flow[], tunnels: boolean): Needle[] {
  const deeper = (flow: Flow): Needle[] =>
    CARRIED_AT.flatMap((at) =>
      plainNeedles(flow).map((one) => ({ ...one, offset: at + quotedHeader(flow) + one.offset })),
    )
  const all = [...flows.flatMap(plainNeedles), ...(tunnels ? flows.flatMap(deeper) : [])]
  return [...new Map(all.map((one) => [`${one.offset} ${Buffer.from(one.bytes).toString('hex')}`, one])).values()]
}

function plainNeedles(flow: Flow): Needle[] {
  const { protocol, token, sport, sequence } = flow
  const quoted = HEADER + quotedHeader(flow)
  if (protocol === 'tcp') {
    const first = toBe32(sequence).subarray(0, 3)
    return [4, 8, quoted + 4].map((offset) => ({ offset, bytes: first }))
  }
  const first = token.subarray(0, SHARED)
  return [
    ...[HEADER, quoted + HEADER].map((offset) => ({ offset, bytes: first })),
    ...(protocol === 'udp' ? [{ offset: 2, bytes: toBe16(sport) }] : []),
  ]
}

/**
 * A filter for captures, as tcpdump takes it, that lets pass every packet with a word of these flows in it, however deep in
 * tunnels, and the questions for neighbours. The answer to a datagram is known by its port only; `tunnels`: also in a tunnel.
 */
export function filterOf(flows: readonly Flow[], tunnels: boolean): string {
  const words = new Set(
    flows.flatMap(({ protocol, sequence, token, sport }) => [
      protocol === 'tcp' ? `4] & 0xffffff00 = ${sequence & ~0xff}` : `4] = ${token.readUInt32BE(0)}`,
      ...(tunnels && protocol === 'udp' ? [`2] & ${0xffff & ~(MOST_FLOWS - 1)} = ${blockOf(sport)}`] : []),
    ]),
  )
  const places: string[] = []
  for (let at = SHALLOWEST; at <= DEEPEST; at += 2)
    for (const word of words) places.push(`link[${COOKED_HEADER + at}:${word}`)
  const neighbors = 'arp or (ip6[6] = 58 and (ip6[40] = 135 or ip6[40] = 136))'
  const answers = flows.flatMap(({ protocol, sport }) => (protocol === 'udp' ? [`udp port ${sport}`] : []))
  return [neighbors, ...answers, ...places].join(' or ')
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
    // The kernel's report of a step has only the beginning of the quoted packet.
    const isCut = !quoted && bytes.length <= at + 20
    if (!quoted) return isCut && (flow.quotes?.has(quoteOf(bytes.subarray(at + HEADER))) ?? true) ? 'error' : undefined
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

/**
 * What is the same in the network header of a packet from its start to its end, and of which the kernel's report of an error has
 * enough: the identification of IPv4, the flow label of IPv6, and the protocol. `bytes` begins with that header.
 */
function quoteOf(bytes: Buffer): string {
  const isSix = (bytes[0] ?? 0) >> 4 === 6
  return isSix ? `${bytes.toString('hex', 1, 4).slice(1)} ${bytes[6]}` : `${bytes.toString('hex', 4, 6)} ${bytes[9]}`
}

/** The flow with what errors quote of it, of which these packets were seen. */
export const withQuotes = (flow: Flow, seen: readonly Pick<Packet, 'bytes'>[]): Flow => ({
  ...flow,
  quotes: new Set(
    seen.flatMap(({ bytes }) => {
      const found = recognise(bytes, flow)
      return found?.role === 'request' ? [quoteOf(found.packet.bytes)] : []
    }),
  ),
})

/** The ends of the datagram, wherever it was seen: behind a translation it has others. */
interface DatagramEnds {
  /** Where it came from, and where it went. */
  readonly from: ReadonlySet<string>
  readonly to: ReadonlySet<string>
  /** The ports that it went to; absent: an answer comes from the same address, too. */
  readonly ports?: ReadonlySet<number>
  /** What answers carry: they are known by it where a translation gives them another source. */
  readonly carried?: ReadonlySet<string>
}

const end = (address: string, port: number | undefined): string => `${address} ${port}`

/** What a datagram carries, as far as the kernel's report of a step has it (NFT_TRACETYPE_TRANSPORT_HSIZE in net/netfilter/nf_tables_trace.c). */
const carriedBy = ({ bytes }: Pick<Packet, 'bytes'>): string => {
  const at = headerOf(bytes) + HEADER
  return bytes.toString('hex', at, at + 12)
}

function isAnswer(packet: Omit<Packet, 'time'>, { from, to, ports, carried }: DatagramEnds): boolean {
  const { source, sport, destination, dport } = packet
  if (!from.has(end(destination, dport))) return false
  return (
    to.has(end(source, sport)) || (sport !== undefined && ports?.has(sport)) || carried?.has(carriedBy(packet)) === true
  )
}

/**
 * The flow with the ends of its datagram, which was seen, in order: what carries its own bytes is the datagram, unless it comes back
 * from where that went. Other hosts may use its port as well, so an answer goes from where it went to where it came from; only where
 * there is none, from another address, as some programs answer. A translation that knows nothing of the datagram may change that on the way.
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
  const repliesFrom = (ends: DatagramEnds) => seen.filter(({ packet }) => roleIn(packet, { ...flow, ends }) === 'reply')
  const ends = repliesFrom(known.ends).length ? known.ends : { from, to, ports }
  return { ...flow, ends: { ...ends, carried: new Set(repliesFrom(ends).map(({ packet }) => carriedBy(packet))) } }
}
