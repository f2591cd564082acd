import { peerOf, placeText, type LabIndex } from '../checks/lab-index.ts'
import { nextHops, noAnswer, unanswered, unheard, unknownNeighbor } from './no-neighbor.ts'
import { EACCES, EHOSTUNREACH, EINVAL, EMSGSIZE, ENETUNREACH, noRouteText } from './no-route.ts'
import { linkId, nameOf, namespaceOf } from '../model/resource.ts'
import type { Dump } from '../model/runner.ts'
import type { WayPlace, WayRule, WayVerdict, WayWire } from '../model/packet-way.ts'
import type { Packet } from '../checks/packet.ts'
import { bridgeReason } from './bridge-loss.ts'
import { NEIGHBORS_REFUSED } from './counters.ts'
import { bridgeOf, lastVisit, type Hop } from './hops.ts'
import { anySource, type RouteAnswer, type RouteQuestion } from './route-asked.ts'
import { routingReason } from './routing-loss.ts'
import type { Sights } from './sights.ts'
import { mtuOf, tooBigFor } from './too-big.ts'
import type { Visit } from './visits.ts'

/** How a way ended. */
export interface End {
  readonly verdict: WayVerdict
  /** In words, without a full stop. */
  readonly reason: string
  readonly at: WayPlace
}

/** What is known beside the packet itself. */
export interface Knowledge {
  readonly labIndex: LabIndex
  readonly sights: Sights
  readonly dumps: ReadonlyMap<string, Dump>
  readonly rulesOf: (hop: Hop) => readonly WayRule[]
  /** What the kernel is asked for the route of the packet in a visit of a hop. */
  readonly questionOf: (hop: Hop, visit: Visit | undefined) => RouteQuestion | undefined
  /** The kernel's answer for the packet as it was at the last hook of a visit. Without one: of the last. */
  readonly askRoute: (hop: Hop, visit?: Visit) => RouteAnswer | undefined
  /** … for a packet that is made in a namespace. */
  readonly askFor: (
    namespace: string,
    packet: Pick<Packet, 'source' | 'destination' | 'protocol' | 'sport' | 'dport'>,
    mark?: number,
  ) => RouteAnswer | undefined
  /** The wire between machines for which the cable of an interface stands, by the id of that. */
  readonly wireOf: (end: string) => WayWire | undefined
}

const REJECTS = /\breject\b|-j REJECT/

/** Where and why the way ended whose last hop this is; it has no point and no visit when the packet came to nothing at all. */
export function endOfHop(hop: Hop, known: Knowledge): End {
  const { namespace, points } = hop
  const last = points.at(-1)
  const at: WayPlace = { namespace, ...(last && { interface: last.device }) }
  return (
    byRule(hop, at, known) ??
    (last?.direction === 'out'
      ? afterLeaving(hop, known)
      : last || hop.visits.length
        ? inside(hop, at, known)
        : neverSent(at, known))
  )
}

/** The words for a rule: `rule 3 of FORWARD (ip filter): -s 10.0.0.1/32 -j DROP`. */
export const ruleInWords = ({ table, chain, number, text }: WayPlace['rule'] & object): string =>
  number === undefined ? `the ${text} of ${chain} (${table})` : `rule ${number} of ${chain} (${table}): ${text}`

/** A rule has discarded it. */
function byRule(hop: Hop, at: WayPlace, known: Knowledge): End | undefined {
  const rule = known.rulesOf(hop).at(-1)
  if (!rule || !['drop', 'stolen', 'queue'].includes(rule.verdict)) return undefined
  const { table, chain, number, text, hook, source } = rule
  const place = {
    ...at,
    ...(hook !== undefined && { hook }),
    rule: { table, chain, ...(number !== undefined && { number }), text, ...(source !== undefined && { source }) },
  }
  const words = ruleInWords(place.rule)
  if (rule.verdict === 'queue')
    return {
      verdict: 'lost',
      reason: `${hop.namespace} gave it to a program that has not returned it: ${words}`,
      at: place,
    }
  if (REJECTS.test(text)) return { verdict: 'refused', reason: `${hop.namespace} rejected it by ${words}`, at: place }
  return { verdict: 'dropped', reason: `${hop.namespace} dropped it by ${words}`, at: place }
}

