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
  /** Numeric. iproute2 tells it from 6.3 on. */
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

/** An entry of neighbours, as `ip -j -N neigh show` prints it. */
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

/** Those of these entries that somebody has set: the others the kernel has learnt. */
export const lasting = (all: readonly IpNeighbor[]): IpNeighbor[] =>
  all.filter(({ state, managed }) => managed !== undefined || state?.includes('PERMANENT') === true)
