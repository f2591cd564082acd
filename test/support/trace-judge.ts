import type { TraceRequest } from '../../src/session/protocol.ts'
import type { Way, WayHop, WayPacket, WayRule } from '../../src/model/packet-way.ts'
import { complaintsOfEnd } from './trace-ends.ts'
import { seenFrame, ttlOf, type SeenFrame } from './trace-frames.ts'
import type { Evidence, Frame, Witness, WitnessedLink } from './witness.ts'

/** What a judge compares with one way. */
export interface Case {
  readonly request: TraceRequest
  readonly way: Way
  readonly evidence: Evidence
  /** What else happened before: rules may have counted it only now. */
  readonly earlier?: Evidence | undefined
  /** The frames of this packet, of its answer and of errors. */
  readonly frames: readonly SeenFrame[]
  readonly witness: Witness
  readonly listeners: readonly string[]
}

/** Returns the function that says what of a way the evidence contradicts. It takes the ways in the order in which they happened. */
export function openJudge(
  witness: Witness,
  listeners: readonly string[],
): (request: TraceRequest, way: Way, evidence: Evidence) => string[] {
  const known = new Set<string>()
  let last: Evidence | undefined
  return (request, way, evidence) => {
    const all = evidence.frames.flatMap((frame) => seenFrame(frame) ?? [])
    // An error may come seconds after the packet that it quotes.
    const fresh = all.filter(({ exchange }) => !known.has(exchange))
    // What waited for a neighbour since an earlier packet may leave now, from another namespace.
    const sent = fresh.filter(
      ({ part, namespace, device, direction }) =>
        part === 'request' && namespace === request.from && (direction === 'out' || device === 'lo'),
    )
    // A packet may be lost before any interface, and an error about it or a reset be all that is seen.
    const isAbout = ({ quoted, part, inner: { protocol, source: destination, sport: dport } }: SeenFrame): boolean =>
      quoted ? isFor(quoted, request) : part === 'reply' && isFor({ protocol, destination, dport }, request)
    const opened = sent.length ? sent : fresh.filter(isAbout).slice(-1)
    const exchanges = new Set(opened.map(({ exchange }) => exchange))
    for (const { exchange } of fresh) known.add(exchange)
    if (exchanges.size > 1) return [`there were packets of ${exchanges.size} exchanges`]
    const frames = all.filter(({ exchange }) => exchanges.has(exchange))
    const one: Case = { request, way, evidence, earlier: last, frames, witness, listeners }
    // An error may come while the witness looks: its frame is evidence already, and the rules count it only for the next packet.
    const isOwn = (frame: Frame): boolean => {
      const seen = seenFrame(frame)
      return seen !== undefined && seen.part !== 'error' && exchanges.has(seen.exchange)
    }
    last = { ...evidence, frames: evidence.frames.filter((frame) => !isOwn(frame)) }
    return [...complaintsOfPoints(one), ...complaintsOfRoutes(one), ...complaintsOfRules(one), ...complaintsOfEnd(one)]
  }
}

/** Whether a packet is the one of a request, before anything translates it. */
const isFor = (
  {
    protocol,
    destination,
    dport,
  }: Pick<SeenFrame['inner'], 'protocol' | 'destination'> & { readonly dport?: number | undefined },
  request: TraceRequest,
): boolean =>
  protocol.startsWith(request.protocol) &&
  [destination, `${destination}:${dport}`, `[${destination}]:${dport}`].includes(request.to)

type Fields = Pick<WayPacket, 'source' | 'destination' | 'sport' | 'dport'>

const fieldsOf = ({ source, destination, sport, dport }: Fields): string =>
  [source, sport ?? '', destination, dport ?? ''].join(' ')

/** The packet as a hop says that it came, and as it left after everything that was rewritten. */
function beforeAndAfter({ packet, rewrites }: WayHop): { before: Fields; after: Fields; wrong: string[] } {
  let after: Fields = packet
  const wrong: string[] = []
  for (const { field, before, after: now } of rewrites) {
    if (field === 'mark') continue
    if (String(after[field]) !== before)
      wrong.push(`${field} was ${after[field]} and not ${before} before it was rewritten`)
    after = { ...after, [field]: field === 'sport' || field === 'dport' ? Number(now) : now }
  }
  return { before: packet, after, wrong }
}