/** It left by an interface, and came nowhere. */
function afterLeaving({ namespace, points }: Hop, known: Knowledge): End {
  const { labIndex } = known
  const { device, outer, packet } = points.at(-1)!
  const at = { namespace, interface: device }
  const link = labIndex.live.resources.get(linkId(namespace, device))
  const lost = (reason: string): End => ({ verdict: 'lost', reason, at })
  if (link?.kind === 'bridge') return lost(`the bridge ${namespace}:${device} has no port that passes it on`)
  const { remote, local } = link?.spec ?? {}
  if (typeof remote === 'string' && !outer)
    return lost(inTunnel(`${namespace}:${device}`, remote, typeof local === 'string' ? local : undefined, known))
  const peer = peerOf(labIndex, namespace, device)
  if (peer === undefined)
    return lost(`it left by ${namespace}:${device}, and where that leads is unknown: it is no cable of the lab`)
  if (labIndex.live.resources.get(peer)?.spec['up'] === false) return lost(`${placeText(peer)} is down`)
  const big = tooBigFor(outer ?? packet, namespaceOf(peer), nameOf(peer), known.dumps)
  if (big) return { ...lost(big.reason), at: { ...at, mtu: big.mtu } }
  const wire = known.wireOf(linkId(namespace, device))
  const between = wire ? `: between them is VXLAN ${wire.vni} from ${wire.from} to ${wire.to}` : ''
  return lost(`it left by ${namespace}:${device} and did not arrive at ${placeText(peer)}; why is unknown${between}`)
}

/** It went into a tunnel, and no packet that carries it was seen. */
function inTunnel(tunnel: string, remote: string, local: string | undefined, known: Knowledge): string {
  const namespace = tunnel.slice(0, tunnel.indexOf(':'))
  const end = `the other end of the tunnel ${tunnel}`
  const source = local ?? anySource(remote)
  const answer = known.askFor(namespace, { source, destination: remote, protocol: '' })
  const asked = unanswered(namespace, undefined, nextHops(answer, remote), known.sights)
  if (asked !== undefined)
    return `${noAnswer(`the interfaces of ${namespace}`, asked, known.labIndex, known.sights)}, on the way to ${end}`
  if (answer && 'errno' in answer) return `${noRouteText(namespace, remote, answer.errno)}, ${end}`
  const waiting = unknownNeighbor(namespace, [namespace, undefined], nextHops(answer, remote), known)
  if (waiting !== undefined) return `${waiting}, on the way to ${end}`
  return `it went into the tunnel ${tunnel}, and nothing left for its other end ${remote}; why is unknown`
}

/** It is in a namespace, and has not left it. */
function inside(hop: Hop, at: WayPlace, known: Knowledge): End {
  const { namespace, points } = hop
  const { sights, labIndex } = known
  const lost = (reason: string, more: Partial<WayPlace> = {}): End => ({
    verdict: 'lost',
    reason,
    at: { ...at, ...more },
  })
  const visit = lastVisit(hop)
  const bridge = bridgeOf(hop, labIndex)
  if (!visit) {
    const blind = sights.blind.get(namespace)
    if (blind !== undefined) return lost(`it ended in ${namespace}; why is unknown: ${blind}`)
    if (bridge !== undefined) return lost(bridgeReason(hop, bridge, known))
    if (points[0]?.strange && !labIndex.nodes.get(namespace)?.carriers.has(points[0].device))
      return lost(`${namespace}:${points[0].device} ignores it: it is addressed to another MAC address`)
    return lost(
      `it arrived at ${namespace}:${points.at(-1)?.device}, and was lost before the first hook; why is unknown`,
    )
  }
  const { reached } = visit
  if (reached.has('input-last') && visit.carries)
    return lost(`${namespace} got the packet that carries it, and has no tunnel that takes it`, { hook: 'input' })
  if (reached.has('input-last')) return { verdict: 'arrived', reason: '', at: { ...at, hook: 'input' } }
  const unexplained = (hook: string): End => {
    const legacy = known.dumps.get(namespace)?.legacy
    const why = legacy
      ? 'iptables-legacy has rules there, which cannot be traced'
      : 'no rule that can be traced dropped it'
    return lost(`it was lost in ${namespace}, in the hook ${hook}; why is unknown: ${why}`, { hook })
  }
  if (reached.has('postrouting-last')) return lost(afterPostrouting(hop, visit.oif, known), { hook: 'postrouting' })
  if (reached.has('forward-last') || reached.has('output-last')) return unexplained('postrouting')
  if (reached.has('forward-first')) return unexplained('forward')
  if (reached.has('output-first')) {
    const again = routeAgain(hop, visit, known)
    return again === undefined ? unexplained('output') : lost(again, { hook: 'output' })
  }
  if (!reached.has('prerouting-last')) return unexplained('prerouting')
  const device = outDevice(known.askRoute(hop))
  const packet = visit.states.at(-1)?.packet
  const big = device !== undefined && packet ? tooBigFor(packet, namespace, device, known.dumps) : undefined
  if (big) return lost(big.reason, { hook: 'routing', mtu: big.mtu })
  return lost(routingReason(hop, known), { hook: 'routing' })
}

/**
 * Why it went no further when a rule gave it a mark or another destination where it was made: the kernel looks its route up again then
 * (ip_route_me_harder in net/ipv4/netfilter.c). Undefined: that is not why.
 */
