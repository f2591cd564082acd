import { randomBytes } from 'node:crypto'
import type { System } from '../backend/netlink/libc.ts'
import { checksum, headerOf } from '../checks/packet.ts'
import { canonicalAddress } from '../model/cidr.ts'
import { incoming, type Datagram } from './many-messages.ts'
import { SOCK, type Sockets } from './probe-sockets.ts'

const PROTOCOL = { 4: 1, 6: 58 } as const
const REQUEST = { 4: 8, 6: 128 } as const
const REPLY = { 4: 0, 6: 129 } as const
/** linux/icmp.h, linux/icmpv6.h: the filter of a raw socket, a bit for each type that it does not receive. */
const SOL = { 4: 255, 6: 58 } as const
const FILTER = 1
/** Destination unreachable, time exceeded and parameter problem; IPv6 also: packet too big. */
const ERRORS = { 4: [3, 11, 12], 6: [1, 2, 3, 4] } as const
const SIZE = 16

/** An answer to an echo request: which it was, and the error in words; absent: the reply. */
export interface Echo {
  readonly sequence: number
  readonly error?: string
}

/** The echo requests of one run. */
export interface Echoes {
  /** A socket for one family in the namespace that the thread is in. */
  readonly open: (family: 4 | 6) => number
  /** A request. */
  readonly request: (family: 4 | 6, sequence: number) => Buffer
  /** The answers that have arrived. */
  readonly answers: (fd: number, family: 4 | 6) => Generator<Echo, void>
}

/** Echo requests through raw sockets (raw(7), RFC 792, RFC 4443), which also receive why a request did not arrive. */
export function openEchoes({ libc }: System, sockets: Sockets): Echoes {
  const token = randomBytes(8)
  const id = token.readUInt16BE(6)
  const received = incoming(sockets)

  function echoIn({ bytes: packet, sender }: Datagram, family: 4 | 6): Echo | undefined {
    const start = family === 4 ? headerOf(packet) : 0
    if (packet.length < start + 8) return undefined
    const type = packet[start]!
    if (type === REPLY[family])
      return packet.subarray(start + 8, start + SIZE).equals(token) && packet.readUInt16BE(start + 4) === id
        ? { sequence: packet.readUInt16BE(start + 6) }
        : undefined
    // An error quotes the packet that caused it.
    const quoted = packet.subarray(start + 8)
    const inner = quoted.subarray(headerOf(quoted))
    if (inner.length < 8 || inner[0] !== REQUEST[family] || inner.readUInt16BE(4) !== id) return undefined
    return {
      sequence: inner.readUInt16BE(6),
      error: `${addressText(sender.subarray(family === 4 ? 4 : 8), family)} says: ${inWords(family, type, packet[start + 1]!)}`,
    }
  }

  return {
    open(family) {
      const fd = sockets.open(family, SOCK.raw, PROTOCOL[family])
      const filter = Buffer.alloc(family === 4 ? 4 : 32, 0xff)
      for (const type of [REPLY[family], ...ERRORS[family]]) {
        const at = (type >> 5) * 4
        filter.writeUInt32LE((filter.readUInt32LE(at) & ~(1 << (type & 31))) >>> 0, at)
      }
      libc.setsockopt(fd, SOL[family], FILTER, filter, filter.length)
      return fd
    },
    request(family, sequence) {
      const message = Buffer.alloc(SIZE)
      message.writeUInt8(REQUEST[family], 0)
      message.writeUInt16BE(id, 4)
      message.writeUInt16BE(sequence, 6)
      token.copy(message, 8)
      if (family === 4) message.writeUInt16BE(checksum(message), 2) // the kernel writes that of ICMPv6
      return message
    },
    *answers(fd, family) {
      for (const datagram of received(fd)) {
        const echo = echoIn(datagram, family)
        if (echo) yield echo
      }
    },
  }
}

/** An address as text, from its bytes; an IPv6 address in the shortest form. */
function addressText(bytes: Buffer, family: 4 | 6): string {
  if (family === 4) return bytes.subarray(0, 4).join('.')
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16))
  return canonicalAddress(words.join(':')) ?? ''
}

const UNREACHABLE: Readonly<Record<number, string>> = {
  ...{ 0: 'network unreachable', 1: 'host unreachable', 2: 'protocol unreachable', 3: 'port unreachable' },
  ...{ 4: 'fragmentation needed', 9: 'network prohibited', 10: 'host prohibited', 13: 'prohibited by a filter' },
}
const UNREACHABLE6: Readonly<Record<number, string>> = {
  ...{ 0: 'no route', 1: 'prohibited by a filter', 3: 'address unreachable', 4: 'port unreachable' },
  ...{ 5: 'source address failed the policy', 6: 'rejected by a route' },
}

function inWords(family: 4 | 6, type: number, code: number): string {
  const unreachable = family === 4 ? UNREACHABLE : UNREACHABLE6
  if (type === ERRORS[family][0]) return unreachable[code] ?? `unreachable (code ${code})`
  if (family === 6 && type === 2) return 'packet too big'
  return type === (family === 4 ? 11 : 3) ? 'time to live exceeded' : 'parameter problem'
}
