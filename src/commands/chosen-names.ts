import { UserError } from '../model/diagnostic.ts'
import { namePattern } from '../model/name-pattern.ts'
import { nearest } from './nearest.ts'

/**
 * Those of the names that an argument chooses: a name, several with commas between them, `h[1..3]`, or a pattern with `*` and `?`; all
 * without one. Throws a UserError when a part of it chooses nothing.
 */
export function chosenNames(argument: string | undefined, names: readonly string[]): ReadonlySet<string> {
  if (argument === undefined) return new Set(names)
  const chosen = argument.split(/,(?![^[]*\])/).flatMap((pattern) => {
    const fitting = names.filter(namePattern(pattern))
    if (fitting.length) return fitting
    const meant = nearest(pattern, names)
    throw UserError.of(
      'unknown-namespace',
      `there is no live namespace ${pattern} with an address`,
      meant === undefined ? undefined : `Did you mean ${meant}?`,
    )
  })
  return new Set(chosen)
}
