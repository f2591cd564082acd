import { STOPPING } from '../kinds/process-start.ts'
import { execute, failure, type Execution, type Failed, type Unstarted } from '../run/execute.ts'
import { hold, holdable, type Held } from '../run/hold.ts'
import type { Others } from '../run/other-parts.ts'
import { stage } from '../host/status-line.ts'
import { lastWords } from '../host/process-logs.ts'
import { doneInNew } from '../run/schedule.ts'
import { showProgress } from '../run/progress.ts'
import { readAhead, type ReadAhead } from '../observe/found.ts'
import { withListed } from '../observe/others.ts'
import { withTuned } from '../observe/tuned.ts'
import { read } from '../observe/read.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Change, Plan } from '../model/change.ts'
import type { Host } from '../model/host.ts'
import type { Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import { listedIn, touchedBy } from '../plan/listed.ts'
import { planJson } from '../views/json.ts'
import { meanwhile, unsettled } from '../views/left.ts'
import { renderPlan } from '../views/plan-text.ts'
import type { ChangeOptions } from './apply.ts'
import { planFor, readRequestOf, type Prepared } from './prepare.ts'
import { earlier, rollBack, type RolledBack } from './rollback.ts'
import { errColors, note, report } from './terminal.ts'

/** How often the listed changes are made at most, when something, such as the kernel itself, undoes them. */
const ROUNDS = 3

/** The result of carrying out a plan. */
export interface CarriedOut {
  /** The exit code: 0 when all listed changes are made. */
  readonly code: number
  /** Something else changed during the run: the next plan is not empty. */
  readonly more: boolean
  /** How many steps succeeded. */
  readonly done: number
  /** Why it failed. */
  readonly diagnostics: readonly Diagnostic[]
  /** The changes that are still to be made, or were undone again. */
  readonly left: readonly Change[]
  readonly rollback?: RolledBack
  /** It failed only in that programs did not start: the network is as the plan wants it. */
  readonly kept?: true
}

/** What a machine has to do with the others while it carries out its part of a plan. */
export interface PlanPart {
  readonly others?: Others
  /** Takes the namespaces that have lost their names: they are released when all parts are done. */
  readonly held?: Held[]
}

/**
 * Makes the changes that a plan lists, and no others, until a new plan does not list them any more; other changes that have
 * become necessary meanwhile are only reported. Rolls back on failure. `part` is that this plan is one of several machines' parts.
 */
export async function carryOut(
  prepared: Prepared,
  runner: Runner,
  options: ChangeOptions,
  signal: AbortSignal,
  part: PlanPart = {},
): Promise<CarriedOut> {
  const { others, held: kept = [] } = part
  const { name, lab, wanted } = prepared
  const before = earlier(prepared.live, prepared.plan)
  let { plan, toHold } = prepared
  let done = 0
  const unstarted = new Map<string, Diagnostic>()
  const result = { more: false, diagnostics: [], left: [] }
  if (plan.steps.length === 0) return { ...result, code: 0, done }
  const made = doneInNew(plan)
  const listed = listedIn(plan)
  const touched = touchedBy(plan)
  for (let round = 1; ; round++) {
    const request = { ...readRequestOf(name, options.destroy ? undefined : lab), createdThisRun: made }
    const early: Promise<ReadAhead>[] = []
    const settled = (names: readonly (string | undefined)[]): Promise<unknown> => {
      const { dumped, found } = readAhead(request, names, runner)
      early.push(found)
      return dumped
    }
    stage('Carrying out the plan …')
    const lost = hold(toHold, runner)
    if (lost) kept.push(lost)
    const progress = { ...showProgress(process.stderr), settled, ...(others && round === 1 && { others }) }
    const execution = await execute(plan.steps, runner, progress, signal)
    done += execution.done.length
    if (execution.failed || execution.stopped) {
      const diagnostics = tell(execution, prepared, runner.host, options)
      const code = signal.aborted ? Number(signal.reason) || 130 : 1
      // When only the marks were read, namespaces can be restored only while they are held open.
      if (!options.rollback || (before.marksOnly && kept.length === 0)) {
        note(`They are kept${options.rollback ? '' : ' (--no-rollback)'}.\n`)
        return { ...result, code, done, diagnostics }
      }
      const rollback = await rollBack(name, before, touched, runner, kept)
      note(rollback.text)
      return { ...result, code, done, diagnostics, rollback }
    }
    if (!part.held) for (const one of kept.splice(0)) one.release()
    report(execution.remarks.map(killed(prepared)), options)
    for (const one of execution.unstarted) unstarted.set(one.step.change, obituary(one, prepared, runner.host))
    stage('Reading again, to verify …')
    const live = await withTuned(withListed(await read(request, runner, early), wanted), wanted, runner)
    const again = { ...options, replace: [], target: options.target ?? [] }
    const { plan: left, rest } = await planFor(name, wanted, live, runner, again, listed)
    plan = without(left, unstarted)
    toHold = holdable(plan.steps, runner.host)
    for (const change of plan.changes)
      if (change.kind === 'process' && change.action === 'create')
        unstarted.set(change.id, epitaph(change, prepared, runner.host))
    plan = without(plan, unstarted)
    if (plan.changes.length === 0) {
      note(meanwhile(rest))
      const missing = left.changes.filter(({ id }) => unstarted.has(id))
      if (unstarted.size === 0) return { ...result, code: 0, done, more: rest.length > 0 }
      const diagnostics = [...unstarted.values()]
      report(diagnostics, options)
      note(`${onlyThose(missing, name)}\n`)
      return { ...result, code: 1, kept: true, done, diagnostics, left: missing, more: rest.length > 0 }
    }
    const diagnostics = [...unstarted.values()]
    if (round < ROUNDS) continue
    else {
      note(renderPlan(planJson(plan), prepared.source, errColors(options)))
      const homes = [...new Set(plan.changes.map(({ namespace }) => namespace))]
      const others = await runner.host.strangers(name, homes)
      const [summary = '', ...detail] = unsettled(name, plan.changes, ROUNDS, wanted, others)
      diagnostics.push({ code: 'not-settled', severity: 'error', summary, detail: detail.join('\n') })
      report(diagnostics, options)
    }
    const failed = { ...result, code: 1, done, diagnostics, left: plan.changes }
    // When something cannot be deleted, what was deleted is not created again.
    if (options.destroy) note('What is gone stays gone.\n')
    else if (!options.rollback) note('What was done is kept (--no-rollback).\n')
    else {
      const rollback = await rollBack(name, before, touched, runner, kept)
      note(rollback.text)
      return { ...failed, rollback }
    }
    return failed
  }
}

/** The plan without these changes. */
const without = (plan: Plan, ids: ReadonlyMap<string, unknown>): Plan =>
  ids.size === 0
    ? plan
    : {
        ...plan,
        changes: plan.changes.filter(({ id }) => !ids.has(id)),
        steps: plan.steps.filter(({ change }) => !ids.has(change)),
      }

/** What is said after the errors of programs that did not start, when everything else is done. */
function onlyThose(missing: readonly Change[], lab: string): string {
  const [count, first] = [missing.length, missing[0]?.id ?? '']
  const what = count === 1 ? first : `these ${count}`
  const [failed, next] = missing.every(({ action }) => action === 'update')
    ? ['did not read new files', 'tries again']
    : [count === 1 ? 'does not run' : 'do not run', count === 1 ? 'starts it' : 'starts them']
  return `Everything else of lab ${lab} is up, and stays: only ${what} ${failed}. The next apply ${next}.`
}

/** The error for a process that was started and does not run any more when the live state is read again. */
function epitaph({ id, namespace, after }: Change, { name: lab, quote }: Prepared, host: Host): Diagnostic {
  const said = lastWords(host, lab, namespace, String(after?.spec['name']))
  return quote({
    code: 'process-ended',
    severity: 'error',
    summary: `${id} ended soon after it was started`,
    ...(said.length && { detail: ['It printed:', ...said].join('\n  ') }),
    ...(after?.source && { position: after.source() }),
  })
}

/** The error for a program that was not started. */
function obituary(one: Unstarted, { wanted, quote }: Prepared, host: Host): Diagnostic {
  if ('outcome' in one) return quote({ ...failureOf(one, wanted, host), code: 'process-not-started' })
  const { step, before } = one
  const position = wanted.get(step.change)?.source?.()
  return quote({
    code: 'process-not-started',
    severity: 'error',
    summary: `${step.change} was not started, because ${before} is not ready`,
    ...(position && { position }),
  })
}

/** The warning for a process that did not end by itself. */
const killed =
  ({ live, quote, wanted }: Prepared) =>
  ({ step: { change } }: Execution['remarks'][number]): Diagnostic => {
    const { stop, stop_timeout: patience } = { ...STOPPING, ...live.resources.get(change)?.spec }
    const position = wanted.get(change)?.source?.()
    return quote({
      code: 'process-killed',
      severity: 'warning',
      summary: `${change} did not end within ${String(patience)} s of ${String(stop)}, and was ended by SIGKILL`,
      detail: 'stop names another signal, stop_timeout a longer time.',
      ...(position && { position }),
    })
  }

function failureOf(failed: Failed, wanted: Resources, host: Host): Diagnostic {
  const source = wanted.get(failed.step.change)?.source
  const command = Number(failed.outcome.stdout)
  const position = source?.(command > 0 ? [command - 1] : [])
  const { summary, detail } = failure(failed, host)
  return { code: 'step-failed', severity: 'error', summary, ...(detail && { detail }), ...(position && { position }) }
}

function tell(
  { failed, done }: Execution,
  { wanted, quote }: Prepared,
  host: Host,
  options: ChangeOptions,
): readonly Diagnostic[] {
  const diagnostics = failed ? [quote(failureOf(failed, wanted, host))] : []
  report(diagnostics, options)
  note(`${done.length} ${done.length === 1 ? 'step was' : 'steps were'} done before.\n`)
  return diagnostics
}
