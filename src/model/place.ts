/** Where something is. */
export interface Place {
  /** The machine; absent: the one that netlab itself runs on. */
  readonly machine?: string
  /** The name under /run/netns of a namespace; absent: the network namespace that netlab itself runs in. */
  readonly netns?: string
}

/** Where netlab itself runs. */
export const HERE: Place = {}
