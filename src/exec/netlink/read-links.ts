import type { Slice } from '../../backend/netlink/message.ts'
import type { IpLink } from '../../model/runner.ts'
import { address, attributes, bits, linkLayer, messages, string } from './answer.ts'

import { NotUnderstood } from './words.ts'

/** if_link.h */
const IFLA = {
  address: 1,
  ifname: 3,
  mtu: 4,
  link: 5,
  master: 10,
  txqlen: 13,
  linkinfo: 18,
  ifalias: 20,
  afSpec: 26,
  group: 27,
  linkNetnsid: 37,
} as const
const INFO = { kind: 1, data: 2, slaveKind: 4 } as const
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

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Raw = Writable<IpLink> & { raw: number; lower?: number; ruler?: number }
type Data = Record<string, unknown>

/**
 * What `ip -j -d -N link show` prints, from the answer to RTM_GETLINK: the fields that the model names, without
 * `info_slave_data`, and of `info_data` the settings. Throws NotUnderstood for a link whose data is not known here.
 * `specs` gets, by name, where the answer has the settings of the families of addresses.
 */
export function readLinks(bytes: Buffer, answer: Slice, specs: Map<string, Slice>): IpLink[] {
  const links: Raw[] = []
  const data: { link: Raw; kind: string; at: number; end: number }[] = []
  messages(bytes, answer, (_, at, end) => {
    const type = bytes.readUInt16LE(at + 2)
    const raw = bytes.readUInt32LE(at + 8)
    const link: Raw = { ifindex: bytes.readInt32LE(at + 4), ifname: '', flags: [], mtu: 0, raw }
    attributes(bytes, at + 16, end, (attribute, from, to) => {
      switch (attribute) {
        case IFLA.ifname:
          link.ifname = string(bytes, from, to)
          break
        case IFLA.address:
          link.address = linkLayer(bytes, from, to, type)
          break
        case IFLA.mtu:
          link.mtu = bytes.readUInt32LE(from)
          break
        case IFLA.link:
          link.lower = bytes.readUInt32LE(from)
          break
        case IFLA.linkNetnsid:
          link.link_netnsid = bytes.readInt32LE(from)
          break
        case IFLA.master:
          link.ruler = bytes.readUInt32LE(from)
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
    links.push(link)
  })
  const byIndex = new Map(links.map((link) => [link.ifindex, link]))
  const nameOf = (index: number): string => byIndex.get(index)?.ifname ?? `if${index}`
  for (const { link, kind, at, end } of data)
    link.linkinfo = { ...link.linkinfo, info_data: infoData(kind, at, end, nameOf) }
  return links.map(({ raw, lower, ruler, ...link }) => {
    if (lower === 0) link.link = null
    else if (lower !== undefined && link.link_netnsid !== undefined) link.link_index = lower
    else if (lower !== undefined) link.link = nameOf(lower)
    if (ruler !== undefined) link.master = nameOf(ruler)
    const carried = (raw & (IFF_UP | IFF_RUNNING)) !== IFF_UP
    const lowerDown = lower && link.link_netnsid === undefined && !((byIndex.get(lower)?.raw ?? 0) & IFF_UP)
    return {
      ...link,
      flags: [...(carried ? [] : ['NO-CARRIER']), ...flagWords(raw), ...(lowerDown ? ['M-DOWN'] : [])],
    }
  })

  function readInfo(link: Raw, from: number, to: number): void {
    const info: Writable<NonNullable<IpLink['linkinfo']>> = {}
    let found: [number, number] | undefined
    attributes(bytes, from, to, (attribute, at, end) => {
      if (attribute === INFO.kind) info.info_kind = string(bytes, at, end)
      else if (attribute === INFO.slaveKind) info.info_slave_kind = string(bytes, at, end)
      else if (attribute === INFO.data) found = [at, end]
    })
    link.linkinfo = info
    if (found) data.push({ link, kind: info.info_kind ?? '', at: found[0], end: found[1] })
  }

  function infoData(kind: string, from: number, to: number, nameOf: (index: number) => string): Data {
    const table = Object.hasOwn(settings, kind) ? settings[kind] : undefined
    if (!table) throw new NotUnderstood()
    const result: Data = {}
    attributes(bytes, from, to, (attribute, at, end) => {
      const setting = table[attribute]
      if (!setting) return
      const [name, read] = setting
      const value = read(bytes, at, end, nameOf)
      if (value !== undefined) result[typeof name === 'string' ? name : name(value)] = value
    })
    if (kind !== 'ipvlan') return result
    const { flags, ...rest } = result
    return { ...rest, [flags === 1 ? 'private' : flags === 2 ? 'vepa' : 'bridge']: true }
  }
}

type Read = (bytes: Buffer, at: number, end: number, nameOf: (index: number) => string) => unknown
const u8: Read = (bytes, at) => bytes[at]
const u16: Read = (bytes, at) => bytes.readUInt16LE(at)
const u32: Read = (bytes, at) => bytes.readUInt32LE(at)
const flag: Read = (bytes, at) => bytes[at] !== 0
const ip: Read = (bytes, at, end) =>
  bytes.subarray(at, end).every((b) => b === 0) ? undefined : address(bytes, at, end)
const named =
  (words: Readonly<Record<number, string>>, size: (bytes: Buffer, at: number) => number): Read =>
  (bytes, at) =>
    words[size(bytes, at)]
const unknown: Read = () => {
  throw new NotUnderstood()
}
const target =
  (family: '' | '6') =>
  (value: unknown): string =>
    `${/^(22[4-9]|23\d|ff..:)/.test(String(value)) ? 'group' : 'remote'}${family}`

/** IFLA_INFO_DATA by kind: attribute → name in iproute2's JSON, and value. */
const settings: Readonly<Record<string, Readonly<Record<number, readonly [string | ((v: unknown) => string), Read]>>>> =
  {
    bridge: {
      1: ['forward_delay', u32],
      2: ['hello_time', u32],
      3: ['max_age', u32],
      4: ['ageing_time', u32],
      5: ['stp_state', u32],
      6: ['priority', u16],
      7: ['vlan_filtering', u8],
      14: ['topology_change', u8],
      36: ['nf_call_iptables', u8],
      37: ['nf_call_ip6tables', u8],
      38: ['nf_call_arptables', u8],
    },
    vxlan: {
      1: ['id', u32],
      2: [target(''), ip],
      3: ['link', (bytes, at, _, nameOf) => nameOf(bytes.readUInt32LE(at))],
      4: ['local', ip],
      5: ['ttl', u8],
      7: ['learning', flag],
      15: ['port', (bytes, at) => bytes.readUInt16BE(at)],
      16: [target('6'), ip],
      17: ['local6', ip],
    },
    macvlan: {
      1: [
        'mode',
        named({ 1: 'private', 2: 'vepa', 4: 'bridge', 8: 'passthru', 16: 'source' }, (b, at) => b.readUInt32LE(at)),
      ],
    },
    ipvlan: {
      1: ['mode', named({ 0: 'l2', 1: 'l3', 2: 'l3s' }, (b, at) => b.readUInt16LE(at))],
      2: ['flags', (bytes, at) => bytes.readUInt16LE(at)],
    },
    vlan: {
      1: ['id', u16],
      5: ['protocol', (bytes, at) => `[${bytes.readUInt16BE(at)}]`],
    },
    vrf: { 1: ['table', u32] },
    // Owners are printed by name.
    tun: {
      1: ['user', unknown],
      2: ['group', unknown],
      3: ['type', named({ 1: 'tun', 2: 'tap' }, (b, at) => b[at] ?? 0)],
    },
  }
