import { kindOf } from '../kinds/index.ts'
import type { PlanContext } from '../model/kind.ts'
import type { Change, Difference, Emission, Plan } from '../model/change.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { topologyOf, type Topology } from '../model/topology.ts'
import { hostsIn, hostsOf, type Names } from '../model/names.ts'
import type { Stranger } from '../model/runner.ts'
import { losses, type Losses } from './cascade.ts'
import { order } from './order.ts'

/** Both sides of a plan. */
export interface Sides {
  readonly lab: string
  readonly desired: Resources
  readonly live: Resources
  /** Ids of live namespaces and interfaces to adopt. */
  readonly adopts?: readonly string[]
  /** Ids to replace even if nothing differs. */
  readonly replace?: ReadonlySet<string>
  /** Processes of others in namespaces that the plan may delete. */
  readonly strangers?: readonly Stranger[]
  /** The names that programs know. Default: those of what is desired. */
  readonly names?: Names
}

/** The plan that turns live into desired: every change, and the operations in an order that the kernel accepts. Pure. */
export function makePlan(sides: Sides): Plan {
  const { lab, desired, live: found, adopts = [], replace = new Set(), strangers = [], names } = sides
  const live = withProvided(desired, found)
  const { changes: all, goes } = decide(desired, live, replace, new Set(strangers.map(({ namespace }) => namespace)))
  const taken = new Set(all.filter((change) => change.lostWith !== undefined).map(({ id }) => id))
  let hosts: string | undefined
  const context: PlanContext = {
    ...{ lab, live, desired, goes, lost: (id) => taken.has(id) },
    hosts: () => (hosts ??= names ? hostsOf(names) : hostsIn(desired)),
  }
  const isNew = (change: Change): boolean => change.after?.implied === true && !found.has(change.namespace)
  const emitted = all.flatMap((change) =>
    emissions(change, context).map((emission) => ({
      change: isNew(change) ? change.namespace : change.id,
      ...emission,
    })),
  )
  const removed = new Set(all.flatMap((change) => (isRemoved(change) ? [change.id] : [])))
  const adopted = adopts.flatMap((id) => {
    const r = removed.has(id) ? undefined : live.get(id)
    return (
      (r &&
        kindOf(r.kind)
          .adopt?.(r, lab)
          .map((emission) => ({ change: id, ...emission }))) ??
      []
    )
  })
  const changes = all.filter((change) => !isNew(change))
  const steps = order([...adopted, ...emitted], desired)
  return { lab, adopts, strangers, changes, steps, ...(names && { names }) }
}

/** The changes alone, where there is nothing to carry out: of a plan between two lab files. */
export function changesBetween({ desired, live }: Pick<Sides, 'desired' | 'live'>): readonly Change[] {
  const { changes } = decide(desired, withProvided(desired, live), new Set(), new Set())
  return changes.filter((change) => change.after?.implied !== true || live.has(change.namespace))
}

/** The live resources, and those that the kernel will create along with what the plan creates. */
function withProvided(desired: Resources, live: Resources): Resources {
  const result = new Map(live)
  for (const r of desired.values()) {
    if (live.has(r.id)) continue
    for (const provided of kindOf(r.kind).provides?.(r) ?? []) result.set(provided.id, provided)
  }
  return result
}

/**
 * The changes in the order of the file, by namespace, deletions last. `held` namespaces contain a process of somebody else's,
 * so the kernel keeps them after their names are deleted: what is in them is deleted resource by resource.
 */
