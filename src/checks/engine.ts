import type { Check } from '../model/check.ts'
import { parallel } from '../exec/process.ts'
import { openAgents } from './agents.ts'
import { placeOf, splitPort, Untried, type Ground } from './ground.ts'
import { watch, type Observed } from './observe.ts'
import { newTrail, ping, run, tcp, udp, type Attempt, type Kit, type Probe } from './probe.ts'
import { trace } from './trace.ts'

/** What became of one check. `error`: it could not be tried. */
export interface Result {
  readonly name: string
  readonly check: Check
  readonly status: 'pass' | 'fail' | 'error'
  readonly expected: string
  readonly seen: string
  /** It was tried, and did not get through. */
  readonly unreached?: true
  /** Where its packets came to an end, when that can be told. */
  readonly where?: string
  /** In milliseconds. */
  readonly duration: number
}

/** How many are tried at once: they mostly wait. */
const WIDTH = 12
/** How many of those that failed are tried again, to say where the packets were lost. */
const TRACED = 20
/** Milliseconds: for what should work, for what should not, for commands; between two tries. */
const PATIENCE = { pass: 3000, fail: 1200, run: 10_000, pause: 200 }

const probes: Readonly<Record<string, Probe>> = { ping, tcp, udp, run }
const kindOf = (check: Check): 'ping' | 'tcp' | 'udp' | 'run' =>
  (['ping', 'tcp', 'udp', 'run'] as const).find((kind) => check[kind] !== undefined) ?? 'run'

/** What the check is called: its name, or what it does. */
export function nameOf(check: Check): string {
  const { name, from, to, mtu, expect, run: argv } = check
  if (name !== undefined) return name
  const kind = kindOf(check)
  const target = argv ? (argv[0] === 'sh' && argv[1] === '-c' ? argv[2] : argv.join(' ')) : check[kind]?.toString()
  const details = [to && `to ${to}`, mtu && `mtu ${mtu}`, expect === 'fail' && 'must fail'].filter(Boolean)
  return `${from} ${kind} ${target}${details.length ? ` (${details.join(', ')})` : ''}`
}

/**
 * Tries all checks and returns what became of them, in their order. `self`: how this program is run, for its agents.
 *
 * First everything that a listener of netlab's cannot disturb, side by side: pings, and the checks that have one. Then,
 * with all listeners gone, connections to what the lab itself runs. What must fail is tried after what must work: right
 * after apply, a network that is not settled yet would fail everything. Then commands, one after another in the order of
 * the file, because they may change something. Last, where the packets of what failed were lost.
 */
export async function runChecks(
  checks: readonly Check[],
  ground: Ground,
  self: readonly string[],
  each: (result: Result) => void = () => {},
): Promise<Result[]> {
  const agents = openAgents(self)
  const kit: Kit = { ground, self, agents, listening: new Map() }
  const results: Result[] = []
  const one = async (index: number): Promise<void> => {
    const check = checks[index]
    if (!check) return
    const result = await attemptAll(check, kit)
    results[index] = result
    each(result)
  }
  try {
    const indexes = checks.map((_, index) => index)
    const where = (fits: (check: Check) => boolean): number[] =>
      indexes.filter((index) => checks[index] && fits(checks[index]))
    const early = (check: Check): boolean =>
      check.run === undefined && (check.ping !== undefined || check.to !== undefined)
    const late = (check: Check): boolean => check.run === undefined && !early(check)
    const fails = ({ expect }: Check): boolean => expect === 'fail'
    const sideBySide = async (fits: (check: Check) => boolean): Promise<void> => {
      await parallel(
        where((check) => fits(check) && !fails(check)),
        WIDTH,
        one,
      )
      await parallel(
        where((check) => fits(check) && fails(check)),
        WIDTH,
        one,
      )
    }
    await sideBySide(early)
    await silence(kit)
    await sideBySide(late)
    for (const index of where(({ run: argv }) => argv !== undefined)) {
      await one(index)
      await silence(kit)
    }
    await locate(results, kit)
    return results
  } finally {
    agents.close()
  }
}

