import { runChecks, type Result, type RunOptions } from '../checks/engine.ts'
import { waitUntilSettled } from '../checks/settle.ts'
import { survey } from '../checks/survey.ts'
import { stage } from '../host/status-line.ts'
import type { Lab, OpenLab } from '../language/load-lab.ts'
import type { Plan } from '../model/change.ts'
import type { Check } from '../model/check.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import { execute } from '../run/execute.ts'
import type { Located } from './locate.ts'
import { planFor, prepare, type Prepared } from './prepare.ts'

/** The lab of a drill. */
export interface DrillGround {
  readonly located: Located
  readonly opened: OpenLab
  readonly runner: Runner
}

/** What is live, beside what the lab file says. */
export interface DrillView extends Prepared {
  readonly lab: Lab
}

/** Reads the live network, and makes the plan. Throws as `prepare` does. */
export async function viewOf({ located, opened, runner }: DrillGround): Promise<DrillView> {
  const prepared = await prepare(located, opened, runner, { lint: false }, {})
  if (!prepared.lab) throw UserError.of('no-lab-file', 'a drill needs a lab file: the checks in it show what is broken')
  return { ...prepared, lab: prepared.lab }
}

/** Turns what is live into these resources. False: a step failed; what was done before it stays. */
export async function become({ name, live }: DrillView, wanted: Resources, runner: Runner): Promise<boolean> {
  const { plan } = await planFor(name, wanted, live, runner, {})
  return await carryThrough(plan, runner)
}

/** Makes the lab what its file says. Throws an Error when something is left to do. */
export async function mend(ground: DrillGround): Promise<void> {
  const { plan } = await viewOf(ground)
  await carryThrough(plan, ground.runner)
  const { plan: left, live } = await viewOf(ground)
  if (left.changes.length)
    throw UserError.of(
      'drill-unrepaired',
      `the break could not be repaired: ${left.changes.map(({ id }) => id).join(' ')}`,
      'netlab plan --reveal shows what is left, netlab apply does it.',
    )
  await waitUntilSettled(live, ground.runner, (bridges) =>
    stage(`Waiting for the spanning tree of ${bridges.join(', ')} …`),
  )
}

async function carryThrough({ steps }: Plan, runner: Runner): Promise<boolean> {
  const { failed, unstarted } = await execute(steps, runner, { done: () => {}, end: () => {} })
  return !failed && unstarted.length === 0
}

/** Runs checks in what was read, without those that bring faults of their own (`during`). */
export const tryChecks = (
  checks: readonly Check[],
  { lab, live }: DrillView,
  runner: Runner,
  options: Pick<RunOptions, 'explain' | 'failFast'> = {},
): Promise<Result[]> =>
  runChecks(
    checks.filter(({ during }) => during === undefined),
    survey(lab, live),
    runner.host,
    options,
  )
