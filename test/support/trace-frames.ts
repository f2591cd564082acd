import { decodePacket, headerOf, RAW_IP, type Packet } from '../../src/checks/packet.ts'
import { ANSWER } from './trace-programs.ts'
import { PORT } from './trace-walls.ts'
import type { Frame } from './witness.ts'

type Headers = Omit<Packet, 'time'>

/** A packet of an exchange at an interface. */
export interface SeenFrame extends Frame {
  /** `more`: what follows the opening of a connection. */
  readonly part: 'request' | 'reply' | 'error' | 'more'
  /** The packet itself, when `packet` carries it in a tunnel. */
  readonly inner: Headers
  /** The same for all packets of the exchange. */
  readonly exchange: string
  /** What an error of ICMP quotes. */
  readonly quoted?: Headers & { readonly part: 'request' | 'reply' | 'more' }
}

const VXLAN = 4789
/** The headers of UDP, VXLAN and Ethernet. */
const BEFORE_INNER = 8 + 8 + 14

/** What a frame is of an exchange; undefined: of none. */
export function seenFrame(frame: Frame): SeenFrame | undefined {
  const { packet } = frame
  if (packet.protocol === 'arp') return undefined
  const isCarrier = packet.protocol === 'udp' && packet.dport === VXLAN
  const inner = isCarrier ? decodePacket(packet.bytes.subarray(headerOf(packet.bytes) + BEFORE_INNER), RAW_IP) : packet
  const what = inner && partOf(inner)
  return inner && what && { ...frame, inner, ...what }
}

function partOf(packet: Headers): Pick<SeenFrame, 'part' | 'exchange' | 'quoted'> | undefined {
  const { protocol, bytes } = packet
  const body = bytes.subarray(headerOf(bytes))
  const hex = (at: number): string => body.toString('hex', at, at + 8)
  if (protocol === 'icmp' || protocol === 'icmp6') {
    const type = body[0] ?? 0
    if (type === 8 || type === 128) return { part: 'request', exchange: hex(8) }
    if (type === (protocol === 'icmp' ? 0 : 129)) return { part: 'reply', exchange: hex(8) }
    if (!(protocol === 'icmp' ? [3, 11, 12] : [1, 2, 3, 4]).includes(type)) return undefined
    const quoted = decodePacket(body.subarray(8), RAW_IP)
    const of = quoted && partOf(quoted)
    return of && of.part !== 'error'
      ? { part: 'error', exchange: of.exchange, quoted: { ...quoted, part: of.part } }
      : undefined
  }
  if (protocol === 'udp') {
    const isAnswer = body.subarray(8, 16).equals(ANSWER)
    if (!isAnswer) return { part: packet.sport === PORT.echo ? 'reply' : 'request', exchange: hex(8) }
    return {
      part: 'reply',
      exchange: Buffer.from(body.subarray(16, 24).map((byte) => byte ^ 0xff)).toString('hex'),
    }
  }
  if (protocol !== 'tcp' || body.length < 8) return undefined
  // An error quotes eight bytes, or more.
  const flags = body.length > 13 ? (body[13] ?? 0) : 2
  const [isOpening, isReset, isAnswer] = [(flags & 2) !== 0, (flags & 4) !== 0, (flags & 16) !== 0]
  const number = (at: number, less: number): string => ((body.readUInt32BE(at) - less) >>> 0).toString(16)
  if (isOpening && !isAnswer) return { part: 'request', exchange: number(4, 0) }
  if (isAnswer && (isOpening || isReset)) return { part: 'reply', exchange: number(8, 1) }
  return { part: 'more', exchange: number(4, 1) }
}

/** The time to live of a packet, or its hop limit. */
export const ttlOf = ({ bytes }: Headers): number | undefined => bytes[(bytes[0] ?? 0) >> 4 === 6 ? 7 : 8]
