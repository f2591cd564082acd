import type { Slice } from './message.ts'
import type { IpLink } from '../../model/runner.ts'
import { attributes, bits, linkLayer, messages, string } from './answer.ts'
import { infoData, portData, portKinds } from './read-info.ts'
import { IFLA, INFO } from './attribute-numbers.ts'

const [IFF_UP, IFF_RUNNING] = [1, 0x40]
/** net/if.h, in the order in which iproute2 prints them. */
const flagWords = bits([
  [0x8, 'LOOPBACK'],
  [0x2, 'BROADCAST'],
  [0x10, 'POINTOPOINT'],
  [0x1000, 'MULTICAST'],
  [0x80, 'NOARP'],
  [0x200, 'ALLMULTI'],
  [0x100, 'PROMISC'],
  [0x400, 'MASTER'],
  [0x800, 'SLAVE'],
  [0x4, 'DEBUG'],
  [0x8000, 'DYNAMIC'],
  [0x4000, 'AUTOMEDIA'],
  [0x2000, 'PORTSEL'],
  [0x20, 'NOTRAILERS'],
  [0x1, 'UP'],
  [0x10000, 'LOWER_UP'],
  [0x20000, 'DORMANT'],
  [0x40000, 'ECHO'],
])

/** A link that programs are asked about: all of the same key have the same settings, in the same namespace if it is `local`. */
export interface Undecoded {
  readonly dev: string
  readonly key: string
  readonly local: boolean
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }
/** A link, its flags as numbers, and the indexes of its lower device and of its bridge. */
interface Raw {
  readonly link: Writable<IpLink>
  readonly raw: number
  lower?: number
  ruler?: number
}

/**
 * What `ip -j -d -N link show` prints, from the answer to RTM_GETLINK: the fields that the model names; of
 * `info_data` the settings, of `info_slave_data` those of ports of bridges and bonds.
 * `specs` gets, by name, where the answer has the settings of the families of addresses; `undecoded` the links whose
 * `info_data` only programs understand.
 */
export function decodeLinks(bytes: Buffer, answer: Slice, specs: Map<string, Slice>, undecoded: Undecoded[]): IpLink[] {
  const links: Raw[] = []
  const data: { link: Writable<IpLink>; kind: string; at: number; end: number }[] = []
  const ports: { link: Writable<IpLink>; kind: string; at: number; end: number }[] = []
  messages(bytes, answer, (_, at, end) => {
    const type = bytes.readUInt16LE(at + 2)
    const raw = bytes.readUInt32LE(at + 8)
    const link: Writable<IpLink> = { ifindex: bytes.readInt32LE(at + 4), ifname: '', flags: [], mtu: 0 }
    const one: Raw = { link, raw }
    attributes(bytes, at + 16, end, (attribute, from, to) => {
      switch (attribute) {
        case IFLA.ifname:
          link.ifname = string(bytes, from, to)
          break
        case IFLA.address:
          link.address = linkLayer(bytes, from, to, type)
          break
        case IFLA.broadcast:
          link.broadcast = linkLayer(bytes, from, to, type)
          break
        case IFLA.linkmode:
          link.linkmode = bytes[from] === 1 ? 'DORMANT' : 'DEFAULT'
          break
        case IFLA.protoDown:
          if (bytes[from]) link.proto_down = true
          break
        case IFLA.gsoMaxSegs:
          link.gso_max_segs = bytes.readUInt32LE(from)
          break
        case IFLA.gsoMaxSize:
          link.gso_max_size = bytes.readUInt32LE(from)
          break
        case IFLA.groMaxSize:
          link.gro_max_size = bytes.readUInt32LE(from)
          break
        case IFLA.tsoMaxSize:
          link.tso_max_size = bytes.readUInt32LE(from)
          break
        case IFLA.tsoMaxSegs:
          link.tso_max_segs = bytes.readUInt32LE(from)
          break
        case IFLA.numTxQueues:
          link.num_tx_queues = bytes.readUInt32LE(from)
          break
        case IFLA.numRxQueues:
          link.num_rx_queues = bytes.readUInt32LE(from)
          break
        case IFLA.mtu:
          link.mtu = bytes.readUInt32LE(from)
          break
        case IFLA.link:
          one.lower = bytes.readUInt32LE(from)
          break
        case IFLA.linkNetnsid:
          link.link_netnsid = bytes.readInt32LE(from)
          break
        case IFLA.master:
          one.ruler = bytes.readUInt32LE(from)
          break
        case IFLA.txqlen: {
          const length = bytes.readUInt32LE(from)
          if (length) link.txqlen = length
          break
        }
        case IFLA.ifalias:
          link.ifalias = string(bytes, from, to)
          break
        case IFLA.group:
          link.group = String(bytes.readUInt32LE(from))
          break
        case IFLA.afSpec:
          specs.set(link.ifname, { from, to })
          break
        case IFLA.linkinfo:
          readInfo(link, from, to)
          break
      }
    })
    links.push(one)
  })
  const byIndex = new Map(links.map((one) => [one.link.ifindex, one]))
  const interfaceAt = (index: number): string => byIndex.get(index)?.link.ifname ?? `if${index}`
  for (const { link, kind, at, end } of data) {
    const { data, undecoded: unknown } = infoData(bytes, kind, at, end, interfaceAt)
    if (unknown) undecoded.push({ dev: link.ifname, ...unknown })
    link.linkinfo = { ...link.linkinfo, info_data: data }
  }
  for (const { link, kind, at, end } of ports)
    link.linkinfo = { ...link.linkinfo, info_slave_data: portData(bytes, kind, at, end, interfaceAt) }
  return links.map(({ link, raw, lower, ruler }) => {
    if (lower === 0) link.link = null
    else if (lower !== undefined && link.link_netnsid !== undefined) link.link_index = lower
    else if (lower !== undefined) link.link = interfaceAt(lower)
    if (ruler !== undefined) link.master = interfaceAt(ruler)
    const carried = (raw & (IFF_UP | IFF_RUNNING)) !== IFF_UP
    const lowerDown = lower && link.link_netnsid === undefined && !((byIndex.get(lower)?.raw ?? 0) & IFF_UP)
    const words = flagWords(raw)
    link.flags =
      carried && !lowerDown ? words : [...(carried ? [] : ['NO-CARRIER']), ...words, ...(lowerDown ? ['M-DOWN'] : [])]
    return link
  })

  function readInfo(link: Writable<IpLink>, from: number, to: number): void {
    const info: Writable<NonNullable<IpLink['linkinfo']>> = {}
    let found: [number, number] | undefined
    let port: [number, number] | undefined
    attributes(bytes, from, to, (attribute, at, end) => {
      if (attribute === INFO.kind) info.info_kind = string(bytes, at, end)
      else if (attribute === INFO.slaveKind) info.info_slave_kind = string(bytes, at, end)
      else if (attribute === INFO.data) found = [at, end]
      else if (attribute === INFO.slaveData) port = [at, end]
    })
    link.linkinfo = info
    if (found) data.push({ link, kind: info.info_kind ?? '', at: found[0], end: found[1] })
    if (port && info.info_slave_kind && portKinds.has(info.info_slave_kind))
      ports.push({ link, kind: info.info_slave_kind, at: port[0], end: port[1] })
  }
}
