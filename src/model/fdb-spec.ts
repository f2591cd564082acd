/** A forwarding entry that somebody put in, in the words of `bridge fdb` (bridge(8)). */
export type FdbSpec = {
  readonly mac: string
  readonly dev: string
  readonly state: 'permanent' | 'static'
  /** The bridge whose table it is in: `dev` is one of its ports, or the bridge itself. Absent: the table of a VXLAN. */
  readonly bridge?: string
  readonly vlan?: number
  readonly sticky?: true
  /** Where a VXLAN sends the frames to, canonical. */
  readonly dst?: string
  readonly port?: number
  readonly vni?: number
  /** Live only: the interface that the packets leave by. */
  readonly via?: string
}

const KEYS = ['vlan', 'dst', 'port', 'vni', 'via'] as const

/** What names an entry beside its MAC address, in words: a VXLAN may have several destinations for one. */
export const fdbKey = (spec: FdbSpec): string[] =>
  KEYS.flatMap((key) => (spec[key] === undefined ? [] : [key, String(spec[key])]))

/** What may change of an entry, in words. */
export const fdbSettings = ({ state, sticky }: FdbSpec): string[] => [state, ...(sticky ? ['sticky'] : [])]
