import { runTimeline } from '../faults/run-timeline.ts'
import { idle } from '../host/status-line.ts'
import type { Lab } from '../language/load-lab.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import { actionWords, eventsOf, type Timeline, type TimelineEvent } from '../model/timeline.ts'
import type { RunningTimeline } from '../checks/throughout.ts'
import { faultWords } from '../views/fault-text.ts'
import { FORMAT } from '../views/json.ts'
import { faultNet, netOfLab, withLocks } from './fault-net.ts'
import { openGuard } from './fault-guard.ts'
import type { NamespaceOptions } from './live-namespaces.ts'
import { out, outJson, type Global } from './terminal.ts'

interface Options extends Global, NamespaceOptions {
  readonly json?: boolean
  readonly seed?: string
}

/** What is left to chance is the same on every run, unless `--seed` says otherwise. */
const SEED = 1

/** The number of `--seed`. Throws a UserError when it is none. */
export function seedOf(text: string | undefined): number {
  if (text === undefined) return SEED
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw UserError.of('bad-option', `--seed ${text} is no number`, 'At most nine digits.')
}

/** The timeline of this name. Throws a UserError when the lab has none. */
function timelineOf(lab: Lab, name: string): Timeline {
  const found = lab.faults.get(name)
  if (found) return found
  const names = [...lab.faults.keys()]
  throw UserError.of(
    'unknown-reference',
    `lab ${lab.name} has no faults ${name}`,
    names.length ? `There are: ${names.join(' ')}` : `${lab.file} has no \`faults\`.`,
  )
}

/** `netlab fault NAME`: runs a timeline of the lab file. Returns 0 when it is over; 130 when it was interrupted. */
export async function runFault(host: Host, name: string, options: Options): Promise<number> {
  const seed = seedOf(options.seed)
  const net = await faultNet(host, options)
  if (!net.here) throw UserError.of('no-lab-file', 'there is no lab file', 'Name it: netlab fault NAME --lab FILE')
  const timeline = timelineOf(net.here, name)
  const events = eventsOf(timeline, seed)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
  const happened: { at: number; description: string; faults: string[] }[] = []
  const began = Date.now()
  idle()
  const each = (event: TimelineEvent, faults: readonly Fault[]): void => {
    const at = (Date.now() - began) / 1000
    const description = 'ends' in event ? `heal ${faults.map(faultWords).join(', ')}` : actionWords(event.action)
    happened.push({ at, description, faults: faults.map(({ id }) => id) })
    if (!options.json) out(`${at.toFixed(1).padStart(6)} s  ${description}\n`)
  }
  const guard = await openGuard(host, net, [])
  try {
    const exclusively = <T>(work: () => Promise<T>): Promise<T> => withLocks(net, work)
    await runTimeline(net, events, { exclusively, expect: guard.add, each }, stop.signal)
  } finally {
    await guard.close()
  }
  if (options.json) outJson({ format_version: FORMAT, lab: net.here.name, timeline: name, seed, events: happened })
  else out(stop.signal.aborted ? 'Interrupted: everything is healed.\n' : 'It is over: everything is healed.\n')
  return stop.signal.aborted ? 130 : 0
}

/** What begins the timelines of a lab while its checks are made. */
export function timelinesOf(host: Host, lab: Lab, runner: Runner, seed: number) {
  const net = netOfLab(lab, runner)
  return async (name: string): Promise<RunningTimeline> => {
    const events = eventsOf(timelineOf(lab, name), seed)
    const guard = await openGuard(host, net, [])
    const stop = new AbortController()
    let isOver = false
    const exclusively = <T>(work: () => Promise<T>): Promise<T> => withLocks(net, work)
    const running = runTimeline(net, events, { exclusively, expect: guard.add }, stop.signal).finally(
      () => (isOver = true),
    )
    running.catch(() => {}) // `end` awaits it; the handler only avoids an unhandled rejection
    return {
      isOver: () => isOver,
      async end() {
        stop.abort()
        try {
          await running
        } finally {
          await guard.close()
        }
      },
    }
  }
}
