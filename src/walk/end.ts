import { peerOf, placeText, type LabIndex } from '../checks/lab-index.ts'
import { EACCES, EHOSTUNREACH, EINVAL, ENETUNREACH, EXDEV, noRouteText } from './no-route.ts'
import { routeTypes } from '../model/route-spec.ts'
import { linkId, nameOf, namespaceOf } from '../model/resource.ts'
import type { Dump } from '../model/runner.ts'
import type { WayPlace, WayRule, WayVerdict } from '../model/packet-way.ts'
import { bridgeOf, type Hop } from './hops.ts'
import type { RouteAnswer } from './route-asked.ts'
import type { Sights } from './sights.ts'

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
  /** The kernel's answer for the packet as it was at its last hook. */
  readonly askRoute: (hop: Hop) => RouteAnswer | undefined
  /** … for an answer to it. */
  readonly askBack: (hop: Hop) => RouteAnswer | undefined
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
function afterLeaving({ namespace, points }: Hop, { labIndex }: Knowledge): End {
  const { device } = points.at(-1)!
  const at = { namespace, interface: device }
  const link = labIndex.live.resources.get(linkId(namespace, device))
  const lost = (reason: string): End => ({ verdict: 'lost', reason, at })
  if (link?.kind === 'bridge') return lost(`the bridge ${namespace}:${device} has no port that passes it on`)
  const peer = peerOf(labIndex, namespace, device)
  if (peer === undefined)
    return lost(`it left by ${namespace}:${device}, and where that leads is unknown: it is no cable of the lab`)
  if (labIndex.live.resources.get(peer)?.spec['up'] === false) return lost(`${placeText(peer)} is down`)
  return lost(`it left by ${namespace}:${device} and did not arrive at ${placeText(peer)}; why is unknown`)
}

/** It is in a namespace, and has not left it. */
function inside(hop: Hop, at: WayPlace, known: Knowledge): End {
  const { namespace, visits, points } = hop
  const { sights, labIndex } = known
  const lost = (reason: string, more: Partial<WayPlace> = {}): End => ({
    verdict: 'lost',
    reason,
    at: { ...at, ...more },
  })
  const visit = visits.findLast(({ family }) => family === 'inet')
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
  if (reached.has('output-first')) return unexplained('output')
  if (!reached.has('prerouting-last')) return unexplained('prerouting')
  return lost(routingReason(hop, known), { hook: 'routing' })
}

/** Why a bridge has not passed it on. */
function bridgeReason(
  { namespace, points, role }: Hop,
  bridge: string,
  { dumps, sights, labIndex }: Knowledge,
): string {
  const links = dumps.get(namespace)?.links ?? []
  const arrived = points[0]?.device
  const port = (name?: string) => links.find(({ ifname }) => ifname === name)?.linkinfo?.info_slave_data
  const state = port(arrived)?.['state']
  if (state !== undefined && state !== 'forwarding' && state !== 3)
    return `the port ${namespace}:${arrived} of ${bridge} is ${typeof state === 'string' ? state : (STATES[Number(state)] ?? Number(state))}, and not forwarding`
  const [holder] = labIndex.live.holders(points[0]!.packet.destination)
  const towards = holder && peerOf(labIndex, namespaceOf(holder.link), nameOf(holder.link))
  const isIsolated = (name?: string): boolean => port(name)?.['isolated'] === true
  const others = links.filter(({ master, ifname }) => master === bridge && ifname !== arrived)
  const leads = others.find(({ ifname }) => linkId(namespace, ifname) === towards)?.ifname
  if (leads !== undefined && isIsolated(arrived) && isIsolated(leads))
    return `${namespace}:${arrived} and ${namespace}:${leads} are isolated ports of ${bridge}`
  const isOpen = ({ ifname, flags }: (typeof others)[number]): boolean =>
    flags.includes('LOWER_UP') &&
    !(isIsolated(arrived) && isIsolated(ifname)) &&
    [undefined, 'forwarding', 3].includes(port(ifname)?.['state'] as string | number | undefined)
  if (others.length && !others.some(isOpen))
    return `no other port of the bridge ${namespace}:${bridge} is up and forwarding`
  const passed = sights.sightings.some(
    (one) => one.namespace === namespace && one.direction === 'out' && one.role === role,
  )
  if (!passed) return `the bridge ${namespace}:${bridge} has not passed it on; why is unknown`
  const down =
    holder && labIndex.live.resources.get(holder.link)?.spec['up'] === false
      ? `; ${placeText(holder.link)} is down`
      : ''
  return `the bridge ${namespace}:${bridge} finds nobody with the MAC address that it is sent to${down}`
}

