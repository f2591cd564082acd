import type { Colors } from 'picocolors/types'
import type { Diagnostic } from '../model/diagnostic.ts'
import { visible } from '../model/text.ts'

/**
 * A diagnostic as text: what is wrong, where, the line with a caret, and what to do. Warnings have their code, by which a lab file
 * can silence them (docs/lints.md). Invisible characters are escaped here
 * already, so that the caret is in the right column.
 */
export function renderDiagnostic(
  { severity, code, summary, detail, position, snippet }: Diagnostic,
  c: Colors,
): string {
  const color = severity === 'error' ? c.red : c.yellow
  const kind = severity === 'error' ? severity : `${severity}[${code}]`
  const lines = [`${color(c.bold(`${kind}:`))} ${c.bold(shortened(summary))}`]
  if (position) {
    lines.push(c.dim(`  --> ${position.file}:${position.line}:${position.column}`))
    const { firstLine = 0, firstColumn = 1, lines: shown = [] } = snippet ?? {}
    const width = String(firstLine + shown.length).length
    const cut = firstColumn > 1 ? '…' : ''
    shown.forEach((line, i) => {
      const number = firstLine + i
      lines.push(`${c.dim(`${String(number).padStart(width + 2)} |`)} ${cut}${visible(line)}`)
      if (number !== position.line) return
      const column = position.column - firstColumn
      const before = `${cut}${visible(line.slice(0, column))}`.replace(/[^\t]/g, ' ')
      const caret = '^'.repeat(Math.max(1, visible(line.slice(column, column + (position.length ?? 1))).length))
      lines.push(`${c.dim(`${' '.repeat(width + 2)} |`)} ${before}${color(caret)}`)
    })
  }
  if (detail !== undefined) lines.push(...detail.split('\n').map((line) => `  ${middleOut(line, LONGEST.line)}`))
  return `${lines.join('\n')}\n`
}

/** The longest word, summary and line that people are shown, in characters; programs get them whole. */
const LONGEST = { word: 80, summary: 400, line: 2000 }

/** A summary in which long values are cut. */
const shortened = (summary: string): string =>
  middleOut(
    summary.replace(/\S{81,}/g, (word) => middleOut(word, LONGEST.word)),
    LONGEST.summary,
  )

/** A text without its middle, where it is too long: in errors the end says what is wrong with the beginning. */
function middleOut(text: string, longest: number): string {
  const all = text.length > longest ? [...text] : []
  return all.length > longest ? `${all.slice(0, longest - 31).join('')}…${all.slice(-30).join('')}` : text
}
