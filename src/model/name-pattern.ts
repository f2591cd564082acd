/** A range as in lab files, or a sign of the shell's patterns. */
const PART = /\[(\d{1,9})\.\.(\d{1,9})\]|[*?]/g

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** Whether a name is one of those that a pattern stands for: with `h[1..3]`, `*` and `?`. */
export function namePattern(pattern: string): (name: string) => boolean {
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
