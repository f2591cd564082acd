import type { Resource, Resources } from '../model/resource.ts'
import { kindOf } from './index.ts'

/** By id, the ids of the resources that need it. */
export function usersOf(resources: Resources): Map<string, string[]> {
  const users = new Map<string, string[]>()
  for (const r of resources.values())
    for (const need of needsOf(r)) {
      const known = users.get(need)
      if (known) known.push(r.id)
      else users.set(need, [r.id])
    }
  return users
}

const needsOf = (r: Resource): string[] => {
  const { peer } = r.spec
  return [
    ...kindOf(r.kind).needs(r),
    ...(r.id === r.namespace ? [] : [r.namespace]),
    ...(typeof peer === 'string' ? [peer] : []),
  ]
}

/** All that needs this resource, and what needs that. */
export function dependents(id: string, users: ReadonlyMap<string, readonly string[]>): string[] {
  const found = new Set([id])
  for (const one of found) for (const user of users.get(one) ?? []) found.add(user)
  found.delete(id)
  return [...found]
}

/** These resources, and all that needs them. */
export function withDependents(ids: readonly string[], resources: Resources): Set<string> {
  if (ids.length === 0) return new Set()
  const users = usersOf(resources)
  return new Set(ids.flatMap((id) => [id, ...dependents(id, users)]))
}
