import { UserError } from '../model/diagnostic.ts'
import { nearest } from './nearest.ts'

/** A range as in lab files, or a sign of the shell's patterns. */
const PART = /\[(\d{1,9})\.\.(\d{1,9})\]|[*?]/g

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/**
 * Those of the names that an argument chooses: a name, several with commas between them, `h[1..3]`, or a pattern with `*` and `?`; all
 * without one. Throws a UserError when a part of it chooses nothing.
 */
export function chosenNames(argument: string | undefined, names: readonly string[]): ReadonlySet<string> {
  if (argument === undefined) return new Set(names)
  const chosen = argument.split(/,(?![^[]*\])/).flatMap((pattern) => {
    const fitting = names.filter(matcher(pattern))
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

function matcher(pattern: string): (name: string) => boolean {
  const bounds: (readonly [number, number])[] = []
  let text = ''
  let at = 0
  for (const match of pattern.matchAll(PART)) {
    const [all, from, to] = match
    text += literal(pattern.slice(at, match.index))
    if (from === undefined) text += all === '*' ? '.*' : '.'
    else {
      bounds.push([Number(from), Number(to)])
      text += '(0|[1-9]\\d*)'
    }
    at = match.index + all.length
  }
  const form = new RegExp(`^${text}${literal(pattern.slice(at))}$`)
  return (name) => {
    const [, ...numbers] = form.exec(name) ?? [undefined]
    return form.test(name) && bounds.every(([from, to], i) => Number(numbers[i]) >= from && Number(numbers[i]) <= to)
  }
}