/** BR_STATE_… of if_bridge.h. */
const STATES = ['disabled', 'listening', 'learning', 'forwarding', 'blocking']

/** It has passed all hooks, and has not left: the neighbour is missing, or the interface does not send. */
function afterPostrouting({ namespace }: Hop, oif: number | undefined, { sights, labIndex }: Knowledge): string {
  const device = labIndex.nodes.get(namespace)?.interfaces.get(oif ?? 0)
  const place = `${namespace}:${device ?? '?'}`
  const asked = unanswered(namespace, oif, sights)
  const peer = device === undefined ? undefined : peerOf(labIndex, namespace, device)
  const isDown = peer !== undefined && labIndex.live.resources.get(peer)?.spec['up'] === false
  const down = isDown ? `; ${placeText(peer)} is down` : ''
  if (asked !== undefined) return `${noAnswer(place, asked, labIndex)}${down}`
  if (device !== undefined && labIndex.live.resources.get(linkId(namespace, device))?.spec['up'] === false)
    return `${place} is down`
  if (isDown) return `${placeText(peer)} is down`
  return `it was to leave by ${place}, and did not; why is unknown`
}

/** Nobody has answered a question for the address. Who has it may be somewhere else. */
function noAnswer(place: string, asked: string, { live }: LabIndex): string {
  const [holder] = live.holders(asked)
  if (!holder) return `nobody at ${place} has ${asked}`
  const isDown = live.resources.get(holder.link)?.spec['up'] === false
  return `${placeText(holder.link)} has ${asked}, and did not answer ${place}${isDown ? ': it is down' : ''}`
}

/** The address that a namespace has asked for at an interface without an answer. */
export function unanswered(namespace: string, ifindex: number | undefined, { neighbors }: Sights): string | undefined {
  const here = neighbors.filter((one) => one.namespace === namespace)
  const answers = new Set(
    here.filter((one) => one.direction === 'in' && one.sought === undefined).map(({ source }) => source),
  )
  return here.find(
    (one) =>
      one.direction === 'out' &&
      one.sought !== undefined &&
      (ifindex === undefined || one.ifindex === ifindex) &&
      !answers.has(one.sought),
  )?.sought
}

/** It came to the decision where it goes, and went nowhere. */
function routingReason(hop: Hop, known: Knowledge): string {
  const { namespace } = hop
  const state = hop.visits.at(-1)?.states.at(-1)
  const answer = known.askRoute(hop)
  const counters = known.sights.counters.get(namespace)
  const packet = state?.packet
  if (!packet) return `it was lost in ${namespace} where its route is chosen; why is unknown`
  const six = packet.source.includes(':')
  const ttl = packet.bytes[six ? 7 : 8] ?? 0
  const grew = (...names: string[]): boolean => names.some((name) => counters?.has(name))
  if (grew('TcpExt.IPReversePathFilter') || (answer && 'errno' in answer && answer.errno === EXDEV))
    return `the reverse path filter of ${namespace} dropped it: ${namespace} does not reach ${packet.source} by ${hop.points.at(-1)?.device}`
  if (answer && 'errno' in answer) {
    const { errno } = answer
    const forwards = known.labIndex.nodes.get(namespace)?.forwards[six ? 6 : 4]
    if (errno === EHOSTUNREACH && forwards === false) return `forwarding is off in ${namespace}`
    if (errno === EHOSTUNREACH)
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
  if (grew('Ip.FragFails', 'Ip6InTooBigErrors'))
    return `it is too big for the interface by which ${namespace} would send it on`
  return `it was lost in ${namespace} where its route is chosen; why is unknown`
}

/** No packet was seen at all. */
function neverSent({ namespace }: WayPlace, { sights, labIndex }: Knowledge): End {
  const lost = (reason: string): End => ({ verdict: 'lost', reason, at: { namespace } })
  const asked = unanswered(namespace, undefined, sights)
  if (asked !== undefined) return lost(noAnswer(`the interfaces of ${namespace}`, asked, labIndex))
  if (!sights.refused) return lost(`it never left ${namespace}; why is unknown`)
  const { errno, text } = sights.refused
  const down = labIndex.live
    .links(namespace)
    .filter(({ id, spec }) => spec['up'] === false && id !== linkId(namespace, 'lo'))
  const also = down.length
    ? `; ${down.map(({ id }) => placeText(id)).join(', ')} ${down.length > 1 ? 'are' : 'is'} down`
    : ''
  if (errno === ENETUNREACH || errno === EACCES || errno === EINVAL)
    return lost(`${noRouteText(namespace, sights.flow.destination, errno)}${also}`)
  return lost(`the kernel did not send it from ${namespace}: ${text}${also}`)
}