function decide(desired: Resources, live: Resources, forced: ReadonlySet<string>, held: ReadonlySet<string>) {
  const changes = new Map<string, Change>()
  const emptied = new Set([...held].filter((id) => forced.has(id) && desired.has(id)))
  const consider = (d: Resource, l: Resource | undefined): Change | undefined => {
    const base = () => ({ id: d.id, kind: d.kind, namespace: d.namespace, description: describe(d), after: d })
    if (!l) return { action: 'create', differences: [], ...base() }
    if (l.kind !== d.kind) {
      const differences: Difference[] = [
        { field: 'kind', from: l.kind, to: d.kind, forces: 'it is another kind of thing' },
      ]
      return { before: l, action: 'replace', differences, ...base() }
    }
    const differences = kindOf(d.kind).compare(l.spec, d.spec)
    if (forced.has(d.id)) return { before: l, action: 'replace', differences, reason: 'asked for', ...base() }
    if (emptied.has(d.namespace)) {
      if (kindOf(l.kind).automatic?.(l))
        return { before: l, action: 'replace', differences, lostWith: d.namespace, ...base() }
      return { before: l, action: 'replace', differences, reason: 'its namespace is replaced', ...base() }
    }
    if (differences.length === 0) return undefined
    const action = differences.some((x) => x.forces !== undefined) ? 'replace' : 'update'
    return { before: l, action, differences, ...base() }
  }
  for (const d of desired.values()) {
    const change = consider(d, live.get(d.id))
    if (change) changes.set(d.id, change)
  }
  for (const l of live.values())
    if (!desired.has(l.id) && !kindOf(l.kind).automatic?.(l))
      changes.set(l.id, {
        id: l.id,
        kind: l.kind,
        namespace: l.namespace,
        description: describe(l),
        before: l,
        action: 'delete',
        differences: [],
      })

  const topology = topologyOf(live)
  for (;;) {
    const lost = lostBy(changes, topology, held)
    const goes = (id: string): boolean => !held.has(id) && (lost.has(id) || isRemoved(changes.get(id)))
    if (lost.size === 0 && ![...changes.values()].some(isRemoved)) return { changes: sorted(changes, desired), goes }
    let stable = true
    for (const d of desired.values()) {
      const l = live.get(d.id)
      if (!l) continue
      const change = changes.get(d.id)
      const by = lost.get(d.id)
      if (by !== undefined && !isRemoved(change)) {
        const base = { id: d.id, kind: d.kind, namespace: d.namespace, description: describe(d), before: l, after: d }
        changes.set(d.id, { action: 'replace', differences: change?.differences ?? [], lostWith: by, ...base })
        stable = false
        continue
      }
      const loosened =
        by === undefined && !isRemoved(change) ? kindOf(l.kind).afterLosing?.(l, goes, topology) : undefined
      if (!loosened || loosened === l) continue
      const again = consider(d, loosened)
      if (again && again.differences.length !== (change?.differences.length ?? 0)) {
        changes.set(d.id, again)
        stable = false
      }
    }
    if (stable) return { changes: sorted(changes, desired), goes }
  }
}

const describe = (r: Resource): string => kindOf(r.kind).describe(r.spec)

const isRemoved = (change: Change | undefined): boolean => change?.action === 'delete' || change?.action === 'replace'

/** What the kernel removes along with these changes. Changes that are losses themselves (`lostWith`) count as removals. */
function lostBy(changes: ReadonlyMap<string, Change>, topology: Topology, held: ReadonlySet<string>): Losses {
  const roots = new Set<string>()
  const disturbed = new Map<string, string>()
  for (const change of changes.values()) {
    if (isRemoved(change) && !held.has(change.id)) {
      if (change.action === 'replace' || !kindOf(change.kind).removedLast) roots.add(change.id)
    } else if (change.action === 'update' && change.before && change.after)
      for (const id of kindOf(change.kind).disturbs?.(
        { live: change.before, desired: change.after, differences: change.differences },
        topology,
      ) ?? [])
        disturbed.set(id, change.id)
  }
  return roots.size + disturbed.size === 0 ? disturbed : losses(topology.resources, roots, disturbed)
}

function sorted(changes: ReadonlyMap<string, Change>, desired: Resources): Change[] {
  const byNamespace = new Map<string, Change[]>()
  const place = (change: Change): void => {
    const list = byNamespace.get(change.namespace)
    if (list) list.push(change)
    else byNamespace.set(change.namespace, [change])
  }
  for (const d of desired.values()) {
    if (!byNamespace.has(d.namespace)) byNamespace.set(d.namespace, [])
    const change = changes.get(d.id)
    if (change) place(change)
  }
  for (const change of changes.values()) if (change.action === 'delete') place(change)
  return [...byNamespace.values()].flat()
}

/** The operations of a change. */
function emissions(change: Change, context: PlanContext): Emission[] {
  const { action, before, after, differences } = change
  const kind = kindOf(change.kind)
  if (action === 'update' && before && after) return kind.update({ live: before, desired: after, differences }, context)
  return [
    ...(before && isRemoved(change) && (change.lostWith === undefined || kind.lingers?.(before, change.lostWith))
      ? kindOf(before.kind).remove(before, context)
      : []),
    ...(after ? kind.create(after, context) : []),
  ]
}
