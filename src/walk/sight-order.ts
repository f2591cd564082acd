import { peerOf, type LabIndex } from '../checks/lab-index.ts'
import { linkId, namespaceOf } from '../model/resource.ts'
import { wholeOf } from './points.ts'
import type { Sighting } from './sights.ts'

/**
 * What was seen on several machines, each in the order of its own clock, as one list. The clocks of machines differ, so it is the
 * packets that tell what came first: one arrives after it has left the other end of the cable.
 */
export function inOrder(lists: readonly (readonly Sighting[])[], labIndex: LabIndex): Sighting[] {
  const [first = [], ...others] = lists
  if (others.length === 0) return [...first]
  const listOf = new Map(lists.flatMap((list) => list.map(({ namespace }) => [namespace, list] as const)))
  const nameOf = ({ namespace, ifindex }: Sighting): string =>
    labIndex.nodes.get(namespace)?.interfaces.get(ifindex) ?? ''
  /** A packet in the cable from this end. */
  const inCable = (end: string, sighting: Sighting): string => `${end} ${wholeOf(sighting).toString('hex')}`
  const departure = (one: Sighting): string => inCable(linkId(one.namespace, nameOf(one)), one)
  /** The packet as it left the other end, if that is on another machine. */
  const origin = (one: Sighting): string | undefined => {
    const far = one.direction === 'in' ? peerOf(labIndex, one.namespace, nameOf(one)) : undefined
    const isElsewhere = far !== undefined && listOf.get(namespaceOf(far)) !== listOf.get(one.namespace)
    return isElsewhere ? inCable(far, one) : undefined
  }
  /** By packet in a cable: how often it has still to leave, and how often it is under way. */
  const traffic = new Map<string, { ahead: number; underway: number }>()
  for (const one of lists.flat().filter(({ direction }) => direction === 'out')) {
    const key = departure(one)
    traffic.set(key, { ahead: (traffic.get(key)?.ahead ?? 0) + 1, underway: 0 })
  }
  const result: Sighting[] = []
  const rest = lists.map((list) => [...list].reverse())
  for (;;) {
    const heads = rest.flatMap((list) => {
      const head = list.at(-1)
      return head ? [{ list, head, from: traffic.get(origin(head) ?? '') }] : []
    })
    if (heads.length === 0) return result
    const free = heads.filter(({ from }) => !from || from.underway > 0 || from.ahead === 0)
    const next = (free.length ? free : heads).reduce((a, b) => (b.head.time < a.head.time ? b : a))
    next.list.pop()
    if (next.from) next.from.underway--
    const left = next.head.direction === 'out' ? traffic.get(departure(next.head)) : undefined
    if (left) {
      left.ahead--
      left.underway++
    }
    result.push(next.head)
  }
}
