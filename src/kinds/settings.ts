import { TXQUEUELEN, type LinkAttribute, type LinkType } from '../model/link-type.ts'
import { ifIndex, mac, u32, u8 } from './links/attributes.ts'
import { labGroup } from '../model/owner.ts'
import type { IpLink } from '../model/runner.ts'
import type { ReadContext } from '../model/kind.ts'

/** A setting that interfaces of every type have. */
export interface Setting {
  /** The words of `ip link set dev X …`. */
  readonly words: (value: unknown) => string[]
  /** Its attribute of rtnetlink (linux/if_link.h), or … */
  readonly attribute?: LinkAttribute
  /** … its flag (net/if.h); `inverted`: the flag says the opposite. */
  readonly flag?: { readonly bit: number; readonly inverted?: true }
  /** The kernel's default for a type, which an absent value means; undefined: an absent value is not compared. */
  readonly fallback?: (type: LinkType) => unknown
  /** Whether an absent value follows the lower device for this type: then it is not compared. */
  readonly follows?: (type: LinkType) => boolean
  /** Reads it from `ip -d -j link`; absent: `readLinks` reads it itself. */
  readonly read?: (link: IpLink, type: LinkType, scope: ReadContext) => unknown
  /** JSON Schema of the value in a lab file. */
  readonly schema?: Readonly<Record<string, unknown>>
}

const flag = (word: string) => (value: unknown) => [word, value === true ? 'on' : 'off']
const always = (value: unknown) => () => value

/** The kernel's defaults (GSO_LEGACY_MAX_SIZE, GSO_MAX_SEGS in include/linux/netdevice.h). */
const [GSO_SIZE, GSO_SEGMENTS] = [65536, 65535]

/**
 * A limit on packets that are passed to the device at once: the kernel's default unless the driver has a lower one. Kernels
 * before 5.19 do not report the driver's limit, and copy the limits of lower devices.
 */
const limit = (
  name: 'gso_max_size' | 'gso_max_segs' | 'gro_max_size',
  number: number,
  usual: number,
  description: string,
  most: (link: IpLink) => number | undefined,
): Setting => ({
  schema: { type: 'integer', minimum: 1, maximum: usual, description: `${description} Default: ${usual}.` },
  attribute: u32(number),
  words: (v) => [name, String(v)],
  fallback: always(usual),
  read: (link) => {
    const driver = most(link)
    const value = link[name]
    return driver === undefined || value === Math.min(usual, driver) ? undefined : value
  },
})

const bool = (description: string) => ({ type: 'boolean', description })
const int = (description: string, minimum: number, maximum: number) => ({
  type: 'integer',
  minimum,
  maximum,
  description,
})

