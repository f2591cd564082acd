import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'
import type { System } from '../../src/backend/netlink/libc.ts'
import { openPoller } from '../../src/backend/poller.ts'
import { PORT } from './trace-walls.ts'

/** A connection or a datagram that came to a program. */
export interface Heard {
  readonly namespace: string
  readonly port: number
}

/** With what an answer begins; what came follows, each bit turned round, so that nobody takes the answer for the question. */
export const ANSWER = Buffer.from('ANSWERED')

const [AF_INET6, SOCK_STREAM, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_CLOEXEC] = [10, 1, 2, 0o4000, 0o2000000]
/** Room for an address of IPv6, and for what a datagram carries. */
const [ADDRESS, ROOM] = [28, 2048]

/**
 * Listens in these namespaces: for connections, for datagrams that are answered, for some that are sent back, and for datagrams that are
 * not. `heard` tells once what came.
 */
export function openPrograms(
  system: System,
  library: ReturnType<typeof Koffi.load>,
  namespaces: readonly string[],
): { readonly heard: () => Heard[]; readonly close: () => Promise<void> } {
  const accept = library.func('int accept4(int, void *, void *, int)') as (...args: unknown[]) => number
  const listen = library.func('int listen(int, int)') as (...args: unknown[]) => number
  const recvfrom = library.func('long recvfrom(int, void *, size_t, int, void *, void *)') as (
    ...args: unknown[]
  ) => number
  const sendto = library.func('long sendto(int, void *, size_t, int, void *, uint)') as (...args: unknown[]) => number
  const poller = openPoller(createRequire(__filename).resolve('koffi'))
  const open = new Map<number, Heard>()
  let news: Heard[] = []
  for (const namespace of namespaces) {
    if (!system.enter(namespace)) throw new Error(`${namespace}: ${system.error()}`)
    for (const port of [PORT.tcp, PORT.udp, PORT.echo, PORT.silent]) {
      const type = port === PORT.tcp ? SOCK_STREAM : SOCK_DGRAM
      const fd = system.call('socket', AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
      const address = Buffer.alloc(ADDRESS)
      address.writeUInt16LE(AF_INET6)
      address.writeUInt16BE(port, 2)
      system.call('bind', fd, address, address.length)
      if (port === PORT.tcp && listen(fd, 16) < 0) throw new Error(`listen: ${system.error()}`)
      open.set(fd, { namespace, port })
      poller.add(fd)
    }
    system.back()
  }

  function take(fd: number, { namespace, port }: Heard): void {
    for (;;) {
      const from = Buffer.alloc(ADDRESS)
      const length = Buffer.from(Uint32Array.of(ADDRESS).buffer)
      if (port === PORT.tcp) {
        const connection = accept(fd, from, length, SOCK_CLOEXEC)
        if (connection < 0) return
        system.libc.close(connection)
      } else {
        const bytes = Buffer.alloc(ROOM)
        const size = recvfrom(fd, bytes, bytes.length, 0, from, length)
        if (size < 0) return
        const answer = Buffer.concat([ANSWER, bytes.subarray(0, size).map((byte) => byte ^ 0xff)])
        if (port === PORT.udp) sendto(fd, answer, answer.length, 0, from, ADDRESS)
        if (port === PORT.echo) sendto(fd, bytes, size, 0, from, ADDRESS)
      }
      news.push({ namespace, port })
    }
  }

  let isOver = false
  const takeAll = (): void => open.forEach((what, fd) => take(fd, what))
  const ended = (async (): Promise<void> => {
    while (!isOver) {
      await poller.wait(-1)
      if (!isOver) takeAll()
    }
  })()
  return {
    heard() {
      takeAll()
      const all = news
      news = []
      return all
    },
    async close() {
      isOver = true
      poller.wake()
      await ended
      for (const fd of open.keys()) system.libc.close(fd)
      poller.close()
    },
  }
}
