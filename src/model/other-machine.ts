/** A machine of a lab, besides the one that netlab runs on: how to run a command there. */
export interface Machine {
  /** A destination of ssh(1). */
  readonly ssh?: string
  /** The words that run a command there; the command follows. */
  readonly run?: readonly string[]
  /** The address at which the other machines reach it. Default: the one at which ssh does. */
  readonly address?: string
}

/** The name of the machine that netlab runs on, where one is needed. */
export const NEAR = 'here'

const OWN = '/machine/'

/** Stands for the own network namespace of another machine where the path of a namespace is asked for. */
export const ownOf = (machine: string): string => OWN + machine

/** The machine for whose own namespace a path stands; undefined: for none. */
export const machineIn = (netns: string | undefined): string | undefined =>
  netns?.startsWith(OWN) ? netns.slice(OWN.length) : undefined
