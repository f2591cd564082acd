import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'
import type { System } from '../backend/netlink/libc.ts'
import { addressBytes, toBe16 } from '../backend/netlink/message.ts'
import { checksum } from '../checks/packet.ts'
import { PROTOCOL, type Flow } from './needles.ts'

/** A packet that has been sent. Its socket stays open, so that the kernel does not refuse the answer. */
export interface Sent {
  /** Why the kernel did not send it, as an error number and its text. */
  readonly refused?: { readonly errno: number; readonly text: string }
  /** Ends the attempt: a connection is closed. */
  readonly close: () => void
}

const [AF_INET, AF_INET6, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW] = [2, 10, 1, 2, 3]
const [SOCK_NONBLOCK, SOCK_CLOEXEC, EINPROGRESS, EADDRINUSE] = [0o4000, 0o2000000, 115, 98]
/** linux/tcp.h: the first sequence number can be set while a socket is in repair, before it connects. */
const [IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_SEND_QUEUE] = [6, 19, 20, 21, 2]

/** Sends the packet from the namespace that the thread is in. Throws when there can be no such socket. */
export function sendPacket(system: System, path: string, flow: Flow): Sent {
  const { libc, call, errno, error } = system
  const library = (createRequire(__filename)(path) as typeof Koffi).load('libc.so.6')
  const connect = library.func('int connect(int, void *, uint)') as (...args: unknown[]) => number
  const { protocol, family, destination, sport, dport = 0, sequence, token } = flow
  const icmp = family === 6 ? PROTOCOL.icmp6 : PROTOCOL.icmp
  const type = { icmp: SOCK_RAW, tcp: SOCK_STREAM, udp: SOCK_DGRAM }[protocol]
  const number = protocol === 'icmp' ? icmp : PROTOCOL[protocol]
  const fd = call('socket', family === 6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, number)
  const set = (level: number, option: number, ...values: number[]): number =>
    call('setsockopt', fd, level, option, Buffer.from(Int32Array.from(values).buffer), 4 * values.length)
  const close = (): void => void libc.close(fd)
  const refused = (): Sent => ({ refused: { errno: errno(), text: error() }, close })
  try {
    if (protocol !== 'icmp') {
      const own = socketAddress(family, undefined, sport)
      if (libc.bind(fd, own, own.length) < 0) {
        if (errno() === EADDRINUSE) throw new PortTaken()
        throw new Error(`bind: ${error()}`)
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
    if (protocol === 'tcp') return { close }
    const bytes = protocol === 'icmp' ? echo(flow) : token
    if (libc.send(fd, bytes, bytes.length, 0) < 0) return refused()
    return { close }
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
function echo({ family, sport, token }: Flow): Buffer {
  const bytes = Buffer.concat([Uint8Array.of(family === 6 ? 128 : 8, 0, 0, 0), toBe16(sport), toBe16(1), token])
  if (family === 4) bytes.writeUInt16BE(checksum(bytes), 2)
  return bytes
}
