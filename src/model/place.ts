/** Where on a host something is. */
export interface Place {
  /** The name under /run/netns of a namespace; absent: the network namespace that netlab itself runs in. */
  readonly netns?: string
}

/** The network namespace in which netlab itself runs: on a machine, its own. */
export const HERE: Place = {}
