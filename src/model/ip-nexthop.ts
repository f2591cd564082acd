/** A nexthop object, as `ip -j -d -N nexthop show` prints it. */
export interface IpNexthop {
  readonly id: number
  /** What the JSON leaves out; absent: a group, or it follows from the gateway. */
  readonly family?: 4 | 6
  readonly gateway?: string
  readonly dev?: string
  readonly scope?: string
  readonly protocol?: string
  readonly flags?: readonly string[]
  /** The text that iproute2 prints after `encap`; its JSON has only the type. */
  readonly encap?: string
  readonly blackhole?: null
  readonly fdb?: null
  readonly group?: readonly { readonly id: number; readonly weight?: number }[]
  readonly type?: string
  readonly resilient_args?: {
    readonly buckets: number
    /** Seconds. */
    readonly idle_timer: number
    readonly unbalanced_timer: number
  }
}
