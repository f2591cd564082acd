import type { BridgeFdb, BridgeMdb, BridgeVlans } from './bridge-dump.ts'
import type { Outcome } from './command.ts'
import type { FileStatus, Host } from './host.ts'
import type { IpAddress, IpNeighbor } from './ip-address.ts'
import type { IpNexthop } from './ip-nexthop.ts'
import type { IpFou, IpMacsec } from './tunnel-dump.ts'
import type { Metrics } from './metrics.ts'
import type { Operation, Program } from './operation.ts'

/** The state of one namespace, as `ip -j` prints it: numeric (`-N`), detailed (`-d`), with the fields that netlab reads. */
export interface Dump {
  /** `ip -j -d -N link show` */
  readonly links: readonly IpLink[]
  /** `ip -j -d -N addr show` */
  readonly addresses: readonly { readonly ifname: string; readonly addr_info: readonly IpAddress[] }[]
  /** `ip -j -d -N route show table all`: both families */
  readonly routes: readonly IpRoute[]
  /** `ip -j -d -N nexthop show`, with the families; absent: the kernel has no such objects. */
  readonly nexthops?: readonly IpNexthop[]
  /** `ip -4 -j -N rule show` */
  readonly rules: readonly IpRule[]
  /** `ip -6 -j -N rule show` */
  readonly rules6: readonly IpRule[]
  /** The permanent and managed entries of `ip -j -N neigh show nud all`, and `ip -j -N neigh show proxy`. */
  readonly neighbors: readonly IpNeighbor[]
  /** Names of namespaces, or paths, by the ids with which links refer to them (`link_netnsid`). */
  readonly nsids: ReadonlyMap<number, string>
  /** `tc -j qdisc show` */
  readonly qdiscs: readonly TcQdisc[]
  /** What `tc -d` prints, by the words after it (src/kinds/traffic.ts); absent: nothing there has to be asked about. */
  readonly traffic?: ReadonlyMap<string, string>
  /** `wg show all dump`, without its secrets; absent: no WireGuard interface, or no `wg`, exists. */
  readonly wireguard?: readonly WgInterface[]
  /** `ip -j macsec show`, which prints no keys; absent: no MACsec interface exists. */
  readonly macsec?: readonly IpMacsec[]
  /** `ip -j fou show`; absent: the kernel has not loaded what makes such ports. */
  readonly fou?: readonly IpFou[]
  /** The permanent and static entries of `bridge -j fdb show`; absent: no bridge and no VXLAN exists. */
  readonly fdb?: readonly BridgeFdb[]
  /** `bridge -d -j mdb show`; absent: no bridge and no VXLAN exists. */
  readonly mdb?: readonly BridgeMdb[]
  /** `bridge -j vlan show`; absent: no bridge filters VLANs. */
  readonly vlans?: readonly BridgeVlans[]
  /** Values of the requested sysctls that exist, by the keys of the request. */
  readonly sysctls: ReadonlyMap<string, string>
  /**
   * By interface: `ipv4.forwarding`, `ipv6.forwarding` and `ipv6.disable_ipv6` (the latter two if it has IPv6), and all other
   * settings known to netlab that differ from the kernel's defaults.
   */
  readonly conf: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** `iptables-save -c`, `ip6tables-save -c`, `nft -s list ruleset` as text; empty where there are no rules. */
  readonly iptables: string
  readonly ip6tables: string
  readonly nftables: string
  /** Tables of iptables-legacy, with their family (`ip filter`); absent: none. */
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
  readonly num_tx_queues?: number
  readonly num_rx_queues?: number
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

/** A next hop of a route. */
export interface IpHop {
  readonly gateway?: string
  readonly via?: { readonly family: string; readonly host: string }
  readonly dev?: string
  readonly weight?: number
  readonly flags?: readonly string[]
  /** The text that iproute2 prints after `encap`; its JSON has only the type. */
  readonly encap?: string
  /** The labels that replace it (MPLS). */
  readonly to?: string
  /** Realms. */
  readonly flow?: { readonly from?: string; readonly to: string }
}

export interface IpRoute extends IpHop {
  /** Numeric: 1 unicast, 2 local, 6 blackhole, 7 unreachable, 8 prohibit, 9 throw. */
  readonly type?: string
  /** A network; in a route of MPLS, a label. */
  readonly dst: string
  /** `enabled` or `disabled` (MPLS). */
  readonly ttl_propagate?: string
  /** The network of the source addresses to which it applies. */
  readonly from?: string
  readonly tos?: string
  readonly table?: string
  readonly protocol?: string
  readonly scope?: string
  readonly prefsrc?: string
  readonly metric?: number
  /** IPv6 only: low, medium or high. */
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
  /** Present when the rule that `goto` names does not exist. */
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

/** A WireGuard interface, without secrets. */
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
        /** A digest of the key, not the key. */
        readonly preshared_key?: string
      }
    >
  >
}

