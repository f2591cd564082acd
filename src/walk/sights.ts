import { setTimeout as sleep } from 'node:timers/promises'
import type { LabIndex } from '../checks/lab-index.ts'
import { groupedBy } from '../model/grouped.ts'
import type { WaitingNeighbor } from './waiting-neighbors.ts'
import { roleIn, withAnswers, withQuotes, type Flow, type Seen } from './needles.ts'
import type { TraceStep } from './nft-trace.ts'
import { PortTaken, type Sent } from './send-packet.ts'
import { inOrder } from './sight-order.ts'
import type { Glimpse, MachineSights, WalkMachine } from './walk-machine.ts'

/** A namespace that is watched. */
export interface Watched {
  readonly namespace: string
  /** Its name under /run/netns, or a path; absent: where netlab runs. */
  readonly netns?: string
  /** It has rules of the bridge family. */
  readonly bridges: boolean
}

/** A packet of the exchange at an interface. */
export interface Sighting extends Seen {
  readonly namespace: string
  readonly ifindex: number
  readonly direction: 'in' | 'out'
  /** It came in, but was addressed to another host's MAC address. */
  readonly strange: boolean
  /** Nanoseconds since 1970, by the clock of its machine. */
  readonly time: bigint
}

/** A question for a neighbour, or an answer, at an interface. */
export interface NeighborSighting {
  readonly namespace: string
  readonly ifindex: number
  readonly direction: 'in' | 'out'
  /** The address that is asked for; absent: an answer. */
  readonly sought?: string
  /** Who asks or answers. */
  readonly source: string
  readonly time: bigint
}

/** Everything that was seen of a packet and its answer. */
export interface Sights {
  readonly flow: Flow
  /** In order. */
  readonly sightings: readonly Sighting[]
  readonly neighbors: readonly NeighborSighting[]
  /** The neighbours without an answer, at the end. */
  readonly waiting: readonly WaitingNeighbor[]
  /** The steps through rules, in order, by namespace. */
  readonly steps: ReadonlyMap<string, readonly TraceStep[]>
  /** Other packets were traced at the same time: what has grown may be of them. */
  readonly isShared: boolean
  /** What has grown in /proc/net/snmp, snmp6 and netstat, by namespace: `Ip.InNoRoutes` → how much. */
  readonly counters: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** By namespace, the UDP ports of programs; empty unless a datagram was sent. */
  readonly udpPorts: ReadonlyMap<string, ReadonlySet<number>>
  /** Namespaces whose steps cannot be seen, and why. */
  readonly blind: ReadonlyMap<string, string>
  readonly refused?: NonNullable<Sent['refused']>
  /** The answer has come to the socket of the sender. */
  readonly isAnswered: boolean
}

/** Where packets are watched. */
export interface WatchedLab {
  readonly watched: readonly Watched[]
  readonly machineOf: (namespace: string) => WalkMachine
  /** Whether there may be tunnels. */
  readonly tunnels: boolean
  readonly labIndex: LabIndex
}

/** A packet, and the namespace from which it is sent. */
export interface Departure {
  readonly from: string
  readonly flow: Flow
}

/**
 * For how long nothing more may happen, in milliseconds, until nothing will. The kernel asks for a neighbour once a second, three
 * times (retrans_time_ms in neighbour(7)); an opening of tcp is repeated after a second.
 */
const QUIET = { udp: 1200, icmp: 1200, tcp: 900 } as const
/** How long after the answer the rest of its steps may arrive. */
const GRACE = 30
/** How often it is looked at whether that is over, and as how much time one look counts at most: a busy machine has its own time. */
const [PAUSE, COUNTS] = [10, 20]
/** Longer than this nothing takes, in milliseconds. */
const LONGEST = 30_000

/**
 * Watches these namespaces, sends the packets, and returns what was seen of each, when all have been answered or nothing more happens.
 * Throws Untried when a machine cannot watch, and PortTaken.
 */
export async function watchPackets(
  departures: readonly Departure[],
  { watched, machineOf, tunnels, labIndex }: WatchedLab,
): Promise<Sights[]> {
  const flows = departures.map(({ flow }) => flow)
  const ended = new Set<number>()
  /** For how long nothing of each has happened, in milliseconds. What begins again later is sent again, or somebody else's. */
  const quiet = flows.map(() => 0)
  const enough = (flow: number): number => (ended.has(flow) ? GRACE : QUIET[flows[flow]!.protocol])
  const isOpen = (flow: number): boolean => quiet[flow]! < enough(flow)
  const seen = ({ flow, role, namespace, direction }: Glimpse): void => {
    if (ended.has(flow) || !isOpen(flow)) return
    quiet[flow] = 0
    if (role !== 'request' && direction === 'in' && namespace === departures[flow]?.from) ended.add(flow)
  }
  const parts = groupedBy(watched, ({ namespace }) => machineOf(namespace))
  const begun = await Promise.allSettled(
    [...parts].map(async ([machine, some]) => {
      const watch = await machine.watch({ flows, watched: some, tunnels }, seen)
      return [machine, watch] as const
    }),
  )
  const watches = new Map(begun.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])))
  const end = (): Promise<MachineSights[]> => Promise.all([...watches.values()].map((watch) => watch.end()))
  const refused: Pick<Sent, 'refused'>[] = []
  try {
    for (const one of begun) if (one.status === 'rejected') throw one.reason
    for (const [flow, { from }] of departures.entries()) {
      const netns = watched.find(({ namespace }) => namespace === from)?.netns
      const sent = await watches.get(machineOf(from))!.send(flow, netns)
      if (sent === 'taken') throw new PortTaken()
      refused.push(sent)
      if (sent.refused) ended.add(flow)
    }
    const started = Date.now()
    for (let before = started; [...flows.keys()].some(isOpen) && before < started + LONGEST;) {
      await sleep(PAUSE)
      const now = Date.now()
      for (const flow of flows.keys()) quiet[flow]! += Math.min(now - before, COUNTS)
      before = now
    }
  } catch (error) {
    await end().catch(() => {})
    throw error
  }
  const all = await end()
  const both = <T>(of: (one: MachineSights) => Iterable<T>): T[] => all.flatMap((one) => [...of(one)])
  const common = {
    isShared: flows.length > 1,
    neighbors: both((one) => one.neighbors),
    waiting: both((one) => one.waiting),
    steps: new Map(both((one) => one.steps)),
    counters: new Map(both((one) => one.counters)),
    udpPorts: new Map(both((one) => one.udpPorts)),
    blind: new Map(both((one) => one.blind)),
  }
  const reported = [...common.steps.values()].flat().flatMap(({ bytes }) => (bytes ? [{ bytes }] : []))
  return flows.map((flow, i) => {
    const lists = all.map(({ sightings }) => sightings.filter((one) => one.flow === i))
    const isAnswered = all.some(({ answered }) => answered.includes(i))
    return { ...common, ...ownSights(flow, inOrder(lists, labIndex), reported), isAnswered, ...refused[i] }
  })
}

/** What was seen of a packet at interfaces, in order, and of all packets in `reported` steps: the flow with what that tells of it. */
function ownSights(
  flow: Flow,
  ordered: readonly Sighting[],
  reported: readonly { readonly bytes: Buffer }[],
): Pick<Sights, 'flow' | 'sightings'> {
  const known = withQuotes(withAnswers(flow, ordered), [...ordered.map(({ packet }) => packet), ...reported])
  const sightings = ordered.flatMap((one) => {
    const role = roleIn(one.packet, known)
    return role ? [{ ...one, role }] : []
  })
  return { flow: known, sightings }
}
