import { kindOf } from '../kinds/index.ts'
import type { Resources } from '../model/resource.ts'

/** Live resources that the kernel removes along with others: the id of each → the id of what takes it along. */
export type Losses = ReadonlyMap<string, string>

/**
 * Everything that the kernel removes along with what a plan removes. `roots` are the ids that the plan deletes or replaces;
 * `disturbed` are those that updates remove (id → id of the updated resource). Linear in the number of resources.
 */
export function losses(live: Resources, roots: ReadonlySet<string>, disturbed: Losses): Losses {
  const dependents = new Map<string, string[]>()
  for (const r of live.values())
    for (const id of kindOf(r.kind).lostWith(r, live)) {
      const list = dependents.get(id)
      if (list) list.push(r.id)
      else dependents.set(id, [r.id])
    }
  const lost = new Map(disturbed)
  const gone = new Set([...roots, ...lost.keys()])
  let front = [...gone]
  const kinds = new Set([...live.values()].map((r) => kindOf(r.kind)))
  while (front.length > 0) {
    while (front.length > 0) {
      const next: string[] = []
      for (const id of front)
        for (const dependent of dependents.get(id) ?? []) {
          if (gone.has(dependent)) continue
          gone.add(dependent)
          lost.set(dependent, id)
          next.push(dependent)
        }
      front = next
    }
    for (const kind of kinds)
      for (const [id, by] of kind.lostWithLast?.(gone, live) ?? []) {
        if (gone.has(id)) continue
        gone.add(id)
        lost.set(id, by)
        front.push(id)
      }
  }
  return lost
}
