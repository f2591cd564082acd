/** An address, as `ip -j -d -N addr show` prints it. */
export interface IpAddress {
  readonly family: 'inet' | 'inet6'
  readonly local: string
  readonly prefixlen: number
  /** The other end of a point-to-point address. */
  readonly address?: string
  /** Numeric; absent: 0. */
  readonly scope?: string
  readonly label?: string
  readonly broadcast?: string
  readonly metric?: number
  /** Numeric. iproute2 prints it since 6.3. */
  readonly protocol?: string
  readonly secondary?: boolean
  readonly dynamic?: boolean
  readonly temporary?: boolean
  readonly deprecated?: boolean
  readonly mngtmpaddr?: boolean
  readonly noprefixroute?: boolean
  readonly home?: boolean
  readonly autojoin?: boolean
  /** Seconds; absent: for ever. */
  readonly preferred_life_time?: number
}

/** A neighbour entry, as `ip -j -N neigh show` prints it. */
export interface IpNeighbor {
  readonly dst: string
  readonly dev: string
  readonly lladdr?: string
  readonly state?: readonly string[]
  readonly protocol?: string
  readonly proxy?: null
  readonly router?: null
  readonly extern_learn?: null
  readonly managed?: null
}

/** The entries that somebody has set: the kernel has learnt the others. */
export const lasting = (all: readonly IpNeighbor[]): IpNeighbor[] =>
  all.filter(({ state, managed }) => managed !== undefined || state?.includes('PERMANENT') === true)
