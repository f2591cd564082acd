import { setTimeout as sleep } from 'node:timers/promises'
import { openEvents, type Events, type Happenings } from '../backend/events/events.ts'
import { idle, stage } from '../host/status-line.ts'
import type { OpenLab } from '../language/load-lab.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import { overdueFrom, type Fault } from '../model/fault.ts'
import type { Runner } from '../model/runner.ts'
import { watchedChanges, type WatchedChange } from '../views/watch-text.ts'
import { openLookout } from './lookout.ts'
import type { PlanOptions } from './prepare.ts'
import { openTracker } from './tracker.ts'

/** What a watcher tells, as JSON data. */
export type Seen =
  /** It looks, or waits for the end of a run. What it told before may not be so any more. */
  | { readonly looking: true }
  /** What a plan would change now, and the faults that there are. */
  | { readonly changes: readonly WatchedChange[]; readonly faults: readonly Fault[] }
  /** Why no plan can be made. */
  | { readonly diagnostics: readonly Diagnostic[] }

/** Watches a lab, or the part of it on one machine. */
export interface Watcher {
  /** Looks at once, and whenever something may have changed, until `close` is called. Calls `see` with what it has seen. */
  readonly run: (see: (seen: Seen) => void) => Promise<void>
  /** Makes it look at everything again. */
  readonly ask: () => void
  readonly close: () => void
}

/** How long a burst of changes may go on before netlab looks, and the silence that ends it, in milliseconds. */
const [BURST, QUIET] = [60, 10]
/** How often netlab asks whether an apply still runs, in milliseconds. */
const APPLYING = 50
/** How often netlab asks that while it looks, in milliseconds. */
const SAMPLE = 10
/** How often netlab looks at what the kernel does not report, in milliseconds; while something differs, more often. */
const [SLOW, DIFFERING] = [30_000, 2_000]
/** A look that nothing has called for happens only after this many times what the last one took. */
const [RARE, SELDOM] = [200, 20]
/** How often netlab looks again, because something has changed meanwhile, before it reports. */
const AGAIN = 3

/** Opens the way to the kernel's reports. Throws a UserError where that is not possible. */
export function openReports(): Events {
  try {
    return openEvents()
  } catch (error) {
    throw UserError.of(
      'watch-impossible',
      `the kernel's reports cannot be received here: ${(error as Error).message}`,
      'It takes the npm package koffi.',
    )
  }
}

/** What has happened from the first report of a burst of changes to its last. */
export async function untilQuiet(events: Events, first: Happenings, note: (more: Happenings) => void): Promise<void> {
  note(first)
  for (const end = Date.now() + BURST; Date.now() < end;) {
    const more = await events.next(QUIET)
    if (!more) break
    note(more)
  }
}

/** Prepares to watch an opened lab. Throws a UserError as planning does. */
export async function openWatcher(unfound: OpenLab, runner: Runner, options: PlanOptions = {}): Promise<Watcher> {
  const { host } = runner
  const lookout = await openLookout(unfound, runner, options)
  const events = openReports()
  events.folders(new Set(['/run/netns']))
  const tracker = openTracker(events, runner)
  let [over, again] = [false, 0]
  /** How long the last look took, and the last one that read everything, in milliseconds; when they ended. */
  const took = { last: 0, whole: 0, at: 0, wholeAt: 0 }

  /** Looks at what has changed; returns undefined when it is too early to say. */
  async function look(): Promise<Exclude<Seen, { looking: true }> | undefined> {
    // After an apply everything is read: reports of its last changes may still be on their way.
    while (host.isLocked(lookout.name) && !over) {
      tracker.ask(true)
      await sleep(APPLYING)
    }
    const began = Date.now()
    // An apply may begin and end while netlab looks.
    let applied = false
    const sampling = setInterval(() => void (applied ||= host.isLocked(lookout.name)), SAMPLE)
    let changed: ReadonlySet<string> | undefined
    let seen: Exclude<Seen, { looking: true }>
    try {
      changed = await tracker.follow(lookout)
      const sight = await lookout.look(changed)
      tracker.saw(sight)
      seen = { changes: watchedChanges(sight.plan, sight.wanted), faults: sight.live.faults }
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      seen = { diagnostics: error.diagnostics }
    }
    await tracker.followProcesses(lookout)
    took.at = Date.now()
    took.last = took.at - began
    if (!changed) [took.whole, took.wholeAt] = [took.last, took.at]
    tracker.note(await events.next(0))
    clearInterval(sampling)
    const isLocked = applied || host.isLocked(lookout.name)
    if (isLocked) tracker.ask(true)
    const unsure = isLocked || ((await tracker.isStale()) && again < AGAIN)
    again = unsure && !isLocked ? again + 1 : 0
    return unsure ? undefined : seen
  }

  /** Waits for the end of a burst of changes; soon after a look, half as long as that took, so that looks leave time for others. */
  async function gather(first: Happenings): Promise<void> {
    await untilQuiet(events, first, tracker.note)
    const rest = took.at + took.last / 2 - Date.now()
    if (rest > 0) await sleep(rest)
  }

  return {
    async run(see) {
      let [differs, since, overdue] = [false, 0, Infinity]
      while (!over) {
        if (await tracker.isStale()) {
          see({ looking: true })
          stage('Reading the live network …')
          const seen = await look()
          idle()
          const isClean = seen && 'changes' in seen && seen.changes.length === 0
          if (!isClean && !differs) since = Date.now()
          differs = !isClean
          if (!seen) continue
          see(seen)
          overdue = Math.min(...('faults' in seen ? seen.faults : []).map(overdueFrom))
        }
        const pause = differs ? Math.max(DIFFERING, SELDOM * took.whole) : Math.max(SLOW, RARE * took.whole)
        // What happens all the time does not put it off.
        const due = Math.max(took.wholeAt, since) + pause
        const next = overdue >= Date.now() ? Math.min(due, overdue + 1) : due
        const happened = await events.next(Math.max(0, next - Date.now()))
        if (happened) await gather(happened)
        if (!happened || Date.now() >= due) tracker.ask(true)
      }
      events.close()
    },
    ask() {
      tracker.ask(true)
      events.wake()
    },
    close() {
      over = true
      events.wake()
    },
  }
}
