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
export function noAnswer(place: string, asked: string, { live }: LabIndex): string {
  const [holder] = live.holders(asked)
  if (!holder) return `nobody at ${place} has ${asked}`
  const isDown = live.resources.get(holder.link)?.spec['up'] === false
  return `${placeText(holder.link)} has ${asked}, and did not answer ${place}${isDown ? ': it is down' : ''}`
}
