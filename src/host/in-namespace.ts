import type { Command } from '../model/command.ts'
import type { Host } from '../model/host.ts'
import { withNames, type Names } from '../model/names.ts'
import { type Place, placeIn } from '../model/place.ts'

/** A namespace, and the addresses of the names in it. */
export interface NamedPlace extends Place {
  readonly names: Names
  /** Environment variables (NAME=VALUE) for programs there. */
  readonly variables: readonly string[]
}

/** The command that runs `argv` in a namespace, and in its home if it has one, where the names of its lab resolve. */
export function enterNamespace(host: Host, { netns, names, variables }: NamedPlace, argv: readonly string[]): Command {
  const home = netns === undefined ? undefined : host.homeOf(netns)
  const inside = home === undefined ? undefined : { cwd: process.cwd() }
  return { argv: withNames(names, variables, argv, inside), ...placeIn(netns), ...(inside && { home: true }) }
}
