import { placed } from '../model/command.ts'
import { withNames, type Names } from '../model/names.ts'
import type { Place } from '../model/place.ts'

/** A namespace, and what names mean in it. */
export interface NamedPlace extends Place {
  readonly names: Names
  /** What programs there are told, as NAME=VALUE. */
  readonly variables: readonly string[]
}

/** The argv that runs `argv` in a namespace, where the names of its lab mean addresses. */
export const enterNamespace = ({ netns, names, variables }: NamedPlace, argv: readonly string[]): string[] =>
  placed({ argv: withNames(names, variables, argv), ...(netns !== undefined && { netns }) })
