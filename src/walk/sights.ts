import { createRequire } from 'node:module'
import { loadPcap, type Tap } from '../backend/capture/libpcap.ts'
import { openSystem } from '../backend/netlink/libc.ts'
import { openPoller } from '../backend/poller.ts'
import { decodePacket, sought, type Packet } from '../checks/packet.ts'
import { Untried } from '../checks/lab-index.ts'
import { grownCounters, readCounters } from './counters.ts'
import { filterOf, needlesOf, recognise, type Flow, type Seen } from './needles.ts'
import { makeTable, openTrace, readTrace, type TraceStep } from './nft-trace.ts'
import { sendPacket, type Sent } from './send-packet.ts'

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
  /** Nanoseconds since 1970. */
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
  readonly sightings: readonly Sighting[]
  readonly neighbors: readonly NeighborSighting[]
  /** The steps through rules, in order, by namespace. */
  readonly steps: ReadonlyMap<string, readonly TraceStep[]>
  /** What has grown in /proc/net/snmp, snmp6 and netstat, by namespace: `Ip.InNoRoutes` → how much. */
  readonly counters: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** Namespaces whose steps cannot be seen, and why. */
  readonly blind: ReadonlyMap<string, string>
  readonly refused?: NonNullable<Sent['refused']>
}

const LINUX_SLL2 = 276
/** How many bytes of a packet are looked at, and how many the kernel keeps until they are. */
const [SNAPLEN, ROOM] = [320, 1 << 17]
/**
 * For how long nothing more may happen, in milliseconds, until nothing will. The kernel asks for a neighbour once a second, three
 * times (retrans_time_ms in neighbour(7)); an opening of tcp is repeated after a second.
 */
const QUIET = { udp: 1200, icmp: 1200, tcp: 900 } as const
/** How long after the answer the rest of its steps may arrive. */
const GRACE = 30
/** Longer than this nothing takes, in milliseconds. */
const LONGEST = 10_000

/**
 * Watches these namespaces, sends the packet from the first, and returns what was seen, when it has been answered or nothing
 * more happens. `isOver`: whether a sighting ends it; `tunnels`: whether there may be any. Throws Untried when it cannot watch.
 */
export async function watchPacket(
  flow: Flow,
  watched: readonly Watched[],
  isOver: (sighting: Sighting) => boolean,
  tunnels: boolean,
): Promise<Sights> {
  const koffi = createRequire(__filename).resolve('koffi')
  const openTap = usable(() => loadPcap(koffi))
  const system = usable(() => openSystem(koffi))
  const poller = openPoller(koffi)
  const filter = filterOf(flow)
  const taps = new Map<number, { readonly namespace: string; readonly tap: Tap }>()
  const traces = new Map<number, string>()
  const steps = new Map<string, TraceStep[]>()
  const blind = new Map<string, string>()
  const sightings: Sighting[] = []
  const neighbors: NeighborSighting[] = []
  const before = new Map<string, Map<string, number>>()
  const counters = new Map<string, Map<string, number>>()
  const needles = needlesOf(flow, tunnels)
  let sent: Sent | undefined
  let [last, over] = [0, 0]

  function open({ namespace, netns, bridges }: Watched): void {
    if (!system.enter(netns)) throw new Untried(`netlab cannot enter ${namespace}: ${system.error()}`)
    const tap = openTap('any', { filter, snaplen: SNAPLEN, room: ROOM })
    taps.set(tap.fd, { namespace, tap })
    poller.add(tap.fd)
    steps.set(namespace, [])
    const fd = openTrace(system)
    if (fd < 0) return void blind.set(namespace, 'the kernel has no nftables')
    traces.set(fd, namespace)
    poller.add(fd)
    try {
      makeTable(system, fd, 'inet', needles)
      if (bridges) makeTable(system, fd, 'bridge', needles)
    } catch (error) {
      blind.set(namespace, `nftables refuses to trace: ${(error as Error).message}`)
    }
  }

  function take(tap: Tap, namespace: string): void {
    for (let one = tap.next(); one; one = tap.next()) {
      const packet = decodePacket(Buffer.from(one.bytes), LINUX_SLL2)
      if (packet) notice({ time: one.time, ...packet }, namespace)
    }
  }

  function notice(packet: Packet, namespace: string): void {
    const { time, ifindex = 0, direction = 'in', strange = false } = packet
    const at = { namespace, ifindex, direction, time } as const
    const asked = sought(packet)
    const answers = packet.protocol === 'arp' || (packet.protocol === 'icmp6' && packet.bytes[40] === 136)
    if (asked !== undefined || answers) {
      neighbors.push({ ...at, ...(asked !== undefined && { sought: asked }), source: packet.source })
      return
    }
    const seen = recognise(packet.bytes, flow)
    if (!seen) return
    last = Date.now()
    const sighting = { ...at, strange, ...seen }
    sightings.push(sighting)
    if (isOver(sighting)) over ||= last
  }

  try {
    for (const one of watched) open(one)
    for (const { namespace, netns } of watched) if (system.enter(netns)) before.set(namespace, readCounters())
    const [from] = watched
    if (from) system.enter(from.netns)
    sent = sendPacket(system, koffi, flow)
    const started = (last = Date.now())
    for (;;) {
      const now = Date.now()
      const end = Math.min(over ? over + GRACE : last + QUIET[flow.protocol], started + LONGEST)
      if (now >= end) break
      for (const fd of await poller.wait(end - now)) {
        const one = taps.get(fd)
        const namespace = traces.get(fd)
        if (one) take(one.tap, one.namespace)
        if (namespace !== undefined && readTrace(system, fd, (step) => steps.get(namespace)?.push(step)))
          blind.set(namespace, 'the kernel dropped some of its reports')
      }
      if (sent.refused && Date.now() - started > GRACE) break
    }
    for (const { namespace, netns } of watched)
      if (system.enter(netns))
        counters.set(namespace, grownCounters(before.get(namespace) ?? new Map(), readCounters()))
  } catch (error) {
    if (error instanceof Untried) throw error
    throw new Untried((error as Error).message)
  } finally {
    sent?.close()
    for (const { tap } of taps.values()) tap.close()
    for (const fd of traces.keys()) system.libc.close(fd) // the kernel removes the table
    system.back()
    poller.close()
  }
  sightings.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
  return { flow, sightings, neighbors, steps, counters, blind, ...(sent.refused && { refused: sent.refused }) }
}

function usable<T>(load: () => T): T {
  try {
    return load()
  } catch (error) {
    throw new Untried((error as Error).message)
  }
}
