import type { System } from '../netlink/libc.ts'

/** Changes that happen all the time, by themselves, and mean nothing in a namespace where none of these is compared. */
export interface Ignoring {
  /** Neighbours that are learnt and forgotten. */
  readonly neighbors: boolean
  /** Forwarding entries of bridges that are learnt and forgotten. */
  readonly fdb: boolean
}

/** The sockets that receive the notifications of a namespace. */
export interface NetlinkSockets {
  /** Opens them in the namespace that the thread is in: of rtnetlink, and of nftables where the kernel has it. */
  readonly open: () => readonly number[]
  /** Reads all that has arrived; returns whether anything may have changed. */
  readonly drain: (fd: number) => boolean
  readonly ignore: (fd: number, what: Ignoring) => void
  readonly forget: (fd: number) => void
}

const [AF_NETLINK, SOCK_RAW, SOCK_CLOEXEC, SOL_NETLINK, ADD_MEMBERSHIP] = [16, 3, 0o2000000, 270, 1]
const [NETLINK_ROUTE, NETLINK_NETFILTER, NFNLGRP_NFTABLES] = [0, 12, 7]
/**
 * The groups of rtnetlink (RTNLGRP_… in linux/rtnetlink.h): links, neighbours, traffic control; addresses, routes and rules of
 * both families; the settings that netconf reports, of IPv4, IPv6 and MPLS; multicast entries, labels, nexthops, VLANs, tunnels.
 */
const ROUTE_GROUPS = [1, 3, 4, 5, 7, 8, 9, 11, 19, 24, 25, 26, 27, 29, 32, 33, 36]
const [EINTR, ENOBUFS, MSG_DONTWAIT] = [4, 105, 0x40]
const [RTM_NEWNEIGH, RTM_DELNEIGH, AF_BRIDGE] = [28, 29, 7]
/** The states of entries that stay, and NTF_PROXY. A bridge's static entries have NUD_NOARP; so do the neighbours that the kernel makes for multicast addresses, and forgets. */
const [NUD_NOARP, NUD_PERMANENT, PROXY] = [0x40, 0x80, 0x08]
/** How many notifications are read before other sockets have their turn. */
const TURN = 4096

/** Sockets with the system calls of this thread. */
export function netlinkSockets({ libc, call, errno }: System): NetlinkSockets {
  const buffer = Buffer.alloc(1 << 16)
  const ignored = new Map<number, Ignoring>()
  const route = new Set<number>()

  function join(protocol: number, groups: readonly number[]): number {
    const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)
    if (fd < 0) return fd
    // Without an address of its own, a socket gets nothing: the kernel takes it for itself (do_one_broadcast in net/netlink/af_netlink.c).
    const address = Buffer.alloc(12) // struct sockaddr_nl
    address.writeUInt16LE(AF_NETLINK)
    call('bind', fd, address, address.length)
    for (const group of groups) {
      const value = Buffer.alloc(4)
      value.writeUInt32LE(group)
      libc.setsockopt(fd, SOL_NETLINK, ADD_MEMBERSHIP, value, value.length) // an older kernel lacks the last ones
    }
    return fd
  }

  /** Whether a notification can mean a change. */
  function matters(at: number, what: Ignoring): boolean {
    const type = buffer.readUInt16LE(at + 4)
    if (type !== RTM_NEWNEIGH && type !== RTM_DELNEIGH) return true
    // struct ndmsg: the family, the index, the state, flags
    const [family, state, flags] = [buffer[at + 16], buffer.readUInt16LE(at + 24), buffer[at + 26] ?? 0]
    const isBridge = family === AF_BRIDGE
    if (state & (isBridge ? NUD_PERMANENT | NUD_NOARP : NUD_PERMANENT) || flags & PROXY) return true
    return !(isBridge ? what.fdb : what.neighbors)
  }

  return {
    open() {
      const fd = join(NETLINK_ROUTE, ROUTE_GROUPS)
      if (fd < 0) call('socket', AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) // throws, with the reason
      route.add(fd)
      return [fd, join(NETLINK_NETFILTER, [NFNLGRP_NFTABLES])].filter((one) => one >= 0)
    },
    drain(fd) {
      let found = false
      for (let i = 0; i < TURN; i++) {
        const length = libc.recv(fd, buffer, buffer.length, MSG_DONTWAIT)
        if (length < 0) {
          const error = errno()
          // There were more than the kernel keeps: what has changed is not known, and a look will tell.
          if (error === ENOBUFS) found = true
          else if (error !== EINTR) return found
          continue
        }
        const what = ignored.get(fd)
        if (!what || !route.has(fd)) found = true
        for (let at = 0; !found && what && at + 16 <= length; at += (buffer.readUInt32LE(at) + 3) & ~3) {
          if (matters(at, what)) found = true
          if (buffer.readUInt32LE(at) < 16) break
        }
      }
      return found
    },
    ignore: (fd, what) => void ignored.set(fd, what),
    forget(fd) {
      ignored.delete(fd)
      route.delete(fd)
    },
  }
}
