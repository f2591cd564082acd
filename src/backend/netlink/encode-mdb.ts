import type { MdbOperation } from '../../model/operation.ts'
import { toBe16, attribute, flags, nest, toU16, type Message } from './message.ts'
import { bytesOf, isDevice, isNumber, macOf } from './values.ts'
import { MDBA, NLA_F_NESTED } from './attribute-numbers.ts'

const RTM = { newmdb: 84, delmdb: 85 } as const
const [AF_BRIDGE, MDB_PERMANENT] = [7, 1]
const [IP, IPV6] = [0x0800, 0x86dd]

/** The message that adds or removes a multicast entry; undefined for what is left to `bridge`. */
export function mdbMessage({ do: what, entry }: MdbOperation): Message | undefined {
  const { dev, bridge, grp, src, vid = 0, temp } = entry
  const mac = macOf(grp)
  const group = mac ?? bytesOf(grp)
  const source = src === undefined ? undefined : bytesOf(src)
  if (!isDevice(dev) || !isDevice(bridge) || !isNumber(vid, 4095)) return undefined
  if (!group || (src !== undefined && !source)) return undefined
  const address = new Uint8Array(16)
  address.set(group)
  const protocol = mac ? 0 : group.length === 4 ? IP : IPV6
  const adds = what === 'mdb.add'
  return {
    type: adds ? RTM.newmdb : RTM.delmdb,
    flags: adds ? flags.create | flags.excl : 0,
    // br_port_msg: family, padding, index (4)
    header: Uint8Array.of(AF_BRIDGE, ...new Uint8Array(7)),
    device: { name: bridge, at: 4 },
    attributes: [
      {
        type: MDBA.setEntry,
        // br_mdb_entry: index (4), state, flags, vid (2), address (16), protocol (2), padding
        header: Uint8Array.of(
          ...[0, 0, 0, 0, adds && !temp ? MDB_PERMANENT : 0, 0],
          ...[...toU16(vid), ...address, ...toBe16(protocol), 0, 0],
        ),
        device: { name: dev, at: 0 },
        attributes: [],
      },
      ...(source ? [nest(MDBA.setAttributes | NLA_F_NESTED, [attribute(MDBA.setSource, source)])] : []),
    ],
  }
}
