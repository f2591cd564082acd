import { placed } from '../model/command.ts'
import { withNames, type Names } from '../model/names.ts'
import { type Place, placeIn } from '../model/place.ts'

/** A namespace, and the addresses of the names in it. */
export interface NamedPlace extends Place {
  readonly names: Names
  /** Environment variables (NAME=VALUE) for programs there. */
  readonly variables: readonly string[]
}

/** The argv that runs `argv` in a namespace in which the names of its lab resolve. */
export const enterNamespace = ({ netns, names, variables }: NamedPlace, argv: readonly string[]): string[] =>
  placed({ argv: withNames(names, variables, argv), ...placeIn(netns) })
