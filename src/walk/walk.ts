import { netnsOf, type LabIndex } from '../checks/lab-index.ts'
import { isLink } from '../model/topology.ts'
import { placeIn } from '../model/place.ts'
import type { LiveChain } from '../model/firewall.ts'
import type { Dump, Runner } from '../model/runner.ts'
import type { Way, WayHop, WayPoint, WayRoute, WayRule, WayWire } from '../model/packet-way.ts'
import { linkId } from '../model/resource.ts'
import { bridgeOf, hopsOf, isLoop, lastVisit, statesOf, wayPacket, type Hop } from './hops.ts'
import type { Knowledge } from './end.ts'
import { newFlows, type Aim } from './needles.ts'
import {
  anySource,
  openRoutes,
  wayRoute,
  type RouteAnswer,
  type RouteOracle,
  type RouteQuestion,
} from './route-asked.ts'
import { NOT_ALONE } from './routing-loss.ts'
import { readRuleBook, type RuleBook } from './rule-book.ts'
import { PortTaken } from './send-packet.ts'
import { watchPackets, type Sights, type WatchedLab } from './sights.ts'
import { rewritesOf, type Visit } from './visits.ts'
import { endOfAll } from './way-end.ts'
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

/** A packet to be sent. With a `size`, it is not fragmented; tcp has none. */
export interface WalkRequest extends Aim {
  readonly from: string
  /** As it was typed. */
  readonly to: string
}

/** How often another source port is tried when a program has it. */
const TRIES = 5

/**
 * Sends the packets, `MOST_FLOWS` at most, and tells the way of each and of its answer. Throws Untried when one cannot be sent or
 * watched.
 */
export async function walk(requests: readonly WalkRequest[], kit: WalkKit): Promise<Way[]> {
  for (const { from } of requests) netnsOf(kit.labIndex, from)
  const sights = await sightsOfAll(requests, kit)
  const ways = await Promise.all(requests.map((request, i) => explained(request, sights[i]!, kit)))
  // What has grown while one was alone is its own.
  for (const [i, { reason }] of ways.entries())
    if (ways.length > 1 && reason.includes(NOT_ALONE)) [ways[i]] = (await walk([requests[i]!], kit)) as [Way]
  return ways
}

/** The way of a packet of which this was seen. */
async function explained(request: WalkRequest, sights: Sights, kit: WalkKit): Promise<Way> {
  const { labIndex } = kit
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
  const { labIndex, dumps, wireOf } = kit
  const questionOf: Knowledge['questionOf'] = ({ namespace, role }, visit) => {
    const question = packetAtRouting(visit)
    const about = requests.findLast((one) => one.namespace === namespace)
    const isSourceless = role === 'error' && visit?.iif === undefined && about && !isFor(about, labIndex)
    if (!question || !isSourceless) return question
    return { ...question, packet: { ...question.packet, source: anySource(question.packet.destination) } }
  }
  const askRoute = (hop: Hop, visit = lastVisit(hop)): RouteAnswer | undefined => {
    const question = questionOf(hop, visit)
    return question && routes.ask(hop.namespace, question)
  }
  const askFor: Knowledge['askFor'] = (namespace, packet, mark = 0) =>
    routes.ask(namespace, { packet: { bytes: Buffer.alloc(0), ...packet }, mark })
  const known: Knowledge = { labIndex, sights, dumps, rulesOf, questionOf, askRoute, askFor, wireOf }
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

async function sightsOfAll(
  requests: readonly WalkRequest[],
  { labIndex, dumps, machineOf }: WalkKit,
): Promise<Sights[]> {
  const names = new Set([...requests.map(({ from }) => from), ...labIndex.nodes.keys()])
  const lab: WatchedLab = {
    watched: [...names].map((namespace) => ({
      namespace,
      ...placeIn(labIndex.places.get(namespace)),
      bridges: /^table bridge /m.test(dumps.get(namespace)?.nftables ?? ''),
    })),
    ...{ machineOf, labIndex, tunnels: hasTunnels(labIndex) },
  }
  for (let tries = 1; ; tries++)
    try {
      const flows = newFlows(requests)
      const departures = flows.map((flow, i) => ({ from: requests[i]!.from, flow }))
      return await watchPackets(departures, lab)
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

/**
 * Whether the packet of a hop is for its namespace. The kernel gives an error about one that is not its source only when it has the
 * route of the error (icmp_send in net/ipv4/icmp.c, icmp6_send in net/ipv6/icmp.c): rules for sources do not apply.
 */
function isFor(hop: Hop, { live }: LabIndex): boolean {
  const { destination = '' } = statesOf(hop).at(-1)?.packet ?? {}
  return live.holders(destination).some(({ namespace }) => namespace === hop.namespace)
}

/** What the kernel is asked for a route: the packet as it was when its route was chosen. */
function packetAtRouting(visit: Visit | undefined): RouteQuestion | undefined {
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
    const question = known.questionOf(hop, visit)
    const answer = known.askRoute(hop, visit)
    if (!question || !answer || !('route' in answer)) return undefined
    const device = question.iif === undefined ? undefined : labIndex.nodes.get(namespace)?.interfaces.get(question.iif)
    const rules = (question.packet.source.includes(':') ? dump?.rules6 : dump?.rules) ?? []
    return wayRoute(answer.route, { ...question, ...(device !== undefined && { device }) }, rules)
  }
  const inner = visits.findLast(({ family }) => family === 'inet')
  const route = bridge === undefined ? ofVisit(inner) : undefined
  const carrierRoute = ofVisit(hop.every.findLast(({ carries, iif }) => carries && iif === undefined))
  const neighbor = neighborOf(hop, route?.via ?? known.questionOf(hop, inner)?.packet.destination, sights, labIndex)
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
