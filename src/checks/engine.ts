import { setTimeout as sleep } from 'node:timers/promises'
import type { Check } from '../model/check.ts'
import type { Host } from '../model/host.ts'
import { parallel } from '../host/parallel.ts'
import { openAgents } from './agents.ts'
import { netnsOf, splitPort, Untried, type LabIndex } from './lab-index.ts'
import { watch, type Observed } from './observe.ts'
import { listen, newTrail, ping, runProbe, tcp, udp, type Attempt, type Kit, type Probe } from './probe.ts'
import { openSlots, type Slots } from './slots.ts'
import { throughout, type RunningTimeline } from './throughout.ts'

/** The result of one check. `error`: it could not be tried. */
export interface Result {
  readonly name: string
  readonly check: Check
  readonly status: 'pass' | 'fail' | 'error'
  readonly expected: string
  readonly seen: string
  /** It was tried, and its packets got no answer. */
  readonly unreached?: true
  /** The place where its packets were lost, if it is known. */
  readonly where?: string
  /** In milliseconds. */
  readonly duration: number
  /** How often it was tried; only for checks with `within`. */
  readonly tries?: number
}

/** How `runChecks` runs checks. */
export interface RunOptions {
  /** Reads the live network again. Default: it has not changed. */
  readonly look?: () => Promise<LabIndex>
  /** Called with each result as soon as it is known, without the place where packets were lost. */
  readonly each?: (result: Result) => void
  /** No check begins after one has failed or could not be tried. */
  readonly failFast?: boolean
  /** Begins the timeline of faults that a check names. */
  readonly during?: (name: string) => Promise<RunningTimeline>
  /** Sends packets like those of failed checks again, and returns where each was lost, if it is known. Default: nobody looks. */
  readonly explain?: (checks: readonly Check[]) => Promise<readonly (string | undefined)[]>
}

/**
 * How many checks are tried at once until their packets are on their way, and as many with `within`, which must not delay the
 * others. More programs that start at once would only take longer each.
 */
const WIDTH = 12
/** How many checks are tried at once, with those that only wait for an answer. */
const WAITING = 240
/** Of how many failed checks it is found out where their packets were lost. */
const TRACED = 20
/** Times in milliseconds: per try of what should pass, of what should fail, of a command; first and longest pause. */
const PATIENCE = { pass: 3000, fail: 1200, run: 10_000, pause: 200, longest: 1000 }
/** The shortest time for a try, in milliseconds, when `within` is nearly over. */
const LEAST = 300

const probes: Readonly<Record<string, Probe>> = { ping, tcp, udp, run: runProbe }
const kindOf = (check: Check): 'ping' | 'tcp' | 'udp' | 'run' =>
  (['ping', 'tcp', 'udp', 'run'] as const).find((kind) => check[kind] !== undefined) ?? 'run'

/** The name of a check, or a description of it. */
export function checkName(check: Check): string {
  const { name, from, to, mtu, expect, during, run: argv } = check
  if (name !== undefined) return name
  const kind = kindOf(check)
  const target = argv ? (argv[0] === 'sh' && argv[1] === '-c' ? argv[2] : argv.join(' ')) : check[kind]?.toString()
  const details = [
    to && `to ${to}`,
    mtu && `mtu ${mtu}`,
    expect === 'fail' && 'must fail',
    during && `during ${during}`,
  ].filter(Boolean)
  return `${from} ${kind} ${target}${details.length ? ` (${details.join(', ')})` : ''}`
}

/**
 * Runs all checks and returns their results in the same order. `look` reads the
 * live network again: a check may wait for an address that a daemon has yet to assign.
 *
 * First come, in parallel, checks that netlab's listeners cannot disturb: pings, and those that use a listener. Then, with all
 * listeners closed, connections to servers of the lab. Checks that must fail are tried after those that must pass, because
 * right after apply a network that is not ready yet fails everything; `within` says how long that may take. Then commands,
 * one by one in the order of the file, because they may change something, and checks with faults. Last, it is found out where
 * the packets of failed checks were lost.
 */
