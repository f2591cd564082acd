import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEvents, type Events, type Happenings } from '../backend/events/events.ts'
import { idle, stage } from '../host/status-line.ts'
import { startRunner } from '../run/choose-runner.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import { errorJson } from '../views/json.ts'
import {
  faultReport,
  renderWatch,
  watchedChanges,
  watchJson,
  type WatchedChange,
  type WatchKind,
} from '../views/watch-text.ts'
import { openBrake } from './brake.ts'
import { mustBeOnOne } from './lab-runner.ts'
import { locate, type LocatedFile, type LocateOptions } from './locate.ts'
import { openLookout, type Lookout } from './lookout.ts'
import { stampsOf, type FileStamps } from './own-files.ts'
import { openLocated } from './prepare.ts'
import { repairLab } from './repair.ts'
import { openTracker } from './tracker.ts'
import { note, out, outColors, report, type Global } from './terminal.ts'

interface Options extends Global, LocateOptions {
  readonly json?: boolean
  /** Nothing is folded. */
  readonly full?: boolean
  readonly repair?: boolean
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

/** `netlab watch`: reports what differs from the lab file, as soon as it does, until it is interrupted; returns 130, and 0 after SIGTERM. */
export async function watchLab(host: Host, argument: string | undefined, options: Options): Promise<number> {
  const interrupted = new Promise<number>((done) => {
    process.once('SIGINT', () => done(130))
    process.once('SIGTERM', () => done(0))
  })
  return await Promise.race([watchOn(host, argument, options), interrupted])
}

/** A lab file as it was when it was read, and all files that it names. */
interface Read {
  readonly located: LocatedFile
  readonly lookout: Lookout
  readonly stamps: FileStamps
}

async function watchOn(host: Host, argument: string | undefined, options: Options): Promise<number> {
  const runner = startRunner(host)
  let current = await readLab(host, runner, argument, options)
  const events = opened()
  const tracker = openTracker(events, runner)
  let brake = openBrake()
  /** How often each was repaired when netlab said that it changes again and again. */
  let said = new Map<string, number>()
  let told = ''
  let toldFaults = ''
  let repairAt: number | undefined
  let again = 0
  /** How long the last look took, and the last one that read everything, in milliseconds; when the last one ended. */
  const took = { last: 0, whole: 0, at: 0 }

  /** Reports the state if it is another than before. */
  function tell(kind: WatchKind, changes: readonly WatchedChange[]): boolean {
    const state = JSON.stringify([kind, changes])
    if (state === told) return false
    told = kind === 'repaired' ? '' : state
    const line = watchJson(kind, changes, new Date())
    out(
      options.json
        ? `${JSON.stringify(line)}\n`
        : renderWatch(line, sourceOf(current), outColors(options), options.full),
    )
    return true
  }

  /** Reports the faults if they are others than before. */
  function tellFaults(faults: readonly Fault[]): void {
    const ids = faults.map(({ id }) => id).join(' ')
    if (ids === toldFaults) return
    toldFaults = ids
    const line = faultReport(faults, new Date())
    out(options.json ? `${JSON.stringify(line)}\n` : renderWatch(line, sourceOf(current), outColors(options)))
  }

  /** Reports that no plan can be made, once. */
  function tellError(error: unknown): void {
    if (!(error instanceof UserError)) throw error
    const document = JSON.stringify(errorJson(error.diagnostics))
    if (document === told) return
    told = document
    if (options.json) out(`${document}\n`)
    report(error.diagnostics, options)
  }

  /** Looks at what has changed; returns the changes of the plan, or undefined when it is too early to say. */
  async function look(): Promise<readonly WatchedChange[] | undefined> {
    // After an apply everything is read: reports of its last changes may still be on their way.
    while (host.isLocked(current.lookout.name)) {
      tracker.ask(true)
      await sleep(APPLYING)
    }
    const began = Date.now()
    // An apply may begin and end while netlab looks.
    let applied = false
    const sampling = setInterval(() => void (applied ||= host.isLocked(current.lookout.name)), SAMPLE)
    let changes: readonly WatchedChange[] = []
    let faults: readonly Fault[] = []
    let error: unknown
    const changed = await tracker.follow(current.lookout)
    try {
      const sight = await current.lookout.look(changed)
      tracker.saw(sight)
      changes = watchedChanges(sight.plan, sight.wanted)
      faults = sight.live.faults
    } catch (thrown) {
      error = thrown
    }
    await tracker.followProcesses(current.lookout.name)
    took.at = Date.now()
    took.last = took.at - began
    if (!changed) took.whole = took.last
    tracker.note(await events.next(0))
    clearInterval(sampling)
    const isLocked = applied || host.isLocked(current.lookout.name)
    if (isLocked) tracker.ask(true)
    const unsure = isLocked || ((await tracker.isStale()) && again < AGAIN)
    again = unsure && !isLocked ? again + 1 : 0
    if (unsure) return undefined
    if (error) tellError(error)
    else tellFaults(faults)
    return error ? undefined : changes
  }

  async function reread(): Promise<void> {
    try {
      current = await readLab(host, runner, argument, { ...options, say: () => {} })
      brake = openBrake()
      said = new Map()
      tracker.ask(true)
    } catch (error) {
      tellError(error)
      current = { ...current, stamps: stampsOf(current.stamps.keys()) }
    }
    events.folders(foldersOf(current.stamps))
  }

  async function repair(ids: readonly string[]): Promise<void> {
    repairAt = undefined
    const { ready, waiting, left } = brake.divide(ids, Date.now())
    const spare = [...waiting, ...left].map(({ id }) => id)
    const { made, words } = await repairLab(host, current.located, spare)
    if (made.length) tell('repaired', made)
    brake.repaired(ready, Date.now())
    note(words)
    tracker.ask(true)
  }

  /** When to repair any of these; undefined: never. Says what waits and what is not repaired any more. */
  function plannedRepair(ids: readonly string[]): number | undefined {
    const now = Date.now()
    const { ready, waiting, left } = brake.divide(ids, now)
    for (const { id, times, pause } of [...waiting, ...left]) {
      if (said.get(id) === times) continue
      said.set(id, times)
      note(
        left.some((one) => one.id === id)
          ? `${id} was repaired ${times} times, and something else changes it again. It is no longer repaired; netlab apply does it.\n`
          : `${id} was repaired ${times} times, and has changed again: the next repair is ${pause / 1000} s after the last.\n`,
      )
    }
    if (ready.length) return now
    return waiting.length ? Math.min(...waiting.map(({ due }) => due)) : undefined
  }

  events.folders(foldersOf(current.stamps))
  for (let differs = false; ;) {
    if (changedFiles(current.stamps)) await reread()
    const isDue = repairAt !== undefined && Date.now() >= repairAt
    if ((await tracker.isStale()) || isDue) {
      stage('Reading the live network …')
      const changes = await look()
      idle()
      if (!changes) {
        differs = true
        continue
      }
      differs = changes.length > 0
      const isNew = tell(kindOf(changes), changes)
      const ids = changes.map(({ id }) => id)
      if (!differs) repairAt = undefined
      else if (options.repair && isDue) {
        await repair(ids)
        continue
      } else if (options.repair && isNew) repairAt = plannedRepair(ids)
    }
    const slow = differs ? Math.max(DIFFERING, SELDOM * took.whole) : Math.max(SLOW, RARE * took.whole)
    const due = repairAt === undefined ? Infinity : Math.max(0, repairAt - Date.now())
    const happened = await events.next(Math.min(slow, due))
    if (happened) await gather(happened)
    else if (slow <= due) tracker.ask(true)
  }

  /** Waits for the end of a burst of changes; soon after a look, half as long as that took, so that looks leave time for others. */
  async function gather(first: Happenings): Promise<void> {
    tracker.note(first)
    for (const end = Date.now() + BURST; Date.now() < end;) {
      const more = await events.next(QUIET)
      if (!more) break
      tracker.note(more)
    }
    const rest = took.at + took.last / 2 - Date.now()
    if (rest > 0) await sleep(rest)
  }
}

const kindOf = (changes: readonly WatchedChange[]): WatchKind =>
  changes.length === 0 ? 'clean' : changes.every(({ kind }) => kind === 'process') ? 'process' : 'drift'

const sourceOf = ({ located: { file } }: Read): string => (file === '-' ? 'standard input' : file)

function opened(): Events {
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

/** Reads the lab file, and keeps in mind which files it names. */
async function readLab(host: Host, runner: Runner, argument: string | undefined, options: Options): Promise<Read> {
  const located = locate(argument, options)
  mustBeOnOne(host, located, 'watch')
  if (!('file' in located))
    throw UserError.of(
      'no-lab-file',
      `there is no lab file ${argument}`,
      'Drift is a difference from a lab file: name the file.',
    )
  const named = new Set(located.file === '-' ? [] : [resolve(located.file)])
  const recorded =
    <T>(act: (path: string) => T) =>
    (path: string): T => {
      named.add(resolve(dirname(located.file), path))
      return act(path)
    }
  const recording = { ...located, beside: recorded(located.beside), fileBeside: recorded(located.fileBeside) }
  const unfound = openLocated(recording, host, { lint: false })
  if (!unfound) throw new Error('a lab file was located and not opened')
  const lookout = await openLookout(unfound, runner)
  return { located, lookout, stamps: stampsOf(named) }
}

const foldersOf = (stamps: FileStamps): Set<string> =>
  new Set([...stamps.keys()].map((path) => dirname(path)).concat('/run/netns'))

function changedFiles(stamps: FileStamps): boolean {
  const now = stampsOf(stamps.keys())
  return [...stamps].some(([path, stamp]) => now.get(path) !== stamp)
}
