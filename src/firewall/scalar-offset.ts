/**
 * The offset in the YAML file of a character of a scalar's value. `start` is the offset of the scalar (its quote, its `|`);
 * `line` and `column` are one-based within the value. If YAML folds lines or escapes characters, it returns `start`.
 */
export function offsetInScalar(source: string, start: number, line: number, column: number): number {
  const head = source[start]
  if (head === '|') {
    const lines = source.slice(start).split('\n')
    const digit = Number(/^\|[+-]?([1-9])/.exec(lines[0]!)?.[1] ?? 0)
    const first = lines.slice(1).find((text) => text.trim() !== '') ?? ''
    const parent = /^ */.exec(source.slice(source.lastIndexOf('\n', start - 1) + 1))![0].length
    const indent = digit ? parent + digit : /^ */.exec(first)![0].length
    if (line >= lines.length) return start
    const begin = lines.slice(0, line).reduce((sum, text) => sum + text.length + 1, 0)
    return start + begin + Math.min(indent + column - 1, lines[line]!.length)
  }
  const quote = head === '"' || head === "'" ? head : ''
  const end = quote ? source.indexOf(quote, start + 1) : source.indexOf('\n', start)
  const offset = start + quote.length + column - 1
  const escaped = quote === '"' && source.slice(start, offset).includes('\\')
  return head === '>' || line > 1 || escaped || (end >= 0 && offset > end) ? start : offset
}
