import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'

const [AF_PACKET, SOCK_DGRAM, SOL_SOCKET, SO_RCVBUF] = [17, 2, 1, 8]
/** ETH_P_ALL in network byte order: all packets, also outgoing ones. */
const ALL = 0x0300
const [SIOCGSTAMPNS, SIOCGIFFLAGS] = [0x8907, 0x8913]
const IFF_UP = 1
const ENETDOWN = 100
const LINUX_SLL2 = 276

/**
 * `netlab sniff DEVICE SNAPLEN`: writes what `tcpdump -i DEVICE -y LINUX_SLL2 -w -` does, for use when tcpdump is missing or
 * cannot change its user (in a user namespace with one id). Uses packet(7) sockets through koffi. Runs until it is killed.
 * Throws when koffi is not installed, and when the kernel refuses.
 */
export function sniff(device: string, snaplen: number): never {
  const koffi = createRequire(__filename)('koffi') as typeof Koffi
  const libc = koffi.load('libc.so.6')
  const call = (signature: string) => {
    const f = libc.func(signature) as (...args: unknown[]) => number
    return (...args: unknown[]): number => {
      const result = f(...args)
      if (result < 0) throw new Error(`${signature}: ${errorText(koffi.errno())}`)
      return result
    }
  }
  const errorText = libc.func('str strerror(int)') as (errno: number) => string
  const index = libc.func('uint if_nametoindex(str)') as (name: string) => number
  const receive = libc.func('long recvfrom(int, void *, size_t, int, void *, void *)') as (...args: unknown[]) => number

  const control = libc.func('int ioctl(int, ulong, void *)') as (...args: unknown[]) => number
  const socket = call('int socket(int, int, int)')(AF_PACKET, SOCK_DGRAM, ALL)
  const room = Buffer.alloc(4)
  room.writeInt32LE(1 << 22)
  call('int setsockopt(int, int, int, void *, uint)')(socket, SOL_SOCKET, SO_RCVBUF, room, 4)
  if (device !== 'any') {
    const ifindex = index(device)
    if (ifindex === 0) throw new Error(`${device}: No such device exists`)
    const request = Buffer.alloc(40) // struct ifreq: name, flags
    request.write(device, 0, 15)
    if (control(socket, SIOCGIFFLAGS, request) < 0 || !(request.readUInt16LE(16) & IFF_UP))
      throw new Error(`${device}: That device is not up`)
    const address = Buffer.alloc(20) // sockaddr_ll
    address.writeUInt16LE(AF_PACKET, 0)
    address.writeUInt16LE(ALL, 2)
    address.writeInt32LE(ifindex, 4)
    call('int bind(int, void *, uint)')(socket, address, address.length)
  }
  const stamp = Buffer.alloc(16)
  control(socket, SIOCGSTAMPNS, stamp) // makes the kernel record the time of every packet from now on

  const head = Buffer.alloc(24)
  head.writeUInt32LE(0xa1b23c4d, 0) // nanoseconds
  head.writeUInt16LE(2, 4)
  head.writeUInt16LE(4, 6)
  head.writeUInt32LE(snaplen, 16)
  head.writeUInt32LE(LINUX_SLL2, 20)
  writeSync(1, head)
  writeSync(2, `listening on ${device}\n`)

  const [data, from, size] = [Buffer.alloc(snaplen), Buffer.alloc(20), Buffer.alloc(4)]
  for (;;) {
    size.writeUInt32LE(from.length)
    const length = receive(socket, data, data.length, 0, from, size)
    if (length < 0) {
      // The kernel reports once that the interface went down, and the socket works again when it is up.
      if (koffi.errno() === ENETDOWN && (device === 'any' || index(device) !== 0)) continue
      throw new Error(
        `${device}: ${koffi.errno() === ENETDOWN ? 'The interface disappeared' : errorText(koffi.errno())}`,
      )
    }
    control(socket, SIOCGSTAMPNS, stamp)
    const record = Buffer.alloc(36)
    record.writeUInt32LE(Number(stamp.readBigInt64LE(0)), 0)
    record.writeUInt32LE(Number(stamp.readBigInt64LE(8)), 4)
    record.writeUInt32LE(20 + length, 8)
    record.writeUInt32LE(20 + length, 12)
    from.copy(record, 16, 2, 4) // protocol, in network byte order already
    record.writeInt32BE(from.readInt32LE(4), 20)
    record.writeUInt16BE(from.readUInt16LE(8), 24)
    from.copy(record, 26, 10, 20) // packet type, length of the address, address
    writeSync(1, Buffer.concat([record, data.subarray(0, length)]))
  }
}
