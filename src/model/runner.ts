import type { Command, Outcome } from './command.ts'
import type { IpAddress, IpNeighbor } from './ip-address.ts'
import type { Metrics } from './metrics.ts'
import type { Operation } from './operation.ts'

/** The JSON objects that `ip -j` prints, with the fields that netlab reads. Numeric (`-N`), detailed (`-d`). */
export interface Dump {
  /** `ip -j -d -N link show` */
  readonly links: readonly IpLink[]
  /** `ip -j -d -N addr show` */
  readonly addresses: readonly { readonly ifname: string; readonly addr_info: readonly IpAddress[] }[]
  /** `ip -j -d -N route show table all`: both families */
  readonly routes: readonly IpRoute[]
  /** `ip -4 -j -N rule show` */
  readonly rules: readonly IpRule[]
  /** `ip -6 -j -N rule show` */
  readonly rules6: readonly IpRule[]
  /** Of `ip -j -N neigh show nud all` those that are permanent or managed, and `ip -j -N neigh show proxy`. */
  readonly neighbors: readonly IpNeighbor[]
  /** Names of namespaces, by the ids that links refer to them with (`link_netnsid`). */
  readonly nsids: ReadonlyMap<number, string>
  /** `tc -j qdisc show` */
  readonly qdiscs: readonly TcQdisc[]
  /** `wg show all dump`, without its secrets; absent: there are no WireGuard interfaces, or no `wg`. */
  readonly wireguard?: readonly WgInterface[]
  /** `bridge -j fdb show`, as far as it is permanent or static; absent: there is neither a bridge nor a VXLAN. */
  readonly fdb?: readonly BridgeFdb[]
  /** `bridge -j vlan show`; absent: no bridge looks at VLANs. */
  readonly vlans?: readonly BridgeVlans[]
  /** Values of the asked-for sysctls that exist, by name in dotted or slashed form as asked. */
  readonly sysctls: ReadonlyMap<string, string>
  /**
   * By interface: `ipv4.forwarding`, `ipv6.forwarding` and `ipv6.disable_ipv6` (those of IPv6 where it has IPv6), and of the
   * other settings that netlab knows those that are not the kernel's defaults.
   */
  readonly conf: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** `iptables-save -c`, `ip6tables-save -c`, `nft -s list ruleset` as text; empty where there are no rules. */
  readonly iptables: string
  readonly ip6tables: string
  readonly nftables: string
  /** Tables that iptables-legacy has made, by its family (`ip filter`); absent: none. */
  readonly legacy?: readonly string[]
  /** `ipset save` as text; absent or empty where there are no sets. */
  readonly ipsets?: string
}

export interface IpLink {
  readonly ifindex: number
  readonly ifname: string
  readonly flags: readonly string[]
  readonly mtu: number
  readonly address?: string
  readonly broadcast?: string
  readonly ifalias?: string
  readonly group?: string
  readonly txqlen?: number
  /** `DEFAULT` or `DORMANT`. */
  readonly linkmode?: string
  readonly proto_down?: boolean
  /** Bytes. */
  readonly gso_max_size?: number
  readonly gso_max_segs?: number
  readonly gro_max_size?: number
  readonly tso_max_size?: number
  readonly tso_max_segs?: number
  readonly master?: string
  /** The peer or lower device in the same namespace … */
  readonly link?: string | null
  /** … or its index, in the namespace with this id. */
  readonly link_index?: number
  readonly link_netnsid?: number
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_data?: Readonly<Record<string, unknown>>
    readonly info_slave_kind?: string
    readonly info_slave_data?: Readonly<Record<string, unknown>>
  }
}

/** A way of a route. */
export interface IpHop {
  readonly gateway?: string
  readonly via?: { readonly family: string; readonly host: string }
  readonly dev?: string
  readonly weight?: number
  readonly flags?: readonly string[]
  /** What iproute2 prints after `encap`; in its JSON only the type. */
  readonly encap?: string
  /** Realms. */
  readonly flow?: { readonly from?: string; readonly to: string }
}

export interface IpRoute extends IpHop {
  /** Numeric: 1 unicast, 2 local, 6 blackhole, 7 unreachable, 8 prohibit, 9 throw. */
  readonly type?: string
  /** A network; a label in a route of MPLS. */
  readonly dst: string
  /** The labels that MPLS puts in its place. */
  readonly to?: string
  /** The network of the sources that it is for. */
  readonly from?: string
  readonly tos?: string
  readonly table?: string
  readonly protocol?: string
  readonly scope?: string
  readonly prefsrc?: string
  readonly metric?: number
  /** Of IPv6: low, medium, high. */
  readonly pref?: string
  /** The id of a nexthop object. */
  readonly nhid?: number
  /** Seconds. */
  readonly expires?: number
  /** As src/model/metrics.ts has them. */
  readonly metrics?: readonly Metrics[]
  readonly nexthops?: readonly IpHop[]
}

export interface IpRule {
  readonly priority: number
  readonly src?: string
  readonly srclen?: number
  readonly dst?: string
  readonly dstlen?: number
  readonly iif?: string
  readonly oif?: string
  readonly fwmark?: string
  readonly fwmask?: string
  readonly table?: string
  readonly protocol?: string
  readonly action?: string
  readonly l3mdev?: null
  readonly not?: null
  readonly tos?: string
  readonly uid_start?: number
  readonly uid_end?: number
  readonly ipproto?: string
  readonly sport?: number
  readonly sport_start?: number
  readonly sport_end?: number
  readonly dport?: number
  readonly dport_start?: number
  readonly dport_end?: number
  readonly tun_id?: number
  readonly suppress_prefixlen?: number
  readonly suppress_ifgroup?: string
  readonly flow_from?: string
  readonly flow_to?: string
  readonly goto?: number
  /** There is no rule to go to. */
  readonly unresolved?: null
  readonly nop?: null
}

