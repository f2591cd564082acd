import { kindOf } from '../../src/kinds/index.ts'
import type { Plan } from '../../src/model/change.ts'
import type { Resource, Resources } from '../../src/model/resource.ts'
import { topologyOf } from '../../src/model/topology.ts'
import { losses } from '../../src/plan/cascade.ts'

/**
 * The resources in the kernel after each step of a plan, predicted from what kinds say the kernel removes along with something.
 * Throws when a step creates something whose requirements do not exist, or removes what does not exist.
 */
export function predict(plan: Plan, live: Resources, desired: Resources): Map<string, Resource> {
  const state = new Map(live)
  const changes = new Map(plan.changes.map((change) => [change.id, change]))
  const started = new Set<string>()
  const remove = (id: string): void => {
    if (!state.has(id)) throw new Error(`${id} is removed but not there`)
    const lost = losses(state, new Set([id]), new Map())
    for (const gone of [id, ...lost.keys()]) state.delete(gone)
  }
  const make = (r: Resource): void => {
    for (const need of kindOf(r.kind).needs(r))
      if (desired.has(need) && !state.has(need)) throw new Error(`${r.id} is made before ${need}`)
    state.set(r.id, r)
    for (const provided of kindOf(r.kind).provides?.(r) ?? []) state.set(provided.id, provided)
  }
  for (const step of plan.steps) {
    const change = changes.get(step.change)
    if (!change) continue
    if (step.stage.startsWith('delete') || step.stage === 'stop processes') {
      remove(change.id)
      continue
    }
    if (started.has(change.id) || !change.after) continue
    started.add(change.id)
    if (change.action !== 'update' && change.after.spec['peer'] !== undefined && step.stage !== 'create links')
      throw new Error(`${change.id} is set before it is made`)
    if (change.action === 'update' && change.before) {
      const update = { live: change.before, desired: change.after, differences: change.differences }
      for (const id of kindOf(change.kind).disturbs?.(update, topologyOf(state)) ?? []) {
        for (const gone of [id, ...losses(state, new Set([id]), new Map()).keys()]) state.delete(gone)
      }
    }
    make(change.after)
    const peer = change.after.spec['peer']
    const twin = step.stage === 'create links' && typeof peer === 'string' ? desired.get(peer) : undefined
    if (twin) {
      started.add(twin.id)
      make(twin)
    }
  }
  return state
}
