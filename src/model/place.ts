/** Where on a host something is. */
export interface Place {
  /** A namespace: its name under /run/netns, or an absolute path; absent: the network namespace that netlab itself runs in. */
  readonly netns?: string
}

/** The network namespace in which netlab itself runs: on a machine, its own. */
export const HERE: Place = {}

/** The namespace with this name or path; without one, where netlab itself runs. */
export const placeIn = (netns: string | undefined): Place => (netns === undefined ? HERE : { netns })

/** The namespace of a resource. */
export const placeOf = ({
  namespace,
  borrowed,
}: {
  readonly namespace: string
  readonly borrowed?: string | undefined
}): Place => (borrowed === HERE_NAME ? HERE : { netns: borrowed ?? namespace })

/** The file of a namespace, from its name or path. */
export const fileOf = (netns: string): string => (isPath(netns) ? netns : `/run/netns/${netns}`)

/** Whether this is the path of a namespace, and not its name under /run/netns. */
export const isPath = (netns: string): boolean => netns.startsWith('/')

/** Stands for the name of that namespace where it has none: no namespace can be called so. */
export const HERE_NAME = '(machine)'

/** The name of a place, for maps. */
export const placeName = ({ netns = HERE_NAME }: Place): string => netns
