import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'
import type { System } from '../backend/netlink/libc.ts'
import { addressBytes, toBe16 } from '../backend/netlink/message.ts'
import { checksum, headerOf } from '../checks/packet.ts'
import { payloadOf, PROTOCOL, type Flow } from './needles.ts'

/** A packet that has been sent. Its socket stays open, so that the kernel does not refuse the answer. */
export interface Sent {
  /** Why the kernel did not send it, as an error number and its text. */
  readonly refused?: { readonly errno: number; readonly text: string }
  /** Whether the answer, or the refusal of a connection, has come to the socket. To be asked once. */
  readonly isAnswered: () => boolean
  /** Ends the attempt: a connection is closed. */
  readonly close: () => void
}

const [AF_INET, AF_INET6, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW] = [2, 10, 1, 2, 3]
const [SOCK_NONBLOCK, SOCK_CLOEXEC, MSG_DONTWAIT] = [0o4000, 0o2000000, 0x40]
const [EADDRINUSE, EISCONN, ECONNREFUSED, EINPROGRESS] = [98, 106, 111, 115]
/** linux/in.h, in6.h: never in fragments, whatever is known of the way (ip(7), IP_PMTUDISC_PROBE). */
const [IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IPV6_DONTFRAG, PROBE] = [10, 23, 62, 3]
const [IPPROTO_IP, IPPROTO_IPV6] = [0, 41]
/** linux/tcp.h: the first sequence number can be set while a socket is in repair, before it connects. */
const [IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_SEND_QUEUE] = [6, 19, 20, 21, 2]

/** Sends the packet from the namespace that the thread is in. Throws when there can be no such socket. */
export function sendPacket(system: System, path: string, flow: Flow): Sent {
  const { libc, call, errno, error } = system
  const library = (createRequire(__filename)(path) as typeof Koffi).load('libc.so.6')
  const connect = library.func('int connect(int, void *, uint)') as (...args: unknown[]) => number
  const { protocol, family, destination, sport, dport = 0, sequence } = flow
  const icmp = family === 6 ? PROTOCOL.icmp6 : PROTOCOL.icmp
  const type = { icmp: SOCK_RAW, tcp: SOCK_STREAM, udp: SOCK_DGRAM }[protocol]
  const number = protocol === 'icmp' ? icmp : PROTOCOL[protocol]
  const fd = call('socket', family === 6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, number)
  const set = (level: number, option: number, ...values: number[]): number =>
    call('setsockopt', fd, level, option, Buffer.from(Int32Array.from(values).buffer), 4 * values.length)
  const close = (): void => void libc.close(fd)
  const refused = (): Sent => ({ refused: { errno: errno(), text: error() }, isAnswered: () => false, close })
  try {
    if (protocol !== 'icmp') {
      const own = socketAddress(family, undefined, sport)
      if (libc.bind(fd, own, own.length) < 0) {
        if (errno() === EADDRINUSE) throw new PortTaken()
        throw new Error(`bind: ${error()}`)
      }
    }
    if (flow.size !== undefined) {
      if (family === 4) set(IPPROTO_IP, IP_MTU_DISCOVER, PROBE)
      else {
        set(IPPROTO_IPV6, IPV6_MTU_DISCOVER, PROBE)
        set(IPPROTO_IPV6, IPV6_DONTFRAG, 1)
      }
    }
    if (protocol === 'tcp') {
      set(IPPROTO_TCP, TCP_REPAIR, 1)
      set(IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE)
      set(IPPROTO_TCP, TCP_QUEUE_SEQ, sequence)
      set(IPPROTO_TCP, TCP_REPAIR, 0)
    }
    const there = socketAddress(family, destination, protocol === 'icmp' ? 0 : dport)
    if (connect(fd, there, there.length) < 0 && errno() !== EINPROGRESS) return refused()
    if (protocol === 'tcp') {
      const isAnswered = (): boolean =>
        connect(fd, there, there.length) >= 0 || [EISCONN, ECONNREFUSED].includes(errno())
      return { isAnswered, close }
    }
    const bytes = protocol === 'icmp' ? echo(flow) : payloadOf(flow)
    if (libc.send(fd, bytes, bytes.length, 0) < 0) return refused()
    const isAnswered = (): boolean => {
      const room = Buffer.alloc(1 << 16)
      for (;;) {
        const length = libc.recv(fd, room, room.length, MSG_DONTWAIT)
        if (length < 0) return false
        if (protocol === 'udp' || isReplyTo(flow, room.subarray(0, length))) return true
      }
    }
    return { isAnswered, close }
  } catch (reason) {
    close()
    throw reason
  }
}

/** Another program uses the source port: another one may be free. */
export class PortTaken extends Error {}

/** sockaddr_in, sockaddr_in6. */
function socketAddress(family: 4 | 6, address: string | undefined, port: number): Buffer {
  const bytes = Buffer.alloc(family === 6 ? 28 : 16)
  bytes.writeUInt16LE(family === 6 ? AF_INET6 : AF_INET, 0)
  bytes.writeUInt16BE(port, 2)
  if (address !== undefined) bytes.set(addressBytes(address), family === 6 ? 8 : 4)
  return bytes
}

/** An echo request (RFC 792; RFC 4443, whose checksum the kernel computes). */
function echo(flow: Flow): Buffer {
  const { family, sport } = flow
  const bytes = Buffer.concat([
    Uint8Array.of(family === 6 ? 128 : 8, 0, 0, 0),
    toBe16(sport),
    toBe16(1),
    payloadOf(flow),
  ])
  // An odd number of bytes counts with a zero behind them.
  if (family === 4) bytes.writeUInt16BE(checksum(Buffer.concat([bytes, Buffer.alloc(bytes.length % 2)])), 2)
  return bytes
}

/** Whether a raw socket has received the answer to the echo request: of IPv4 it has the network header, too. */
function isReplyTo({ family, token }: Flow, bytes: Buffer): boolean {
  const type = bytes[family === 4 ? headerOf(bytes) : 0]
  return type === (family === 4 ? 0 : 129) && bytes.includes(token)
}
