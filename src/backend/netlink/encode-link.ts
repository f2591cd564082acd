import type { LinkChange } from '../../model/operation.ts'
import { attribute, u32, type Message } from './message.ts'

const RTM_NEWLINK = 16
/** if_link.h */
const IFLA = { ifalias: 20 } as const
/** net/if.h */
const IFF = { up: 1 } as const

/** The message that changes a living interface. */
export function linkSet(name: string, { up, alias }: LinkChange): Message {
  const change = up === undefined ? 0 : IFF.up
  return {
    type: RTM_NEWLINK,
    flags: 0,
    header: linkHeader(up ? IFF.up : 0, change),
    device: { name, at: 4 },
    // Without the zero at its end, as iproute2 sends it; an empty one takes the alias away.
    attributes: alias === undefined ? [] : [attribute(IFLA.ifalias, Buffer.from(alias))],
  }
}

/** ifinfomsg: family, type, index (4), flags (8), which flags change (12). */
function linkHeader(set = 0, change = 0): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes.set(u32(set), 8)
  bytes.set(u32(change), 12)
  return bytes
}
