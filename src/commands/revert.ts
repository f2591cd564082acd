import { startRunner } from '../run/choose-runner.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Resource } from '../model/resource.ts'
import { touchedBy } from '../plan/listed.ts'
import type { Prepared } from './prepare.ts'
import { earlier, rollBack } from './rollback.ts'
import { note } from './terminal.ts'
import { revertDoor } from './unconfirmed.ts'

/** A separate process that takes a lab back to its earlier state, unless it is dismissed in time. */
export interface Watchdog {
  readonly seconds: number
  dismiss(): Promise<void>
}

/** The input of the watchdog, as JSON. */
interface Orders {
  readonly lab: string
  readonly door: string
  readonly seconds: number
  readonly before: readonly Resource[]
  readonly aliases: readonly (readonly [namespace: string, alias: string])[]
  /** As in the plan. */
  readonly names?: readonly (readonly [name: string, address: string])[]
  /** Ids of what the run may have changed. */
  readonly touched: readonly string[]
}

/** How long a watchdog waits for another run on the lab before it takes the lab back, in milliseconds. */
const LOCK_TIMEOUT = 600_000

/**
 * Starts the watchdog of a lab, or of its part on this machine, in a session of its own: it outlives this process, its terminal and
 * its connection.
 */
export async function startWatchdog(
  host: Host,
  { name: lab, live, plan }: Prepared,
  seconds: number,
  isPart = false,
): Promise<Watchdog> {
  const door = revertDoor(lab, isPart)
  if (await host.knock(door)) note('The watchdog of an earlier apply was dismissed: this one replaces it.\n')
  // Its standard error goes to /dev/null: writing to a pipe that is closed by then would end it.
  const argv = ['sh', '-c', 'exec "$@" 2>/dev/null', 'sh', ...host.self, 'watchdog']
  const child = host.startLasting({ argv }, { NETLAB_FAULT: '' })
  const { resources, aliases, names } = earlier(live, plan)
  const before = [...resources.values()]
  const orders: Orders = {
    ...{ lab, door, seconds, before },
    ...{ aliases: [...aliases], touched: [...touchedBy(plan)] },
    ...(names && { names: [...names] }),
  }
  child.stdin.end(JSON.stringify(orders))
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('exit', () =>
      reject(
        UserError.of(
          'no-watchdog',
          'the watchdog that would take the change back does not start',
          'Nothing was changed.',
        ),
      ),
    )
  })
  child.stdout.destroy()
  child.unref()
  return { seconds, dismiss: async () => void (await host.knock(door)) }
}

/** The longest time that a timer of Node can have, in seconds. */
const LONGEST = Math.floor((2 ** 31 - 1) / 1000)

/** Converts the duration of an option, `5m` or a number of seconds, to seconds. Throws a UserError when it is invalid. */
export function secondsOf(option: string, duration: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(s|m|min|h)?$/.exec(duration) ?? []
  const seconds = Number(number) * ({ s: 1, m: 60, min: 60, h: 3600 }[unit] ?? 1)
  if (!(seconds >= 0))
    throw UserError.of('bad-option', `${option} ${duration} is not a duration`, 'Write it as 60s or 5m.')
  if (seconds > LONGEST) throw UserError.of('bad-option', `${option} ${duration} is too long`, 'At most 596h.')
  return seconds
}

/** The seconds of `--revert-after`. Throws a UserError when there are none. */
export function revertTime(duration: string): number {
  const seconds = secondsOf('--revert-after', duration)
  if (seconds > 0) return seconds
  throw UserError.of('bad-option', '--revert-after 0 would take it back at once', 'Write it as 60s or 5m.')
}

/** The watchdog process: waits, and takes the lab back unless somebody knocks (`confirmApply`) in time. */
export async function runWatchdog(host: Host): Promise<number> {
  let text = ''
  for await (const chunk of process.stdin) text += String(chunk)
  const { lab, door, seconds, before, aliases, names, touched } = JSON.parse(text) as Orders
  const dismissed = await host.waitForKnock(door, seconds * 1000, () => {
    process.stdout.on('error', () => {}) // the process that started this one may have ended
    process.stdout.write('ready\n')
  })
  if (dismissed) return 0
  const release = await host.lock(lab, LOCK_TIMEOUT, () => {})
  try {
    const state = {
      resources: new Map(before.map((r) => [r.id, r])),
      aliases: new Map(aliases),
      ...(names && { names: new Map(names) }),
    }
    return (await rollBack(lab, state, new Set(touched), startRunner(host))).complete ? 0 : 1
  } finally {
    release()
  }
}
