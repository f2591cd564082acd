import type { Diagnostic, Position } from '../../model/diagnostic.ts'

/** The longest part of a line that is shown, and how many characters of it precede a position further to the right. */
const WIDTH = 200
const BEFORE = 80

/** What is shown of the lines of a text with an error at this position. */
export function snippetAt(lines: readonly string[], { line, column }: Position): NonNullable<Diagnostic['snippet']> {
  const firstLine = Math.max(1, line - 1)
  const width = lines[line - 1]?.length ?? 0
  const start = width > WIDTH && column > WIDTH - BEFORE ? column - 1 - BEFORE : 0
  return {
    firstLine,
    ...(start > 0 && { firstColumn: start + 1 }),
    lines: lines.slice(firstLine - 1, line + 1).map((text) => text.replace(/\r$/, '').slice(start, start + WIDTH)),
  }
}
