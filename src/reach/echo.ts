import { randomBytes } from 'node:crypto'
import type { System } from '../backend/netlink/libc.ts'
import { checksum } from '../checks/packet.ts'
import { canonicalAddress } from '../model/cidr.ts'
import { incoming } from './many-messages.ts'
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
  /** Visits the answers that have arrived. */
  readonly answers: (fd: number, family: 4 | 6, visit: (echo: Echo) => void) => void
}

/** Echo requests through raw sockets (raw(7), RFC 792, RFC 4443), which also receive why a request did not arrive. */
export function openEchoes({ libc }: System, sockets: Sockets): Echoes {
  const token = randomBytes(8)
  const id = token.readUInt16BE(6)
  const received = incoming(sockets)

  /** What a packet says that begins at `at`; undefined: it has nothing to do with these requests. */
  function echoIn(bytes: Buffer, at: number, end: number, sender: number, family: 4 | 6): Echo | undefined {
    const network = (header: number): number => (family === 4 ? ((bytes[header] ?? 0) & 15) * 4 : 40)
    const start = family === 4 ? at + network(at) : at
    if (end < start + 8) return undefined
    const type = bytes[start]!
    if (type === REPLY[family])
      return end >= start + SIZE &&
        bytes.readUInt16BE(start + 4) === id &&
        token.compare(bytes, start + 8, start + SIZE) === 0
        ? { sequence: bytes.readUInt16BE(start + 6) }
        : undefined
    // An error quotes the packet that caused it.
    const inner = start + 8 + network(start + 8)
    if (end < inner + 8 || bytes[inner] !== REQUEST[family] || bytes.readUInt16BE(inner + 4) !== id) return undefined
    const from = addressText(bytes.subarray(sender + (family === 4 ? 4 : 8)), family)
    return {
      sequence: bytes.readUInt16BE(inner + 6),
      error: `${from} says: ${inWords(family, type, bytes[start + 1]!)}`,
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
    answers: (fd, family, visit) =>
      received(fd, (bytes, at, end, sender) => {
        const echo = echoIn(bytes, at, end, sender, family)
        if (echo) visit(echo)
      }),
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
