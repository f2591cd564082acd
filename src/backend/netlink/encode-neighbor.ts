import type { NeighborOperation } from '../../model/operation.ts'
import { attribute, flags, toU8, type Message } from './message.ts'
import { bytesOf, familyNumber, isDevice, macOf } from './values.ts'
import { NDA } from './attribute-numbers.ts'

const RTM = { newneigh: 28, delneigh: 29 } as const
const NUD_PERMANENT = 0x80
const NTF = { proxy: 0x08, router: 0x80 } as const
const RTPROT_BOOT = 3

/** The message that sets or deletes a neighbour; undefined for what is left to `ip`. */
export function neighborMessage(operation: NeighborOperation): Message | undefined {
  const { to, dev, family, lladdr, proxy, router, extern_learn, managed, protocol } = operation.neighbor
  const sets = operation.do === 'neighbor.replace'
  if (sets && (extern_learn || managed || protocol !== undefined)) return undefined
  const dst = bytesOf(to, family)
  const mac = sets && lladdr !== undefined ? macOf(lladdr) : undefined
  if (!dst || !isDevice(dev) || (sets && lladdr !== undefined && !mac)) return undefined
  const attributes = [attribute(NDA.dst, dst)]
  if (mac) attributes.push(attribute(NDA.lladdr, mac))
  if (sets && operation.protocol !== undefined) attributes.push(attribute(NDA.protocol, toU8(RTPROT_BOOT)))
  const set = (proxy ? NTF.proxy : 0) | (sets && router ? NTF.router : 0)
  return {
    type: sets ? RTM.newneigh : RTM.delneigh,
    flags: sets ? flags.create | flags.replace : 0,
    // ndmsg: family, two of padding, index (4), state (8), flags, type
    header: Uint8Array.of(familyNumber(family), 0, 0, 0, 0, 0, 0, 0, NUD_PERMANENT, 0, set, 0),
    device: { name: dev, at: 4 },
    attributes,
  }
}