/** The settings of interfaces of every type, by their words in ip-link(8). */
export const settingTable: Readonly<Record<string, Setting>> = {
  mtu: {
    attribute: u32(4),
    words: (v) => ['mtu', String(v)],
    schema: int('Largest packet, in bytes.', 68, 65536),
  },
  mac: {
    attribute: mac(1),
    words: (v) => ['address', String(v)],
    schema: {
      type: 'string',
      description:
        'MAC address. Default: generated from the names of the lab and the interface, so it is always the same.',
      examples: ['02:00:00:00:00:01'],
    },
  },
  alias: {
    attribute: { number: 20, as: 'text' },
    words: (v) => ['alias', String(v)],
    fallback: always(''),
    schema: {
      type: 'string',
      description: 'A description for `ip link`.',
      maxLength: 200,
      pattern: '^[^\\n\\r\\u0000]*$',
    },
  },
  txqueuelen: {
    attribute: u32(13),
    words: (v) => ['txqueuelen', String(v)],
    fallback: ({ txqueuelen }) => txqueuelen ?? TXQUEUELEN,
    schema: int('Length of the transmit queue, in packets. Default: 1000.', 0, 1000000),
  },
  arp: {
    flag: { bit: 0x80, inverted: true },
    words: flag('arp'),
    fallback: always(true),
    schema: bool('Whether the interface uses ARP. Default: true.'),
  },
  promisc: {
    flag: { bit: 0x100 },
    words: flag('promisc'),
    fallback: always(false),
    schema: bool('Whether the interface accepts frames to other MAC addresses. Default: false.'),
  },
  multicast: {
    flag: { bit: 0x1000 },
    words: flag('multicast'),
    fallback: ({ multicast = true }) => multicast !== false,
    follows: ({ multicast }) => multicast === 'lower',
    read: ({ flags }) => flags.includes('MULTICAST'),
    schema: bool('Whether the interface can send multicast packets. Default: true for Ethernet-like interfaces.'),
  },
  allmulticast: {
    flag: { bit: 0x200 },
    words: flag('allmulticast'),
    fallback: always(false),
    read: ({ flags }) => flags.includes('ALLMULTI'),
    schema: bool('Whether the interface accepts all multicast packets. Default: false.'),
  },
  // In the machine's own namespace the group is netlab's mark; a link that is created there and moved keeps it.
  group: {
    attribute: u32(27),
    words: (v) => ['group', String(v)],
    fallback: always(0),
    read: ({ group }, _, { borrowed, lab }) => (borrowed || Number(group) === labGroup(lab) ? 0 : Number(group ?? 0)),
    schema: int('Number of the interface group. Default: 0.', 0, 2147483647),
  },
  linkmode: {
    attribute: u8(17, { words: { default: 0, dormant: 1 } }),
    words: (v) => ['mode', String(v)],
    fallback: always('default'),
    read: ({ linkmode }) => linkmode?.toLowerCase(),
    schema: {
      enum: ['default', 'dormant'],
      description:
        '`dormant`: the interface counts as up only after a program (such as an 802.1X supplicant) says so. Default: default.',
    },
  },
  // What a program that holds an interface dormant says (RFC 2863); for faults (src/faults), no setting of a lab.
  operstate: {
    attribute: u8(16, { words: { dormant: 5, up: 6 } }),
    words: (v) => ['state', String(v)],
  },
  protodown: {
    attribute: u8(39),
    words: flag('protodown'),
    fallback: always(false),
    read: ({ proto_down }) => proto_down,
    schema: bool('Whether the interface is held down on behalf of a protocol (vxlan, macvlan). Default: false.'),
  },
  broadcast: {
    attribute: mac(2),
    words: (v) => ['broadcast', String(v)],
    fallback: always('ff:ff:ff:ff:ff:ff'),
    // That of a tunnel is the IP address of its other end.
    read: ({ broadcast }, { builtin, layer3 }) =>
      builtin || layer3 || !broadcast?.includes(':') ? undefined : broadcast,
  },
  gso_max_size: limit(
    'gso_max_size',
    41,
    GSO_SIZE,
    'Largest packet that the kernel gives to the interface to segment, in bytes.',
    ({ tso_max_size }) => tso_max_size,
  ),
  gso_max_segs: limit(
    'gso_max_segs',
    40,
    GSO_SEGMENTS,
    'Most segments in a packet that the kernel gives to the interface to segment.',
    ({ tso_max_segs }) => tso_max_segs,
  ),
  gro_max_size: limit(
    'gro_max_size',
    58,
    GSO_SIZE,
    'Largest packet that the kernel assembles from received packets, in bytes.',
    ({ tso_max_size }) => tso_max_size && Infinity,
  ),
  master: {
    attribute: ifIndex(10),
    words: (v) => (v === '' ? ['nomaster'] : ['master', String(v)]),
    fallback: always(''),
  },
  up: {
    flag: { bit: 1 },
    words: (v) => [v === true ? 'up' : 'down'],
    schema: bool('Whether the interface is up. Default: true.'),
  },
}

/** The JSON Schemas of these settings in lab files, by name. */
export const settingSchemas: Readonly<Record<string, Readonly<Record<string, unknown>>>> = Object.fromEntries(
  Object.entries(settingTable).flatMap(([name, { schema }]) => (schema ? [[name, schema]] : [])),
)

/** The name of a setting in lab files: with the prefix `link_` if the type has a field of that name. */
export const settingName = ({ fields }: LinkType, name: string): string => (name in fields ? `link_${name}` : name)

/** The name in `settingTable` for a setting's name in a lab file. */
export const settingOf = ({ fields }: LinkType, name: string): string => {
  const plain = name.slice('link_'.length)
  return name.startsWith('link_') && plain in fields ? plain : name
}

const byType = new Map<LinkType, ReadonlyMap<string, Setting>>()

/** The settings of a type, by name in a lab. */
export function settingsOf(type: LinkType): ReadonlyMap<string, Setting> {
  let all = byType.get(type)
  if (!all) {
    all = new Map(Object.entries(settingTable).map(([name, setting]) => [settingName(type, name), setting]))
    byType.set(type, all)
  }
  return all
}