export interface TcQdisc {
  readonly kind: string
  readonly handle: string
  readonly dev: string
  readonly root?: boolean
  readonly parent?: string
  readonly options?: Readonly<Record<string, unknown>>
}

/** The VLANs of a port of a bridge, or of the bridge itself. */
export interface BridgeVlans {
  readonly ifname: string
  readonly vlans: readonly { readonly vlan: number; readonly vlanEnd?: number; readonly flags?: readonly string[] }[]
}

/** A forwarding entry of a bridge (`master`) or of an interface itself. */
export interface BridgeFdb {
  readonly mac: string
  readonly ifname: string
  readonly dst?: string
  readonly vlan?: number
  readonly port?: number
  readonly vni?: number
  readonly viaIf?: string
  readonly flags?: readonly string[]
  readonly master?: string
  readonly state?: string
}

/** A WireGuard interface, as it can be shown to anybody. */
export interface WgInterface {
  readonly dev: string
  readonly public_key: string
  readonly listen_port?: number
  readonly fwmark?: number
  /** By public key. */
  readonly peers: Readonly<
    Record<
      string,
      {
        readonly endpoint?: string
        readonly allowed_ips: readonly string[]
        /** Seconds. */
        readonly keepalive?: number
        /** A fingerprint. */
        readonly preshared_key?: string
      }
    >
  >
}

/** What to read of one namespace. */
export interface DumpRequest {
  /** A name under /run/netns; absent: where netlab itself runs. */
  readonly netns?: string
  readonly sysctls: readonly string[]
  /**
   * `mark` reads nothing but `lo`: enough to see who owns a namespace. `links` reads nothing but `links` and `addresses`.
   * `plain` may leave out what a namespace has nothing of that was made a moment ago: rules, neighbours, qdiscs and firewalls.
   */
  readonly depth: 'mark' | 'links' | 'plain' | 'all'
  /** A lab: of a namespace that is not marked as its own, nothing is read but links. */
  readonly owner?: string
  /** Tables called as iptables' own that are nftables' (`ip nat`): it may leave out what iptables says of them. */
  readonly nftables?: readonly string[]
}

/** An operation of a run that failed. */
export interface Failure {
  /** Its place in the list of operations that was handed over. */
  readonly index: number
  readonly outcome: Outcome
}

/** An entry of /run/netns. */
export interface NamedNamespace {
  readonly name: string
  /** Names with the same inode are names of the same namespace. */
  readonly inode: number
  /** A plain file, left by a crash or a reboot: nothing is mounted there. */
  readonly stale: boolean
  /** The lab whose run left the plain file, where that says so. */
  readonly owner?: string
}

/** One process of a lab, or what is left of it. */
export interface LiveProcess {
  readonly namespace: string
  readonly name: string
  /** It is in the machine's own namespace. */
  readonly root: boolean
  /** `stray`: its supervisor, or its namespace, is gone, and it or what it started is not; `ended`: only its log is left. */
  readonly state: 'running' | 'stray' | 'ended'
  /** What its supervisor was started with, as JSON. */
  readonly spec?: string
}

/** A process in a namespace of a lab that is not the lab's: a shell, a server that somebody started there. */
export interface Stranger {
  readonly namespace: string
  readonly pid: number
  /** When it began, in clock ticks after boot: with the pid it names one process (starttime of proc_pid_stat(5)). */
  readonly started: string
  /** Its arguments, joined by spaces. */
  readonly command: string
}

/** The one way to the kernel: the reader and the executor are handed one of these and know no other. */
export interface Runner {
  /**
   * Carries out operations, one wave after the other. Within a wave those of one namespace run in order; those of
   * different namespaces may run at the same time. Stops at the first failure (what runs elsewhere at that moment is let
   * finish). `done` is told the index of every operation that succeeded, counted through all waves.
   */
  run(
    waves: readonly (readonly Operation[])[],
    done: (index: number) => void,
    signal?: AbortSignal,
  ): Promise<Failure | undefined>
  /** Says that so many namespaces are going to be made, so that it can begin with that, unseen. */
  foresee?(count: number): void
  /** The named namespaces, sorted by name. */
  list(): Promise<NamedNamespace[]>
  /**
   * Reads namespaces, in the order asked; undefined for one that vanished meanwhile. `heard` may be told of some, with their
   * place in the list, before all are there.
   */
  dump(requests: readonly DumpRequest[], heard?: (index: number, dump: Dump) => void): Promise<(Dump | undefined)[]>
  /** The values that sysctls have in a namespace that is made now, by key; those that do not exist are left out. */
  inherited(keys: readonly string[]): Promise<ReadonlyMap<string, string>>
  /**
   * These rule sets of nftables as nft lists them without counters, each loaded into a namespace that is gone when this
   * returns; undefined for those that it refuses, and where the program has to be asked.
   */
  nftForms?(texts: readonly string[]): Promise<readonly (string | undefined)[]>
  /** The processes that carry the lab's mark, and the logs of those that have ended. */
  processes(lab: string): Promise<LiveProcess[]>
  /** The processes in these namespaces that do not carry the lab's mark. */
  strangers(lab: string, namespaces: readonly string[]): Promise<Stranger[]>
  /** Runs one program that changes nothing of the lab, and returns what it printed. */
  capture(command: Command): Promise<Outcome>
}
