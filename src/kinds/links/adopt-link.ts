import type { Kind } from '../../model/kind.ts'
import type { LinkSpec } from '../../model/link-type.ts'
import { labelled } from '../../model/owner.ts'
import { placeOf } from '../../model/place.ts'
import { nameOf } from '../../model/resource.ts'

/** Marks an interface as the lab's, without the group of those that the lab has made: it keeps its MAC address. */
export const adoptLink: NonNullable<Kind<LinkSpec>['adopt']> = (r, lab) => {
  const set = { alias: labelled(lab, r.spec.alias) }
  return [{ stage: 'set links', operation: { do: 'link.set', place: placeOf(r), name: nameOf(r.id), set } }]
}
