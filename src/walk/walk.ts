import { netnsOf, type LabIndex } from '../checks/lab-index.ts'
import { isLink } from '../model/topology.ts'
import { placeIn } from '../model/place.ts'
import type { LiveChain } from '../model/firewall.ts'
import type { Dump, Runner } from '../model/runner.ts'
import type { Way, WayHop, WayPoint, WayRoute, WayRule, WayWire } from '../model/packet-way.ts'
import { linkId } from '../model/resource.ts'
import { bridgeOf, hopsOf, isLoop, lastVisit, wayPacket, type Hop } from './hops.ts'
import { endOfHop, type End, type Knowledge } from './end.ts'
import { ENETUNREACH, noRouteText } from './no-route.ts'
import { icmpErrorText } from '../checks/icmp-errors.ts'
import { isReset } from '../checks/packet.ts'
import { newFlow, type Flow } from './needles.ts'
import { openRoutes, wayRoute, type RouteAnswer, type RouteOracle, type RouteQuestion } from './route-asked.ts'
import { readRuleBook, type RuleBook } from './rule-book.ts'
import { PortTaken } from './send-packet.ts'
import { watchPacket, type Sights, type WatchedLab } from './sights.ts'
import { rewritesOf, type State, type Visit } from './visits.ts'
import type { WalkMachine } from './walk-machine.ts'

/** What a walk needs to know of the lab. */
export interface WalkKit {
  readonly labIndex: LabIndex
  readonly dumps: ReadonlyMap<string, Dump>
  readonly runner: Runner
  /** The tables that the lab declares under `nftables` and that have names iptables uses as well, by namespace. */
  readonly ofNft: ReadonlyMap<string, readonly string[]>
  /** The machine on which a namespace is. */
  readonly machineOf: (namespace: string) => WalkMachine
  /** The wire between machines for which the cable of an interface stands, by the id of that. */
  readonly wireOf: (end: string) => WayWire | undefined
  /** Where the lab file has a chain, or the rule of it that is `at` this index. */
  readonly sourceOf: (namespace: string, chain: LiveChain, at: number | undefined) => string | undefined
}

/** A packet to be sent. */
export interface WalkRequest {
  readonly from: string
  /** As it was typed. */
  readonly to: string
  readonly protocol: Flow['protocol']
  readonly address: string
  readonly port?: number
  /** Of the whole packet, in bytes, which is not fragmented then; not of tcp. */
  readonly size?: number
}

/** How often another source port is tried when a program has it. */
const TRIES = 5

/** Sends the packet, and tells its way and that of its answer. Throws Untried when it cannot be sent or watched. */
export async function walk(request: WalkRequest, kit: WalkKit): Promise<Way> {
  const { labIndex } = kit
  netnsOf(labIndex, request.from)
  const sights = await sightsOf(request, kit)
  const roles = (['request', 'reply', 'error'] as const).map((role) => hopsOf(role, sights, labIndex))
  const books = await booksOf(roles.flat(), kit)
  const routes = openRoutes(labIndex, kit.machineOf)
  // What is told of one route may lead to a question for another.
  for (;;) {
    const told = wayOf(request, roles as [Hop[], Hop[], Hop[]], { sights, books, routes }, kit)
    if (!(await routes.inquire())) return told
  }
}

/** What was found out about a packet. */
interface Findings {
  readonly sights: Sights
  readonly books: ReadonlyMap<string, RuleBook>
  readonly routes: RouteOracle
}

