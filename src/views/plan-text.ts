import type { Colors } from 'picocolors/types'
import { structuredPatch } from 'diff'
import { visible } from '../model/text.ts'
import { symbols, type Action } from '../model/change.ts'
import { blockTitle, foldBlocks, ODD, plainLine, type FoldedBlock } from './fold.ts'
import { faultSection } from './fault-text.ts'
import type { ChangeJson, PlanJson } from './json.ts'
import { isRuleChange, renderRuleDifferences } from './rule-text.ts'

const paint = (c: Colors, action: Action): ((text: string) => string) =>
  ({ create: c.green, update: c.yellow, replace: c.magenta, delete: c.red })[action]

/** The cells of a change: its id, the sign of the action, what follows the id, and the lines with the differences. */
const CELLS = 4

/**
 * The plan as text: the changes with their differences and reasons, and the summary line. Changes and namespaces that are alike
 * but for numbers are shown as one, unless `full`. `destroy`: for `netlab destroy`.
 */
export function renderPlan(plan: PlanJson, source: string, c: Colors, destroy = false, full = false): string {
  const adopted = plan.adopts.map((name) => `${c.cyan('  >')} ${name} is taken over as it is\n`).join('')
  const faults = faultSection(plan.faults, c)
  if (plan.changes.length === 0)
    return `${adopted}${c.bold('No changes.')} ${whyNone(source, plan, destroy)}\n${faults}`
  const lines = renderChanges(plan.changes, c, full)
  return `${adopted}netlab will make these changes to the live network:\n${lines}${foreignProcesses(plan, c, destroy)}\n${summaryLine(plan, c)}\n${faults}`
}

/**
 * Changes by namespace, each with its differences; those that are alike but for numbers as one, unless `full`. `more` is what
 * else is to be said of a change, at the end of its line.
 */
export function renderChanges<T extends ChangeJson>(
  changes: readonly T[],
  c: Colors,
  full: boolean,
  more: (change: T) => string = () => '',
): string {
  const runs = runsOf(changes).map(({ namespace, changes }) => ({
    name: changes[0]?.machine === undefined ? namespace : `${namespace} on ${changes[0].machine}`,
    rows: changes.map((change) => renderChange(change, c, more(change))),
  }))
  const blocks = foldBlocks(runs, CELLS, full).map((block) => ({
    title: blockTitle(block, c.bold),
    rows: rowsOf(block, c),
  }))
  const rows = blocks.flatMap((block) => block.rows)
  // Longer ids extend beyond the column instead of widening it for all lines.
  const width = rows.reduce((most, { id }) => (id.length <= 44 ? Math.max(most, id.length) : most), 0)
  return blocks
    .map(
      ({ title, rows }) =>
        `\n${title}\n${rows.map(({ id, sign, rest, more }) => `${`${sign} ${id.padEnd(width)}  ${rest}`.trimEnd()}\n${more}`).join('')}`,
    )
    .join('')
}

/** The changes of each namespace, in the order of the plan. */
function runsOf<T extends ChangeJson>(changes: readonly T[]): { readonly namespace: string; readonly changes: T[] }[] {
  const runs: { namespace: string; changes: T[] }[] = []
  for (const change of changes) {
    const run = runs.at(-1)
    if (run?.namespace === change.namespace) run.changes.push(change)
    else runs.push({ namespace: change.namespace, changes: [change] })
  }
  return runs
}

const rowsOf = ({ rows }: FoldedBlock, c: Colors) =>
  rows.map(({ cells: [id = '', sign = '', rest = '', more = ''], alike }) => {
    const odd = id.includes(ODD) ? ODD : ''
    const all = alike ? `${more}${c.dim(`          ${alike} alike`)}\n` : more
    const lines = all.split('\n').map((line) => plainLine(line, c))
    return { id: id.replaceAll(ODD, ''), sign, rest: plainLine(rest + odd, c), more: lines.join('\n') }
  })

/** The processes of others in namespaces that the plan deletes, and the consequence. */
function foreignProcesses({ foreign_processes }: PlanJson, c: Colors, destroy: boolean): string {
  if (foreign_processes.length === 0) return ''
  const lines = foreign_processes.map(
    ({ namespace, pid, command }) =>
      `${c.yellow('    !')} ${namespace}: process ${pid} is not the lab’s: ${c.dim(command)}\n`,
  )
  const way = destroy ? 'netlab destroy --force ends them.' : 'End them first if they should not go on.'
  return `\n${lines.join('')}      They stay, in a namespace that loses its name and its network. ${way}\n`
}

function whyNone(source: string, { lab, adopts }: PlanJson, destroy: boolean): string {
  if (destroy) return `Nothing of lab ${lab} is live.`
  if (adopts.length === 0) return `The live network matches ${source}.`
  return `The live network matches ${source}; only the ownership of ${adopts.join(', ')} changes.`
}

function renderChange(
  change: ChangeJson,
  c: Colors,
  end: string,
): [id: string, sign: string, rest: string, more: string] {
  const { action, id, kind, description, differences, reason } = change
  const sign = paint(c, action)(symbols[action].padStart(5))
  const why = reason === undefined ? '' : c.dim(`  # ${reason}`)
  const lines = isRuleChange(change) ? renderRuleDifferences(change, c) : differences.map((d) => renderDifference(d, c))
  return [
    id,
    sign,
    `${c.dim(action === 'update' ? kind : description || kind)}${why}${end}`,
    lines.map((line) => `${line}\n`).join(''),
  ]
}

function renderDifference({ field, from, to, forces }: ChangeJson['differences'][number], c: Colors): string {
  if (typeof from === 'string' && typeof to === 'string' && /\n/.test(from + to)) return renderTexts(field, from, to, c)
  const text = `          ${field}: ${value(from)} → ${value(to)}`
  return forces === undefined ? text : `${text}  ${c.magenta('# forces replacement')}${c.dim(`: ${forces}`)}`
}

/** How many lines of a difference between texts are shown. */
const MOST_LINES = 40

/** The lines that differ between two texts, with two around them. */
function renderTexts(field: string, from: string, to: string, c: Colors): string {
  const lines = structuredPatch('', '', from, to, '', '', { context: 2 }).hunks.flatMap((hunk) => [
    c.dim(`line ${hunk.newStart}`),
    ...hunk.lines.map((line) => (line.startsWith('+') ? c.green : line.startsWith('-') ? c.red : c.dim)(visible(line))),
  ])
  const rest = lines.length - MOST_LINES
  const shown = rest > 0 ? [...lines.slice(0, MOST_LINES), c.dim(`… ${rest} more lines`)] : lines
  return [`          ${field}`, ...shown.map((line) => `            ${line}`)].join('\n')
}

const value = (v: unknown): string =>
  v === undefined || v === '' ? '(none)' : typeof v === 'string' ? v : JSON.stringify(v)

/** `Plan: 3 to add, 1 to change, 0 to destroy.`: a replacement is counted on both sides, as Terraform does. */
export function summaryLine({ summary }: Pick<PlanJson, 'summary'>, c: Colors): string {
  const { create, update, replace, delete: gone } = summary
  return `${c.bold('Plan:')} ${create + replace} to add, ${update} to change, ${gone + replace} to destroy.`
}

/** The exact commands in order; above a script of netlab's own, a comment with the command that a person would type. */
export const renderCommands = ({ steps }: PlanJson): string =>
  steps
    .map(({ change, command, instead }) =>
      instead === undefined ? `${command}\n` : `# ${change}: ${instead.replaceAll('\n', '\n# ')}\n${command}\n`,
    )
    .join('')
