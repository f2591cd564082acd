import type { Check } from '../model/check.ts'
import { contains } from '../model/cidr.ts'
import { linkId, nameOf, namespaceOf } from '../model/resource.ts'
import { openCaptures, type Capture } from './packet-capture.ts'
import {
  addressOf,
  holderOf,
  holderNamespace,
  peerOf,
  placeText,
  splitPort,
  type LabIndex,
  type NamespaceIndex,
} from './lab-index.ts'
import { isOf } from './observe.ts'
import { icmpErrorOf } from './icmp-errors.ts'
import { headerOf, isReset, opening, packetText, sought, type Packet } from './packet.ts'
import { newTrail, type Kit, type Trail } from './probe.ts'
import { GREETING } from './agent-protocol.ts'

/** Labs with more namespaces are not traced: each namespace takes a capture. */
const WIDEST = 64
/** How long after a try its packets may still appear in a capture, in milliseconds. */
const GRACE = 150

/** One packet of a check, captured at one interface. */
export interface TraceHop {
  readonly namespace: string
  readonly device: string
  readonly packet: Packet
}

/**
 * Tries failed checks once more, with captures in every namespace of the lab. Returns for each where its packets were lost;
 * undefined if that cannot be found out.
 */
export async function findWhereLost(
  checks: readonly Check[],
  { labIndex, host }: Kit,
  attempt: (check: Check, trail: Trail) => Promise<unknown>,
): Promise<(string | undefined)[]> {
  const unknown = checks.map(() => undefined)
  if (checks.length === 0 || labIndex.nodes.size > WIDEST) return unknown
  const opened = openCaptures(host)
  const captures: { namespace: string; node: NamespaceIndex; capture: Capture }[] = []
  const hops = (wanted: (packet: Packet) => boolean): TraceHop[] =>
    captures
      .flatMap(({ namespace, node, capture }) =>
        capture.packets
          .filter(wanted)
          .map((packet): TraceHop => ({ namespace, device: node.interfaces.get(packet.ifindex ?? 0) ?? '?', packet })),
      )
      .sort((a, b) => (a.packet.time < b.packet.time ? -1 : 1))
  try {
    await Promise.all(
      [...labIndex.nodes].map(async ([namespace, node]) => {
        const capture = await opened.start(labIndex.places.get(namespace), 'any')
        captures.push({ namespace, node, capture })
      }),
    )
    const trails = await Promise.all(
      checks.map(async (check) => {
        const trail = newTrail()
        await attempt(check, trail)
        return trail
      }),
    )
    await new Promise((done) => setTimeout(done, GRACE))
    const all = captures.flatMap(({ capture }) => capture.packets)
    const origin = all.filter((packet) => opening(packet))
    const questions = hops((packet) => sought(packet) !== undefined && packet.direction === 'out')
    const asked = unanswered(questions, all)
    const targets = new Set(checks.map((check) => targetOf(check, labIndex)))
    return checks.map((check, i) => {
      const trail = trails[i] ?? newTrail()
      const seen = hops((packet) => isOf(packet, trail, origin))
      const target = targetOf(check, labIndex)
      const ends = [target, labIndex.names.get(check.from)]
      const own = asked.filter(({ packet }) => ends.includes(sought(packet)) || !targets.has(sought(packet)))
      const where = whereLost(check.from, withoutStrays(seen, labIndex), labIndex, own, target)
      return where === undefined ? undefined : `${where}${downOnTheWay(check.from, seen, labIndex, target)}`
    })
  } catch {
    return unknown // the checks have failed in any case; only their explanation is missing
  } finally {
    opened.end()
  }
}

function targetOf({ ping, tcp, udp }: Check, labIndex: LabIndex): string | undefined {
  const place = tcp ?? udp
  const host = place === undefined ? ping : splitPort(place).host
  return host === undefined ? undefined : addressOf(labIndex, host)
}

