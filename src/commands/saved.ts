import { UserError } from '../model/diagnostic.ts'
import type { Plan } from '../model/change.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { makePlan } from '../plan/make-plan.ts'
import { FORMAT } from '../views/json.ts'
import { writeFile } from './own-files.ts'
import type { PlanOptions } from './prepare.ts'

/** A plan as `plan --out` writes it: what was shown, the lab file it came from, and the live state that it stands on. */
export interface SavedPlan {
  readonly format_version: string
  readonly netlab_plan: true
  readonly wishes: PlanOptions
  readonly file: string
  readonly text: string
  /** The files that the lab file names, by the name it has for them. */
  readonly beside: Readonly<Record<string, string>>
  readonly live: readonly Resource[]
  readonly plan: Plan
}

/** Writes a plan, readable by its owner only. Throws a UserError when the file cannot be written. */
export function savePlan(path: string, saved: Omit<SavedPlan, 'format_version' | 'netlab_plan'>): void {
  writeFile(path, JSON.stringify({ format_version: FORMAT, netlab_plan: true, ...saved }), 0o600)
}

/** The plan that a file holds; undefined when it holds something else. */
export function openPlan(path: string, text: string): SavedPlan | undefined {
  if (path === '-' || !text.startsWith('{"format_version"')) return undefined
  try {
    const value = JSON.parse(text) as Partial<SavedPlan>
    if (value.netlab_plan && value.format_version === FORMAT) return value as SavedPlan
  } catch {
    // said below
  }
  throw UserError.of(
    'bad-plan-file',
    `${path} is no plan of this version of netlab`,
    'Make it again: netlab plan LAB --out FILE',
  )
}

/** Throws a UserError that names what has changed when the live state is not the one that the plan stands on. */
export function mustBeFresh(saved: SavedPlan, live: Resources): void {
  const then = new Map(saved.live.map((r) => [r.id, r]))
  const { changes } = makePlan({ lab: saved.plan.lab, desired: live, live: then })
  if (changes.length === 0) return
  const words = { create: 'is new', update: 'has changed', replace: 'has changed', delete: 'is gone' }
  throw UserError.of(
    'plan-stale',
    'the plan is stale: the live network has changed since it was made',
    `${changes.map(({ id, action }) => `${id} ${words[action]}`).join('\n')}\nPlan again.`,
  )
}
