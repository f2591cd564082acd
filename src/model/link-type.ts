import type { IpLink } from './runner.ts'

/** The settings of interfaces of any type. An absent one is left to the kernel, or is the kernel's default. */
export interface LinkSpec {
  /** Bytes. */
  readonly mtu?: number
  /** Live bridges only: the kernel derives the MTU from the ports. */
  readonly mtuFollows?: true
  /** Lower-case, colon-separated. */
  readonly mac?: string
  /** Live only, when it differs from `mac`: the MAC address that netlab chooses when the lab sets none. */
  readonly usualMac?: string
  readonly up: boolean
  readonly alias?: string
  /** Packets. */
  readonly txqueuelen?: number
  readonly arp?: boolean
  readonly promisc?: boolean
  /** The name of the bridge or VRF, in the same namespace, of which it is a port. */
  readonly master?: string
  /** The id of the lower device (`link` in a lab file), if the type has one. */
  readonly link?: string
  /** The id of a veth's other end. */
  readonly peer?: string
  /** Of a veth: queues in each direction. */
  readonly queues?: number
  /** The fields of the type, in iproute2's words. */
  readonly [field: string]: unknown
}

/** The attribute of rtnetlink that carries a setting of a type, and how iproute2 prints it. Used to encode and to decode. */
export interface LinkAttribute {
  /** Its number among the attributes of the type (linux/if_link.h and the like). */
  readonly number: number
  /**
   * The form of the value. `be…`: a number in network byte order. `address`: an IP address. `device`: the index of the interface
   * that is named; 0 for an empty name. `addresses`: a list of them, numbered from 0. `present`: an attribute without a value. `user`: the id of a user that is named.
   */
  readonly as:
    | 'u8'
    | 'u16'
    | 'u32'
    | 'u64'
    | 'be16'
    | 'be32'
    | 'mac'
    | 'address'
    | 'addresses'
    | 'device'
    | 'text'
    | 'present'
    | 'user'
  /** The number that each possible word stands for. */
  readonly words?: Readonly<Record<string, number>>
  /** The bit of this setting, in a number that several settings share. */
  readonly bit?: number
  /** The number is followed by a second one, a mask of the bits that the message sets. */
  readonly masked?: true
  /** Another attribute without which the kernel ignores this one: its number, the bit to set in it, and its form. */
  readonly with?: { readonly number: number; readonly as: 'be16'; readonly bit: number }
  /** The name of the object in iproute2's JSON that has it; the object is only there with a `type`. */
  readonly under?: string
  /** The number of the attribute for an IPv6 address. */
  readonly number6?: number
  /** True: only for multicast addresses; false: only for others; absent: for all. */
  readonly multicast?: boolean
  /** It is sent even if the lab does not set it. */
  readonly always?: true
  /**
   * The form in iproute2's JSON, in the order of the names below: true or false; true or absent; `0x4` or `0`; the same, but
   * absent for 0; `[33024]`; the word as a key (`private: true`); the word in capitals, in a list; four numbers with dots;
   * absent for 0, and null for 0, otherwise as it is; `on` or `off`. Default: the number or the word itself.
   */
  readonly print?:
    | 'boolean'
    | 'true'
    | 'hex'
    | 'hex or nothing'
    | 'bracketed'
    | 'name'
    | 'list'
    | 'dotted'
    | 'dotted or nothing'
    | 'or nothing'
    | 'or null'
    | 'on or off'
}

/** One field of an interface type: how a lab file writes it, how `ip link` takes it, and how `ip -d -j link` prints it. */
export interface Field {
  /** JSON Schema of the value in a lab file; absent: a lab cannot set it, and a changed value is drift. */
  readonly schema?: Readonly<Record<string, unknown>>
  /** The words after `ip link … type T`: `['id', '42']`. Default: the field's name and the value. */
  readonly words?: (value: unknown) => string[]
  /** Turns the value of a lab file into the form that is compared (durations in the kernel's unit, names as numbers). */
  readonly normal?: (value: unknown) => unknown
  /** The error in a value that the schema accepts; undefined when it is valid. */
  readonly wrong?: (value: unknown) => string | undefined
  /** Whether the kernel treats two values as the same. Default: whether they are equal. */
  readonly same?: (a: unknown, b: unknown) => boolean
  /** Its name in iproute2's JSON. Default: the field's name. */
  readonly json?: string
  /** Its attribute of rtnetlink; absent: the program `ip` sets and reads it, link by link. */
  readonly attribute?: LinkAttribute
  /** A lab must set it. */
  readonly required?: true
  /** Reads it from `linkinfo.info_data`, in the form that is compared. Default: the entry of its name there. */
  readonly read?: (data: Readonly<Record<string, unknown>>, link: IpLink) => unknown
  /** The kernel's default, which an absent value stands for. Without one, an absent value is not compared. */
  readonly fallback?: unknown
  /** The value that netlab chooses when the lab sets none, if that is not the kernel's default. */
  readonly initial?: unknown
  /** The same where the kernel's default depends on the other fields; undefined: it is `fallback`. */
  readonly initialBeside?: (spec: Readonly<Record<string, unknown>>) => unknown
  /**
   * The kernel knows it only while another field has one of these values, or beside the fields for which the function is true
   * (then the type's `wrong` reports it elsewhere): otherwise it is neither set nor compared.
   */
  readonly only?:
    | { readonly field: string; readonly values: readonly unknown[] }
    | ((spec: Readonly<Record<string, unknown>>) => boolean)
  /** What the kernel demands of a living device while the field is changed: that it is down, or also that it has no ports. */
  readonly changedWhen?: 'down' | 'without ports'
  /** Whether the kernel takes it only before the other fields, beside what those then are. */
  readonly first?: (spec: Readonly<Record<string, unknown>>) => boolean
  /** It names a port: it is set when the ports have joined. */
  readonly ofPorts?: true
  /** Why the kernel cannot change it on an existing device, or not from one value to another; absent: it can. */
  readonly forces?: string | ((from: unknown, to: unknown) => string | undefined)
  /** It is not a setting of `ip link`: another kind turns it into a resource, or it is a short form. */
  readonly apart?: true
  /** The fields that this short form sets, all to its value. */
  readonly standsFor?: readonly string[]
}

