import type { LabIndex } from '../checks/lab-index.ts'
import type { Packet } from '../checks/packet.ts'
import { linkId } from '../model/resource.ts'
import type { WayPacket } from '../model/packet-way.ts'
import type { Role } from './needles.ts'
import { copyOf, copyToFollow } from './copies.ts'
import { pointsOf, type Point } from './points.ts'
import type { Sights } from './sights.ts'
import { visitsOf, type State, type Visit } from './visits.ts'

/** A namespace on the way: what was seen at its interfaces, and what its hooks reported. */
export interface Hop {
  readonly namespace: string
  readonly role: Role
  readonly points: readonly Point[]
  /** Of the packet itself. */
  readonly visits: readonly Visit[]
  /** Those, and of packets that carry it in tunnels. */
  readonly every: readonly Visit[]
}

/** The headers of a packet, for people. */
export function wayPacket({ protocol, source, destination, sport, dport, bytes }: Omit<Packet, 'time'>): WayPacket {
  return {
    ...{ protocol, source, destination },
    ...(sport !== undefined && { sport }),
    ...(dport !== undefined && { dport }),
    ttl: bytes[(bytes[0] ?? 0) >> 4 === 6 ? 7 : 8] ?? 0,
  }
}

/** The hops of the packets of a role, in order. */
export function hopsOf(role: Role, sights: Sights, labIndex: LabIndex): Hop[] {
  const parts: { readonly namespace: string; readonly points: Point[]; readonly every: Visit[] }[] = []
  let last: Point | undefined
  const copy = role === 'request' ? copyToFollow(sights) : undefined
  const isFollowed = (packet: Omit<Packet, 'time'> | undefined): boolean =>
    copy === undefined || packet === undefined || copyOf(packet) === copy
  const followed = sights.sightings.filter((one) => one.role === role && isFollowed(one.packet))
  for (const point of pointsOf(followed, labIndex)) {
    const goesOn = last?.namespace === point.namespace && !(last.direction === 'out' && point.direction === 'in')
    if (goesOn) parts.at(-1)!.points.push(point)
    else parts.push({ namespace: point.namespace, points: [point], every: [] })
    last = point
  }
  const tail = parts.at(-1)?.points.at(-1)
  const lostIn = tail && isIntoTunnel(tail, labIndex) ? tail.namespace : undefined
  const path = new Set(parts.map(({ namespace }) => namespace))
  for (const [namespace, steps] of sights.steps) {
    const here = sights.sightings.filter((one) => one.namespace === namespace)
    const visits = visitsOf(steps, sights.flow, here, lostIn === namespace ? role : undefined).filter(
      (visit) => visit.role === role && (visit.carries || isFollowed(visit.states[0]?.packet)),
    )
    const own = parts.filter((part) => part.namespace === namespace)
    for (const visit of visits) {
      const fits = own.find(
        ({ points, every }) =>
          !every.some((one) => isAlike(one, visit)) &&
          (visit.iif === undefined
            ? visit.carries
              ? points.some((point) => point.direction === 'out' && (point.outer ?? isIntoTunnel(point, labIndex)))
              : points[0]?.direction === 'out' || isLoop(points[0])
            : points.some(({ direction, ifindex }) => direction === 'in' && ifindex === visit.iif)),
      )
      if (fits) fits.every.push(visit)
      else if (isNew(visit, parts.length, path.has(namespace))) addAlone(namespace, visit)
    }
  }
  return parts.map((part) => ({ role, visits: part.every.filter(({ carries }) => !carries), ...part }))

  /** A packet that was made here and never left. */
  function addAlone(namespace: string, visit: Visit): void {
    parts.unshift({ namespace, points: [], every: [visit] })
    path.add(namespace)
  }
}

/** Whether two visits cannot be of one packet in one hop. */
const isAlike = (a: Visit, b: Visit): boolean =>
  a.family === b.family && a.carries === b.carries && (a.iif === undefined) === (b.iif === undefined)

/** The visit after which the packet was lost, if it was: of what carried it at last, or its own. */
export const lastVisit = ({ points, visits, every }: Pick<Hop, 'points' | 'visits' | 'every'>): Visit | undefined =>
  (points.at(-1)?.outer ? every : visits).findLast(({ family }) => family === 'inet')

/** Whether a packet goes into a tunnel there, and not yet in what carries it. */
const isIntoTunnel = ({ namespace, device, direction, outer }: Point, { live }: LabIndex): boolean =>
  direction === 'out' && !outer && live.resources.get(linkId(namespace, device))?.spec['remote'] !== undefined

/** Whether it is the loopback interface, where captures show a packet once, as it comes in. */
export const isLoop = (point: Pick<Point, 'device'> | undefined): boolean => point?.device === 'lo'

/** Whether a visit without points is a hop: of a packet that was made there and came to no interface. Others are copies for others. */
const isNew = ({ iif }: Visit, hops: number, known: boolean): boolean => iif === undefined && hops === 0 && !known

/** The bridge that forwarded the packet from one of its ports to another; undefined: it was not bridged. */
export function bridgeOf(
  { namespace, points }: Pick<Hop, 'namespace' | 'points'>,
  { live }: LabIndex,
): string | undefined {
  const [first, last] = [points[0], points.at(-1)]
  if (first?.direction !== 'in') return undefined
  const master = live.master(linkId(namespace, first.device))
  if (master?.kind !== 'bridge') return undefined
  const name = master.id.slice(namespace.length + 1)
  // It came to the bridge itself, and so to its host.
  if (points.some(({ device, direction }) => device === name && direction === 'in')) return undefined
  if (last === first) return name
  return live.master(linkId(namespace, last!.device))?.id === master.id ? name : undefined
}

/** The packet at every place of a hop, in order: at its first interface, its hooks, and its last interface. */
export function statesOf({ points, visits }: Hop): State[] {
  const [first, last] = [points[0], points.at(-1)]
  const inside = visits.filter(({ family }) => family === 'inet').flatMap((visit: Visit) => visit.states)
  const mark = (state: State | undefined): number => state?.mark ?? 0
  const arrival =
    first?.direction === 'in' && !isLoop(first)
      ? [{ hook: 'ingress', packet: first.packet, mark: mark(inside[0]) }]
      : []
  const left = last?.direction === 'out' ? [{ hook: 'egress', packet: last.packet, mark: mark(inside.at(-1)) }] : []
  return [...arrival, ...inside, ...left]
}
