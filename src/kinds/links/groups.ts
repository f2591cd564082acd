import type { PlanContext, Removal } from '../../model/kind.ts'
import type { LinkSpec } from '../../model/link-type.ts'
import { goneGroup } from '../../model/owner.ts'
import { nameOf, type Resource } from '../../model/resource.ts'
import { placeOf } from '../common.ts'

type Link = Resource<LinkSpec>

/** From so many links of a namespace on, they go as a group. */
const MANY = 4

/**
 * Removes links by the group that they are put into: the kernel waits for all of them together, which takes about as long
 * as for one (docs/kernel.md). A cable can go by either end, so that the ports of a bridge go by the bridge's. In the
 * machine's own namespace others may have groups of their own: there links go one by one.
 */
export function removeByGroup(links: readonly Link[], { goes, live }: PlanContext): Removal {
  const ends = links.map((link) =>
    [link, live.get(link.spec.peer ?? '') as Link | undefined].filter(
      (end) => end !== undefined && !end.root && goes(end.id) && !goes(end.namespace),
    ),
  )
  const counts = new Map<string, number>()
  for (const end of ends.flat()) if (end) counts.set(end.namespace, (counts.get(end.namespace) ?? 0) + 1)
  const count = (end: Link): number => counts.get(end.namespace) ?? 0
  const groups = new Map<string, { link: Link; end: Link }[]>()
  links.forEach((link, i) => {
    const [first, second] = ends[i] ?? []
    const end = first && second ? (count(second) > count(first) ? second : first) : first
    if (!end) return
    const group = groups.get(end.namespace)
    if (group) group.push({ link, end })
    else groups.set(end.namespace, [{ link, end }])
  })
  const many = [...groups.values()].filter(({ length }) => length >= MANY)
  return {
    ids: new Set(many.flatMap((group) => group.map(({ link }) => link.id))),
    emissions: many.flatMap((group) => {
      const number = goneGroup(group.map(({ end }) => end.id))
      const stage = 'delete links' as const
      const last = group.at(-1)
      return [
        ...group.map(({ link, end }) => ({
          change: link.id,
          stage,
          operation: {
            do: 'link.set' as const,
            place: placeOf(end),
            name: nameOf(end.id),
            set: { group: number },
          },
        })),
        ...(last
          ? [
              {
                change: last.link.id,
                stage,
                operation: { do: 'link.delete' as const, place: placeOf(last.end), group: number },
              },
            ]
          : []),
      ]
    }),
  }
}
