/** One question of `netlab reach`, and its answer. */
export interface Pair {
  /** The namespaces. */
  readonly from: string
  readonly to: string
  readonly protocol: 'icmp' | 'tcp' | 'udp'
  /** Only for tcp and udp. */
  readonly port?: number
  /**
   * icmp: an echo request was answered. tcp: the connection was established. udp: a datagram was answered, or netlab, which listened
   * there itself, received it.
   */
  readonly reached: boolean
  /** What happened instead; only where it was not reached. */
  readonly reason?: string
  /** It was not tried itself: this pair was, whose hosts are provably alike (docs/reach.md). */
  readonly like?: { readonly from: string; readonly to: string }
}

/** A port of a namespace that something listens at, or that the lab file names. */
export interface Service {
  readonly namespace: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** Nothing listens there, and a check asks netlab to. */
  readonly own?: true
}

/** A namespace with an address. */
export interface Reachable {
  readonly name: string
  /** Its name under /run/netns, or a path; undefined: where netlab runs. */
  readonly netns: string | undefined
  /** The address that its name stands for. */
  readonly address: string
}
