import type { BridgeMdb } from '../../model/bridge-dump.ts'
import { addressText, attributes, linkLayer, messages } from './answer.ts'
import { MDBA } from './attribute-numbers.ts'
import { encode, flags, type Slice } from './message.ts'

const [RTM_GETMDB, AF_BRIDGE] = [86, 7]
/** if_bridge.h: MDB_PERMANENT, and MDB_FLAGS_*, in the order in which iproute2 prints them. */
const MDB_PERMANENT = 1
const FLAGS = [
  [1, 'offload'],
  [2, 'fast_leave'],
  [4, 'added_by_star_ex'],
  [8, 'blocked'],
] as const
/** br_mdb_entry: index (4), state, flags, vid (2), address (16), protocol (2), padding. */
const ENTRY = { state: 4, flags: 5, vid: 6, address: 8, protocol: 24, size: 28 } as const
/** ETH_P_IP and ETH_P_IPV6; another protocol: the address is a MAC address. */
const [IP, IPV6] = [0x0800, 0x86dd]
/** In the words of iproute2 (rt_protos). */
const protocols: Readonly<Record<number, string>> = { 2: 'kernel', 3: 'boot', 4: 'static' }

/** The request for a namespace with a bridge or a VXLAN; its header is a br_port_msg. */
export const mdbRequest = encode({
  type: RTM_GETMDB,
  flags: flags.dump,
  header: Uint8Array.of(AF_BRIDGE, ...new Uint8Array(7)),
  attributes: [],
}).bytes

/** What `bridge -d -j mdb show` prints. */
export function decodeMdb(bytes: Buffer, answer: Slice, nameOf: (index: number) => string): BridgeMdb[] {
  const result: BridgeMdb[] = []
  messages(bytes, answer, (_, at, end) => {
    const dev = nameOf(bytes.readInt32LE(at + 4))
    attributes(bytes, at + 8, end, (table, fromTable, toTable) => {
      if (table !== MDBA.mdb) return
      attributes(bytes, fromTable, toTable, (group, fromGroup, toGroup) => {
        if (group !== MDBA.entry) return
        attributes(bytes, fromGroup, toGroup, (kind, from, to) => {
          if (kind === MDBA.entryInfo) result.push(entryOf(from, to, dev))
        })
      })
    })
  })
  return result

  function entryOf(from: number, to: number, dev: string): BridgeMdb {
    const at = from + ENTRY.address
    const protocol = bytes.readUInt16BE(from + ENTRY.protocol)
    const vid = bytes.readUInt16LE(from + ENTRY.vid)
    const set = bytes[from + ENTRY.flags] ?? 0
    const entry: { -readonly [K in keyof BridgeMdb]: BridgeMdb[K] } = {
      dev,
      port: nameOf(bytes.readInt32LE(from)),
      grp:
        protocol === IP || protocol === IPV6
          ? addressText(bytes, at, at + (protocol === IP ? 4 : 16))
          : linkLayer(bytes, at, at + 6, 0),
      state: (bytes[from + ENTRY.state] ?? 0) & MDB_PERMANENT ? 'permanent' : 'temp',
      flags: FLAGS.flatMap(([bit, word]) => (set & bit ? [word] : [])),
    }
    attributes(bytes, from + ENTRY.size, to, (type, start, stop) => {
      const number = bytes[start] ?? 0
      if (type === MDBA.entrySource) entry.src = addressText(bytes, start, stop)
      else if (type === MDBA.entryProtocol) entry.protocol = protocols[number] ?? String(number)
    })
    if (vid) entry.vid = vid
    return entry
  }
}
