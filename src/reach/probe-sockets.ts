import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'
import type { System } from '../backend/netlink/libc.ts'
import { addressBytes } from '../backend/netlink/message.ts'
import { familyOf } from '../model/cidr.ts'

/** The address families and kinds of sockets (sys/socket.h). */
export const AF = { 4: 2, 6: 10 } as const
export const SOCK = { stream: 1, datagram: 2, raw: 3 } as const
/** The kind of socket of a service. */
export const SOCK_OF = { tcp: SOCK.stream, udp: SOCK.datagram } as const
const [SOCK_NONBLOCK, SOCK_CLOEXEC, MSG_DONTWAIT] = [0o4000, 0o2000000, 0x40]
const [SOL_SOCKET, SO_REUSEADDR, SO_ERROR, SO_SNDBUF, SO_RCVBUF] = [1, 2, 4, 7, 8]
const [SO_SNDBUFFORCE, SO_RCVBUFFORCE, IPPROTO_IPV6, IPV6_V6ONLY] = [32, 33, 41, 26]
/** poll(2) */
const [POLLIN, POLLOUT] = [1, 4]

/** Sockets in the namespaces of a lab. None of these calls waits for packets. */
export interface Sockets {
  /** A socket in the namespace that the thread is in (`System.enter`). Throws when there is none to be had. */
  readonly open: (family: 4 | 6, kind: number, protocol: number) => number
  /** A negative result is the negative error number, of this call and of those below. */
  readonly connect: (fd: number, to: Buffer) => number
  readonly send: (fd: number, bytes: Buffer, length: number, to?: Buffer) => number
  /** Receives one datagram into `inbox`, and the address of its sender into `sender`. */
  readonly receive: (fd: number) => number
  /** sendmmsg(2) with these headers, in a thread of libuv's pool: how many were sent. */
  readonly sendMany: (fd: number, headers: Buffer, count: number) => Promise<number>
  /** recvmmsg(2): how many were received. */
  readonly receiveMany: (fd: number, headers: Buffer, count: number) => number
  /** Where a buffer is in memory, for structures that point to it. */
  readonly addressOf: (buffer: Buffer) => bigint
  readonly inbox: Buffer
  readonly sender: Buffer
  /** The error that the socket has met, as a positive number; 0: none. */
  readonly errorOf: (fd: number) => number
  /** Binds to this address; with a kind of `stream`, also listens. */
  readonly listen: (fd: number, at: Buffer, kind: number) => number
  /** Accepts and closes every connection that waits at the socket. */
  readonly discard: (fd: number) => void
  /** The sockets that can be written (`out`) or read, or have failed. */
  readonly ready: (fds: readonly number[], out: boolean) => number[]
  readonly close: (fd: number) => void
}

/** A socket address (sockaddr_in, sockaddr_in6). */
export function socketAddress(address: string, port: number): Buffer {
  const family = familyOf(address)
  const bytes = Buffer.alloc(family === 6 ? 28 : 16)
  bytes.writeUInt16LE(AF[family], 0)
  bytes.writeUInt16BE(port, 2)
  bytes.set(addressBytes(address), family === 6 ? 8 : 4)
  return bytes
}

/** Opens the calls through koffi. */
export function openSockets(koffiFile: string, { libc, errno, error }: System): Sockets {
  const koffi = createRequire(__filename)(koffiFile) as typeof Koffi
  const library = koffi.load('libc.so.6')
  type Call = (...args: unknown[]) => number
  const connect = library.func('int connect(int, void *, int)') as Call
  const sendto = library.func('long sendto(int, void *, size_t, int, void *, int)') as Call
  const recvfrom = library.func('long recvfrom(int, void *, size_t, int, void *, void *)') as Call
  const sendmmsg = library.func('int sendmmsg(int, void *, uint, int)')
  const recvmmsg = library.func('int recvmmsg(int, void *, uint, int, void *)') as Call
  const listen = library.func('int listen(int, int)') as Call
  const accept = library.func('int accept4(int, void *, void *, int)') as Call
  const getsockopt = library.func('int getsockopt(int, int, int, void *, void *)') as Call
  const poll = library.func('int poll(void *, ulong, int)') as Call
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value)
    return bytes
  }
  const [one, room] = [number(1), number(4 << 20)]
  const inbox = Buffer.alloc(2048)
  const sender = Buffer.alloc(28)
  const senderSize = number(28)
  const optionSize = number(4)
  const option = Buffer.alloc(4)
  const result = (code: number): number => (code < 0 ? -errno() : code)
  let polled = Buffer.alloc(0)
  return {
    open(family, kind, protocol) {
      const fd = libc.socket(AF[family], kind | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)
      if (fd < 0) throw new Error(`no socket can be opened: ${error()}`)
      // Only root on the machine may exceed net.core.rmem_max and wmem_max.
      for (const [force, ordinary] of [
        [SO_RCVBUFFORCE, SO_RCVBUF],
        [SO_SNDBUFFORCE, SO_SNDBUF],
      ] as const)
        if (kind === SOCK.raw && libc.setsockopt(fd, SOL_SOCKET, force, room, 4) < 0)
          libc.setsockopt(fd, SOL_SOCKET, ordinary, room, 4)
      if (family === 6) libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, one, 4)
      return fd
    },
    connect: (fd, to) => result(connect(fd, to, to.length)),
    send: (fd, bytes, length, to) => result(sendto(fd, bytes, length, MSG_DONTWAIT, to ?? null, to?.length ?? 0)),
    receive(fd) {
      senderSize.writeInt32LE(sender.length)
      return result(recvfrom(fd, inbox, inbox.length, MSG_DONTWAIT, sender, senderSize))
    },
    sendMany: (fd, headers, count) =>
      new Promise((resolve) => {
        sendmmsg.async(fd, headers, count, MSG_DONTWAIT, (_error: unknown, sent: number) => resolve(Math.max(0, sent)))
      }),
    receiveMany: (fd, headers, count) => Math.max(0, recvmmsg(fd, headers, count, MSG_DONTWAIT, null)),
    addressOf: (buffer) => koffi.address(buffer),
    inbox,
    sender,
    errorOf(fd) {
      optionSize.writeInt32LE(4)
      return getsockopt(fd, SOL_SOCKET, SO_ERROR, option, optionSize) < 0 ? errno() : option.readInt32LE()
    },
    listen(fd, at, kind) {
      if (kind === SOCK.stream) libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, one, 4)
      const bound = result(libc.bind(fd, at, at.length))
      return bound < 0 || kind !== SOCK.stream ? bound : result(listen(fd, 4096))
    },
    discard(fd) {
      for (
        let client = accept(fd, null, null, SOCK_CLOEXEC);
        client >= 0;
        client = accept(fd, null, null, SOCK_CLOEXEC)
      )
        libc.close(client)
    },
    ready(fds, out) {
      if (polled.length < fds.length * 8) polled = Buffer.alloc(fds.length * 16)
      fds.forEach((fd, i) => {
        polled.writeInt32LE(fd, i * 8)
        polled.writeInt32LE(out ? POLLOUT : POLLIN, i * 8 + 4) // clears what happened, too
      })
      if (poll(polled, fds.length, 0) <= 0) return []
      return fds.filter((_, i) => polled.readInt16LE(i * 8 + 6) !== 0)
    },
    close: (fd) => void libc.close(fd),
  }
}
