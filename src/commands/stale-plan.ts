import type { Change } from '../model/change.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Resources } from '../model/resource.ts'
import { makePlan } from '../plan/make-plan.ts'
import { AGAIN, type SavedPart } from './saved.ts'

/** Throws a UserError that names the changes when the live state is not the one that the plan was made from. */
export function mustBeFresh(saved: SavedPart, live: Resources): void {
  const changes = changesSince(saved, live)
  if (changes.length === 0) return
  const words = { create: 'is new', update: 'has changed', replace: 'has changed', delete: 'is gone' }
  throw UserError.of(
    'plan-stale',
    'the plan is stale: the live network has changed since it was made',
    `${changes.map(({ id, action }) => `${id} ${words[action]}`).join('\n')}\nPlan again.`,
  )
}

function changesSince({ live: before, plan: { lab } }: SavedPart, live: Resources): readonly Change[] {
  try {
    const { changes } = makePlan({ lab, desired: live, live: new Map(before.map((r) => [r.id, r])) })
    // An interface of the machine itself is read when something of the lab stands on it.
    return changes.filter(({ kind }) => kind !== 'existing')
  } catch {
    // `compare` fails only on settings that netlab did not write.
    throw UserError.of('bad-plan-file', 'the live state in the plan was damaged or changed', AGAIN)
  }
}