async function silence({ agents, ground, listening }: Kit): Promise<void> {
  const namespaces = new Set([...listening.keys()].map((key) => splitPort(key.replace(/\/\w+$/, '')).host))
  listening.clear()
  await Promise.all([...namespaces].map((name) => agents.ask(name, ground.places.get(name), { op: 'silence' })))
}

/** Adds to the results of what did not get through where it was lost. */
async function locate(results: Result[], kit: Kit): Promise<void> {
  const lost = results
    .filter(({ status, unreached, check }) => status === 'fail' && unreached === true && check.run === undefined)
    .slice(0, TRACED)
  const once = lost.map(({ check: { count: _, ...check } }) => check)
  const places = await trace(once, kit, (check, trail) => probes[kindOf(check)]!(check, kit, 1000, trail))
  places.forEach((where, i) => {
    const result = lost[i]
    if (result && where !== undefined) results[results.indexOf(result)] = { ...result, where }
  })
}

/** What the check says must happen, in words. */
function expectation(check: Check): string {
  const kind = kindOf(check)
  const { expect = 'pass', to } = check
  if (kind !== 'run') {
    const who = to ?? check[kind]?.toString()
    return `${who} ${expect === 'fail' ? 'is not reached' : 'answers'}`
  }
  const times = check.count === undefined || check.count === 1 ? '' : `, ${check.count} times`
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

async function attemptAll(check: Check, kit: Kit): Promise<Result> {
  const started = Date.now()
  const base = { name: nameOf(check), check, expected: expectation(check) }
  const result = (status: Result['status'], seen: string, expected = base.expected): Result => ({
    ...base,
    status,
    expected,
    seen,
    duration: Date.now() - started,
  })
  const trail = newTrail()
  let watching: Awaited<ReturnType<typeof watch>> | undefined
  try {
    placeOf(kit.ground, check.from)
    watching = check.observe?.length ? await watch(check, kit) : undefined
    const attempt = await persist(check, (timeout) => probes[kindOf(check)]!(check, kit, timeout, trail))
    const fits = check.expect === 'fail' ? attempt.reached === 'no' : attempt.reached === 'yes'
    const observed: Observed[] = fits ? ((await watching?.finish(trail)) ?? []) : []
    const missed = observed.filter(({ ok }) => !ok)
    if (missed.length)
      return result(
        'fail',
        missed.map(({ seen }) => seen).join('\n'),
        missed.map(({ expected }) => expected).join('\n'),
      )
    return {
      ...result(fits ? 'pass' : 'fail', [attempt.seen, ...observed.map(({ seen }) => seen)].join('\n')),
      ...(attempt.reached === 'no' && !attempt.mistaken && { unreached: true as const }),
    }
  } catch (error) {
    if (error instanceof Untried) return result('error', error.message)
    throw error
  } finally {
    watching?.end()
  }
}

/** Tries once what should not work, or may change something; tries again what should, until it does or time is up: an
 * address may still be resolved or checked, a bridge's port not be forwarding yet. */
async function persist(check: Check, once: (timeout: number) => Promise<Attempt>): Promise<Attempt> {
  const fail = check.expect === 'fail'
  const command = check.run !== undefined
  const patience =
    check.timeout === undefined ? (command ? PATIENCE.run : fail ? PATIENCE.fail : PATIENCE.pass) : check.timeout * 1000
  if (fail || command) return once(patience)
  const until = Date.now() + patience
  for (;;) {
    const attempt = await once(Math.max(300, until - Date.now()))
    if (attempt.reached === 'yes' || Date.now() + PATIENCE.pause >= until) return attempt
    await new Promise((done) => setTimeout(done, PATIENCE.pause))
  }
}
