import type { Colors } from 'picocolors/types'
import type { Diagnostic } from '../model/diagnostic.ts'

/** Text without characters that a terminal would obey: a picture of each stands for it. */
const harmless = (text: string): string =>
  text
    .replace(/[\0-\x08\x0b-\x1f]/g, (control) => String.fromCharCode(0x2400 + control.charCodeAt(0)))
    .replace(/[\x7f-\x9f]/g, '␡')

/** A diagnostic as people read it: what, where, the line with a caret, what to do. */
export function renderDiagnostic({ severity, summary, detail, position, snippet }: Diagnostic, c: Colors): string {
  const color = severity === 'error' ? c.red : c.yellow
  const lines = [`${color(c.bold(`${severity}:`))} ${c.bold(harmless(summary))}`]
  if (position) {
    lines.push(c.dim(`  --> ${harmless(position.file)}:${position.line}:${position.column}`))
    const { firstLine = 0, firstColumn = 1, lines: shown = [] } = snippet ?? {}
    const width = String(firstLine + shown.length).length
    const cut = firstColumn > 1 ? '…' : ''
    shown.forEach((line, i) => {
      const number = firstLine + i
      lines.push(`${c.dim(`${String(number).padStart(width + 2)} |`)} ${cut}${harmless(line)}`)
      if (number !== position.line) return
      const column = position.column - firstColumn
      const before = `${cut}${line.slice(0, column)}`.replace(/[^\t]/g, ' ')
      const caret = '^'.repeat(Math.max(1, Math.min(position.length ?? 1, line.length - column)))
      lines.push(`${c.dim(`${' '.repeat(width + 2)} |`)} ${before}${color(caret)}`)
    })
  }
  if (detail !== undefined) lines.push(...detail.split('\n').map((line) => `  ${harmless(line)}`))
  return `${lines.join('\n')}\n`
}
