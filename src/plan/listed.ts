import { kindOf } from '../kinds/index.ts'
import type { Change, Plan } from '../model/change.ts'
import { linkId, type Resource } from '../model/resource.ts'
import { losses } from './cascade.ts'
import { makePlan, type Sides } from './make-plan.ts'

/** What a plan has told, before it was carried out, that it would do. */
export interface Listed {
  /** Ids of what it makes, changes or replaces. */
  readonly made: ReadonlySet<string>
  /** Ids of what it removes. */
  readonly removed: ReadonlySet<string>
  /** Namespaces that it makes: what a new one inherits is part of it, and listed nowhere else. */
  readonly namespaces: ReadonlySet<string>
}

/** What a plan lists. */
export function listedIn({ changes }: Plan): Listed {
  const idsOf = (chosen: (change: Change) => boolean): Set<string> =>
    new Set(changes.flatMap((change) => (chosen(change) ? [change.id] : [])))
  return {
    made: idsOf(({ action }) => action !== 'delete'),
    removed: idsOf(({ action }) => action === 'delete'),
    namespaces: idsOf(({ action, kind }) => kind === 'namespace' && action !== 'delete'),
  }
}

/** Whether a change does once more what was listed: to the same thing, in the same direction. */
export const repeats =
  ({ made, removed, namespaces }: Listed) =>
  ({ id, action, after, namespace }: Change): boolean =>
    action === 'delete' ? removed.has(id) : made.has(id) || (after?.implied === true && namespaces.has(namespace))

/**
 * The ids of everything that a plan touches, with the names under which it makes links before they move. They are what a
 * rollback may touch.
 */
export function touchedBy({ changes, steps }: Plan): Set<string> {
  const ids = new Set(changes.map(({ id }) => id))
  const root = changes.find(({ before, after }) => (before ?? after)?.root)?.namespace
  for (const { operation } of steps)
    if (operation.do === 'link.add') ids.add(linkId(operation.place.netns ?? root ?? '', operation.link.name))
  return ids
}

/**
 * The plan of only those changes that are allowed, with what the kernel takes along with them; `rest` are the others. What
 * needs something that is not allowed is not made either.
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

/** The desired side on which everything but these changes stays as it is live. */
function desiredFor({ desired, live }: Sides, changes: readonly Change[], may: ReadonlySet<string>) {
  const kept = new Set(changes.flatMap(({ id }) => (may.has(id) ? [] : [id])))
  const result = new Map<string, Resource>()
  for (const { id } of [...desired.values(), ...live.values()]) {
    const chosen = kept.has(id) ? live.get(id) : (desired.get(id) ?? (may.has(id) ? undefined : live.get(id)))
    if (chosen) result.set(id, chosen)
  }
  for (let settled = false; !settled;) {
    settled = true
    for (const r of result.values()) {
      const lacks = (id: string): boolean => desired.has(id) && !result.has(id)
      if (live.has(r.id) || !kindOf(r.kind).needs(r).some(lacks)) continue
      result.delete(r.id)
      settled = false
    }
  }
  return result
}
