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
  readonly nhid?: number
  readonly flags?: readonly string[]
  readonly master?: string
  readonly state?: string
}

/** An entry in the multicast table of a bridge. */
export interface BridgeMdb {
  /** The bridge. */
  readonly dev: string
  /** One of its ports, or the bridge itself. */
  readonly port: string
  readonly grp: string
  readonly src?: string
  readonly vid?: number
  /** `permanent` or `temp`. */
  readonly state: string
  /** In words; absent for entries of the bridge itself. */
  readonly protocol?: string
  readonly flags?: readonly string[]
}