/** The way of these hops, as far as the answers for their routes are known. */
function wayOf(
  { from, to }: WalkRequest,
  [requests, replies, errors]: [Hop[], Hop[], Hop[]],
  { sights, books, routes }: Findings,
  kit: WalkKit,
): Way {
  const rulesOf = (hop: Hop): readonly WayRule[] =>
    hop.every.flatMap(({ steps, carries }) =>
      steps.flatMap((step): WayRule[] => {
        const rule =
          step.kind === 'policy' || step.handle !== undefined ? books.get(hop.namespace)?.ruleOf(step) : undefined
        return rule ? [{ ...rule, ...(carries && { carrier: true as const }) }] : []
      }),
    )
  const askRoute = (hop: Hop, visit = lastVisit(hop)): RouteAnswer | undefined => {
    const question = questionOf(visit)
    return question && routes.ask(hop.namespace, question)
  }
  const askFor: Knowledge['askFor'] = (namespace, packet, mark = 0) =>
    routes.ask(namespace, { packet: { bytes: Buffer.alloc(0), ...packet }, mark })
  const { labIndex, dumps, wireOf } = kit
  const known: Knowledge = { labIndex, sights, dumps, rulesOf, askRoute, askFor, wireOf }
  const end = endOfAll(from, [requests, replies, errors], known)
  const written = (hops: readonly Hop[]): WayHop[] => hops.map((hop) => wayHop(hop, known, kit))
  const back = replies.length ? replies : errors
  const { at, ...outcome } = end
  return {
    ...{ from, to, ...outcome },
    ...(end.verdict !== 'answered' && { at }),
    hops: written(requests),
    ...(back.length && { reply: { kind: replies.length ? 'answer' : 'error', hops: written(back) } }),
  }
}

async function sightsOf(request: WalkRequest, { labIndex, dumps, machineOf }: WalkKit): Promise<Sights> {
  const { from } = request
  const names = [from, ...[...labIndex.nodes.keys()].filter((name) => name !== from)]
  const lab: WatchedLab = {
    watched: names.map((namespace) => ({
      namespace,
      ...placeIn(labIndex.places.get(namespace)),
      bridges: /^table bridge /m.test(dumps.get(namespace)?.nftables ?? ''),
    })),
    ...{ machineOf, labIndex, tunnels: hasTunnels(labIndex) },
    isOver: ({ role, namespace, direction }) => role !== 'request' && namespace === from && direction === 'in',
  }
  for (let tries = 1; ; tries++)
    try {
      return await watchPacket(newFlow(request), lab)
    } catch (error) {
      if (!(error instanceof PortTaken) || tries === TRIES) throw error
    }
}

/** Whether an interface of the lab carries packets in others. */
const hasTunnels = ({ live }: LabIndex): boolean =>
  [...live.resources.values()].some(
    (one) => isLink(one) && ['remote', 'local', 'dstport'].some((field) => field in one.spec),
  )

/** The rules of the namespaces in which the packet met some. */
async function booksOf(hops: readonly Hop[], { labIndex, dumps, runner, ofNft, sourceOf }: WalkKit) {
  const met = new Set(hops.filter(({ every }) => every.some(({ steps }) => steps.length)).map((hop) => hop.namespace))
  const books = await Promise.all(
    [...met].map(async (namespace): Promise<[string, RuleBook]> => {
      const place = placeIn(labIndex.places.get(namespace))
      const source = (chain: LiveChain, at?: number): string | undefined => sourceOf(namespace, chain, at)
      return [namespace, await readRuleBook(dumps.get(namespace)!, place, runner, ofNft.get(namespace), source)]
    }),
  )
  return new Map(books)
}

/** What the kernel is asked for a route: the packet as it was when its route was chosen. */
function questionOf(visit: Visit | undefined): RouteQuestion | undefined {
  const chosenAt = visit?.iif === undefined ? 'output' : 'prerouting'
  const state = visit?.states.findLast(({ hook }) => hook === chosenAt)
  return visit && state && { ...state, ...(visit.iif !== undefined && { iif: visit.iif }) }
}