/** The part of the kernel that a type of interface needs. */
export interface LinkFeature {
  readonly module: string
  readonly config: string
  /** A shell command that needs that part; the link it creates is x0. It finds a veth pair, v0 and v1. */
  readonly probe: string
}

/** A type of interface, as in `type:` of a lab file and `ip link add type`. */
export interface LinkType {
  readonly name: string
  /** The kernel's name (`info_kind`), if it is another one. */
  readonly kind?: string
  /** One sentence for the schema and the documentation. */
  readonly description: string
  /** An interface of this type in a lab file, as YAML (for the documentation). */
  readonly example: string
  readonly fields: Readonly<Record<string, Field>>
  /** Attributes that are read and that no lab can set, by their names in iproute2's JSON. */
  readonly state?: Readonly<Record<string, LinkAttribute>>
  /** The kernel can change a single setting of an existing interface. For other types `ip` sends all settings again. */
  readonly setSingly?: true
  /** Fields that `ip` is given with every change of another: without them it makes none, or forgets them. */
  readonly setWith?: readonly string[]
  /** A field that conflicts with the others, and why; undefined when there is none. */
  readonly wrong?: (spec: Readonly<Record<string, unknown>>) => readonly [field: string, why: string] | undefined
  /**
   * Whether a lower device (`link`) is required or optional; one in another namespace is written `NS:IF`. Absent: not possible.
   */
  readonly lower?: 'required' | 'optional'
  /** The type's own attribute for the lower device (`dev X` after the type); absent: it is `link X`, before the type. */
  readonly lowerAttribute?: number
  /**
   * What takes the frames that its lower device receives (netdev_rx_handler_register in net/core/dev.c): a device has one such
   * taker, and the port of a bridge, bond or team has one already. Types with the same taker may share a lower device.
   */
  readonly taker?: string
  /**
   * A tunnel of the kernel's ip_tunnel kind: it looks for its lower device in the namespace in which it is created, and stays
   * when that device goes; its MTU is calculated anew when a field is changed (net/ipv4/ip_tunnel.c, net/ipv6/ip6_tunnel.c).
   */
  readonly tunnel?: true
  /** Whether it can be set up only when its local address is there. */
  readonly opensLate?: (spec: LinkSpec) => boolean
  /** The words of the command that creates one, if it is not `ip link add`; MTU and MAC address are then set afterwards. */
  readonly addWords?: (name: string, spec: LinkSpec) => string[]
  /** The kernel's default MTU in bytes, given that of the lower device, and its type; undefined: not known, and not compared. */
  readonly mtu: (lowerMtu: number | undefined, spec: LinkSpec, lowerType?: string) => number | undefined
  /** The kernel keeps its MTU within that of its lower device: `mtu` of that is the largest. */
  readonly mtuWithinLower?: true
  /** Whether it has no MAC address that can be set when it is created. */
  readonly noMac?: (spec: Readonly<Record<string, unknown>>) => boolean
  /** It carries packets without Ethernet headers, and can be no port of a bridge, a bond or a team. */
  readonly layer3?: true
  /** It has no ARP, whatever its setting is. */
  readonly noArp?: true
  /** Whether a new one has the flag MULTICAST; default: true. `lower`: as its lower device. */
  readonly multicast?: boolean | 'lower'
  /** Its default path cost as the port of a bridge; absent: it depends on the device. */
  readonly portCost?: number
  /** The kernel's default length of the transmit queue, in packets, if it is not TXQUEUELEN. */
  readonly txqueuelen?: number
  /** What the kernel may lack for it; absent: src/kinds/features.ts says so, or no kernel lacks it. */
  readonly feature?: LinkFeature
  /** The features that it needs, by their names in src/kinds/features.ts; default: the feature of its own name. */
  readonly requires?: (spec: LinkSpec) => string[]
  /** They are created and removed in pairs, each the other's `peer`. */
  readonly pair?: true
  /** The kernel creates it with the namespace. */
  readonly builtin?: true
  /** Other interfaces can be its ports (`master`). */
  readonly hasPorts?: true
  /** Its ports are down when they join and after they left, have its MTU, and no addresses: a bond, a team. */
  readonly bundles?: true
  /** Without an address that a lab sets, it has the MAC address of one of its ports. */
  readonly macOfPorts?: true
  /** Its MTU is the smallest of its ports' (1500 without ports), unless it is set by hand. */
  readonly followsPorts?: true
  /** Whether a lab can choose it with `type:`; veths come from `links`, bridges from `bridges`. */
  readonly byType: boolean
}

/** The kernel's default length of a transmit queue, in packets (DEFAULT_TX_QUEUE_LEN); types may have another. */
export const TXQUEUELEN = 1000

/** IPv6 needs at least this MTU, in bytes (RFC 8200, section 5); below it the kernel takes IPv6 off the interface. */
export const IPV6_MIN_MTU = 1280
