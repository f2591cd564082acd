import { flags, encode, type Slice } from './message.ts'
import type { BridgeFdb } from '../../model/bridge-dump.ts'
import { addressText, attributes, linkLayer, messages } from './answer.ts'
import { NDA } from './attribute-numbers.ts'

const [RTM_GETNEIGH, AF_BRIDGE] = [30, 7]
/** neighbour.h */
const [NUD_STALE, NUD_NOARP, NUD_PERMANENT] = [0x04, 0x40, 0x80]
const states = [
  [NUD_PERMANENT, 'permanent'],
  [NUD_NOARP, 'static'],
  [NUD_STALE, 'stale'],
] as const
const [NTF_SELF, NTF_EXT_LEARNED, NTF_STICKY] = [0x02, 0x10, 0x40]

/** The requests for a namespace with a bridge or a VXLAN. */
export const fdbRequest = encode({
  type: RTM_GETNEIGH,
  flags: flags.dump,
  header: Uint8Array.of(AF_BRIDGE, ...new Uint8Array(11)),
  attributes: [],
}).bytes

/** Forwarding entries that stay, or that a daemon keeps; of those of interfaces themselves, which hold groups, those with a destination. */
export function decodeFdb(bytes: Buffer, answer: Slice, nameOf: (index: number) => string): BridgeFdb[] {
  const result: BridgeFdb[] = []
  messages(bytes, answer, (_, at, end) => {
    const [state, set] = [bytes.readUInt16LE(at + 8), bytes[at + 10] ?? 0]
    if (!(state & (NUD_PERMANENT | NUD_NOARP)) && !(set & NTF_EXT_LEARNED)) return
    let mac = ''
    let viaIf: number | undefined
    let isElsewhere = false
    const found: { -readonly [K in keyof BridgeFdb]?: BridgeFdb[K] } = {}
    attributes(bytes, at + 12, end, (type, from, to) => {
      if (type === NDA.lladdr) mac = linkLayer(bytes, from, to, 0)
      else if (type === NDA.dst) found.dst = addressText(bytes, from, to)
      else if (type === NDA.vlan) found.vlan = bytes.readUInt16LE(from)
      else if (type === NDA.port) found.port = bytes.readUInt16BE(from)
      else if (type === NDA.vni) found.vni = bytes.readUInt32LE(from)
      else if (type === NDA.ifindex) viaIf = bytes.readInt32LE(from)
      else if (type === NDA.nhId) found.nhid = bytes.readUInt32LE(from)
      else if (type === NDA.linkNetnsid) isElsewhere = true
      else if (type === NDA.master) found.master = nameOf(bytes.readInt32LE(from))
    })
    // The interface is the lower device, and may be in another namespace, where its name is not known.
    if (viaIf !== undefined && !isElsewhere) found.viaIf = nameOf(viaIf)
    if ((found.master ?? found.dst ?? found.nhid) === undefined) return
    const words = [
      ...(set & NTF_SELF ? ['self'] : []),
      ...(set & NTF_EXT_LEARNED ? ['extern_learn'] : []),
      ...(set & NTF_STICKY ? ['sticky'] : []),
    ]
    const ifname = nameOf(bytes.readInt32LE(at + 4))
    result.push({ mac, ifname, ...found, flags: words, state: states.find(([bit]) => state & bit)?.[1] ?? '' })
  })
  return result
}
