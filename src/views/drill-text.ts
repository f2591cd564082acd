import type { Colors } from 'picocolors/types'
import type { CheckJson } from './check-results.ts'
import type { FORMAT, PlanJson } from './json.ts'

/** What `netlab break --json` prints. */
export interface BreakJson {
  readonly format_version: typeof FORMAT
  readonly lab: string
  /** The same seed and level break an equal lab in the same place. */
  readonly seed: number
  readonly level: 1 | 2 | 3
  /** The checks that do not hold any more. */
  readonly symptoms: readonly CheckJson[]
}

/** What `netlab hint --json` prints. */
export interface HintJson {
  readonly format_version: typeof FORMAT
  readonly lab: string
  /** The place that was broken is as the lab file says again. */
  readonly solved: boolean
  /** Absent when it is solved. */
  readonly hint?: string
  /** Which hint it is, of how many; the last one says what is broken. */
  readonly number?: number
  readonly of?: number
}

/** How many checks that do not hold are shown. */
const SHOWN = 5

/** The symptom, and what to do. */
export function renderBreak({ lab, symptoms, seed, level }: BreakJson, c: Colors): string {
  const lines = symptoms.slice(0, SHOWN).map(({ name, expected, detail }) => {
    const [seen = ''] = detail.split('\n')
    return `${c.red('✗')} ${name}\n    ${c.dim('expected ')} ${expected}\n    ${c.dim('seen     ')} ${seen}\n`
  })
  if (symptoms.length > SHOWN) lines.push(`  and ${symptoms.length - SHOWN} more checks\n`)
  const next = ['hint   helps, a little more each time', 'test   says whether you have repaired it']
  return [
    `Lab ${lab} is broken in one place. Find it, and repair it by hand.\n\n${lines.join('')}\n`,
    ...next.map((line) => `  netlab ${line}\n`),
    '  netlab apply  repairs it for you\n\n',
    c.dim(`To break it in this way again: netlab break --seed ${seed} --level ${level}\n`),
  ].join('')
}

/** A plan that gives nothing away. */
export const concealedPlan = (plan: PlanJson): PlanJson => ({
  ...{ format_version: plan.format_version, lab: plan.lab, adopts: [], foreign_processes: [], changes: [] },
  summary: { create: 0, update: 0, replace: 0, delete: 0 },
  concealed: true,
  steps: [],
})

/** What a plan says instead of its changes while a drill is under way. */
export const DRILL_NOTE =
  'A drill is under way (netlab break): the changes are not shown. netlab hint helps, netlab plan --reveal shows them, netlab apply repairs the lab.\n'
