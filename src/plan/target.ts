import { kindOf } from '../kinds/index.ts'
import type { Resource, Resources } from '../model/resource.ts'

/** The desired resources when only these ids, and what they need, may change: everything else stays as it is live. */
export function targeted(desired: Resources, live: Resources, ids: readonly string[]): Resources {
  const wanted = new Set<string>()
  const front = [...ids]
  for (let id = front.pop(); id !== undefined; id = front.pop()) {
    if (wanted.has(id)) continue
    wanted.add(id)
    const r = desired.get(id)
    if (r) front.push(...kindOf(r.kind).needs(r), ...(typeof r.spec['peer'] === 'string' ? [r.spec['peer']] : []))
  }
  const result = new Map<string, Resource>()
  for (const r of [...desired.values(), ...live.values()]) {
    const chosen = (wanted.has(r.id) ? desired : live).get(r.id)
    if (chosen) result.set(r.id, chosen)
  }
  return result
}
