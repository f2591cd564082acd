import { addressText, attributes, messages } from '../backend/netlink/answer.ts'
import type { System } from '../backend/netlink/libc.ts'
import { encode, flags } from '../backend/netlink/message.ts'

/** A neighbour that a namespace asks for in vain. */
export interface WaitingNeighbor {
  readonly namespace: string
  readonly ifindex: number
  readonly address: string
}

const [NETLINK_ROUTE, RTM_GETNEIGH, RTM_NEWNEIGH, NLMSG_DONE, NLMSG_ERROR] = [0, 30, 28, 3, 2]
/** neighbour.h: asked for, and without an answer so far; without one in the end. */
const [INCOMPLETE, FAILED, NDA_DST] = [0x01, 0x20, 1]

/**
 * The neighbours that a namespace asks for in vain: those of which it waits for the answer, and those that it has given up for now.
 * The kernel asks once a second, three times, and so perhaps only before or after somebody looks.
 */
export function waitingNeighbors(
  system: System,
  { namespace, netns }: { readonly namespace: string; readonly netns?: string },
): WaitingNeighbor[] {
  const fd = system.socket(netns, NETLINK_ROUTE)
  const { bytes } = encode({ type: RTM_GETNEIGH, flags: flags.dump, header: new Uint8Array(12), attributes: [] })
  if (fd < 0 || system.libc.send(fd, bytes, bytes.length, 0) < 0) return []
  const found: WaitingNeighbor[] = []
  const answer = Buffer.alloc(1 << 16)
  for (let ended = false; !ended;) {
    const length = system.receive(fd, answer)
    if (length < 16) return found
    messages(answer, { from: 0, to: length }, (type, at, end) => {
      if (type === NLMSG_DONE || type === NLMSG_ERROR) ended = true
      if (type !== RTM_NEWNEIGH || (answer.readUInt16LE(at + 8) & (INCOMPLETE | FAILED)) === 0) return
      attributes(answer, at + 12, end, (attribute, from, to) => {
        if (attribute === NDA_DST)
          found.push({ namespace, ifindex: answer.readInt32LE(at + 4), address: addressText(answer, from, to) })
      })
    })
  }
  return found
}
