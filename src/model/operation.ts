import type { AddressSpec } from './address-spec.ts'
import type { Command } from './command.ts'
import type { FdbSpec } from './fdb-spec.ts'
import type { MdbSpec } from './mdb-spec.ts'
import type { NexthopSpec } from './nexthop-spec.ts'
import { placeIn, type Place } from './place.ts'
import type { NeighborSpec } from './neighbor-spec.ts'
import type { FilterName, NetworkFilter, QdiscOptions } from './qdisc-options.ts'
import type { RouteSpec } from './route-spec.ts'
import type { RuleSpec } from './rule-spec.ts'

/** A type of interface, or `bridge_slave` for a port of a bridge, and its settings by field (src/kinds/links). */
export interface TypeSettings {
  readonly name: string
  readonly data: Readonly<Record<string, unknown>>
}

/** An interface, or the other end of one, that is to be created. */
export interface NewLink {
  readonly name: string
  /** The namespace into which it is put, if that is not the one of the operation. */
  readonly netns?: string
  readonly group?: number
  readonly mac?: string
  /** Bytes. */
  readonly mtu?: number
  /** Queues in each direction. */
  readonly queues?: number
  readonly up?: true
}

/** New settings of an existing interface (src/kinds/settings.ts), in the order of the printed command. */
export interface LinkChange {
  readonly up?: boolean
  /** The alias; empty: none. */
  readonly alias?: string
  /** Bytes. */
  readonly mtu?: number
  readonly mac?: string
  /** Packets. */
  readonly txqueuelen?: number
  readonly arp?: boolean
  readonly promisc?: boolean
  readonly multicast?: boolean
  readonly allmulticast?: boolean
  readonly group?: number
  readonly linkmode?: string
  readonly operstate?: 'up' | 'dormant'
  readonly protodown?: boolean
  readonly broadcast?: string
  /** Bytes. */
  readonly gso_max_size?: number
  readonly gso_max_segs?: number
  /** Bytes. */
  readonly gro_max_size?: number
  /** The bridge or VRF of which it becomes a port; empty: none. */
  readonly master?: string
  /** The namespace that it moves to. */
  readonly netns?: string
  /** Its new name. */
  readonly name?: string
  readonly type?: TypeSettings
}

/** Creates or changes an interface, or deletes one, or all of a group. */
export type LinkOperation =
  | {
      readonly do: 'link.add'
      readonly link: NewLink
      readonly type: TypeSettings
      /** Its lower device, in the namespace of the operation. */
      readonly lower?: string
      /** Its other end. */
      readonly peer?: NewLink
    }
  | { readonly do: 'link.set'; readonly name: string; readonly set: LinkChange }
  | { readonly do: 'link.delete'; readonly name: string }
  | { readonly do: 'link.delete'; readonly group: number }

/** Runs a program, for what has no operation of its own. It reads `input` on standard input. */
export interface Program {
  readonly place: Place
  readonly do: 'run'
  readonly argv: readonly string[]
  readonly input?: string
  /** It runs in the home of its namespace; absent: with the files of the machine. */
  readonly home?: true
  /** The only variables that it has, besides PATH; absent: those of netlab itself. */
  readonly environment?: Readonly<Record<string, string>>
  /** Its words may be a line of `ip -batch` or `tc -batch`, which do several. */
  readonly batch?: 'ip' | 'tc'
  /** How long it may run, in seconds; absent: two minutes. */
  readonly timeout?: number
  /** If the argv is a script of netlab's own: the line of shell that a person would type instead. */
  readonly instead?: string
}

/** Writes a file in the home of the namespace, with the folders around it, or deletes one: then what the machine has at that place is there again. */
export type FileOperation = {
  /** Absolute. */
  readonly path: string
} & (
  | ({
      readonly do: 'file.write'
      /** Permissions, in octal. */
      readonly mode: string
      readonly uid: number
      readonly gid: number
    } & ({ readonly text: string } | { readonly base64: string }))
  | { readonly do: 'file.delete' }
)

/** Adds an address to an interface, changes its settings, or removes it. */
export type AddressOperation =
  | {
      readonly do: 'address.add' | 'address.replace'
      readonly address: AddressSpec
      /** Without duplicate address detection (IPv6). */
      readonly nodad: boolean
    }
  | { readonly do: 'address.delete'; readonly address: AddressSpec }

/** Sets a neighbour entry, replacing an existing one, or removes it. */
export type NeighborOperation =
  | {
      readonly do: 'neighbor.replace'
      readonly neighbor: NeighborSpec
      /** Its protocol (rtnetlink(7)); absent: unchanged. */
      readonly protocol?: 'boot' | undefined
    }
  | { readonly do: 'neighbor.delete'; readonly neighbor: NeighborSpec }

/** Adds an entry to the forwarding table of a bridge or VXLAN, appends a destination to one, or removes one. */
export interface FdbOperation {
  readonly do: 'fdb.add' | 'fdb.append' | 'fdb.delete'
  readonly entry: FdbSpec
}

