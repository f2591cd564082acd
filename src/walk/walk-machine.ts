import type { Flow } from './needles.ts'
import type { RouteRequest } from './route-asked.ts'
import type { Sent } from './send-packet.ts'
import type { Sighting, Sights, Watched } from './sights.ts'

/** What is to be watched on a machine. */
export interface WatchRequest {
  readonly flows: readonly Flow[]
  readonly watched: readonly Watched[]
  /** Whether the packets may be in tunnels. */
  readonly tunnels: boolean
}

/** What the one who asks is told of a packet at once. */
export type Glimpse = Pick<FlowSighting, 'flow' | 'role' | 'namespace' | 'direction'>

/** A packet of one of several exchanges at an interface. */
export interface FlowSighting extends Sighting {
  /** The index of the packet that is watched. */
  readonly flow: number
}

/** What was seen on one machine. */
export interface MachineSights extends Omit<Sights, 'flow' | 'sightings' | 'refused' | 'isShared' | 'isAnswered'> {
  readonly sightings: readonly FlowSighting[]
  /** The indexes of the packets whose answers have come to their senders. */
  readonly answered: readonly number[]
}

/** Packets that are watched on a machine. */
export interface Watch {
  /** Sends one, by its index, from a namespace there. `taken`: a program has the source port. Throws Untried when there can be no such packet. */
  readonly send: (flow: number, netns: string | undefined) => Promise<Pick<Sent, 'refused'> | 'taken'>
  /** Ends it, and returns what was seen. */
  readonly end: () => Promise<MachineSights>
}

/** A machine with namespaces of a lab, as a walk needs it: this one, or another. */
export interface WalkMachine {
  /** Begins to watch, and calls `seen` for each packet of the exchanges. Throws Untried when it cannot. */
  readonly watch: (request: WatchRequest, seen: (glimpse: Glimpse) => void) => Promise<Watch>
  /** What the kernel there answers, as messages of rtnetlink; undefined: nobody can be asked. */
  readonly askRoutes: (requests: readonly RouteRequest[]) => Promise<readonly (Buffer | undefined)[]>
}
