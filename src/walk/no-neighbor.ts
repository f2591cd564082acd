import { placeText, type LabIndex } from '../checks/lab-index.ts'
import type { RouteAnswer } from './route-asked.ts'
import type { Sights } from './sights.ts'

/** The addresses of which a route needs the neighbour: of its next hops, or of the destination. */
export function nextHops(answer: RouteAnswer | undefined, destination: string): string[] {
  if (!answer || !('route' in answer)) return [destination]
  const { route } = answer
  return (route.nexthops ?? [route]).map(({ gateway, via }) => gateway ?? via?.host ?? destination)
}

/** Which of these addresses a namespace has asked for, at this interface or at any, without an answer. */
export function unanswered(
  namespace: string,
  ifindex: number | undefined,
  wanted: readonly string[],
  { neighbors }: Sights,
): string | undefined {
  const here = neighbors.filter((one) => one.namespace === namespace)
  const answers = new Set(
    here.filter((one) => one.direction === 'in' && one.sought === undefined).map(({ source }) => source),
  )
  return here.find(
    (one) =>
      one.direction === 'out' &&
      one.sought !== undefined &&
      wanted.includes(one.sought) &&
      (ifindex === undefined || one.ifindex === ifindex) &&
      !answers.has(one.sought),
  )?.sought
}

/** The words for an address for which a place has asked in vain. Who has it may be somewhere else. */
export function noAnswer(place: string, asked: string, { live }: LabIndex, sights: Sights): string {
  const [holder] = live.holders(asked)
  if (!holder) return `nobody at ${place} has ${asked}`
  const isDown = live.resources.get(holder.link)?.spec['up'] === false
  const { namespace } = holder
  const isAsked = sights.neighbors.some(
    (one) => one.namespace === namespace && one.direction === 'in' && one.sought === asked,
  )
  const isDeaf = isAsked && asked.includes(':') && !sights.counters.get(namespace)?.has('Icmp6InNeighborSolicits')
  const why = isDown ? ': it is down' : isDeaf ? `: ${namespace} ${DROPS} neighbor solicitation` : ''
  return `${placeText(holder.link)} has ${asked}, and did not answer ${place}${why}`
}

/** What came to an interface, and not to the part of the kernel that counts it. IPv4 has no rules for ARP in these tables. */
const DROPS = 'has a rule or a filter that drops ICMPv6, and with it the'

/** Why a namespace that was answered does not know the neighbour; undefined: it does, or was not answered. */
export function unheard(namespace: string, wanted: readonly string[], sights: Sights): string | undefined {
  const answer = sights.neighbors.find(
    (one) =>
      one.namespace === namespace &&
      one.direction === 'in' &&
      one.sought === undefined &&
      one.source.includes(':') &&
      wanted.includes(one.source),
  )
  const isHeard = sights.counters.get(namespace)?.has('Icmp6InNeighborAdvertisements')
  return answer && !isHeard ? `${answer.source} answered, and ${namespace} ${DROPS} neighbor advertisement` : undefined
}

/**
 * What to say of a neighbour that the kernel has no answer from, and whose question was not seen: it was asked for before, or the
 * question was dropped. Undefined: there is none.
 */
export function unknownNeighbor(
  place: string,
  [namespace, ifindex]: readonly [string, number | undefined],
  wanted: readonly string[],
  { sights, labIndex }: { readonly sights: Sights; readonly labIndex: LabIndex },
): string | undefined {
  const waiting = sights.waiting.find(
    (one) =>
      one.namespace === namespace && wanted.includes(one.address) && (ifindex === undefined || one.ifindex === ifindex),
  )
  if (!waiting) return undefined
  const { address } = waiting
  const isAsking = sights.neighbors.some((one) => one.namespace === namespace && one.direction === 'out')
  const nobody = labIndex.live.holders(address).length ? '' : ', which nobody in the lab has'
  const mute = address.includes(':') && !isAsking ? MUTE : ''
  return `${place} does not get the MAC address of ${address}${nobody}${mute}`
}

/** The kernel sends the question through the hook output. */
const MUTE = '; if no neighbor solicitation left, a rule in the hook output drops ICMPv6'
