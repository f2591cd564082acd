import type { IpLink } from './runner.ts'

/** The settings that every interface has, whatever its type. Absent: left to the kernel, or its default. */
export interface LinkSpec {
  /** Bytes. */
  readonly mtu?: number
  /** Live bridges only: the MTU is the one that the kernel derives from the ports. */
  readonly mtuFollows?: true
  /** Lower-case, colon-separated. */
  readonly mac?: string
  /** Live only: the MAC address that netlab gives it when the lab says none, where it has another. */
  readonly usualMac?: string
  readonly up: boolean
  readonly alias?: string
  /** Packets. */
  readonly txqueuelen?: number
  readonly arp?: boolean
  readonly promisc?: boolean
  /** The bridge or VRF in the same namespace that it is a port of. */
  readonly master?: string
  /** The id of the lower device (`link` in a lab file), when the type has one. */
  readonly link?: string
  /** The id of a veth's other end. */
  readonly peer?: string
  /** The fields of the type, in iproute2's words. */
  readonly [field: string]: unknown
}

/** How rtnetlink carries a setting of a type, and how iproute2 prints it: both directions are made from it. */
export interface LinkAttribute {
  /** Its number among the attributes of the type (linux/if_link.h and the like). */
  readonly number: number
  /**
   * Numbers; `be`: in network byte order. `address`: of IP. `device`: the index of an interface, by its name; an empty one is 0.
   * `present`: it is there or not. `user`: the id of a user, whose name only programs know.
   */
  readonly as:
    'u8' | 'u16' | 'u32' | 'u64' | 'be16' | 'be32' | 'mac' | 'address' | 'device' | 'text' | 'present' | 'user'
  /** The numbers of the words that it can be. */
  readonly words?: Readonly<Record<string, number>>
  /** The bit that it is, in a number that several settings share. */
  readonly bit?: number
  /** Behind that number comes another, with the bits that the message is about. */
  readonly masked?: true
  /** Another attribute that it needs, to count: its number, a bit in it, and how it is carried. */
  readonly with?: { readonly number: number; readonly as: 'be16'; readonly bit: number }
  /** The number of the attribute when the address is of IPv6. */
  readonly number6?: number
  /** Whether it is only for groups of multicast, or never; absent: either. */
  readonly multicast?: boolean
  /** It is sent also when nobody asks for it. */
  readonly always?: true
  /**
   * In iproute2's JSON: true or false; true or not at all; `0x4`, or `0`; the same, or not at all; `[33024]`; the word as a
   * name (`private: true`), or in a list, in capitals; as four numbers with dots. Default: the number, or the word.
   */
  readonly print?:
    'boolean' | 'true' | 'hex' | 'hex or nothing' | 'bracketed' | 'name' | 'list' | 'dotted' | 'or nothing'
}

/** One field of an interface type: how it is written in a lab, given to `ip link`, and read back from `ip -d -j link`. */
export interface Field {
  /** JSON Schema of the value in a lab file, with a description; absent: a lab cannot ask for it, and what was changed goes back. */
  readonly schema?: Readonly<Record<string, unknown>>
  /** The words after `ip link … type T`: `['id', '42']`. Default: the field's name and the value. */
  readonly words?: (value: unknown) => string[]
  /** The value as netlab compares it, from what the lab file says (durations to the kernel's unit, names to numbers). */
  readonly normal?: (value: unknown) => unknown
  /** What is wrong with a value that the schema lets pass; undefined when nothing is. */
  readonly wrong?: (value: unknown) => string | undefined
  /** Whether two values are the same to the kernel; default: when they are equal. */
  readonly same?: (a: unknown, b: unknown) => boolean
  /** Its name in iproute2's JSON. Default: the field's name. */
  readonly json?: string
  /** Its attribute of rtnetlink; absent: `ip` sets it, and is asked for it, link by link. */
  readonly attribute?: LinkAttribute
  /** A lab has to say it. */
  readonly required?: true
  /** From `linkinfo.info_data`, in the same form. Default: the entry of its name there. */
  readonly read?: (data: Readonly<Record<string, unknown>>, link: IpLink) => unknown
  /** The kernel's default: what an absent value means. None: an absent value is not compared. */
  readonly fallback?: unknown
  /** What netlab chooses when the lab says nothing, where that is not the kernel's default. */
  readonly initial?: unknown
  /** Why the kernel cannot change it on a living device. */
  readonly forces?: string
  /** It is no setting of `ip link`: another kind makes something of it. */
  readonly apart?: true
}

/** A type of interface, as in `type:` of a lab file and `ip link add type`. */
export interface LinkType {
  readonly name: string
  /** What the kernel calls it (`info_kind`), where that is another name. */
  readonly kind?: string
  /** One sentence for the schema and the documentation. */
  readonly description: string
  /** How an interface of it is written in a lab, as YAML (for the documentation). */
  readonly example: string
  readonly fields: Readonly<Record<string, Field>>
  /** What else is read of it, by its name in iproute2's JSON: no lab can ask for it. */
  readonly state?: Readonly<Record<string, LinkAttribute>>
  /** The kernel takes one setting of a living one, and leaves the others; of other types `ip` sends all of them again. */
  readonly setSingly?: true
  /** A field that does not go with the others, and why; undefined when all is well. */
  readonly wrong?: (spec: Readonly<Record<string, unknown>>) => readonly [field: string, why: string] | undefined
  /** Whether `link`, the lower device, is needed or possible. Cross-namespace lower devices are written `NS:IF`. */
  readonly lower?: 'required' | 'optional'
  /** The attribute of the type that names the lower device, `dev X` among the type's words; absent: it is `link X`, before the type. */
  readonly lowerAttribute?: number
  /** The command that makes one, where it is not `ip link add`; MTU and MAC address are then set after. */
  readonly addWords?: (name: string, spec: LinkSpec) => string[]
  /** The kernel's MTU when none is asked for, in bytes, given the lower device's; undefined: not known, not compared. */
  readonly mtu: (lowerMtu: number | undefined, spec: LinkSpec) => number | undefined
  /** It has no MAC address of its own that could be set when it is made. */
  readonly noMac?: (spec: Readonly<Record<string, unknown>>) => boolean
  /** It has no ARP, whatever it is set to. */
  readonly noArp?: true
  /** Whether it can send multicast packets when it is made; default: true. `lower`: its lower device decides. */
  readonly multicast?: boolean | 'lower'
  /** What it costs as the port of a bridge until somebody says otherwise; absent: that depends. */
  readonly portCost?: number
  /** The kernel's length of the transmit queue, in packets, where it is not TXQUEUELEN. */
  readonly txqueuelen?: number
  /** Names in src/kinds/features.ts of what it takes; default: the one of its own name. */
  readonly requires?: (spec: LinkSpec) => string[]
  /** Two of them are made, and go, together, each the other's `peer`. */
  readonly pair?: true
  /** The kernel makes it with its namespace. */
  readonly builtin?: true
  /** Whether other interfaces can be its ports (`master`). */
  readonly hasPorts?: true
  /** Unless it is set by hand, its MTU is the smallest of its ports' (1500 without any). */
  readonly followsPorts?: true
  /** Whether a lab may choose it with `type:`; veths come from links, bridges from `bridges`. */
  readonly byType: boolean
}

/** The kernel's length of a transmit queue, in packets, where a type has no other (DEFAULT_TX_QUEUE_LEN). */
export const TXQUEUELEN = 1000
