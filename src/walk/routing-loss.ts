import { routeTypes } from '../model/route-spec.ts'
import type { Knowledge } from './end.ts'
import { lastVisit, type Hop } from './hops.ts'
import { EACCES, EHOSTUNREACH, EINVAL, ENETUNREACH, EXDEV, noRouteText } from './no-route.ts'

/** Errors that the kernel finds before it looks where a packet came from (ip_route_input_slow in net/ipv4/route.c). */
const REFUSALS: readonly number[] = [EACCES, EHOSTUNREACH, ENETUNREACH]

/** Why it is not known which packet has made a counter grow. */
export const NOT_ALONE = 'others were traced at the same time'

/** Why a packet that came to the decision where it goes went nowhere, in words. */
export function routingReason(hop: Hop, known: Knowledge): string {
  const { namespace } = hop
  const state = lastVisit(hop)?.states.at(-1)
  const answer = known.askRoute(hop)
  const counters = known.sights.counters.get(namespace)
  const packet = state?.packet
  if (!packet) return `it was lost in ${namespace} where its route is chosen; why is unknown`
  const six = packet.source.includes(':')
  const ttl = packet.bytes[six ? 7 : 8] ?? 0
  const grew = (...names: string[]): boolean => names.some((name) => counters?.has(name))
  const isRefused = answer !== undefined && 'errno' in answer && REFUSALS.includes(answer.errno)
  const isFiltered = !isRefused && grew('TcpExt.IPReversePathFilter')
  if (isFiltered && known.sights.isShared) return `it was lost in ${namespace}; why is unknown: ${NOT_ALONE}`
  if (isFiltered || (answer && 'errno' in answer && answer.errno === EXDEV))
    return `the reverse path filter of ${namespace} dropped it: ${namespace} does not reach ${packet.source} by ${hop.points.at(-1)?.device}`
  if (answer && 'errno' in answer) {
    const { errno } = answer
    const forwards = known.labIndex.nodes.get(namespace)?.forwards[six ? 6 : 4]
    // IPv6 looks only at routes that lead on whether it forwards (ip6_forward in net/ipv6/ip6_output.c).
    if (errno === EHOSTUNREACH && !six && forwards === false) return `forwarding is off in ${namespace}`
    if (errno === EHOSTUNREACH && !six)
      return `${namespace} has a route to ${packet.destination} that says unreachable, or does not forward by ${hop.points.at(-1)?.device}`
    const isOwn = known.labIndex.live.holders(packet.source).some((one) => one.namespace === namespace)
    if (errno === EINVAL && isOwn && hop.points[0]?.direction === 'in')
      return `${namespace} discards what comes to it with its own address ${packet.source} as the source`
    return noRouteText(namespace, packet.destination, errno)
  }
  if (answer && ['6', '7', '8'].includes(answer.route.type ?? '')) {
    const type = routeTypes[answer.route.type ?? '']
    return `the ${type} route to ${answer.route.dst} of ${namespace} discards it`
  }
  if (known.labIndex.nodes.get(namespace)?.forwards[six ? 6 : 4] === false && answer?.route.type !== '2')
    return `forwarding is off in ${namespace}`
  if (ttl <= 1) return `its ${six ? 'hop limit' : 'time to live'} ended in ${namespace}`
  return `it was lost in ${namespace} where its route is chosen; why is unknown`
}
