import { icmpErrorText } from '../checks/icmp-errors.ts'
import { withPort } from '../checks/lab-index.ts'
import { isReset } from '../checks/packet.ts'
import { endOfHop, type End, type Knowledge } from './end.ts'
import { statesOf, type Hop } from './hops.ts'
import { ENETUNREACH, noRouteText } from './no-route.ts'
import type { Sights } from './sights.ts'

/** The end of the whole: of the answer if there is one, of the error, or of the packet itself. */
export function endOfAll(from: string, [requests, replies, errors]: [Hop[], Hop[], Hop[]], known: Knowledge): End {
  const nowhere: Hop = { namespace: from, role: 'request', points: [], visits: [], every: [] }
  const last = requests.at(-1) ?? nowhere
  const there = endOfHop(last, known)
  // Where it arrived; the port may have been translated on the way.
  const port = statesOf(last).at(-1)?.packet.dport ?? known.sights.flow.dport ?? ''
  const place = `${there.at.namespace}${there.at.interface === undefined ? '' : `:${there.at.interface}`}`
  const [reply, error] = [replies.at(-1), errors.at(-1)]
  if (reply) {
    const back = endOfHop(reply, known)
    // Where ports are translated, the answer is known only from there on.
    const who = there.verdict === 'arrived' ? there.at.namespace : replies[0]!.namespace
    // Where no hook can be seen, the sender's own socket knows.
    const { blind, isAnswered } = known.sights
    const isBack = reply.namespace === from && (back.verdict === 'arrived' || (blind.has(from) && isAnswered))
    const misfit = isBack ? misfitOf(reply, known.sights) : undefined
    if (misfit !== undefined) return { ...back, verdict: 'lost', reason: `${who} answered, but ${misfit}` }
    const bytes = replies[0]!.points[0]?.packet.bytes
    const isRefusal = known.sights.flow.protocol === 'tcp' && bytes !== undefined && isReset(bytes)
    if (isBack && isRefusal)
      return there.verdict === 'arrived'
        ? { ...there, verdict: 'refused', reason: `nobody listens at port ${port} of ${who}` }
        : { ...there, verdict: 'refused' }
    if (isBack) return { ...back, verdict: 'answered', reason: `${who} answered` }
    const why = back.reason || `it arrived at ${reply.namespace}, which did not ask`
    return {
      ...back,
      verdict: back.verdict === 'arrived' ? 'lost' : back.verdict,
      reason: `${who} answered, but the answer was lost: ${why}`,
    }
  }
  const report = errors[0]?.points[0]?.packet ?? errors[0]?.visits[0]?.states[0]?.packet
  if (error && report) {
    const words = icmpErrorText(report)
    const who = errors[0]!.namespace
    const back = endOfHop(error, known)
    const isBack = back.verdict === 'arrived' && error.namespace === from
    const why = back.reason || `it arrived at ${error.namespace}, which did not ask`
    const said = isBack ? `${who} sent back: ${words}` : `${who} reports: ${words}, and the report was lost: ${why}`
    if (there.verdict === 'arrived')
      return /port unreachable/.test(words)
        ? {
            ...there,
            verdict: 'refused',
            reason: `nobody listens at port ${port} of ${who}; ${said}`,
          }
        : { ...there, verdict: 'refused', reason: said }
    if (there.verdict === 'lost' && /is unknown/.test(there.reason)) return { ...there, reason: said }
    return { ...there, reason: `${there.reason}; ${said}` }
  }
  if (known.sights.isAnswered)
    return { ...there, verdict: 'answered', reason: `${from} has the answer; by which way is unknown` }
  if (there.verdict !== 'arrived') return there
  const { flow } = known.sights
  // The answer would be known by its port.
  const isMoved = flow.protocol === 'udp' && statesOf(last).at(-1)?.packet.sport !== flow.sport
  const silence = isMoved
    ? 'and whether somebody answered is unknown: its source port is translated'
    : `and nobody answered${listenedTo(there.at.namespace, port, known)}`
  return {
    ...there,
    reason: `it arrived at ${place}, ${noWayBack(last, known) ?? silence}`,
  }
}

/** Why the sender's socket has not taken the answer that came to its namespace; undefined: it has. */
function misfitOf(reply: Hop, { flow, isAnswered }: Sights): string | undefined {
  // Programs take an echo reply from any address.
  if (isAnswered || flow.protocol === 'icmp') return undefined
  const { source = '', sport } = statesOf(reply).at(-1)?.packet ?? {}
  const [asked, answers] = [withPort(flow.destination, flow.dport ?? 0), withPort(source, sport ?? 0)]
  if (asked === answers) return `${reply.namespace} did not give the answer to the one who asked; why is unknown`
  return `${reply.namespace} does not take an answer from ${answers}: it asked ${asked}`
}

/** Where the packet arrived there may be no route for the answer. */
function noWayBack({ namespace, visits }: Hop, { askFor }: Knowledge): string | undefined {
  const packet = visits.at(-1)?.states.at(-1)?.packet
  const answer =
    packet && askFor(namespace, { source: packet.destination, destination: packet.source, protocol: packet.protocol })
  if (!packet || !answer || !('errno' in answer)) return undefined
  if (answer.errno === ENETUNREACH) return `but ${namespace} has no route back to ${packet.source}`
  return `but its answer goes nowhere: ${noRouteText(namespace, packet.source, answer.errno)}`
}

/** What the namespace says of a datagram or an opening that was not answered. */
function listenedTo(namespace: string, port: number | '', { sights }: Knowledge): string {
  const grown = sights.isShared ? undefined : sights.counters.get(namespace)
  // The kernel limits how many errors it sends.
  if (sights.flow.protocol === 'udp' && port !== '' && sights.udpPorts.get(namespace)?.has(port) === false)
    return `: nobody listens at port ${port}`
  if (sights.flow.protocol === 'udp')
    return grown?.has('Udp.InDatagrams') || grown?.has('Udp6InDatagrams') ? ': a program has it, and says nothing' : ''
  if (sights.flow.protocol === 'tcp' && (grown?.has('TcpExt.ListenOverflows') || grown?.has('TcpExt.ListenDrops')))
    return ': the queue of the program that listens is full'
  return ''
}
