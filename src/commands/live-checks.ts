import { checkName, runChecks, type Result } from '../checks/engine.ts'
import type { LabIndex } from '../checks/lab-index.ts'
import { matches } from '../checks/probe.ts'
import { waitUntilSettled } from '../checks/settle.ts'
import { survey } from '../checks/survey.ts'
import { stage } from '../host/status-line.ts'
import type { Lab } from '../language/load-lab.ts'
import type { Check } from '../model/check.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Dump, Runner } from '../model/runner.ts'
import { lostConnections, neighborOverflows, overflowed, procOf } from '../observe/limits.ts'
import { otherWorldHint, ownNamespaces } from './elsewhere.ts'
import { walkOver, type SpreadLab } from './lab-runner.ts'
import { readLive } from './read-live.ts'
import { readRequestOf } from './prepare.ts'
import { timelinesOf } from './run-fault.ts'

/** How checks are run. */
interface TestOptions {
  /** Called with each result as soon as it is known, without the place where packets were lost. */
  readonly each: (result: Result) => void
  /** No check begins after one has failed or could not be tried. */
  readonly failFast: boolean
  /** Of timelines of faults. */
  readonly seed: number
  /** When the lab is on several machines. */
  readonly spread?: SpreadLab | undefined
}

/** The results of checks. */
export interface TestedLive {
  readonly results: readonly Result[]
  /** Warnings that may explain failures, once these have been shown. */
  readonly remarks: () => Promise<readonly Diagnostic[]>
}

/** Runs checks of a lab on the live network. Throws a UserError when the lab is not live. */
export async function testLive(
  lab: Lab,
  checks: readonly Check[],
  runner: Runner,
  { each, failFast, seed, spread }: TestOptions,
): Promise<TestedLive> {
  const { host } = runner
  stage('Reading the live network …')
  const look = () => readLive(readRequestOf(lab.name, lab), runner)
  const live = await look()
  const ground = survey(lab, live)
  mustBeLive(lab, ground, host)
  if (checks.length)
    await waitUntilSettled(live, runner, (bridges) => stage(`Waiting for the spanning tree of ${bridges.join(', ')} …`))
  const proc = procOf(host)
  const overflows = neighborOverflows(proc)
  const results = await runChecks(checks, ground, host, {
    look: async () => survey(lab, await look()),
    during: timelinesOf(host, lab, runner, seed),
    explain: async (lost) => {
      const { findLost } = await import('./lost-packets.ts') // loaded only when a check fails
      return await findLost(lost, lab, await look(), runner, await walkOver(spread))
    },
    ...{ each, failFast },
  })
  const remarks = async (): Promise<readonly Diagnostic[]> => {
    if (!results.some(({ status }) => status === 'fail')) return []
    const filters = [...ground.places].filter(([name]) => hasFirewall(live.dumps.get(name)))
    return [
      ...overflowed(neighborOverflows(proc) - overflows, proc),
      ...(await lostConnections(new Map(filters), runner)),
    ]
  }
  return { results, remarks }
}

/** Throws a UserError when nothing of the lab of this file is live. */
export function mustBeLive(lab: Lab, { places }: LabIndex, host: Host): void {
  if ([...places.values()].some((netns) => netns !== undefined) || onlyRoot(lab.namespaces)) return
  throw UserError.of(
    'lab-not-live',
    `lab ${lab.name} is not live`,
    [
      ...otherWorldHint(host, ownNamespaces(lab.namespaces), `test ${lab.file}`),
      `netlab apply ${lab.file} makes it; netlab test --fresh ${lab.file} tests a copy.`,
    ].join('\n'),
  )
}

/** The checks whose names fit the pattern. Throws a UserError when there is none. */
export function checksNamed(checks: readonly Check[], pattern: string): readonly Check[] {
  const fitting = checks.filter((check) => matches(pattern, checkName(check)))
  if (fitting.length) return fitting
  const names = checks.slice(0, 10).map((check) => `  ${checkName(check)}`)
  throw UserError.of(
    'unknown-reference',
    `the name of no check fits --only ${pattern}`,
    names.length ? `There are:\n${names.join('\n')}${checks.length > 10 ? '\n  …' : ''}` : 'The lab has no checks.',
  )
}

const hasFirewall = (dump: Dump | undefined): boolean =>
  dump !== undefined && [dump.iptables, dump.ip6tables, dump.nftables].some((rules) => rules !== '')

const onlyRoot = (namespaces: ReadonlyMap<string, { readonly borrowed?: string }>): boolean =>
  namespaces.size > 0 && [...namespaces.values()].every(({ borrowed }) => borrowed)
