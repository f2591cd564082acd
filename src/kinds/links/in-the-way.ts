import type { PlanContext } from '../../model/kind.ts'
import { namespaceOf, oncePer, type Resource } from '../../model/resource.ts'

/** The namespace of the lower device, if that is another than the interface's own. */
function lowerNamespace({ namespace, spec: { link } }: Resource<any>): string | undefined {
  return typeof link === 'string' && namespaceOf(link) !== namespace ? namespaceOf(link) : undefined
}

/** The ids of interfaces whose lower device is in another namespace, by that namespace. */
const above = oncePer((resources) => {
  const ids = new Map<string, string[]>()
  for (const resource of resources.values()) {
    const lower = lowerNamespace(resource)
    if (lower === undefined) continue
    const list = ids.get(lower)
    if (list) list.push(resource.id)
    else ids.set(lower, [resource.id])
  }
  return ids
})

/**
 * Whether an interface whose namespace goes has to be deleted first. The kernel takes namespaces down in the background: until it has,
 * what the interface occupies where its lower device is, such as a VNI, is not free for those that the plan makes there.
 */
export function isInTheWay(r: Resource<any>, { goes, live, desired }: PlanContext): boolean {
  const lower = lowerNamespace(r)
  if (lower === undefined || goes(lower)) return false
  return (
    above(desired)
      .get(lower)
      ?.some((id) => !live.has(id) || goes(id)) === true
  )
}
