import type { System } from '../backend/netlink/libc.ts'

/** linux/netlink.h, linux/rtnetlink.h, linux/neighbour.h */
const [NLM_F_REQUEST, NLM_F_DUMP, NLMSG_ERROR, NLMSG_DONE, HEADER, NDMSG] = [1, 0x300, 2, 3, 16, 12]
const [RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH, NDA_DST, AF_BRIDGE] = [28, 29, 30, 1, 7]
/** NUD_NOARP and NUD_PERMANENT: nobody asked for them. */
const LASTING = 0x40 | 0x80

/** The neighbours that the kernel has learnt, in the namespaces of a lab. */
export interface Neighbors {
  /** Notes those that a namespace has. */
  readonly note: (netns: string | undefined) => void
  /** Removes those that it has learnt since it was noted. */
  readonly forget: (netns: string | undefined) => void
}

/** Forgets neighbours, because the table of all namespaces together has little room (net.ipv4.neigh.default.gc_thresh3). */
export function openNeighbors(system: System): Neighbors {
  const known = new Map<string | undefined, ReadonlySet<string>>()
  const answer = Buffer.alloc(64 << 10)
  const request = Buffer.alloc(HEADER + NDMSG)
  request.writeUInt32LE(request.length, 0)
  request.writeUInt16LE(RTM_GETNEIGH, 4)
  request.writeUInt16LE(NLM_F_REQUEST | NLM_F_DUMP, 6)

  /** The entries as messages that delete them, by a text that is unique in the namespace. */
  function learnt(netns: string | undefined): Map<string, Buffer> {
    const found = new Map<string, Buffer>()
    const socket = system.socket(netns, 0)
    if (socket < 0 || system.libc.send(socket, request, request.length, 0) < 0) return found
    for (let last = false; !last;) {
      const length = system.receive(socket, answer)
      if (length < 0) break
      for (let at = 0; at + HEADER <= length;) {
        const size = answer.readUInt32LE(at)
        const type = answer.readUInt16LE(at + 4)
        // An error of an earlier deletion, of an entry that had vanished by itself, has the flags of no dump.
        if (type === NLMSG_DONE) last = true
        else if (type === NLMSG_ERROR) last = answer.readUInt16LE(at + 20 + 4) === RTM_GETNEIGH
        else if (type === RTM_NEWNEIGH) {
          const entry = entryOf(answer.subarray(at + HEADER, at + size))
          if (entry) found.set(entry.toString('latin1'), entry)
        }
        at += (size + 3) & ~3
      }
    }
    return found
  }

  return {
    note: (netns) => void known.set(netns, new Set(learnt(netns).keys())),
    forget(netns) {
      const before = known.get(netns)
      const socket = system.socket(netns, 0)
      for (const [key, entry] of learnt(netns)) if (!before?.has(key)) system.libc.send(socket, entry, entry.length, 0)
    },
  }
}

/** The message that deletes the entry; undefined for one that was not learnt. */
function entryOf(neighbor: Buffer): Buffer | undefined {
  if (neighbor[0] === AF_BRIDGE || neighbor.readUInt16LE(8) & LASTING) return undefined
  for (let at = NDMSG; at + 4 <= neighbor.length;) {
    const size = neighbor.readUInt16LE(at)
    if (neighbor.readUInt16LE(at + 2) === NDA_DST) {
      const message = Buffer.alloc(HEADER + NDMSG + size)
      message.writeUInt32LE(message.length, 0)
      message.writeUInt16LE(RTM_DELNEIGH, 4)
      message.writeUInt16LE(NLM_F_REQUEST, 6)
      neighbor.copy(message, HEADER, 0, 8) // family and interface; its state may have changed by now
      neighbor.copy(message, HEADER + NDMSG, at, at + size)
      return message
    }
    at += (size + 3) & ~3
  }
  return undefined
}
