/** The headers of a packet, as far as they matter to its way. */
export interface WayPacket {
  /** `icmp`, `icmp6`, `tcp`, `udp`, or a number. */
  readonly protocol: string
  readonly source: string
  readonly destination: string
  readonly sport?: number
  readonly dport?: number
  /** Time to live; of IPv6 the hop limit. */
  readonly ttl: number
}

/** A rule that a packet met. */
export interface WayRule {
  /** With its family: `ip filter`. */
  readonly table: string
  readonly chain: string
  /** Its place in the chain, from 1; absent: the end of the chain, where its policy decides. */
  readonly number?: number
  readonly text: string
  /** `accept`, `drop`, `continue`, `return`, `jump CHAIN`, `goto CHAIN`, `queue`. */
  readonly verdict: string
  /** Absent in chains that no hook calls by themselves. */
  readonly hook?: string
  /** Where the lab file has the chain, `FILE:LINE`. */
  readonly source?: string
  /** The packet that carries it in a tunnel met the rule. */
  readonly carrier?: true
}

/** What was rewritten on the way through a namespace. */
export interface WayRewrite {
  /** The last hook before the new value was seen. */
  readonly hook: string
  readonly field: 'source' | 'destination' | 'sport' | 'dport' | 'mark'
  readonly before: string
  readonly after: string
}

/** The route that the kernel takes for a packet. */
export interface WayRoute {
  /** `main`, `local`, or a number. */
  readonly table: string
  /** `default`, or a network. */
  readonly prefix: string
  /** `local`, `blackhole` …; absent: unicast. */
  readonly type?: string
  readonly via?: string
  readonly dev?: string
  /** Where there are several next hops: all of them, as `ip route` writes them. The packet took the one through the interface that it left by. */
  readonly nexthops?: readonly string[]
  /** The rule of `ip rule` that names the table, where it is not one of the kernel's own. */
  readonly rule?: string
}

/** A VXLAN that stands for a cable between two machines. */
export interface WayWire {
  /** The VXLAN network identifier. */
  readonly vni: number
  /** The machine from which it leads, and the other one; `here` is the one that netlab runs on. */
  readonly from: string
  readonly to: string
}

/** A packet at an interface. */
export interface WayPoint {
  readonly interface: string
  readonly direction: 'in' | 'out'
  /** The packet that carries it in a tunnel here. */
  readonly carried_by?: WayPacket
  /** What carries it to another machine from here. */
  readonly wire?: WayWire
}

/** A namespace on the way. */
export interface WayHop {
  readonly namespace: string
  /** The interface by which the packet came, in a cable; absent: it was made here. */
  readonly in?: string
  /** The interface by which it left. */
  readonly out?: string
  /** The bridge that forwarded it. */
  readonly bridge?: string
  /** The packet as it came, or as it was made. */
  readonly packet: WayPacket
  /** Every interface that it passed, in order. */
  readonly interfaces: readonly WayPoint[]
  readonly route?: WayRoute
  /** The route of the packet that carries it from here in a tunnel. */
  readonly carrier_route?: WayRoute
  /** Questions of this namespace for a neighbour on the way, and whether there was an answer. */
  readonly neighbor?: { readonly address: string; readonly interface: string; readonly answered: boolean }
  /** Every rule that it met, in order. */
  readonly rules: readonly WayRule[]
  readonly rewrites: readonly WayRewrite[]
  /** What is not known of this hop, and why. */
  readonly unknown?: string
}

export type WayVerdict = 'answered' | 'arrived' | 'dropped' | 'refused' | 'lost'

/** Where a way ended. */
export interface WayPlace {
  readonly namespace: string
  readonly interface?: string
  readonly hook?: string
  readonly rule?: Pick<WayRule, 'table' | 'chain' | 'number' | 'text' | 'source'>
  /** The packet was too big: the largest that passes there, in bytes. */
  readonly mtu?: number
}

/** The way of a packet and of its answer. */
export interface Way {
  readonly from: string
  readonly to: string
  readonly verdict: WayVerdict
  /** Why, in a sentence without its full stop. */
  readonly reason: string
  /** Absent: it was answered. */
  readonly at?: WayPlace
  readonly hops: readonly WayHop[]
  /** `kind`: the answer, or an error of ICMP. */
  readonly reply?: { readonly kind: 'answer' | 'error'; readonly hops: readonly WayHop[] }
}