/** The ARP requests and neighbor solicitations that were not answered at the interface where they were sent. */
function unanswered(questions: readonly TraceHop[], all: readonly Packet[]): TraceHop[] {
  const answers = new Set(
    all.flatMap(({ protocol, source, bytes }) =>
      (protocol === 'arp' && bytes.readUInt16BE(6) === 2) || (protocol === 'icmp6' && bytes[40] === 136)
        ? [source]
        : [],
    ),
  )
  return questions.filter(({ packet }) => !answers.has(sought(packet) ?? ''))
}

/** Without packets that a bridge flooded to hosts to which they were not addressed. */
export function withoutStrays(hops: readonly TraceHop[], labIndex: Pick<LabIndex, 'nodes' | 'live'>): TraceHop[] {
  const { nodes } = labIndex
  const strays = hops.filter(
    ({ namespace, device, packet }) => packet.strange && !nodes.get(namespace)?.carriers.has(device),
  )
  const isBefore = (hop: TraceHop): boolean =>
    hop.packet.direction === 'out' &&
    strays.some(
      (stray) =>
        peerOf(labIndex, hop.namespace, hop.device) === linkId(stray.namespace, stray.device) &&
        hop.packet.bytes.equals(stray.packet.bytes),
    )
  return hops.filter((hop) => !strays.includes(hop) && !isBefore(hop))
}

/**
 * Names interfaces on the way that are down: the target's, the other end of its cable and, if there is no route to the
 * target, those of the sender.
 */
function downOnTheWay(from: string, hops: readonly TraceHop[], labIndex: LabIndex, target = ''): string {
  const { live, nodes } = labIndex
  const holder = holderOf(labIndex, target)
  const end = holder === undefined ? undefined : peerOf(labIndex, namespaceOf(holder), nameOf(holder))
  const routes = nodes.get(from)?.routes ?? []
  const own = hops.length || routes.some((route) => contains(route, target)) ? [] : live.links(from)
  const needed = [holder, end, ...own.map(({ id }) => id)].filter((id) => id !== undefined)
  const found = [...new Set(needed)].filter((id) => live.resources.get(id)?.spec['up'] === false).map(placeText)
  return found.length ? `; ${found.join(', ')} ${found.length > 1 ? 'are' : 'is'} down` : ''
}

/** Whether a packet of a check is a request, a reply, or an ICMP error of a router or host. */
export function roleOf(packet: Packet): 'request' | 'reply' | 'error' {
  const { protocol, bytes } = packet
  const type = bytes[headerOf(bytes)] ?? 0
  if (protocol === 'icmp') return type === 8 ? 'request' : type === 0 ? 'reply' : 'error'
  if (protocol === 'icmp6') return type === 128 ? 'request' : type === 129 ? 'reply' : 'error'
  if (protocol === 'tcp') return opening(packet) ? 'request' : 'reply'
  return bytes.includes(GREETING) ? 'reply' : 'request'
}

/**
 * Describes where the packets of a check were lost. `hops` are in the order of time, `asked` are the unanswered ARP requests
 * and neighbor solicitations, `target` is the address of the check.
 */
