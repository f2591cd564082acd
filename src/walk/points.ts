import type { LabIndex } from '../checks/lab-index.ts'
import { linkId, nameOf, namespaceOf } from '../model/resource.ts'
import type { Sighting } from './sights.ts'

/** A packet at an interface whose name is known. */
export interface Point extends Sighting {
  readonly device: string
}

/** The packet as it is in the cable: with the one that carries it. */
export const wholeOf = ({ outer, packet }: Sighting): Buffer => (outer ?? packet).bytes

/**
 * What is the same of a packet that is seen at a place a second time: it was sent again, or a loop of bridges brought it. An opening
 * that is sent again may be translated to another port (`masquerade random`).
 */
function keyOf({ namespace, ifindex, direction, packet, outer }: Sighting): string {
  const { protocol, source, destination, sport, dport, bytes } = packet
  const ttl = bytes[(bytes[0] ?? 0) >> 4 === 6 ? 7 : 8]
  const ends = protocol === 'tcp' ? [] : [source, destination, sport, dport]
  return [namespace, ifindex, direction, ttl, outer?.source, ...ends].join(' ')
}

/** The way of a packet, or of its answer: the points that it passed, in order. Copies that bridges flooded to others are left out. */
export function pointsOf(sightings: readonly Sighting[], labIndex: LabIndex): Point[] {
  const met = new Set<string>()
  const points = sightings.flatMap((sighting): Point[] => {
    const key = keyOf(sighting)
    if (met.has(key)) return []
    met.add(key)
    const device = labIndex.nodes.get(sighting.namespace)?.interfaces.get(sighting.ifindex) ?? `if${sighting.ifindex}`
    return [{ ...sighting, device }]
  })
  const parents = points.map((point, i) => parentOf(point, points.slice(0, i), labIndex))
  let end: { readonly rank: number; readonly at: number } | undefined
  const inner = new Set(parents)
  for (const [at, point] of points.entries()) {
    const rank = inner.has(at) ? -1 : rankOf(point, labIndex)
    // Of two that are as good, the later one has come further.
    if (rank >= 0 && (!end || rank >= end.rank)) end = { rank, at }
  }
  const path: Point[] = []
  for (let at = end?.at; at !== undefined; at = parents[at]) path.unshift(points[at]!)
  // A bridge knows nobody else who might want it.
  const [out, last] = path.slice(-2)
  const isFlooded =
    out?.direction === 'out' && labIndex.live.master(linkId(out.namespace, out.device))?.kind === 'bridge'
  return isFlooded && last && rankOf(last, labIndex) === 0 ? path.slice(0, -2) : path
}

/** How likely a point is the end of the way, and not of a copy. A copy for another host arrives at a device that does not pass it on. */
function rankOf({ direction, strange, namespace, device }: Point, { nodes }: LabIndex): number {
  if (direction === 'out') return 2
  if (!strange) return 3
  return nodes.get(namespace)?.carriers.has(device) ? 1 : 0
}

/** The index among `before` of the point from which a packet came to this one. */
function parentOf(point: Point, before: readonly Point[], labIndex: LabIndex): number | undefined {
  const { namespace, device, direction } = point
  const { live } = labIndex
  const peer = live.resources.get(linkId(namespace, device))?.spec['peer']
  if (direction === 'in' && typeof peer === 'string') {
    const [there, name] = [namespaceOf(peer), nameOf(peer)]
    const at = before.findLastIndex(
      (one) =>
        one.direction === 'out' &&
        one.namespace === there &&
        one.device === name &&
        wholeOf(one).equals(wholeOf(point)),
    )
    if (at >= 0) return at
  }
  const master = live.master(linkId(namespace, device))?.id
  const isCopy = (one: Point): boolean =>
    direction === 'out' &&
    one.direction === 'out' &&
    one.device !== device &&
    master !== undefined &&
    live.master(linkId(namespace, one.device))?.id === master
  const here = before.findLastIndex((one) => one.namespace === namespace && !isCopy(one))
  if (here >= 0) return here
  const anywhere = before.findLastIndex((one) => one.direction !== direction)
  return anywhere >= 0 ? anywhere : before.length ? before.length - 1 : undefined
}
