import { kindOf } from '../kinds/index.ts'
import type { Change, Plan } from '../model/change.ts'
import { HERE_NAME, placeOf } from '../model/place.ts'
import { linkId, type Resource } from '../model/resource.ts'
import { losses } from './cascade.ts'
import { makePlan, type Sides } from './make-plan.ts'

/** The changes that a plan listed before it was carried out. */
export interface Listed {
  /** Ids of what it creates, updates or replaces. */
  readonly made: ReadonlySet<string>
  /** Ids of what it deletes. */
  readonly removed: ReadonlySet<string>
  /** Ids of namespaces that it creates: the plan does not list the sysctls that a new one inherits. */
  readonly namespaces: ReadonlySet<string>
}

/** The changes that a plan lists, by id. */
export function listedIn({ changes }: Plan): Listed {
  const idsOf = (chosen: (change: Change) => boolean): Set<string> =>
    new Set(changes.flatMap((change) => (chosen(change) ? [change.id] : [])))
  return {
    made: idsOf(({ action }) => action !== 'delete'),
    removed: idsOf(({ action }) => action === 'delete'),
    namespaces: idsOf(({ action, kind }) => kind === 'namespace' && action !== 'delete'),
  }
}

/** Whether a change was listed: it deletes what the plan deletes, or creates or changes what the plan creates or changes. */
export const repeats =
  ({ made, removed, namespaces }: Listed) =>
  ({ id, action, after, namespace }: Change): boolean =>
    action === 'delete' ? removed.has(id) : made.has(id) || (after?.implied === true && namespaces.has(namespace))

/**
 * The ids of everything that a plan changes, including the names that links have before they are moved to their namespace: those in
 * the machine's own namespace also as in a lab that has no name for it. A rollback may touch these and nothing else.
 */
export function touchedBy({ changes, steps }: Plan): Set<string> {
  const ids = new Set(changes.map(({ id }) => id))
  const borrowed = new Map<string | undefined, string>()
  for (const { namespace, before, after } of changes) {
    const r = before ?? after
    if (r?.borrowed) borrowed.set(placeOf(r).netns, namespace)
  }
  for (const { operation } of steps)
    if (operation.do === 'link.add') {
      const { netns = HERE_NAME } = operation.place
      ids.add(linkId(netns, operation.link.name))
      ids.add(linkId(borrowed.get(operation.place.netns) ?? netns, operation.link.name))
    }
  return ids
}

/**
 * The plan of the allowed changes alone, with what the kernel removes along with them; `rest` are the other changes. A
 * resource that needs one which is not allowed is not created either.
 */
export function restrict(
  sides: Sides,
  allowed: (change: Change) => boolean,
): { readonly plan: Plan; readonly rest: readonly Change[] } {
  const all = makePlan(sides)
  const may = new Set(all.changes.flatMap((change) => (allowed(change) ? [change.id] : [])))
  if (may.size === all.changes.length) return { plan: all, rest: [] }
  const roots = all.changes.flatMap(({ id, action }) => (action === 'delete' && may.has(id) ? [id] : []))
  for (const id of losses(sides.live, new Set(roots), new Map()).keys()) may.add(id)
  const plan = makePlan({ ...sides, desired: desiredFor(sides, all.changes, may) })
  const planned = new Set(plan.changes.map(({ id }) => id))
  return { plan, rest: all.changes.filter(({ id }) => !planned.has(id)) }
}

/** The desired resources when only the changes in `may` are made, and everything else stays as it is live. */
function desiredFor({ desired, live }: Sides, changes: readonly Change[], may: ReadonlySet<string>) {
  const kept = new Set(changes.flatMap(({ id }) => (may.has(id) ? [] : [id])))
  const result = new Map<string, Resource>()
  for (const { id } of [...desired.values(), ...live.values()]) {
    const chosen = kept.has(id) ? live.get(id) : (desired.get(id) ?? (may.has(id) ? undefined : live.get(id)))
    if (chosen) result.set(id, chosen)
  }
  for (let stable = false; !stable;) {
    stable = true
    for (const r of result.values()) {
      const lacks = (id: string): boolean => desired.has(id) && !result.has(id)
      if (live.has(r.id) || !kindOf(r.kind).needs(r).some(lacks)) continue
      result.delete(r.id)
      stable = false
    }
  }
  return result
}
