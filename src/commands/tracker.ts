import type { Events, Happenings } from '../backend/events/events.ts'
import { isPath } from '../model/place.ts'
import type { Resource } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import type { Lookout, Sight } from './lookout.ts'

/** Keeps in mind where something may have changed since the last look. */
export interface Tracker {
  /** Adds what has happened. */
  readonly note: (happened: Happenings | undefined) => void
  /** Makes the next look necessary; with `all`, it reads everything. */
  readonly ask: (all: boolean) => void
  /** Whether a look is necessary: perhaps only because something that the lab borrows is not what it was. */
  readonly isStale: () => Promise<boolean>
  /**
   * Finds what the lab borrows again where it may be another, listens in all namespaces of the lab that exist now, and returns those to read (by the lab's names): where something has
   * changed, and where it has only begun to listen; undefined: all of them.
   */
  readonly follow: (lookout: Lookout) => Promise<ReadonlySet<string> | undefined>
  /** Takes note of what a look has found. */
  readonly saw: (sight: Sight) => void
  /** Waits for the processes of the lab to end, and for those whose namespaces it borrows. */
  readonly followProcesses: (lookout: Lookout) => Promise<void>
}

/** A tracker of what these events report. At first, everything has to be read. */
export function openTracker(events: Events, runner: Runner): Tracker {
  /** The namespaces in which it listens, with their inodes. */
  const joined = new Map<string | undefined, number>()
  let dirty: Set<string | undefined> | undefined
  let [stale, named] = [true, false]
  let nameOf: Lookout['nameOf'] = (netns) => netns ?? ''
  let there: Awaited<ReturnType<Runner['list']>> = []
  /** Namespaces that have the lab's mark and are not in its file. */
  let unlisted: readonly string[] = []

  /** Where to listen, with the inodes of these namespaces. */
  function places({ own, borrowed }: Lookout): Map<string | undefined, number> {
    const inodes = new Map(there.flatMap(({ name, inode, stale }) => (stale ? [] : [[name, inode] as const])))
    const result = new Map<string | undefined, number>()
    const add = (netns: string | undefined, inode: number | undefined): void =>
      void (inode !== undefined && result.set(netns, inode))
    for (const name of [...own, ...unlisted]) add(name, inodes.get(name))
    for (const netns of borrowed()) add(netns, netns === undefined ? 0 : runner.host.status(netns)?.inode)
    return result
  }

  /** The namespaces in which it listens that are gone, or whose path another one has. */
  const moved = (): string[] =>
    [...joined].flatMap(([netns = '', inode]) =>
      isPath(netns) && runner.host.status(netns)?.inode !== inode ? [netns] : [],
    )

  function leave(netns: string | undefined): void {
    events.leave(netns)
    joined.delete(netns)
    dirty?.add(netns)
  }

  return {
    note(happened) {
      if (!happened) return
      for (const netns of happened.namespaces) dirty?.add(netns)
      stale ||= happened.ended || happened.namespaces.size > 0
      named ||= happened.names
    },
    ask(all) {
      stale = true
      if (all) dirty = undefined
    },
    async isStale() {
      if (named && !stale) stale = moved().length > 0 || JSON.stringify(await runner.list()) !== JSON.stringify(there)
      named = false
      return stale
    },
    async follow(lookout) {
      stale = false
      const gone = moved()
      for (const netns of gone) leave(netns)
      if ((!dirty || gone.length) && (await lookout.find())) dirty = undefined
      nameOf = lookout.nameOf
      there = await runner.list()
      const now = places(lookout)
      for (const netns of joined.keys()) if (!now.has(netns)) leave(netns)
      for (const [netns, inode] of now) {
        if (joined.get(netns) === inode) continue
        if (events.join(netns)) joined.set(netns, inode)
        dirty?.add(netns)
      }
      const changed = dirty && new Set([...dirty].map(nameOf))
      dirty = new Set()
      return changed
    },
    saw({ live, wanted }) {
      const all = [...live.resources.values(), ...wanted.values()]
      const having = (kind: string): Set<string> =>
        new Set(all.flatMap((r: Resource) => (r.kind === kind ? [r.namespace] : [])))
      const [neighbors, fdb] = [having('neighbor'), having('fdb')]
      for (const netns of joined.keys()) {
        const name = nameOf(netns)
        events.ignore(netns, { neighbors: !neighbors.has(name), fdb: !fdb.has(name) })
      }
      const heard = new Set([...joined.keys()].map(nameOf))
      const names = new Set(there.map(({ name }) => name))
      const others = [...live.dumps.keys()].filter(
        (name) => names.has(name) && !heard.has(name) && !live.foreign.has(name),
      )
      unlisted = [...unlisted, ...others]
      if (others.length) stale = true
    },
    async followProcesses({ name, borrowed }) {
      const { processes, homes } = await runner.host.processes(name)
      const pids = [...processes.flatMap(({ pid }) => pid ?? []), ...homes.flatMap(({ pids }) => pids)]
      const lenders = borrowed().flatMap((netns = '') => Number(/^\/proc\/(\d+)\//.exec(netns)?.[1] ?? []))
      events.processes(new Set([...pids, ...lenders]))
      stale ||= moved().length > 0 // one may have ended before
    },
  }
}
