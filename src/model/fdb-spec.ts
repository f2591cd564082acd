/** A forwarding entry that the kernel has not learnt by itself, in the words of `bridge fdb` (bridge(8)). */
export type FdbSpec = {
  readonly mac: string
  readonly dev: string
  readonly state: 'permanent' | 'static'
  /** The bridge whose table has it: `dev` is one of its ports, or the bridge itself. Absent: it is in the table of a VXLAN. */
  readonly bridge?: string
  readonly vlan?: number
  readonly sticky?: true
  /** A daemon has learnt it: it neither ages nor moves. */
  readonly extern_learn?: true
  /** The canonical address to which a VXLAN sends the frames. */
  readonly dst?: string
  readonly port?: number
  readonly vni?: number
  /** The interface through which the packets leave. */
  readonly via?: string
  /** The id of a nexthop object, or a group of them, instead of `dst`. */
  readonly nhid?: number
}

const KEYS = ['vlan', 'dst', 'port', 'vni', 'via', 'nhid'] as const

/** The words that identify an entry besides its MAC address: a VXLAN may have several destinations for one address. */
export const fdbKey = (spec: FdbSpec): string[] =>
  KEYS.flatMap((key) => (spec[key] === undefined ? [] : [key, String(spec[key])]))

/** The words of the settings that may change in place. */
export const fdbSettings = ({ state, sticky, extern_learn }: FdbSpec): string[] => [
  state,
  ...(sticky ? ['sticky'] : []),
  ...(extern_learn ? ['extern_learn'] : []),
]
