import type { Colors } from 'picocolors/types'
import { visible } from '../model/text.ts'
import type { ChecksJson } from './check-results.ts'
import type { PlanJson } from './json.ts'
import { renderChanges, summaryLine } from './plan-text.ts'

/** What `netlab diff --json` prints: a plan from the first lab to the second, which has no steps, as nothing is to be run. */
export interface DiffJson extends PlanJson {
  /** The files as they were named: `HEAD~1:lab.yaml`. */
  readonly compared: { readonly from: string; readonly to: string }
}

/** What the checks say, for the end of the comment. */
function checksBlock({ checks, summary }: ChecksJson): string {
  const bad = checks.filter(({ status }) => status !== 'pass')
  const counts = [
    `${summary.pass} passed`,
    ...(summary.fail ? [`${summary.fail} failed`] : []),
    ...(summary.error ? [`${summary.error} could not be tried`] : []),
  ]
  const lines = bad.map(
    ({ name, detail, where }) => `- ${code(name)}: ${code(where ?? detail.split('\n', 1)[0] ?? '')}\n`,
  )
  return `\n**Checks** in a copy of it: ${counts.join(', ')}\n${lines.length ? `\n${lines.join('')}` : ''}`
}

/** The difference between two labs for a terminal. `full`: nothing is folded. */
export function renderDiff(diff: DiffJson, c: Colors, full = false): string {
  const { from, to } = diff.compared
  if (diff.changes.length === 0) return `${c.bold('No changes.')} ${from} and ${to} describe the same network.\n`
  return `From ${from} to ${to}, these changes would be made:\n${renderChanges(diff.changes, c, full)}\n${summaryLine(diff, c)}\n`
}

/** By which a program finds the comment again that it has written. */
const MARK = '<!-- netlab diff -->'
/** GitHub accepts comments of 65536 characters. */
const LONGEST = 60000
/** Longer lists of changes are folded away. */
const OPEN_LINES = 40

/** The difference between two labs as Markdown, for a comment on a pull request; `plain` makes no colours. `tests`: what its checks say. */
export function renderMarkdown(diff: DiffJson, plain: Colors, full = false, tests?: ChecksJson): string {
  const checks = tests ? checksBlock(tests) : ''
  const { from, to } = diff.compared
  const { create, update, replace, delete: gone } = diff.summary
  const names = `${code(from)} → ${code(to)}`
  if (diff.changes.length === 0) return `${MARK}\n**netlab**: no changes, ${names}\n${checks}`
  const counts = `${create + replace} to add, ${update} to change, ${gone + replace} to destroy`
  const lines = visible(renderChanges(diff.changes, plain, full))
    .trim()
    .split('\n')
    .map(coloured)
  const shown = cut(lines)
  const fence = '`'.repeat(longestRun(shown.join('\n'), 2) + 1)
  const state = shown.length > OPEN_LINES ? '' : ' open'
  return `${MARK}
**netlab**: ${counts}, ${names}

<details${state}><summary>Changes</summary>

${fence}diff
${shown.join('\n')}
${fence}

</details>
${checks}`
}

/** A line with the sign of its change at the start, where the colours of \`diff\` blocks depend on it. */
function coloured(line: string): string {
  const [, space = '', sign, rest] = /^( *)(-\/\+|[-+~])(.*)$/s.exec(line) ?? []
  return sign === undefined ? line : `${sign === '~' ? '!' : sign}${space}${rest}`
}

/** As many of the lines as a comment may have. */
function cut(lines: readonly string[]): string[] {
  let size = 0
  const shown = lines.filter((line) => (size += line.length + 1) <= LONGEST)
  const left = lines.length - shown.length
  return left ? [...shown, `… ${left} more lines`] : shown
}

/** The length of the longest run of backticks in a text, at least this. */
const longestRun = (text: string, least: number): number =>
  (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), least)

/** A text in a line of Markdown, as it is. */
function code(text: string): string {
  const shown = visible(text).replace(/\s+/g, ' ')
  const ticks = '`'.repeat(longestRun(shown, 0) + 1)
  return ticks.length === 1 ? `${ticks}${shown}${ticks}` : `${ticks} ${shown} ${ticks}`
}