/** Adds an entry to the multicast table of a bridge, or removes one. */
export interface MdbOperation {
  readonly do: 'mdb.add' | 'mdb.delete'
  readonly entry: MdbSpec
}

/** Adds a port of a bridge, or the bridge itself, to a VLAN, or removes it from one. */
export type VlanOperation = {
  readonly port: string
  readonly vid: number
  /** The port is the bridge itself. */
  readonly self: boolean
} & (
  | {
      readonly do: 'vlan.add'
      /** Untagged frames that arrive belong to this VLAN. */
      readonly pvid: boolean
      /** Frames of this VLAN leave untagged. */
      readonly untagged: boolean
    }
  | { readonly do: 'vlan.delete' }
)

/** Sets or removes the root qdisc of an interface or that of a class (`qdisc`), a class of htb, or a filter. */
export type QdiscOperation =
  | {
      readonly do: 'qdisc.add' | 'qdisc.replace' | 'qdisc.change'
      readonly dev: string
      /** The class that it is the queue of; absent: it is the root qdisc. */
      readonly parent?: string
      /** Absent: the kernel chooses one. */
      readonly handle?: string
      readonly options: QdiscOptions
    }
  | { readonly do: 'qdisc.delete'; readonly dev: string; readonly parent?: string }
  | { readonly do: 'class.add' | 'class.change' | 'class.delete'; readonly dev: string; readonly classid: string }
  | { readonly do: 'filter.add'; readonly dev: string; readonly filter: NetworkFilter }
  | { readonly do: 'filter.delete'; readonly dev: string; readonly filter: FilterName }

/** Creates a route, replaces the one of the same destination and metric, appends one to it, or removes one. */
export type RouteOperation =
  | {
      readonly do: 'route.add' | 'route.replace' | 'route.append'
      readonly route: RouteSpec
      /** Its protocol (rtnetlink(7)); absent: boot. */
      readonly protocol?: number | undefined
    }
  | { readonly do: 'route.delete'; readonly route: RouteSpec }

/** Creates a nexthop object, replaces the one with its id, or deletes one. */
export type NexthopOperation =
  | {
      readonly do: 'nexthop.add' | 'nexthop.replace'
      readonly nexthop: NexthopSpec
      /** Its protocol (rtnetlink(7)); absent: none. */
      readonly protocol?: number | undefined
    }
  | { readonly do: 'nexthop.delete'; readonly id: number }

/** Adds or deletes a rule. The kernel deletes the first rule that has all these attributes, even if it has more. */
export interface RuleOperation {
  readonly do: 'rule.add' | 'rule.delete'
  readonly rule: RuleSpec
  /** Its protocol (rtnetlink(7)); absent: boot for a new one, any for one to be deleted. */
  readonly protocol?: number | undefined
}

/**
 * One change of the kernel's state, as plain data. Plans consist of operations. src/backend/iproute turns one into the command
 * that people read and `ip -batch` runs; src/backend/netlink encodes it as a netlink message.
 */
export type Operation =
  | Program
  | ({ readonly place: Place } & (
      | {
          /** Creates a namespace, sets its `lo` up, and sets the alias of `lo` before the namespace gets its name. */
          readonly do: 'netns.add'
          readonly name: string
          readonly alias: string
        }
      | {
          /** Gives a name, or one more name, to the namespace of a file (`/run/netns/NAME`, `/proc/PID/fd/N`). */
          readonly do: 'netns.name'
          readonly file: string
          readonly name: string
          /** The alias of its `lo`: the file of the name contains it until the namespace is mounted there. */
          readonly alias?: string
        }
      | { readonly do: 'netns.delete'; readonly name: string }
      | LinkOperation
      /** The key is in the form of sysctl(8): dots between the parts, `/` for a dot within a part. */
      | { readonly do: 'sysctl.set'; readonly key: string; readonly value: string }
      | AddressOperation
      | NeighborOperation
      | FdbOperation
      | MdbOperation
      | VlanOperation
      | QdiscOperation
      | FileOperation
      | RouteOperation
      | NexthopOperation
      | {
          /** Changes tables of nftables in one transaction. */
          readonly do: 'nft.load'
          readonly lines: readonly string[]
          /** The input refers to rules by their handles. */
          readonly byHandle: boolean
        }
      /** Removes the kernel's own routes to exactly this IPv6 network, with this metric. */
      | { readonly do: 'route.flush'; readonly to: string; readonly dev: string; readonly metric: number }
      | RuleOperation
    ))

/** The operation that runs this command. */
export const running = ({ argv, netns, input }: Command): Program => ({
  do: 'run',
  place: placeIn(netns),
  argv,
  ...(input !== undefined && { input }),
})

/** The namespaces that an operation changes: its own, and those of new links' ends. Undefined: where netlab itself runs. */
export function concerns(operation: Operation): readonly (string | undefined)[] {
  const { netns } = operation.place
  if (operation.do === 'link.set' && operation.set.netns !== undefined) return [netns, operation.set.netns]
  if (operation.do !== 'link.add') return [netns]
  return [netns, ...[operation.link.netns, operation.peer?.netns].filter((other) => other !== undefined)]
}