export async function runChecks(
  checks: readonly Check[],
  labIndex: LabIndex,
  host: Host,
  { look = () => Promise.resolve(labIndex), each = () => {}, failFast = false, explain, during }: RunOptions = {},
): Promise<Result[]> {
  const agents = openAgents(host)
  const kit: Kit = { labIndex, host, agents, listening: new Map(), departed: () => {} }
  const results: Result[] = []
  const slots = openSlots(WIDTH)
  const starting = openSlots(WIDTH)
  let failed = false
  const one = async (index: number, departed = (): void => {}): Promise<void> => {
    const check = checks[index]
    if (!check || (failFast && failed)) return
    const once = (): Promise<Result> => attempt(check, { ...kit, departed }, slots, look)
    const name = check.during
    const result = name === undefined || !during ? await once() : await throughout(check, once, () => during(name))
    failed ||= result.status !== 'pass'
    results[index] = result
    each(result)
  }
  try {
    const indexes = checks.map((_, index) => index)
    const where = (fits: (check: Check) => boolean): number[] =>
      indexes.filter((index) => checks[index] && checks[index].during === undefined && fits(checks[index]))
    const early = (check: Check): boolean =>
      check.run === undefined && (check.ping !== undefined || check.to !== undefined)
    const late = (check: Check): boolean => check.run === undefined && !early(check)
    const sideBySide = async (fits: (check: Check) => boolean): Promise<void> => {
      for (const fails of [false, true]) {
        const these = where((check) => fits(check) && (check.expect === 'fail') === fails)
        const waits = (index: number): boolean => checks[index]?.within !== undefined
        const once = parallel(
          these.filter((index) => !waits(index)),
          WAITING,
          (index) => starting.with((release) => one(index, release)),
        )
        await Promise.all([once, ...these.filter(waits).map((index) => one(index))])
      }
    }
    await sideBySide(early)
    await silence(kit)
    await sideBySide(late)
    for (const index of where(({ run: argv }) => argv !== undefined)) {
      await one(index)
      await silence(kit)
    }
    for (const index of indexes.filter((index) => checks[index]?.during !== undefined)) {
      await one(index)
      await silence(kit)
    }
    const tried = results.filter(Boolean) // with `failFast` some are missing
    if (explain) await locate(tried, kit, explain)
    return tried
  } finally {
    agents.close()
  }
}

async function silence({ agents, labIndex, listening }: Kit): Promise<void> {
  const namespaces = new Set([...listening.keys()].map((key) => splitPort(key.replace(/\/\w+$/, '')).host))
  listening.clear()
  const asked = [...namespaces].map((name) => agents.ask(name, labIndex.places.get(name), { op: 'silence' }))
  await Promise.allSettled(asked) // a failed request does not matter: an agent that has ended does not listen any more
}

/** Adds to the results of unreached checks where their packets were lost. */
async function locate(results: Result[], kit: Kit, explain: NonNullable<RunOptions['explain']>): Promise<void> {
  const lost = results
    .filter(({ status, unreached, check }) => status === 'fail' && unreached === true && check.run === undefined)
    .slice(0, TRACED)
  if (lost.length === 0) return
  const listening = lost.map(({ check }) => listen(check, check.udp === undefined ? 'tcp' : 'udp', kit))
  await Promise.allSettled(listening) // without a listener, that is why the packet is not answered
  const places = await explain(lost.map(({ check }) => check))
  places.forEach((where, i) => {
    const result = lost[i]
    if (result && where !== undefined) results[results.indexOf(result)] = { ...result, where }
  })
}

/** The expected result of the check, in words. */
function expectation(check: Check): string {
  const kind = kindOf(check)
  const { expect = 'pass', to, count = 1, within } = check
  const times = [kind === 'run' && count > 1 && `, ${count} times`, within !== undefined && `, within ${within} s`]
    .filter(Boolean)
    .join('')
  if (kind !== 'run')
    return `${to ?? check[kind]?.toString()} ${expect === 'fail' ? 'is not reached' : 'answers'}${times}`
  if (expect === 'pass') return `exit code 0${times}`
  if (expect === 'fail') return `an exit code other than 0${times}`
  const words = [
    expect.exit !== undefined && `exit code ${expect.exit}`,
    expect.stdout !== undefined && `output with ${expect.stdout}`,
    expect.stderr !== undefined && `errors with ${expect.stderr}`,
  ]
    .filter(Boolean)
    .join(', ')
  return `${words}${times}`
}

/** The result of one try. */
type Verdict = Pick<Result, 'status' | 'seen'> & Partial<Pick<Result, 'expected' | 'unreached'>> & { lasting?: boolean }

