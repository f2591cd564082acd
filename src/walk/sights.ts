import { setTimeout as sleep } from 'node:timers/promises'
import type { LabIndex } from '../checks/lab-index.ts'
import { groupedBy } from '../model/grouped.ts'
import type { WaitingNeighbor } from './waiting-neighbors.ts'
import { roleIn, withAnswers, type Flow, type Seen } from './needles.ts'
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
  /** What has grown in /proc/net/snmp, snmp6 and netstat, by namespace: `Ip.InNoRoutes` → how much. */
  readonly counters: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** Namespaces whose steps cannot be seen, and why. */
  readonly blind: ReadonlyMap<string, string>
  readonly refused?: NonNullable<Sent['refused']>
  /** The answer has come to the socket of the sender. */
  readonly isAnswered: boolean
}

/** Where a packet is watched. */
export interface WatchedLab {
  /** The packet is sent from the first. */
  readonly watched: readonly Watched[]
  readonly machineOf: (namespace: string) => WalkMachine
  /** Whether there may be tunnels. */
  readonly tunnels: boolean
  readonly labIndex: LabIndex
  /** Whether a packet ends the exchange. */
  readonly isOver: (glimpse: Glimpse) => boolean
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
 * Watches these namespaces, sends the packet, and returns what was seen, when it has been answered or nothing more happens. Throws
 * Untried when a machine cannot watch, and PortTaken.
 */
export async function watchPacket(
  flow: Flow,
  { watched, machineOf, tunnels, labIndex, isOver }: WatchedLab,
): Promise<Sights> {
  let [quiet, isEnding] = [0, false]
  const seen = (glimpse: Glimpse): void => {
    if (!isEnding) quiet = 0
    isEnding ||= isOver(glimpse)
  }
  const parts = groupedBy(watched, ({ namespace }) => machineOf(namespace))
  const begun = await Promise.allSettled(
    [...parts].map(([machine, some]) => machine.watch({ flow, watched: some, tunnels }, seen)),
  )
  const watches = begun.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const end = (): Promise<MachineSights[]> => Promise.all(watches.map((watch) => watch.end()))
  let sent: Pick<Sent, 'refused'> | 'taken'
  try {
    for (const one of begun) if (one.status === 'rejected') throw one.reason
    sent = await watches[0]!.send(watched[0]?.netns)
    if (sent === 'taken') throw new PortTaken()
    quiet = 0
    const enough = (): number => (isEnding || (sent !== 'taken' && sent.refused) ? GRACE : QUIET[flow.protocol])
    const started = Date.now()
    for (let before = started; quiet < enough() && before < started + LONGEST;) {
      await sleep(PAUSE)
      const now = Date.now()
      quiet += Math.min(now - before, COUNTS)
      before = now
    }
  } catch (error) {
    await end().catch(() => {})
    throw error
  }
  const all = await end()
  const both = <T>(of: (one: MachineSights) => Iterable<T>): T[] => all.flatMap((one) => [...of(one)])
  const ordered = inOrder(
    all.map(({ sightings }) => sightings),
    labIndex,
  )
  const known = withAnswers(flow, ordered)
  return {
    flow: known,
    sightings: ordered.flatMap((one) => {
      const role = roleIn(one.packet, known)
      return role ? [{ ...one, role }] : []
    }),
    neighbors: both((one) => one.neighbors),
    waiting: both((one) => one.waiting),
    steps: new Map(both((one) => one.steps)),
    counters: new Map(both((one) => one.counters)),
    blind: new Map(both((one) => one.blind)),
    isAnswered: all.some((one) => one.isAnswered),
    ...(sent.refused && { refused: sent.refused }),
  }
}
