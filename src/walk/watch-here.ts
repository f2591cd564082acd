import { createRequire } from 'node:module'
import { loadPcap, type Tap } from '../backend/capture/libpcap.ts'
import { closeAll, closerAside } from '../backend/close-aside.ts'
import { udpPortsHere } from '../backend/listening.ts'
import { openSystem } from '../backend/netlink/libc.ts'
import { neighborsRefused } from '../backend/netlink/neighbor-room.ts'
import { openPoller } from '../backend/poller.ts'
import { decodePacket, sought, type Packet } from '../checks/packet.ts'
import { Untried } from '../checks/lab-index.ts'
import { grownCounters, NEIGHBORS_REFUSED, readCounters } from './counters.ts'
import { filterOf, needlesOf, recognise } from './needles.ts'
import { makeTable, openTrace, readTrace, type TraceStep } from './nft-trace.ts'
import { askRoutesHere } from './route-asked.ts'
import { PortTaken, sendPacket, type Sent } from './send-packet.ts'
import type { NeighborSighting, Watched } from './sights.ts'
import { waitingNeighbors, type WaitingNeighbor } from './waiting-neighbors.ts'
import type { FlowSighting, WalkMachine } from './walk-machine.ts'

const LINUX_SLL2 = 276
/** How many bytes of a packet are looked at, and how many the kernel keeps until they are. */
const [SNAPLEN, ROOM] = [320, 1 << 17]

/** Watches and sends in the namespaces of the machine that netlab runs on. The thread is in none of them in between. */
const watchHere: WalkMachine['watch'] = async ({ flows, watched, tunnels }, seen) => {
  const koffi = createRequire(__filename).resolve('koffi')
  const openTap = usable(() => loadPcap(koffi))
  const system = usable(() => openSystem(koffi))
  const poller = openPoller(koffi)
  const filter = filterOf(flows, tunnels)
  const taps = new Map<number, { readonly namespace: string; readonly tap: Tap }>()
  const traces = new Map<number, string>()
  const steps = new Map<string, TraceStep[]>()
  const blind = new Map<string, string>()
  const sightings: FlowSighting[] = []
  const neighbors: NeighborSighting[] = []
  const waiting: WaitingNeighbor[] = []
  const before = new Map<string, Map<string, number>>()
  const counters = new Map<string, Map<string, number>>()
  const udpPorts = new Map<string, Set<number>>()
  const hasDatagrams = flows.some(({ protocol }) => protocol === 'udp')
  let refused = 0
  const needles = needlesOf(flows, tunnels)
  const sent = new Map<number, Sent>()
  let ended = false

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
      blind.set(namespace, (error as Error).message)
    }
  }

  function take(fd: number): void {
    const one = taps.get(fd)
    for (let frame = one?.tap.next(); one && frame; frame = one.tap.next()) {
      const packet = decodePacket(Buffer.from(frame.bytes), LINUX_SLL2)
      if (packet) notice({ time: frame.time, ...packet }, one.namespace)
    }
    const namespace = traces.get(fd)
    if (namespace !== undefined && readTrace(system, fd, (step) => steps.get(namespace)?.push(step)))
      blind.set(namespace, 'the kernel dropped some of its reports')
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
    for (const [flow, one] of flows.entries()) {
      const found = recognise(packet.bytes, one)
      if (!found) continue
      sightings.push({ ...at, flow, strange, ...found })
      seen({ flow, role: found.role, namespace, direction })
    }
  }

  async function close(): Promise<void> {
    for (const one of sent.values()) one.close()
    system.back()
    poller.close()
    const close = closerAside(koffi)
    // With its trace socket, the kernel removes a table.
    const ofTraces = [...traces.keys()].map((fd) => () => close(fd))
    await closeAll([...taps.values()].map(({ tap }) => tap.close).concat(ofTraces))
  }

  /** Does something in these namespaces, and leaves them. */
  const inside = <T>(act: () => T): T => {
    try {
      return usable(act)
    } finally {
      system.back()
    }
  }

  try {
    inside(() => {
      for (const one of watched) open(one)
      refused = neighborsRefused(system)
      for (const { namespace, netns } of watched) if (system.enter(netns)) before.set(namespace, readCounters())
    })
  } catch (error) {
    await close()
    throw error
  }
  const watching = (async () => {
    while (!ended) for (const fd of await poller.wait(-1)) take(fd)
  })()
  watching.catch(() => {}) // whoever ends it is told
  return {
    send: async (flow, netns) =>
      inside(() => {
        system.enter(netns)
        try {
          const one = sendPacket(system, koffi, flows[flow]!)
          sent.set(flow, one)
          return one.refused ? { refused: one.refused } : {}
        } catch (error) {
          if (error instanceof PortTaken) return 'taken'
          throw error
        }
      }),
    async end() {
      const answered = [...sent].flatMap(([flow, one]) => (one.isAnswered() ? [flow] : []))
      ended = true
      poller.wake()
      try {
        await watching
        for (const fd of [...taps.keys(), ...traces.keys()]) take(fd)
        inside(() => {
          for (const one of watched) waiting.push(...waitingNeighbors(system, one))
          refused = neighborsRefused(system) - refused
          for (const { namespace, netns } of watched) {
            if (!system.enter(netns)) continue
            const grown = grownCounters(before.get(namespace) ?? new Map(), readCounters())
            counters.set(namespace, refused > 0 ? grown.set(NEIGHBORS_REFUSED, refused) : grown)
            if (hasDatagrams) udpPorts.set(namespace, udpPortsHere(system))
          }
        })
      } finally {
        await close()
      }
      sightings.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
      return { sightings, neighbors, waiting, steps, counters, udpPorts, blind, answered }
    },
  }
}

/** The machine that netlab runs on. */
export const walkHere: WalkMachine = { watch: watchHere, askRoutes: async (requests) => askRoutesHere(requests) }

/** Throws Untried for whatever is thrown. */
function usable<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof Untried) throw error
    throw new Untried((error as Error).message)
  }
}