/** Tries a check until it passes or its `within` is over; without `within`, once. */
async function attempt(check: Check, kit: Kit, slots: Slots, look: () => Promise<LabIndex>): Promise<Result> {
  const started = Date.now()
  const base = { name: checkName(check), check, expected: expectation(check) }
  const result = ({ lasting: _, ...verdict }: Verdict, tries?: number): Result => {
    const duration = Date.now() - started
    if (tries === undefined) return { ...base, ...verdict, duration }
    const [first = '', ...more] = verdict.seen.split('\n')
    const told = `${first} (${tries} ${tries === 1 ? 'try' : 'tries'} in ${(duration / 1000).toFixed(1)} s)`
    return { ...base, ...verdict, seen: [told, ...more].join('\n'), duration, tries }
  }
  const { within } = check
  if (within === undefined) return result(await attemptOnce(check, kit))
  const until = started + within * 1000
  let last: Verdict | undefined
  for (let tries = 0; ;) {
    const verdict: Verdict | undefined = await slots.with(async (departed) => {
      if (last && Date.now() >= until) return undefined
      tries++
      // A check that could not be tried may be possible by now.
      const labIndex = last?.status === 'error' ? await look() : kit.labIndex
      return attemptOnce(check, { ...kit, labIndex, departed }, until)
    })
    last = verdict ?? last
    const left = until - Date.now() - LEAST
    if (!verdict || verdict.status === 'pass' || verdict.lasting || left <= 0) return result(last as Verdict, tries)
    await sleep(Math.min(left, PATIENCE.longest, PATIENCE.pause * tries))
  }
}

/** Tries a check once and compares its packets with what it should observe. `until`: the deadline in ms since 1970. */
async function attemptOnce(check: Check, kit: Kit, until?: number): Promise<Verdict> {
  const trail = newTrail()
  let watching: Awaited<ReturnType<typeof watch>> | undefined
  const missed = (observed: readonly Observed[]): Verdict => ({
    status: 'fail',
    seen: observed.map(({ seen }) => seen).join('\n'),
    expected: observed.map(({ expected }) => expected).join('\n'),
  })
  try {
    netnsOf(kit.labIndex, check.from)
    watching = check.observe?.length ? await watch(check, kit) : undefined
    if (watching?.hopeless.length) return missed(watching.hopeless)
    // A capture is a program that takes its time to start.
    const own = watching ? { ...kit, departed: () => {} } : kit
    const probe = (timeout: number): Promise<Attempt> => probes[kindOf(check)]!(check, own, timeout, trail)
    const tried = await persist(check, probe, until)
    const fits = check.expect === 'fail' ? tried.reached === 'no' : tried.reached === 'yes'
    const observed: Observed[] = fits ? ((await watching?.finish(trail)) ?? []) : []
    const wrong = observed.filter(({ ok }) => !ok)
    if (wrong.length) return missed(wrong)
    return {
      status: fits ? 'pass' : 'fail',
      seen: [tried.seen, ...observed.map(({ seen }) => seen)].join('\n'),
      ...(tried.reached === 'no' && !tried.mistaken && { unreached: true as const }),
    }
  } catch (error) {
    if (error instanceof Untried) return { status: 'error', seen: error.message, lasting: error.lasting }
    throw error
  } finally {
    watching?.end()
  }
}

/**
 * Tries once a check that must fail, that may change something, or that the caller repeats (`deadline`). Repeats any other until
 * it passes or its time is over: neighbour resolution or address detection may be under way, or a bridge port not forward yet.
 */
async function persist(check: Check, once: (timeout: number) => Promise<Attempt>, deadline?: number): Promise<Attempt> {
  const fail = check.expect === 'fail'
  const command = check.run !== undefined
  const patience =
    check.timeout === undefined ? (command ? PATIENCE.run : fail ? PATIENCE.fail : PATIENCE.pass) : check.timeout * 1000
  if (deadline !== undefined)
    return once(Math.max(LEAST, Math.min(patience, (deadline - Date.now()) / (check.count ?? 1))))
  if (fail || command) return once(patience)
  const until = Date.now() + patience
  for (;;) {
    const tried = await once(Math.max(LEAST, until - Date.now()))
    if (tried.reached === 'yes' || Date.now() + PATIENCE.pause >= until) return tried
    await sleep(PATIENCE.pause)
  }
}
