import type { Colors } from 'picocolors/types'
import type { Diagnostic } from '../model/diagnostic.ts'

/** A diagnostic as people read it: what, where, the line with a caret, what to do. */
export function renderDiagnostic({ severity, summary, detail, position, snippet }: Diagnostic, c: Colors): string {
  const color = severity === 'error' ? c.red : c.yellow
  const lines = [`${color(c.bold(`${severity}:`))} ${c.bold(summary)}`]
  if (position) {
    lines.push(c.dim(`  --> ${position.file}:${position.line}:${position.column}`))
    const width = String((snippet?.firstLine ?? 0) + (snippet?.lines.length ?? 0)).length
    snippet?.lines.forEach((line, i) => {
      const number = snippet.firstLine + i
      lines.push(`${c.dim(`${String(number).padStart(width + 2)} |`)} ${line}`)
      if (number !== position.line) return
      const caret = '^'.repeat(Math.max(1, Math.min(position.length ?? 1, line.length - position.column + 1)))
      lines.push(`${c.dim(`${' '.repeat(width + 2)} |`)} ${' '.repeat(position.column - 1)}${color(caret)}`)
    })
  }
  if (detail !== undefined) lines.push(...detail.split('\n').map((line) => `  ${line}`))
  return `${lines.join('\n')}\n`
}