/** The parts of an exchange that a way tells of, with their hops. */
const told = ({ hops, reply }: Way): (readonly [SeenFrame['part'], readonly WayHop[]])[] => [
  ['request', hops],
  ...(reply ? [[reply.kind === 'answer' ? ('reply' as const) : ('error' as const), reply.hops] as const] : []),
]

/** Whether a frame is the copy of a packet that a bridge sends to all, as long as it does not know who has the address. */
const isCopy = ({ strange, direction, namespace, device }: SeenFrame, { links }: Witness): boolean =>
  strange ||
  (direction === 'out' && links.get(namespace)!.some(({ ifname, master }) => ifname === device && master !== undefined))

/** Each interface that the way tells of was passed, by the packet that it says, and no other one was. */
function complaintsOfPoints({ request, way, frames, evidence, witness }: Case): string[] {
  const complaints: string[] = []
  const explained = new Set<SeenFrame>()
  for (const [part, hops] of told(way))
    for (const hop of hops) {
      const { before, after, wrong } = beforeAndAfter(hop)
      complaints.push(...wrong.map((text) => `${hop.namespace}: ${text}`))
      for (const [i, { interface: device, direction, carried_by }] of hop.interfaces.entries()) {
        const here = frames.filter(
          (one) =>
            one.part === part &&
            one.namespace === hop.namespace &&
            one.device === device &&
            one.direction === direction &&
            (one.inner === one.packet) === (carried_by === undefined),
        )
        const isFirst = i === 0 && hop.in !== undefined
        const isLast = i === hop.interfaces.length - 1
        const fitting = here.filter(
          ({ inner, packet }) =>
            ((fieldsOf(inner) === fieldsOf(before) && !(isLast && hop.out !== undefined)) ||
              (fieldsOf(inner) === fieldsOf(after) && !isFirst)) &&
            (!carried_by || (packet.source === carried_by.source && packet.destination === carried_by.destination)),
        )
        for (const one of fitting) explained.add(one)
        if (fitting.length === 0)
          complaints.push(
            `nobody saw the ${part} at ${hop.namespace}:${device} ${direction}: ${fieldsOf(before)} or ${fieldsOf(after)}; ` +
              `there was: ${here.map(({ inner }) => fieldsOf(inner)).join(', ') || 'nothing'}`,
          )
      }
    }
  const parts = new Set(told(way).map(([part]) => part))
  const others = frames.filter((one) => parts.has(one.part) && !explained.has(one) && !isCopy(one, witness))
  // Errors about the answer are not told of.
  const untold = others
    .filter(({ part, quoted }) => part !== 'error' || quoted?.part === 'request')
    .filter((one) => isToBeTold(one) && !isRepeated(one))
  for (const { namespace, device, direction, part, inner } of untold)
    complaints.push(`the way does not tell of the ${part} at ${namespace}:${device} ${direction}: ${fieldsOf(inner)}`)
  return complaints

  /**
   * An opening that was sent again may take another way of several (IPv6 changes its flow label: tcp_write_timeout in
   * net/ipv4/tcp_timer.c), and masquerading may give it another port, and then its answer as well. It passes a place once each time.
   */
  function isRepeated({ part, namespace, device, direction, inner }: SeenFrame): boolean {
    const place = [part, namespace, device, direction, ttlOf(inner)].join(' ')
    const here = others.filter(
      (one) => [one.part, one.namespace, one.device, one.direction, ttlOf(one.inner)].join(' ') === place,
    )
    return here.length <= (evidence.counters.get(request.from)?.get('TcpExt.TCPSynRetrans') ?? 0)
  }

  /** An answer to a datagram is known by its port only, unless it has the same bytes. */
  function isToBeTold({ part, inner }: SeenFrame): boolean {
    const isHidden = way.reply?.hops[0]?.unknown?.startsWith('from where') || /by which way is unknown/.test(way.reason)
    return !(part === 'reply' && isHidden && inner.dport !== way.hops[0]?.packet.sport)
  }
}

