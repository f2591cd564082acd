/** An interface of a capture file. */
export interface CapturedInterface {
  /** `NAMESPACE:INTERFACE`. */
  readonly name: string
  readonly comment: string
  /** The type of its frames' headers (pcap-linktype(7)). */
  readonly link: number
  /** The most bytes that are kept of a packet. */
  readonly snaplen: number
  /** The filter that its packets have passed, as tcpdump takes it; empty: all packets. */
  readonly filter: string
}

/** A packet of a capture file. */
export interface CapturedPacket {
  /** The number of its interface in the file, from 0. */
  readonly at: number
  /** Nanoseconds since 1970. */
  readonly time: bigint
  /** How long it was on the wire, in bytes. */
  readonly length: number
  /** What is kept of it. */
  readonly bytes: Uint8Array
}

// The format: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html
const block = { section: 0x0a0d0d0a, interface: 1, names: 4, statistics: 5, packet: 6 } as const
const [COMMENT, HARDWARE_NAME, APPLICATION] = [1, 2, 4]
const [NAME, RESOLUTION, FILTER] = [HARDWARE_NAME, 9, 11]
const [RECEIVED, DROPPED] = [4, 5]
const [IPV4, IPV6] = [1, 2]
/** Times are in units of 10⁻⁹ s. */
const NANOSECONDS = Buffer.from([9])

const padded = (length: number): number => (length + 3) & ~3

function blockOf(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = 12 + parts.reduce((sum, part) => sum + padded(part.length), 0)
  const result = Buffer.alloc(length)
  result.writeUInt32LE(type, 0)
  result.writeUInt32LE(length, 4)
  let at = 8
  for (const part of parts) {
    result.set(part, at)
    at += padded(part.length)
  }
  result.writeUInt32LE(length, at)
  return result
}

/** The most bytes of an option's value: its length has 16 bits. */
const LONGEST = 65_000

function option(code: number, value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value).subarray(0, LONGEST)
  const head = Buffer.alloc(4)
  head.writeUInt16LE(code, 0)
  head.writeUInt16LE(bytes.length, 2)
  return Buffer.concat([head, bytes, Buffer.alloc(padded(bytes.length) - bytes.length)])
}

const END = option(0, '')

const words = (...numbers: readonly number[]): Buffer => {
  const result = Buffer.alloc(4 * numbers.length)
  numbers.forEach((number, i) => result.writeUInt32LE(number, 4 * i))
  return result
}

const halves = (number: bigint): [number, number] => [Number(number >> 32n), Number(number & 0xffff_ffffn)]

/** The beginning of a file that this program writes. */
export const sectionBlock = (application: string, comment: string): Buffer =>
  // The order of the bytes, version 1.0, and an unknown length.
  blockOf(
    block.section,
    words(0x1a2b3c4d, 1, 0xffff_ffff, 0xffff_ffff),
    option(APPLICATION, application),
    option(COMMENT, comment),
    END,
  )

/** Describes the next interface of the file. */
export const interfaceBlock = ({ name, comment, link, snaplen, filter }: CapturedInterface): Buffer =>
  blockOf(
    block.interface,
    words(link, snaplen),
    option(NAME, name),
    option(COMMENT, comment),
    // 0: the filter follows as text, not as a program for BPF.
    ...(filter === '' ? [] : [option(FILTER, `\0${filter}`)]),
    option(RESOLUTION, NANOSECONDS),
    END,
  )

/** Which names addresses (in the form of `inet_pton`'s bytes: 4 or 16) stand for, for programs that show names. */
export function namesBlock(names: readonly (readonly [name: string, address: Uint8Array])[]): Buffer {
  const records = names.map(([name, address]) =>
    option(address.length === 4 ? IPV4 : IPV6, Buffer.concat([address, Buffer.from(`${name}\0`)])),
  )
  return blockOf(block.names, ...records, END)
}

/** A packet. */
export const packetBlock = ({ at, time, length, bytes }: CapturedPacket): Buffer =>
  blockOf(block.packet, words(at, ...halves(time), bytes.length, length), bytes)

/** How many packets the interface with the number `at` has had until `time`, and how many of them were dropped because they came too fast. */
export function statisticsBlock({
  at,
  time,
  received,
  dropped,
}: Pick<CapturedPacket, 'at' | 'time'> & { readonly received: number; readonly dropped: number }): Buffer {
  const count = (number: number): Buffer => words(number, 0)
  return blockOf(
    block.statistics,
    words(at, ...halves(time)),
    option(RECEIVED, count(received)),
    option(DROPPED, count(dropped)),
    END,
  )
}
