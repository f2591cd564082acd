/** A permanent entry in the multicast table of a bridge, in the words of `bridge mdb` (bridge(8)). */
export type MdbSpec = {
  /** The canonical address of the group, or its MAC address. */
  readonly grp: string
  /** The port that the group is sent to, or the bridge itself. */
  readonly dev: string
  readonly bridge: string
  /** The canonical address of the only source that is forwarded. */
  readonly src?: string
  readonly vid?: number
  /** Live side only: it goes when nobody asks for the group any more. */
  readonly temp?: true
}

/** The words that identify an entry of a port, after `grp`. */
export const mdbWords = ({ grp, src, vid }: MdbSpec): string[] => [
  grp,
  ...(src === undefined ? [] : ['src', src]),
  ...(vid === undefined ? [] : ['vid', String(vid)]),
]
