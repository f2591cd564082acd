/** Where on a host something is. */
export interface Place {
  /** The name under /run/netns of a namespace; absent: the network namespace that netlab itself runs in. */
  readonly netns?: string
}

/** The network namespace in which netlab itself runs: on a machine, its own. */
export const HERE: Place = {}

/** The namespace with this name under /run/netns; without a name, where netlab itself runs. */
export const placeIn = (netns: string | undefined): Place => (netns === undefined ? HERE : { netns })

/** The namespace of a resource. */
export const placeOf = ({
  namespace,
  root,
}: {
  readonly namespace: string
  readonly root?: boolean | undefined
}): Place => (root ? HERE : { netns: namespace })

/** Stands for the name of that namespace where it has none: no namespace can be called so. */
export const HERE_NAME = '(machine)'

/** The name of a place, for maps. */
export const placeName = ({ netns = HERE_NAME }: Place): string => netns