function wayHop(hop: Hop, known: Knowledge, { labIndex, dumps, wireOf }: WalkKit): WayHop {
  const { namespace, points, visits } = hop
  const { sights } = known
  const [first, last] = [points[0], points.at(-1)]
  const states = statesOf(hop)
  const bridge = bridgeOf(hop, labIndex)
  const dump = dumps.get(namespace)
  const ofVisit = (visit: Visit | undefined): WayRoute | undefined => {
    const question = questionOf(visit)
    const answer = known.askRoute(hop, visit)
    if (!question || !answer || !('route' in answer)) return undefined
    const device = question.iif === undefined ? undefined : labIndex.nodes.get(namespace)?.interfaces.get(question.iif)
    const rules = (question.packet.source.includes(':') ? dump?.rules6 : dump?.rules) ?? []
    return wayRoute(answer.route, { ...question, ...(device !== undefined && { device }) }, rules)
  }
  const inner = visits.findLast(({ family }) => family === 'inet')
  const route = bridge === undefined ? ofVisit(inner) : undefined
  const carrierRoute = ofVisit(hop.every.findLast(({ carries, iif }) => carries && iif === undefined))
  const neighbor = neighborOf(hop, route?.via ?? questionOf(inner)?.packet.destination, sights, labIndex)
  const blind = sights.blind.get(namespace)
  const isMade = visits.length > 0 || hop.role !== 'reply' || first?.direction === 'in'
  return {
    namespace,
    ...(first?.direction === 'in' && !isLoop(first) && { in: first.device }),
    ...(last?.direction === 'out' && { out: last.device }),
    ...(bridge !== undefined && { bridge }),
    packet: wayPacket((states[0] ?? first!).packet),
    interfaces: points.map(({ device: name, direction, outer }): WayPoint => {
      const wire = direction === 'out' ? wireOf(linkId(namespace, name)) : undefined
      return { interface: name, direction, ...(outer && { carried_by: wayPacket(outer) }), ...(wire && { wire }) }
    }),
    ...(route && { route }),
    ...(carrierRoute && { carrier_route: carrierRoute }),
    ...(neighbor && { neighbor }),
    rules: known.rulesOf(hop),
    rewrites: rewritesOf(states),
    ...(blind !== undefined && bridge === undefined && { unknown: `its rules: ${blind}` }),
    ...(!isMade && blind === undefined && { unknown: 'from where the answer came: its ports are translated here' }),
    ...(visits.length === 0 && blind === undefined && bridge === undefined && dump?.legacy && { unknown: 'its rules' }),
  }
}

/** The packet at every place of a hop, in order: at its first interface, its hooks, and its last interface. */
function statesOf({ points, visits }: Hop): State[] {
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

function neighborOf(
  { namespace, points }: Hop,
  address: string | undefined,
  { neighbors }: Sights,
  { nodes }: LabIndex,
): WayHop['neighbor'] {
  const here = neighbors.filter((one) => one.namespace === namespace)
  const question = here.find((one) => one.direction === 'out' && one.sought !== undefined && one.sought === address)
  if (address === undefined || !question || points[0]?.namespace !== namespace) return undefined
  const answered = here.some((one) => one.direction === 'in' && one.sought === undefined && one.source === address)
  return { address, interface: nodes.get(namespace)?.interfaces.get(question.ifindex) ?? '?', answered }
}

/** The end of the whole: of the answer if there is one, of the error, or of the packet itself. */
function endOfAll(from: string, [requests, replies, errors]: [Hop[], Hop[], Hop[]], known: Knowledge): End {
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
  return {
    ...there,
    reason: `it arrived at ${place}, ${noWayBack(requests.at(-1)!, known) ?? `and nobody answered${listenedTo(there.at.namespace, known)}`}`,
  }
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

/** What the counters of the namespace say of a datagram or an opening that was not answered. */
function listenedTo(namespace: string, { sights }: Knowledge): string {
  const grown = sights.counters.get(namespace)
  if (sights.flow.protocol === 'udp')
    return grown?.has('Udp.InDatagrams') || grown?.has('Udp6InDatagrams') ? ': a program has it, and says nothing' : ''
  if (sights.flow.protocol === 'tcp' && (grown?.has('TcpExt.ListenOverflows') || grown?.has('TcpExt.ListenDrops')))
    return ': the queue of the program that listens is full'
  return ''
}