export function whereLost(
  from: string,
  hops: readonly TraceHop[],
  labIndex: LabIndex,
  asked: readonly TraceHop[],
  target?: string,
): string | undefined {
  const last = (role: string): TraceHop | undefined => hops.findLast(({ packet }) => roleOf(packet) === role)
  const [request, reply, error] = [last('request'), last('reply'), last('error')]
  const question = (namespace: string): string => {
    const hop = asked.find((one) => one.namespace === namespace)
    return hop ? `: nobody at ${whereAt(hop)} has ${sought(hop.packet)}` : ''
  }
  if (!request) {
    const routes = labIndex.nodes.get(from)?.routes
    const routeless = target !== undefined && routes && !routes.some((route) => contains(route, target))
    const reason = routeless ? `: ${from} has no route to ${target}` : error ? `: ${errorText(error.packet)}` : ''
    return `no packet of it left ${from}${question(from) || reason}`
  }
  if (reply) {
    const [origin, place] = [hops.find(({ packet }) => roleOf(packet) === 'reply'), whereAt(reply)]
    const who = origin?.namespace ?? reply.namespace
    const back = reply.namespace === from && reply.packet.direction === 'in'
    if (back && reply.packet.protocol === 'tcp') return isReset(reply.packet.bytes) ? `${who} refused it` : undefined
    if (back) return `${who} answered, and the reply arrived at ${place}${hint(labIndex, reply, 'INPUT')}`
    return `${who} answered, but the reply was lost: ${end(reply, labIndex, question)}`
  }
  if (error) {
    const source = hops.find(({ packet }) => roleOf(packet) === 'error')
    const who = `${source?.namespace ?? ''} (${error.packet.source})`
    return `${who} sent back: ${errorText(error.packet)}; the request: ${end(request, labIndex, question, isFilter(error.packet))}`
  }
  return end(request, labIndex, question)
}

/** An ICMP error in words, with the destination of the packet that it quotes. */
function errorText(packet: Packet): string {
  const { meaning, destination } = icmpErrorOf(packet)
  const isUnknown = /^(host|address) unreachable$/.test(meaning)
  return [
    meaning,
    isUnknown ? ', nobody has' : destination === undefined ? '' : ' for',
    destination && ` ${destination}`,
  ].join('')
}

/** Whether an ICMP error may come from a firewall or a `prohibit` route; other errors have other causes. */
const isFilter = (packet: Packet): boolean => /port unreachable|prohibited/.test(errorText(packet))

const whereAt = ({ namespace, device }: TraceHop): string => `${namespace}:${device}`

/** Where a packet was captured last, and the likely reason. */
function end(hop: TraceHop, labIndex: LabIndex, question: (namespace: string) => string, hints = true): string {
  const { namespace, device, packet } = hop
  if (packet.direction === 'out') {
    const peer = peerOf(labIndex, namespace, device)
    return `last seen leaving ${whereAt(hop)}${peer === undefined ? '' : `; never arrived at ${placeText(peer)}`} (${packetText(packet)})`
  }
  // A reply to a router's own address belongs to an address translation and goes on from there.
  if (holderNamespace(labIndex, packet.destination) === namespace && roleOf(packet) === 'request')
    return `arrived at ${whereAt(hop)}, and was not answered${hint(labIndex, hop, 'INPUT')} (${packetText(packet)})`
  return `arrived at ${whereAt(hop)}, and was not forwarded${(hints && hint(labIndex, hop, 'FORWARD')) || question(namespace)} (${packetText(packet)})`
}

/** Settings of the namespace that may be the reason. */
function hint(labIndex: LabIndex, { namespace, device, packet }: TraceHop, chain: 'INPUT' | 'FORWARD'): string {
  const node = labIndex.nodes.get(namespace)
  const family = packet.source.includes(':') ? 6 : 4
  const rules = node?.firewall[family] ?? ''
  const routeless = (address: string): string =>
    node && !node.routes.some((route) => contains(route, address)) ? `${namespace} has no route to ${address}` : ''
  // Packets at the port of a bridge are not routed.
  const isPassed = chain === 'FORWARD' && node?.carriers.has(device) === true
  const reasons = [
    isPassed ? '' : routeless(chain === 'INPUT' ? packet.source : packet.destination),
    chain === 'FORWARD' && node?.forwards[family] === false && !isPassed ? 'forwarding is off there' : '',
    new RegExp(`^:${chain} DROP`, 'm').test(rules) ? `the policy of ${chain} is DROP there` : '',
    new RegExp(`-A ${chain} .*-j (DROP|REJECT)`).test(rules) ? `${chain} has rules that drop` : '',
  ].filter(Boolean)
  return reasons.length ? `: ${reasons.join(', ')}` : ''
}
