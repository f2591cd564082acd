/** A member of a group of nexthops. */
export type NexthopMember = { readonly id: number; readonly weight?: number }

/** The type of a group, and its settings (ip-nexthop(8)). */
export type NexthopGroup = {
  readonly group?: readonly NexthopMember[]
  /** Absent: `mpath`. */
  readonly type?: 'resilient'
  readonly buckets?: number
  /** Seconds. */
  readonly idle_timer?: number
  /** Seconds. */
  readonly unbalanced_timer?: number
}

/** A nexthop object, in the words of ip-nexthop(8). */
export type NexthopSpec = NexthopGroup & {
  readonly id: number
  /** Absent: a group. */
  readonly family?: 4 | 6
  readonly via?: string
  readonly dev?: string
  readonly onlink?: true
  /** In the form that src/model/encap.ts gives it. */
  readonly encap?: string
  readonly blackhole?: true
  /** It is for forwarding entries of VXLANs, and has no interface. */
  readonly fdb?: true
  /** The daemon that it belongs to (live side only). */
  readonly protocol?: string
}

const pair = (name: string, value: unknown): string[] =>
  value === undefined ? [] : [name, ...String(value).split(' ')]

/** `1,3/2` */
export const groupText = (group: readonly NexthopMember[]): string =>
  group.map(({ id, weight }) => (weight === undefined ? id : `${id},${weight}`)).join('/')

/** The words of a nexthop after its id. `encap` comes first, so that `via` or `dev` ends it. */
export const nexthopWords = (s: NexthopSpec): string[] => [
  ...pair('encap', s.encap),
  ...pair('via', s.via),
  ...pair('dev', s.dev),
  ...(s.onlink ? ['onlink'] : []),
  ...(s.blackhole ? ['blackhole'] : []),
  ...(s.group ? ['group', groupText(s.group)] : []),
  ...(s.fdb ? ['fdb'] : []),
  ...pair('type', s.type),
  ...pair('buckets', s.buckets),
  ...pair('idle_timer', s.idle_timer),
  ...pair('unbalanced_timer', s.unbalanced_timer),
]
