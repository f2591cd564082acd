import type { Colors } from 'picocolors/types'
import { symbols, type Action } from '../model/change.ts'
import type { PlanJson } from './json.ts'
import { isRuleChange, renderRuleDifferences } from './rule-text.ts'

type ChangeJson = PlanJson['changes'][number]

const paint = (c: Colors, action: Action): ((text: string) => string) =>
  ({ create: c.green, update: c.yellow, replace: c.magenta, delete: c.red })[action]

/** The plan as text: the changes with their differences and reasons, and the summary line. `destroy`: for `netlab destroy`. */
export function renderPlan(plan: PlanJson, source: string, c: Colors, destroy = false): string {
  const adopted = plan.adopts.map((name) => `${c.cyan('  >')} ${name} is taken over as it is\n`).join('')
  if (plan.changes.length === 0) return `${adopted}${c.bold('No changes.')} ${whyNone(source, plan, destroy)}\n`
  // Longer ids extend beyond the column instead of widening it for all lines.
  const width = plan.changes.reduce((most, { id }) => (id.length <= 44 ? Math.max(most, id.length) : most), 0)
  const blocks: string[] = []
  let namespace: string | undefined
  for (const change of plan.changes) {
    if (change.namespace !== namespace) blocks.push(`\n${c.bold(change.namespace)}\n`)
    namespace = change.namespace
    blocks.push(renderChange(change, width, c))
  }
  return `${adopted}netlab will make these changes to the live network:\n${blocks.join('')}${foreignProcesses(plan, c, destroy)}\n${summaryLine(plan, c)}\n`
}

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

function renderChange(change: ChangeJson, width: number, c: Colors): string {
  const { action, id, kind, description, differences, reason } = change
  const color = paint(c, action)
  const sign = color(symbols[action].padStart(5))
  const what = description || kind
  const why = reason === undefined ? '' : c.dim(`  # ${reason}`)
  const head = `${sign} ${id.padEnd(width)}  ${action === 'update' ? c.dim(kind) : c.dim(what)}${why}`.trimEnd()
  const lines = isRuleChange(change) ? renderRuleDifferences(change, c) : differences.map((d) => renderDifference(d, c))
  return [head, ...lines, ''].join('\n')
}

function renderDifference({ field, from, to, forces }: ChangeJson['differences'][number], c: Colors): string {
  const text = `          ${field}: ${value(from)} → ${value(to)}`
  return forces === undefined ? text : `${text}  ${c.magenta('# forces replacement')}${c.dim(`: ${forces}`)}`
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
