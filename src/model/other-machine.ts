/** A machine of a lab, besides the one that netlab runs on: how to run a command there. */
export interface Machine {
  /** A destination of ssh(1). */
  readonly ssh?: string
  /** The words that run a command there; the command follows. */
  readonly run?: readonly string[]
  /** The address at which the other machines reach it. Default: the one at which ssh does. */
  readonly address?: string
}

/** Whether ssh(1) takes this for a destination. */
export const isDestination = (ssh: string): boolean => /^[^-\s]\S*$/.test(ssh)

/** Whether these words begin with a program. */
export const isCommand = ([program = '']: readonly string[]): boolean => /^[^-]/.test(program)

/** The name of the machine that netlab runs on, where one is needed. */
export const NEAR = 'here'

const OWN = '/machine/'

/** Stands for the own network namespace of another machine where the path of a namespace is asked for. */
export const ownOf = (machine: string): string => OWN + machine

/** Stands for a namespace with this path on another machine. */
export const theirsOf = (machine: string, path: string): string => ownOf(machine) + path

/** The machine on which the namespace is for which a path stands; undefined: on this one, or it has a name. */
export const machineIn = (netns: string | undefined): string | undefined =>
  netns?.startsWith(OWN) ? netns.slice(OWN.length).split('/', 1)[0] : undefined

/** The path on its machine of the namespace for which a path stands; undefined: the machine's own. */
export const pathThere = (netns: string): string | undefined =>
  netns.slice(ownOf(machineIn(netns) ?? '').length) || undefined
