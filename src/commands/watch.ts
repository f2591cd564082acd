import { dirname, resolve } from 'node:path'
import { UserError } from '../model/diagnostic.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { NEAR } from '../model/other-machine.ts'
import { startRunner } from '../run/choose-runner.ts'
import { errorJson } from '../views/json.ts'
import {
  concealedReport,
  endDrill,
  faultReport,
  renderWatch,
  watchJson,
  type WatchedChange,
  type WatchKind,
} from '../views/watch-text.ts'
import { openBrake } from './brake.ts'
import { locate, recorded, type LocatedFile, type LocateOptions } from './locate.ts'
import { stampsOf, type FileStamps } from './own-files.ts'
import { openLocated } from './open-located.ts'
import { repairLab } from './repair.ts'
import { note, out, outColors, report, type Global } from './terminal.ts'
import { openReports, openWatcher, untilQuiet, type Seen, type Watcher } from './watcher.ts'

interface Options extends Global, LocateOptions {
  readonly json?: boolean
  /** Nothing is folded. */
  readonly full?: boolean
  readonly repair?: boolean
}

/** How long after a machine was lost netlab connects again, in milliseconds. */
const RECONNECTING = 2000

/** `netlab watch`: reports what differs from the lab file, as soon as it does, until it is interrupted; returns 130, and 0 after SIGTERM. */
export async function watchLab(host: Host, argument: string | undefined, options: Options): Promise<number> {
  const interrupted = new Promise<number>((done) => {
    process.once('SIGINT', () => done(130))
    process.once('SIGTERM', () => done(0))
  })
  return await Promise.race([watchOn(host, argument, options), interrupted])
}

/** A lab file as it was when it was read, all files that it names, and its watchers. */
interface Watched {
  readonly located: LocatedFile
  readonly stamps: FileStamps
  /** By machine, what its watcher has told last. */
  readonly seen: ReadonlyMap<string, Seen>
  /** Why a watcher has ended; undefined: all run. */
  readonly lost: () => unknown
  readonly ask: () => void
  readonly close: () => void
}

