import { kindOf } from '../kinds/index.ts'
import type { Lab } from '../language/load-lab.ts'
import type { Peer } from './connect.ts'
import type { CarryEvent, Ending } from './on-machine-others.ts'

/**
 * Lets the machines start the programs of a plan together. One that comes after a program on another machine is started when that is
 * ready, and ended before that is.
 */
export interface Meeting {
  /** What a machine is told of programs that are ended before others. */
  readonly endingOn: (peer: Peer) => { readonly ending?: Ending }
  /** Takes what a machine says. */
  readonly take: (peer: Peer, event: CarryEvent) => void
  /** A machine has ended its part, or is lost. */
  readonly left: (peer: Peer) => void
}

/** A program that comes before some on other machines: it is started before them, or ended. */
interface Awaited {
  readonly id: string
  /** The machine that starts or ends it. */
  readonly of: string
  /** The machines that wait for it. */
  readonly by: Set<string>
}

/** A program that is ended. */
export interface Ended {
  /** Its machine. */
  readonly of: string
  /** The ids of the programs that it comes after. */
  readonly after: readonly string[]
}

/** The programs of a plan: by id, those that it ends, and the machines of those that it starts. */
interface Programs {
  readonly ends: ReadonlyMap<string, Ended>
  readonly starts: ReadonlyMap<string, string>
}

/** The machines meet before they start programs, and end them in order; undefined when there is nothing to wait for. */
export function openMeeting(peers: readonly Peer[], lab: Lab, { ends, starts }: Programs): Meeting | undefined {
  const waits = waitsIn(ends)
  if (starts.size === 0 && waits.length === 0) return undefined
  const leaving = new Map<string, Awaited>()
  for (const { first, program } of waits) addTo(leaving, first, ends.get(first)!.of, ends.get(program)!.of)
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
    const those = leaving.has(id) ? leaving : pending // what is ended and started is ended first
    const { by = new Set() } = those.get(id) ?? {}
    those.delete(id)
    for (const peer of peers) if (by.has(peer.name)) peer.ask('heard', { program: id, isReady }).catch(() => {})
  }
  return {
    endingOn({ name }) {
      if (waits.length === 0) return {}
      const followers: Record<string, string[]> = {}
      for (const { first, program } of waits)
        if (ends.get(program)?.of === name) (followers[program] ??= []).push(first)
      return { ending: { followers, watched: [...leaving.values()].flatMap(({ id, of }) => (of === name ? id : [])) } }
    },
    take(peer, event) {
      if ('reached' in event) arrive(peer)
      else pass(event.program, event.isReady)
    },
    left(peer) {
      arrive(peer)
      for (const { id, of } of [...leaving.values(), ...pending.values()]) if (of === peer.name) pass(id, false)
    },
  }
}

/** Notes that a program, of a machine, is awaited by another machine. */
function addTo(awaited: Map<string, Awaited>, id: string, of: string, by: string): void {
  const one = awaited.get(id) ?? { id, of, by: new Set() }
  one.by.add(by)
  awaited.set(id, one)
}

/**
 * The programs that are ended before one on another machine, because they come after that. None when programs come after each other in
 * a circle: what is live may be of several lab files.
 */
function waitsIn(ends: ReadonlyMap<string, Ended>): { readonly first: string; readonly program: string }[] {
  const turns = new Map<string, number>()
  const seen = new Set<string>()
  const visit = (id: string): void => {
    if (seen.has(id)) return
    seen.add(id)
    for (const one of ends.get(id)?.after ?? []) visit(one)
    turns.set(id, turns.size)
  }
  for (const id of ends.keys()) visit(id)
  const all = [...ends].flatMap(([first, { after }]) => after.map((program) => ({ first, program })))
  if (all.some(({ first, program }) => turns.get(program)! >= turns.get(first)!)) return []
  return all.filter(({ first, program }) => ends.has(program) && ends.get(program)!.of !== ends.get(first)!.of)
}

/** Of the programs that are started (by id, on which machine), those that come before some on other machines. */
function awaitedIn({ resources }: Lab, starts: Programs['starts']): Map<string, Awaited> {
  const awaited = new Map<string, Awaited>()
  for (const [follower, machine] of starts) {
    const r = resources.get(follower)
    for (const id of r ? (kindOf(r.kind).awaits?.(r) ?? []) : []) {
      const of = starts.get(id)
      if (of !== undefined && of !== machine) addTo(awaited, id, of, machine)
    }
  }
  return awaited
}