function routeAgain(hop: Hop, { states, mark }: Visit, { askFor, rulesOf }: Knowledge): string | undefined {
  const [state, rule] = [states.at(-1), rulesOf(hop).at(-1)]
  const [, six, four] = DESTINATION.exec(rule?.text ?? '') ?? []
  const moved = six ?? four
  if (!state || (state.mark === mark && moved === undefined)) return undefined
  const destination = moved ?? state.packet.destination
  const answer = askFor(hop.namespace, { ...state.packet, destination }, mark)
  if (!answer || !('errno' in answer)) return undefined
  const cause = moved !== undefined && rule ? `after ${ruleInWords(rule)}` : `with the mark 0x${mark.toString(16)}`
  return `${noRouteText(hop.namespace, destination, answer.errno)}: its route was looked up again ${cause}`
}

/** The new destination in a rule of iptables or nft. */
const DESTINATION = /(?:--to-destination|\bdnat(?: ip6?)? to) (?:\[([\da-f:]+)\]|([\d.]+|[\da-f:]+))/

/** The interface of a route; undefined where it has several. */
const outDevice = (answer: RouteAnswer | undefined): string | undefined =>
  answer && 'route' in answer ? answer.route.dev : undefined

/** It has passed all hooks, and has not left: the neighbour is missing, or the interface does not send. */
function afterPostrouting(hop: Hop, oif: number | undefined, known: Knowledge): string {
  const { namespace } = hop
  const { sights, labIndex } = known
  const device = labIndex.nodes.get(namespace)?.interfaces.get(oif ?? 0)
  const place = `${namespace}:${device ?? '?'}`
  const destination = lastVisit(hop)?.states.at(-1)?.packet.destination ?? ''
  const hops = nextHops(known.askRoute(hop), destination)
  const asked = unanswered(namespace, oif, hops, sights)
  const peer = device === undefined ? undefined : peerOf(labIndex, namespace, device)
  const isDown = peer !== undefined && labIndex.live.resources.get(peer)?.spec['up'] === false
  const down = isDown ? `; ${placeText(peer)} is down` : ''
  if (asked !== undefined) return `${noAnswer(place, asked, labIndex, sights)}${down}`
  if (device !== undefined && labIndex.live.resources.get(linkId(namespace, device))?.spec['up'] === false)
    return `${place} is down`
  if (isDown) return `${placeText(peer)} is down`
  const link = known.dumps.get(namespace)?.links.find(({ ifname }) => ifname === device)
  if (link?.flags.includes('NO-CARRIER'))
    return `${place} has no carrier${link.linkinfo?.info_kind === 'bridge' ? ': none of its ports is up' : ''}`
  const deaf = unheard(namespace, hops, sights)
  if (deaf !== undefined) return deaf
  const waiting = unknownNeighbor(place, [namespace, oif], hops, known)
  if (waiting !== undefined) return waiting
  const isFull = sights.counters.get(namespace)?.has(NEIGHBORS_REFUSED)
  const limit = `net.ipv${destination.includes(':') ? 6 : 4}.neigh.default.gc_thresh3`
  const why = isFull ? `the kernel had no room for more neighbours of all namespaces: ${limit}` : 'why is unknown'
  return `it was to leave by ${place}, and did not; ${why}`
}

/** No packet was seen at all. */
function neverSent({ namespace }: WayPlace, known: Knowledge): End {
  const { sights, labIndex } = known
  const lost = (reason: string): End => ({ verdict: 'lost', reason, at: { namespace } })
  const { destination, protocol, sport, dport } = sights.flow
  const own = protocol === 'icmp' && destination.includes(':') ? 'icmp6' : protocol
  const answer = known.askFor(namespace, {
    ...{ source: anySource(destination), destination, protocol: own },
    ...(dport !== undefined && { sport, dport }),
  })
  const asked = unanswered(namespace, undefined, nextHops(answer, destination), sights)
  if (asked !== undefined) return lost(noAnswer(`the interfaces of ${namespace}`, asked, labIndex, sights))
  const blind = sights.blind.get(namespace)
  if (!sights.refused)
    return lost(`it never left ${namespace}; why is unknown${blind === undefined ? '' : `: ${blind}`}`)
  const { errno, text } = sights.refused
  const { size } = sights.flow
  const device = outDevice(answer)
  if (errno === EMSGSIZE && size !== undefined) {
    const mtu = mtuOf(namespace, device, known.dumps)
    const most = mtu === undefined ? '' : `, and ${namespace}:${device} sends ${mtu} at most`
    return {
      ...lost(`it is too big: ${size} bytes${most}`),
      at: { namespace, ...(device !== undefined && { interface: device }), ...(mtu !== undefined && { mtu }) },
    }
  }
  const down = labIndex.live
    .links(namespace)
    .filter(({ id, spec }) => spec['up'] === false && id !== linkId(namespace, 'lo'))
  const also = down.length
    ? `; ${down.map(({ id }) => placeText(id)).join(', ')} ${down.length > 1 ? 'are' : 'is'} down`
    : ''
  const ofRoutes: readonly number[] = [ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL]
  if (ofRoutes.includes(errno)) return lost(`${noRouteText(namespace, sights.flow.destination, errno)}${also}`)
  return lost(`the kernel did not send it from ${namespace}: ${text}${also}`)
}