/** What to read of one namespace. */
export interface DumpRequest {
  /** A name under /run/netns, or a path; absent: where netlab itself runs. */
  readonly netns?: string
  /** Paths of namespaces without names, in which links of this one may end: `nsids` has them, too. */
  readonly paths?: readonly string[]
  readonly sysctls: readonly string[]
  /**
   * `mark` reads nothing but `lo`: enough to see who owns a namespace. `links` reads only `links` and `addresses`, `rules` also `nftables`.
   * `plain` may leave out what a namespace has nothing of that was made a moment ago: rules, neighbours, qdiscs and firewalls.
   */
  readonly depth: 'mark' | 'links' | 'rules' | 'plain' | 'all'
  /** The name of a lab: of a namespace that it does not own, only links are read. */
  readonly owner?: string
  /** Tables of nftables with names that iptables uses as well (`ip nat`): the dump may leave out what iptables prints of them. */
  readonly nftables?: readonly string[]
}

/** An operation of a run that failed. */
export interface Failure {
  /** Its index in the list of operations. */
  readonly index: number
  readonly outcome: Outcome
}

/** An entry of /run/netns. Names with the same inode are names of the same namespace; a later one may have it again, at another time. */
export interface NamedNamespace extends Pick<FileStatus, 'inode' | 'changed'> {
  readonly name: string
  /** It is a plain file, left by a crash or a reboot: no namespace is mounted on it. */
  readonly stale: boolean
  /** The lab whose run left the plain file, if the file contains its mark. */
  readonly owner?: string
}

/** One process of a lab, or what remains of it. */
export interface LiveProcess {
  readonly namespace: string
  readonly name: string
  /** It is in the machine's own namespace. */
  readonly root: boolean
  /** `stray`: it or a child of it runs without its supervisor or outside its namespace; `ended`: only its log is left. */
  readonly state: 'running' | 'stray' | 'ended'
  /** The settings with which its supervisor was started, as JSON. */
  readonly spec?: string
  /** It was to run once, and has ended with 0. */
  readonly done?: true
  /** Of a running one: its supervisor. */
  readonly pid?: number
  /** The byte of its log, from 1, with which its output begins. */
  readonly log?: number
}

/** A process in a namespace of a lab that the lab did not start: a shell, or a server of somebody else's. */
export interface Stranger {
  readonly namespace: string
  readonly pid: number
  /** Its start time in clock ticks after boot (starttime of proc_pid_stat(5)): with the pid it identifies one process. */
  readonly started: string
  /** Its arguments, joined by spaces. */
  readonly command: string
}

/** Reads and changes the network of a host: the reader and the executor use nothing else to reach the kernel. */
export interface Runner {
  /** The machine whose network it is. */
  readonly host: Host
  /**
   * Carries out operations, one wave after the other. Within a wave those of one namespace run in order; those of
   * different namespaces may run at the same time. Stops at the first failure and returns it, after operations that run in other
   * namespaces have ended. Calls `done` with the index, counted through all waves, of every operation that succeeded.
   */
  run(
    waves: readonly (readonly Operation[])[],
    done: (index: number) => void,
    signal?: AbortSignal,
  ): Promise<Failure | undefined>
  /** Runs the program of an operation by itself, until it has ended or `signal` is aborted. */
  runProgram(operation: Program, signal?: AbortSignal): Promise<Outcome>
  /** Tells the runner that this many namespaces will be created, so that it can prepare them, without names, in advance. */
  foresee?(count: number): void
  /** The named namespaces, sorted by name. */
  list(): Promise<NamedNamespace[]>
  /**
   * Reads namespaces and returns the dumps in the order of the requests; undefined for a namespace that does not exist any more.
   * May call `onDump` with the index and the dump of some of them before all have been read.
   */
  dump(requests: readonly DumpRequest[], onDump?: (index: number, dump: Dump) => void): Promise<(Dump | undefined)[]>
  /** The values that sysctls have in a new namespace, by key; sysctls that do not exist are left out. */
  inherited(keys: readonly string[]): Promise<ReadonlyMap<string, string>>
  /**
   * These rule sets of nftables as `nft` lists them without counters, each loaded into a throw-away namespace; undefined for
   * those that are refused, and for those that need the program itself.
   */
  nftForms?(texts: readonly string[]): Promise<readonly (string | undefined)[]>
}
