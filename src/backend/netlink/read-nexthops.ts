import type { IpNexthop } from '../../model/ip-nexthop.ts'
import { addressText, attributes, messages } from './answer.ts'
import { encapsulation } from './read-encap.ts'
import { NHA, NHA_RES_GROUP } from './attribute-numbers.ts'
import { encode, flags, type Slice } from './message.ts'

const RTM_GETNEXTHOP = 106
const [AF_INET, AF_INET6] = [2, 10]
const RTNH_F_ONLINK = 4
const RESILIENT = 1
const HUNDREDTHS = 100
/** Bytes of a nexthop_grp: id (4), weight less one, its upper half since Linux 6.12, reserved (2). */
const MEMBER = 8

/** The request for the nexthop objects of a namespace; its header is an nhmsg. */
export const nexthopRequest = encode({
  type: RTM_GETNEXTHOP,
  flags: flags.dump,
  header: new Uint8Array(8),
  attributes: [],
}).bytes

/**
 * What `ip -j -d -N nexthop show` prints, and the families, which that leaves out. Throws NotUnderstood for encapsulations
 * in other than labels, which `ip` puts into words.
 */
export function decodeNexthops(bytes: Buffer, answer: Slice, nameOf: (index: number) => string): IpNexthop[] {
  const result: IpNexthop[] = []
  messages(bytes, answer, (_, at, end) => {
    const family = bytes[at]
    const found: { -readonly [K in keyof IpNexthop]: IpNexthop[K] } = {
      id: 0,
      scope: String(bytes[at + 1]),
      protocol: String(bytes[at + 2]),
      flags: bytes.readUInt32LE(at + 4) & RTNH_F_ONLINK ? ['onlink'] : [],
    }
    let type = 0
    let encap: readonly [from: number, to: number] | undefined
    attributes(bytes, at + 8, end, (attribute, from, to) => {
      if (attribute === NHA.id) found.id = bytes.readUInt32LE(from)
      else if (attribute === NHA.group) found.group = groupOf(from, to)
      else if (attribute === NHA.groupType) type = bytes.readUInt16LE(from)
      else if (attribute === NHA.blackhole) found.blackhole = null
      else if (attribute === NHA.oif) found.dev = nameOf(bytes.readUInt32LE(from))
      else if (attribute === NHA.gateway) found.gateway = addressText(bytes, from, to)
      else if (attribute === NHA.encap) encap = [from, to]
      else if (attribute === NHA.encapType) found.encap = encapsulation(bytes, bytes.readUInt16LE(from), encap)
      else if (attribute === NHA.fdb) found.fdb = null
      else if (attribute === NHA.resGroup) found.resilient_args = resilience(from, to)
    })
    if (type === RESILIENT) found.type = 'resilient'
    if (!found.group && (family === AF_INET || family === AF_INET6)) found.family = family === AF_INET ? 4 : 6
    result.push(found)
  })
  return result

  function groupOf(from: number, to: number): NonNullable<IpNexthop['group']> {
    return Array.from({ length: (to - from) / MEMBER }, (_, i) => {
      const at = from + i * MEMBER
      const weight = 1 + (bytes[at + 4] ?? 0) + 256 * (bytes[at + 5] ?? 0)
      return { id: bytes.readUInt32LE(at), ...(weight !== 1 && { weight }) }
    })
  }

  function resilience(from: number, to: number): NonNullable<IpNexthop['resilient_args']> {
    const result = { buckets: 0, idle_timer: 0, unbalanced_timer: 0 }
    attributes(bytes, from, to, (attribute, at) => {
      if (attribute === NHA_RES_GROUP.buckets) result.buckets = bytes.readUInt16LE(at)
      else if (attribute === NHA_RES_GROUP.idleTimer) result.idle_timer = bytes.readUInt32LE(at) / HUNDREDTHS
      else if (attribute === NHA_RES_GROUP.unbalancedTimer)
        result.unbalanced_timer = bytes.readUInt32LE(at) / HUNDREDTHS
    })
    return result
  }
}
