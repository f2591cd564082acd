import type { System } from '../../src/backend/netlink/libc.ts'
import { netlinkSockets } from '../../src/backend/events/notifications.ts'

const [RTM_DELNEIGH, AF_BRIDGE, AF_INET6, EAGAIN] = [29, 7, 10, 11]
const [NUD_STALE, NUD_NOARP, NUD_PERMANENT] = [0x04, 0x40, 0x80]

/** Whether a report of a neighbour, or of a forwarding entry of a bridge, counts where neither is compared. */
function counts(family: number, state: number): boolean {
  const message = Buffer.alloc(28) // struct nlmsghdr, struct ndmsg
  message.writeUInt32LE(message.length)
  message.writeUInt16LE(RTM_DELNEIGH, 4)
  message[16] = family
  message.writeUInt16LE(state, 24)
  const left = [message]
  const recv = (_fd: number, buffer: Buffer): number => left.pop()?.copy(buffer) ?? -1
  const libc = { socket: (_family: number, _type: number, protocol: number) => 3 + protocol, setsockopt: () => 0, recv }
  const sockets = netlinkSockets({ libc, call: () => 0, errno: () => EAGAIN } as unknown as System)
  const [fd = -1] = sockets.open()
  sockets.ignore(fd, { neighbors: true, fdb: true })
  return sockets.drain(fd)
}

test('entries that come and go by themselves do not count', () => {
  expect(counts(AF_INET6, NUD_STALE)).toBe(false)
  expect(counts(AF_BRIDGE, NUD_STALE)).toBe(false)
  // The kernel forgets the neighbours of multicast addresses.
  expect(counts(AF_INET6, NUD_NOARP)).toBe(false)
})

test('static entries count', () => {
  expect(counts(AF_INET6, NUD_PERMANENT)).toBe(true)
  expect(counts(AF_BRIDGE, NUD_PERMANENT)).toBe(true)
  expect(counts(AF_BRIDGE, NUD_NOARP)).toBe(true)
})
