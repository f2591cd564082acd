import { kindOf } from '../kinds/index.ts'
import type { Lab } from '../language/load-lab.ts'
import type { Peer } from './connect.ts'
import type { CarryEvent } from './on-machine-others.ts'

/** Lets the machines start the programs of a plan together, and those that come after others on another machine when these are ready. */
export interface Meeting {
  /** Takes what a machine says. */
  readonly take: (peer: Peer, event: CarryEvent) => void
  /** A machine has ended its part, or is lost. */
  readonly left: (peer: Peer) => void
}

/** A program that comes before some on other machines. */
interface Awaited {
  readonly id: string
  /** The machine that starts it. */
  readonly of: string
  /** The machines that wait for it. */
  readonly by: Set<string>
}

/** The machines meet before they start these programs (by id, on which machine); undefined when there are none. */
export function openMeeting(
  peers: readonly Peer[],
  lab: Lab,
  starts: ReadonlyMap<string, string>,
): Meeting | undefined {
  if (starts.size === 0) return undefined
  const pending = awaitedIn(lab, starts)
  const missing = new Set(peers)
  const arrive = (peer: Peer): void => {
    if (!missing.delete(peer) || missing.size > 0) return
    const all = [...pending.values()]
    for (const one of peers) {
      const awaited = all.flatMap(({ id, by }) => (by.has(one.name) ? [id] : []))
      const watched = all.flatMap(({ id, of }) => (of === one.name ? [id] : []))
      one.ask('proceed', { awaited, watched }).catch(() => {})
    }
  }
  const pass = (id: string, isReady: boolean): void => {
    const { by = new Set() } = pending.get(id) ?? {}
    pending.delete(id)
    for (const peer of peers) if (by.has(peer.name)) peer.ask('heard', { program: id, isReady }).catch(() => {})
  }
  return {
    take(peer, event) {
      if ('reached' in event) arrive(peer)
      else pass(event.program, event.isReady)
    },
    left(peer) {
      arrive(peer)
      for (const { id, of } of [...pending.values()]) if (of === peer.name) pass(id, false)
    },
  }
}

/** Of the programs that are started (by id, on which machine), those that come before some on other machines. */
function awaitedIn({ resources }: Lab, starts: ReadonlyMap<string, string>): Map<string, Awaited> {
  const awaited = new Map<string, Awaited>()
  for (const [follower, machine] of starts) {
    const r = resources.get(follower)
    for (const id of r ? (kindOf(r.kind).awaits?.(r) ?? []) : []) {
      const of = starts.get(id)
      if (of === undefined || of === machine) continue
      const one = awaited.get(id) ?? { id, of, by: new Set() }
      one.by.add(machine)
      awaited.set(id, one)
    }
  }
  return awaited
}
