import type { Sockets } from './probe-sockets.ts'

/** struct mmsghdr and struct iovec where pointers have 64 bits (sendmmsg(2), iovec(3type)): their sizes, and where their fields are. */
const [HEADER, NAME, NAME_SIZE, VECTORS, VECTOR_COUNT, LENGTH] = [64, 0, 8, 16, 24, 56]
const [VECTOR, BYTES, SIZE] = [16, 0, 8]
/** The largest socket address that is used: sockaddr_in6. */
const ADDRESS = 28
/** How many datagrams are received with one call, and how much of each: an ICMP error is known by its first bytes. */
const [SLOTS, KEPT] = [64, 256]

/** Messages of which each can be sent from many sockets. */
export interface Outgoing {
  /** Sends the messages of these numbers, in a thread of libuv's pool. Returns how many were sent; the next of them could not be. */
  readonly send: (fd: number, numbers: readonly number[]) => Promise<number>
}

/** Prepares messages, all of the same length, for sendmmsg(2): `to` is a socket address. */
export function outgoing(
  messages: readonly { readonly to: Buffer; readonly bytes: Buffer }[],
  sockets: Sockets,
): Outgoing {
  const size = messages[0]?.bytes.length ?? 0
  const memory = headers(messages.length, size, sockets)
  messages.forEach(({ to, bytes }, i) => {
    to.copy(memory.all, memory.name(i))
    memory.all.writeUInt32LE(to.length, i * HEADER + NAME_SIZE)
    bytes.copy(memory.all, memory.bytes(i))
  })
  return {
    send(fd, numbers) {
      const chosen = Buffer.alloc(numbers.length * HEADER)
      numbers.forEach((number, i) => memory.all.copy(chosen, i * HEADER, number * HEADER, (number + 1) * HEADER))
      return sockets.sendMany(fd, chosen, numbers.length)
    },
  }
}

/** A datagram: `at` and `end` enclose it, and `sender` is where the socket address of its sender begins. */
export type VisitDatagram = (bytes: Buffer, at: number, end: number, sender: number) => void

/** Returns a function that receives what waits at a socket, many datagrams at once (recvmmsg(2)); of long ones only the beginning. */
export function incoming(sockets: Sockets): (fd: number, visit: VisitDatagram) => void {
  const memory = headers(SLOTS, KEPT, sockets)
  return (fd, visit) => {
    for (;;) {
      for (let i = 0; i < SLOTS; i++) memory.all.writeUInt32LE(ADDRESS, i * HEADER + NAME_SIZE)
      const count = sockets.receiveMany(fd, memory.all, SLOTS)
      for (let i = 0; i < count; i++) {
        const at = memory.bytes(i)
        visit(memory.all, at, at + memory.all.readUInt32LE(i * HEADER + LENGTH), memory.name(i))
      }
      if (count < SLOTS) return
    }
  }
}

/** Headers, each with room for a socket address (`name`) and for `size` bytes (`bytes`): all in one piece of memory, by offsets. */
function headers(count: number, size: number, { addressOf }: Sockets) {
  const [vectors, names, contents] = [count * HEADER, count * (HEADER + VECTOR), count * (HEADER + VECTOR + ADDRESS)]
  const all = Buffer.alloc(contents + count * size)
  const start = addressOf(all)
  const at = (offset: number): bigint => start + BigInt(offset)
  const name = (i: number): number => names + i * ADDRESS
  const bytes = (i: number): number => contents + i * size
  for (let i = 0; i < count; i++) {
    const [header, vector] = [i * HEADER, vectors + i * VECTOR]
    all.writeBigUInt64LE(at(name(i)), header + NAME)
    all.writeBigUInt64LE(at(vector), header + VECTORS)
    all.writeBigUInt64LE(1n, header + VECTOR_COUNT)
    all.writeBigUInt64LE(at(bytes(i)), vector + BYTES)
    all.writeBigUInt64LE(BigInt(size), vector + SIZE)
  }
  return { all, name, bytes }
}