async function watchOn(host: Host, argument: string | undefined, options: Options): Promise<number> {
  const bell = openBell()
  /** Whether a watcher has told something since this was reported. */
  let isFresh = false
  const freshen = (): void => {
    isFresh = true
    bell.ring()
  }
  let current = await openWatched(host, argument, options, freshen)
  const files = openReports()
  let brake = openBrake()
  /** How often each was repaired when netlab said that it changes again and again. */
  let said = new Map<string, number>()
  let told = ''
  let toldFaults = ''
  let [repairAt, rereadAt] = [Infinity, Infinity]

  /** Reports the state if it is another than before. */
  function tell(kind: WatchKind, changes: readonly WatchedChange[]): boolean {
    const isConcealed = kind === 'drift' && endDrill(changes)
    const state = JSON.stringify([kind, isConcealed || changes])
    if (state === told) return false
    told = kind === 'repaired' ? '' : state
    const line = isConcealed ? concealedReport(new Date()) : watchJson(kind, changes, new Date())
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

  /** Reads the lab file again, and opens its watchers anew. Those that there were go on until that is possible. */
  async function reread(): Promise<void> {
    try {
      const before = current
      current = await openWatched(host, argument, { ...options, say: () => {} }, freshen)
      before.close()
      brake = openBrake()
      said = new Map()
      rereadAt = Infinity
    } catch (error) {
      tellError(error)
      current = { ...current, stamps: stampsOf(current.stamps.keys()) }
      if (current.lost()) rereadAt = Date.now() + RECONNECTING
    }
    files.folders(foldersOf(current.stamps))
  }

  async function repair(ids: readonly string[]): Promise<void> {
    repairAt = Infinity
    const { ready, waiting, left } = brake.divide(ids, Date.now())
    const spare = [...waiting, ...left].map(({ id }) => id)
    const { made, words } = await repairLab(host, current.located, spare)
    if (made.length) tell('repaired', made)
    brake.repaired(ready, Date.now())
    note(words)
    current.ask()
  }

  /** When to repair any of these. Says what waits and what is not repaired any more. */
  function plannedRepair(ids: readonly string[]): number {
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
    return ready.length ? now : Math.min(...waiting.map(({ due }) => due))
  }

  /** Reports what all watchers have seen, and repairs it. */
  async function tellAll(): Promise<void> {
    isFresh = false
    const all = [...current.seen.values()]
    if (all.some((seen) => 'looking' in seen)) return
    const diagnostics = all.flatMap((seen) => ('diagnostics' in seen ? seen.diagnostics : []))
    if (diagnostics.length) return tellError(new UserError(diagnostics))
    const found = all.flatMap((seen) => ('changes' in seen ? seen : []))
    tellFaults([...new Map(found.flatMap(({ faults }) => faults.map((fault) => [fault.id, fault] as const))).values()])
    const changes = found.flatMap((seen) => seen.changes)
    const isNew = tell(kindOf(changes), changes)
    const ids = changes.map(({ id }) => id)
    if (ids.length === 0) repairAt = Infinity
    else if (Date.now() >= repairAt) await repair(ids)
    else if (options.repair && isNew) repairAt = plannedRepair(ids)
  }

  files.folders(foldersOf(current.stamps))
  const following = follow()
  for (;;) {
    if (changedFiles(current.stamps) || Date.now() >= rereadAt) await reread()
    const lost = current.lost()
    if (lost === undefined) {
      if (isFresh || Date.now() >= repairAt) await tellAll()
    } else {
      tellError(lost)
      if (rereadAt === Infinity) rereadAt = Date.now() + RECONNECTING
    }
    await Promise.race([bell.wait(Math.min(repairAt, rereadAt) - Date.now()), following])
  }

  /** Rings after each change of names in the folders of the lab file and of what it names. */
  async function follow(): Promise<never> {
    for (;;) {
      const happened = await files.next(-1)
      if (happened) await untilQuiet(files, happened, () => {})
      bell.ring()
    }
  }
}

/** Wakes one who waits. */
interface Bell {
  readonly ring: () => void
  /** Waits until it rings, or has rung since the last time, for at most so many milliseconds. */
  readonly wait: (timeout: number) => Promise<void>
}

function openBell(): Bell {
  let rung = false
  let wake = (): void => {}
  return {
    ring() {
      rung = true
      wake()
    },
    async wait(timeout) {
      if (!rung)
        await new Promise<void>((done) => {
          const timer = timeout === Infinity ? undefined : setTimeout(done, timeout)
          wake = () => {
            clearTimeout(timer)
            done()
          }
        })
      rung = false
    },
  }
}

const kindOf = (changes: readonly WatchedChange[]): WatchKind =>
  changes.length === 0 ? 'clean' : changes.every(({ kind }) => kind === 'process') ? 'process' : 'drift'

const sourceOf = ({ located: { file } }: Watched): string => (file === '-' ? 'standard input' : file)

/** Reads the lab file, keeps in mind which files it names, and begins to watch the lab; calls `ring` when there is something new. */
async function openWatched(
  host: Host,
  argument: string | undefined,
  options: Options,
  ring: () => void,
): Promise<Watched> {
  const located = locate(argument, options)
  if (!('file' in located))
    throw UserError.of(
      'no-lab-file',
      `there is no lab file ${argument}`,
      'Drift is a difference from a lab file: name the file.',
    )
  const named = new Set(located.file === '-' ? [] : [resolve(located.file)])
  const naming =
    <T>(act: (path: string) => T) =>
    (path: string): T => {
      named.add(resolve(dirname(located.file), path))
      return act(path)
    }
  const recording = recorded({
    ...located,
    beside: naming(located.beside),
    fileBeside: naming(located.fileBeside),
  })
  const unfound = openLocated(recording, host, { lint: false })
  if (!unfound) throw new Error('a lab file was located and not opened')
  let watchers: ReadonlyMap<string, Watcher>
  let end = (): void => watchers.forEach((watcher) => watcher.close())
  if (unfound.machines) {
    const { openMachines } = await import('./open-machines.ts')
    const { farWatcher } = await import('../machines/far-watcher.ts')
    const machines = await openMachines(host, recording, unfound)
    end = () => void machines.close()
    watchers = await machines.each(farWatcher)
  } else watchers = new Map([[NEAR, await openWatcher(unfound, startRunner(host))]])
  let lost: unknown
  const seen = new Map<string, Seen>()
  const begin = (name: string, watcher: Watcher): void => {
    seen.set(name, { looking: true })
    const see = (what: Seen): void => {
      seen.set(name, what)
      ring()
    }
    watcher.run(see).catch((error: unknown) => {
      lost ??= error
      ring()
    })
  }
  for (const [name, watcher] of watchers) begin(name, watcher)
  return {
    ...{ located, seen, lost: () => lost },
    stamps: stampsOf(named),
    ask() {
      for (const [name, watcher] of watchers) {
        seen.set(name, { looking: true })
        watcher.ask()
      }
    },
    close: end,
  }
}

const foldersOf = (stamps: FileStamps): Set<string> => new Set([...stamps.keys()].map((path) => dirname(path)))

function changedFiles(stamps: FileStamps): boolean {
  const now = stampsOf(stamps.keys())
  return [...stamps].some(([path, stamp]) => now.get(path) !== stamp)
}
