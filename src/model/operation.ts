import type { AddressSpec } from './address-spec.ts'
import type { Command } from './command.ts'
import type { FdbSpec } from './fdb-spec.ts'
import { HERE, type Place } from './place.ts'
import type { NeighborSpec } from './neighbor-spec.ts'
import type { HookSpec, QdiscOptions } from './qdisc-options.ts'
import type { RouteSpec } from './route-spec.ts'
import type { RuleSpec } from './rule-spec.ts'

/** A type of interface, or `bridge_slave` for a port of a bridge, and its settings by field (src/kinds/links). */
export interface TypeSettings {
  readonly name: string
  readonly data: Readonly<Record<string, unknown>>
}

/** An interface, or the other end of one, to be made. */
export interface NewLink {
  readonly name: string
  /** The namespace that it is put into, where that is not the one in which it is made. */
  readonly netns?: string
  readonly group?: number
  readonly mac?: string
  /** Bytes. */
  readonly mtu?: number
  readonly up?: true
}

/** Settings of a living interface (src/kinds/settings.ts), in the order in which people read them. */
export interface LinkChange {
  readonly up?: boolean
  /** What `ip link` shows as alias; empty: none. */
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
  readonly protodown?: boolean
  readonly broadcast?: string
  /** Bytes. */
  readonly gso_max_size?: number
  readonly gso_max_segs?: number
  /** Bytes. */
  readonly gro_max_size?: number
  /** What it becomes a port of; empty: of nothing. */
  readonly master?: string
  /** The namespace that it moves to. */
  readonly netns?: string
  /** What it is called from then on. */
  readonly name?: string
  readonly type?: TypeSettings
}

/** Makes an interface, changes one, removes one, or all of a group. */
export type LinkOperation =
  | {
      readonly do: 'link.add'
      readonly link: NewLink
      readonly type: TypeSettings
      /** Its lower device, where it is made. */
      readonly lower?: string
      /** Its other end. */
      readonly peer?: NewLink
    }
  | { readonly do: 'link.set'; readonly name: string; readonly set: LinkChange }
  | { readonly do: 'link.delete'; readonly name: string }
  | { readonly do: 'link.delete'; readonly group: number }

/** Runs a program: what netlab knows no other way for. It reads `input` on standard input. */
export interface Program {
  readonly place: Place
  readonly do: 'run'
  readonly argv: readonly string[]
  readonly input?: string
  /** It is `ip` with words that a line of `ip -batch` may have. */
  readonly batch?: 'ip'
  /** One line of shell that a person would type, or read, instead of the argv, where that is a script of netlab's own. */
  readonly instead?: string
}

/** Gives an interface an address, changes what is said of one that it has, or takes one away. */
export type AddressOperation =
  | {
      readonly do: 'address.add' | 'address.replace'
      readonly address: AddressSpec
      /** Without duplicate address detection (IPv6). */
      readonly nodad: boolean
    }
  | { readonly do: 'address.delete'; readonly address: AddressSpec }

/** Sets a neighbour, whatever there is of it, or takes one away. */
export type NeighborOperation =
  | {
      readonly do: 'neighbor.replace'
      readonly neighbor: NeighborSpec
      /** Who set it (rtnetlink(7)); absent: as it was. */
      readonly protocol?: 'boot' | undefined
    }
  | { readonly do: 'neighbor.delete'; readonly neighbor: NeighborSpec }

/** Puts an entry into the table of a bridge or of a VXLAN, adds a destination to one (append), or takes one away. */
export interface FdbOperation {
  readonly do: 'fdb.add' | 'fdb.append' | 'fdb.delete'
  readonly entry: FdbSpec
}

/** Puts a port of a bridge, or the bridge itself, into a VLAN, or takes it out. */
export type VlanOperation = {
  readonly port: string
  readonly vid: number
  /** The port is the bridge itself. */
  readonly self: boolean
} & (
  | {
      readonly do: 'vlan.add'
      /** Frames that come in without a tag are of this VLAN. */
      readonly pvid: boolean
      /** Frames go out without a tag. */
      readonly untagged: boolean
    }
  | { readonly do: 'vlan.delete' }
)

/** What an interface does to the packets that it sends, and what hangs beside. */
export type QdiscOperation =
  | {
      readonly do: 'qdisc.add' | 'qdisc.replace' | 'qdisc.change'
      readonly dev: string
      readonly options: QdiscOptions
    }
  | { readonly do: 'qdisc.delete'; readonly dev: string }
  | { readonly do: 'hook.add' | 'hook.delete'; readonly hook: HookSpec }

/** Makes a route, replaces the one of its destination and metric, or adds one more; or takes one away. */
export type RouteOperation =
  | {
      readonly do: 'route.add' | 'route.replace' | 'route.append'
      readonly route: RouteSpec
      /** Who made it (rtnetlink(7)), where that is not boot. */
      readonly protocol?: number | undefined
    }
  | { readonly do: 'route.delete'; readonly route: RouteSpec }

/** The kernel deletes the first rule that has all that this one has, and perhaps more. */
export type RuleOperation =
  | { readonly do: 'rule.add'; readonly rule: RuleSpec; readonly protocol?: number | undefined }
  | { readonly do: 'rule.delete'; readonly rule: RuleSpec }

/**
 * One change of the kernel: what a plan is made of. Plain data that says what is done, not how: src/backend/iproute spells it
 * as the command that people read and `ip -batch` runs, src/backend/netlink encodes it as the message that the kernel takes.
 */
export type Operation =
  | Program
  | ({ readonly place: Place } & (
      | {
          /** Makes a namespace whose `lo` is up and has this alias before the namespace gets its name. */
          readonly do: 'netns.add'
          readonly name: string
          readonly alias: string
        }
      | {
          /** Gives the namespace of a file (`/run/netns/NAME`, `/proc/PID/fd/N`) a name, be it one more. */
          readonly do: 'netns.name'
          readonly file: string
          readonly name: string
          /** The alias of its `lo`: until the name is mounted, its file says the same. */
          readonly alias?: string
        }
      | { readonly do: 'netns.delete'; readonly name: string }
      | LinkOperation
      /** The key as sysctl(8) takes it: dots between the parts, a `/` for a dot inside a part. */
      | { readonly do: 'sysctl.set'; readonly key: string; readonly value: string }
      | AddressOperation
      | NeighborOperation
      | FdbOperation
      | VlanOperation
      | QdiscOperation
      | RouteOperation
      | {
          /** Changes the tables of nftables, all or nothing. */
          readonly do: 'nft.load'
          readonly lines: readonly string[]
          /** Lines name rules by their handles. */
          readonly byHandle: boolean
        }
      /** Takes away the kernel's own routes to exactly this network of IPv6, with this metric. */
      | { readonly do: 'route.flush'; readonly to: string; readonly dev: string; readonly metric: number }
      | RuleOperation
    ))

/** The operation that runs this command. */
export const running = ({ argv, netns, input }: Command): Program => ({
  do: 'run',
  place: netns === undefined ? HERE : { netns },
  argv,
  ...(input !== undefined && { input }),
})

/** The namespaces that an operation changes: its own, and where it puts an end of a link. Undefined: where netlab runs. */
export function concerns(operation: Operation): readonly (string | undefined)[] {
  const { netns } = operation.place
  if (operation.do === 'link.set' && operation.set.netns !== undefined) return [netns, operation.set.netns]
  if (operation.do !== 'link.add') return [netns]
  return [netns, ...[operation.link.netns, operation.peer?.netns].filter((other) => other !== undefined)]
}