/** Frames went to the next hop that the way says. */
function complaintsOfRoutes({ way, frames, witness }: Case): string[] {
  const has = (links: readonly WitnessedLink[], address: string): boolean =>
    links.some(({ addr_info }) => addr_info.some(({ local }) => local === address))
  // A namespace answers for an address of IPv4 at each of its interfaces (arp_ignore in ip-sysctl.rst), or for everybody.
  const isOf = (mac: string, address: string): boolean =>
    [...witness.links].some(([namespace, links]) =>
      links
        .filter((link) => link.address?.replaceAll(':', '') === mac)
        .some((link) =>
          address.includes(':') ? has([link], address) : has(links, address) || witness.proxies.has(namespace),
        ),
    )
  return told(way).flatMap(([part, hops]) =>
    hops.flatMap((hop) => {
      const { namespace, out, route, carrier_route, interfaces } = hop
      // A packet may pass a namespace several times.
      const leaving = fieldsOf(beforeAndAfter(hop).after)
      const last = interfaces.at(-1)
      const used = last?.carried_by ? carrier_route : route
      const sent = frames.filter(
        (one) =>
          one.part === part &&
          one.namespace === namespace &&
          one.device === out &&
          one.direction === 'out' &&
          fieldsOf(one.inner) === leaving,
      )
      if (!used || sent.length === 0 || used.nexthops) return []
      const complaints: string[] = []
      if (used.dev !== undefined && !interfaces.some((one) => one.interface === used.dev && one.direction === 'out'))
        complaints.push(`the route of ${namespace} leads to ${used.dev}, and the ${part} left by ${out}`)
      for (const { mac, packet } of sent) {
        const next = used.via ?? packet.destination
        if (!isOf(mac, next))
          complaints.push(`${namespace}:${out} sent the ${part} to ${mac}, which is not that of ${next}`)
      }
      return complaints
    }),
  )
}

/** Each rule that the way tells of counted the packet, and rules counted nothing else. */
function complaintsOfRules({ way, evidence, earlier, witness }: Case): string[] {
  const complaints: string[] = []
  const met = new Map<string, Map<string, number>>()
  for (const [, hops] of told(way))
    for (const { namespace, rules } of hops)
      for (const { table, chain, number, verdict } of rules) {
        const name = `${table} ${chain}`
        if (number === undefined) {
          const policy = witness.policies.get(namespace)?.get(name)
          if (policy !== verdict) complaints.push(`the policy of ${namespace} ${name} is ${policy}, and not ${verdict}`)
          continue
        }
        const here = met.get(namespace) ?? new Map<string, number>()
        met.set(namespace, here.set(`${name} ${number}`, (here.get(`${name} ${number}`) ?? 0) + 1))
      }
  for (const [namespace, counted] of evidence.rules) {
    const most = noiseIn(namespace, { way, evidence, earlier })
    for (const name of new Set([...counted.keys(), ...(met.get(namespace)?.keys() ?? [])])) {
      const [said, real] = [met.get(namespace)?.get(name) ?? 0, counted.get(name) ?? 0]
      if (real < said || real > said + most)
        complaints.push(
          `${namespace}: rule ${name} counted ${real} packets, and the way says ${said} (others: ${most})`,
        )
    }
  }
  return complaints
}

/** How many packets that the way does not tell of may have met rules of a namespace: others that were seen there, or made there. */
function noiseIn(namespace: string, { way, evidence, earlier }: Pick<Case, 'way' | 'evidence' | 'earlier'>): number {
  const isHere = (one: Frame): boolean => one.namespace === namespace && one.packet.protocol !== 'arp'
  const late = earlier?.frames.filter(isHere).length ?? 0
  const seen = evidence.frames.filter(isHere).length
  const hops = told(way).flatMap(([, all]) => all.filter((hop) => hop.namespace === namespace))
  const points = hops.flatMap(({ interfaces }) => interfaces)
  const madeBy = (one: Evidence | undefined): number =>
    MADE.reduce((sum, name) => sum + (one?.counters.get(namespace)?.get(name) ?? 0), 0)
  const toldMade = hops.filter((hop) => hop.in === undefined).length
  const all = late + Math.max(0, seen - points.length) + Math.max(0, madeBy(evidence) - toldMade) + madeBy(earlier)
  // A rule that rejects answers each of them by a packet that is not counted as made.
  const rejects = hops.some(({ rules }) => rules.some(({ text }) => /reject/i.test(text)))
  return rejects ? 2 * all : all
}

/** The counters of packets that are made in a namespace. */
const MADE = ['Ip.OutRequests', 'Ip6OutRequests']

/** A rule in words, as evidence names it. */
export const countedName = ({ table, chain, number }: Pick<WayRule, 'table' | 'chain' | 'number'>): string =>
  `${table} ${chain} ${number ?? ''}`.trim()
