import { healFaults } from '../faults/heal-faults.ts'
import { startRunner } from '../run/choose-runner.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Place } from '../model/place.ts'
import { withLocks, type LabsNet } from './fault-net.ts'
import { secondsOf } from './revert.ts'

/** A separate process that ends faults when their time is over, or this process ends, however that happens. */
export interface Guard {
  /** When their time is over, in milliseconds since 1970; absent: when the guard is closed. */
  readonly until?: number
  /** Has it end these as well. */
  readonly add: (ids: readonly string[]) => void
  /** Waits until they have ended. Returns 0; 130 when a signal came before. */
  wait(): Promise<number>
  /** Has them ended now. */
  close(): Promise<void>
}

/** What the guard reads, in one line of JSON; more ids may follow, each list in a line. Its input stays open as long as the process that started it lives. */
interface Charge {
  readonly ids: readonly string[]
  readonly places: readonly (readonly [string, Place])[]
  readonly labs: readonly (readonly [string, string])[]
  readonly until?: number
}

/** The milliseconds of a duration that a fault is to last. Throws a UserError when it is none. */
export function durationOf(duration: string): number {
  const seconds = secondsOf('--for', duration)
  if (seconds === 0) throw UserError.of('bad-option', '--for 0 would end it at once', 'Write it as 30s or 5m.')
  return seconds * 1000
}

/** Starts a guard for faults that are to be set. */
export async function openGuard(host: Host, net: LabsNet, ids: readonly string[], time?: number): Promise<Guard> {
  const argv = ['sh', '-c', 'exec "$@" 2>/dev/null', 'sh', ...host.self, 'guard']
  const child = host.startLasting({ argv })
  const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
  const ready = new Promise<boolean>((resolve) => {
    child.stdout.once('data', () => resolve(true))
    void ended.then(() => resolve(false))
  })
  child.stdin.on('error', () => {}) // it may have ended, which `ended` says
  const until = time === undefined ? {} : { until: Date.now() + time }
  const charge: Charge = { ids, places: [...net.places], labs: [...net.labs], ...until }
  child.stdin.write(`${JSON.stringify(charge)}\n`)
  if (!(await ready))
    throw UserError.of('no-watchdog', 'the process that would end the fault does not start', 'Nothing was changed.')
  const close = async (): Promise<void> => {
    child.stdin.end()
    await ended
  }
  return {
    ...until,
    add: (more) => void child.stdin.write(`${JSON.stringify(more)}\n`),
    close,
    async wait() {
      const interrupted = new Promise<'interrupted'>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
          process.once(signal, () => resolve('interrupted'))
      })
      const how = await Promise.race([interrupted, ended])
      await close()
      return how === 'interrupted' ? 130 : how
    },
  }
}

/** The guard: waits for the end of its input or of the time, and ends the faults. */
export async function runGuard(host: Host): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  process.stdout.on('error', () => {}) // the process that started this one may have ended
  const lines: string[] = []
  let rest = ''
  let first = (): void => {}
  const begun = new Promise<void>((resolve) => (first = resolve))
  const closed = new Promise<void>((resolve) => {
    process.stdin.on('data', (chunk) => {
      const [last = '', ...whole] = `${rest}${String(chunk)}`.split('\n').reverse()
      lines.push(...whole.reverse())
      rest = last
      if (lines.length) first()
    })
    process.stdin.once('end', resolve).once('close', resolve)
  })
  await Promise.race([begun, closed])
  if (lines[0] === undefined) return 0 // the process that started it has ended before it set anything
  const charge = JSON.parse(lines[0]) as Charge
  const { until } = charge
  process.stdout.write('ready\n')
  const time = new Promise((resolve) => {
    if (until !== undefined) setTimeout(resolve, Math.max(0, until - Date.now()))
  })
  await Promise.race([closed, time])
  const net = { runner: startRunner(host), places: new Map(charge.places), labs: new Map(charge.labs) }
  const ids = new Set([...charge.ids, ...lines.slice(1).flatMap((line) => JSON.parse(line) as string[])])
  if (ids.size) await withLocks(net, () => healFaults(net, ({ fault }) => ids.has(fault.id)))
  return 0
}
