import { execute, failure, type Execution } from '../run/execute.ts'
import { hold } from '../run/hold.ts'
import { lastWords } from '../host/lab-processes.ts'
import { doneInNew } from '../run/schedule.ts'
import { showProgress } from '../run/progress.ts'
import { readAhead, type ReadAhead } from '../observe/found.ts'
import { ours } from '../observe/others.ts'
import { read } from '../observe/read.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Change } from '../model/change.ts'
import type { Runner } from '../model/runner.ts'
import { listedIn, touchedBy } from '../plan/listed.ts'
import { planJson } from '../views/json.ts'
import { meanwhile, unsettled } from '../views/left.ts'
import { renderPlan } from '../views/plan-text.ts'
import type { ChangeOptions } from './apply.ts'
import { planFor, readRequestOf, type Prepared } from './prepare.ts'
import { rollBack } from './rollback.ts'
import { errColors, note, passing, report } from './terminal.ts'

/** How often what was listed is done, should it be undone meanwhile: the kernel may do something on its own. */
const ROUNDS = 3

/** How a plan was carried out. */
export interface CarriedOut {
  /** An exit code: 0 when everything that was listed is done. */
  readonly code: number
  /** Something else has changed meanwhile: the next plan is not empty. */
  readonly more: boolean
}

/**
 * Does what a plan lists, and nothing else, until it is done; what has become otherwise meanwhile is only told. On failure
 * puts back what was.
 */
export async function carryOut(
  prepared: Prepared,
  runner: Runner,
  options: ChangeOptions,
  signal: AbortSignal,
): Promise<CarriedOut> {
  const { name, lab, wanted, live: before } = prepared
  let { plan } = prepared
  if (plan.steps.length === 0) return { code: 0, more: false }
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
    const held = hold(plan.steps, runner)
    const execution = await execute(plan.steps, runner, { ...showProgress(process.stderr), settled }, signal)
    if (execution.failed || execution.stopped) {
      tell(execution, prepared, options)
      // What was not read can be put back only while it is held.
      if (options.rollback && (held || !before.marksOnly))
        note((await rollBack(name, before, touched, runner, held)).text)
      else note(`They are kept${options.rollback ? '' : ' (--no-rollback)'}.\n`)
      return { code: signal.aborted ? Number(signal.reason) || 130 : 1, more: false }
    }
    held?.release()
    passing('Reading again, to verify …')
    const live = ours(await read(request, runner, early), wanted)
    const again = { ...options, replace: [], target: options.target ?? [] }
    const { plan: left, rest } = await planFor(name, wanted, live, runner, again, listed)
    plan = left
    passing('')
    if (plan.changes.length === 0) {
      note(meanwhile(rest))
      return { code: 0, more: rest.length > 0 }
    }
    const ended = plan.changes.filter(({ kind, action }) => kind === 'process' && action === 'create')
    if (ended.length) report(ended.map(epitaph(prepared)), options)
    else if (round < ROUNDS) continue
    else {
      note(renderPlan(planJson(plan), prepared.source, errColors(options)))
      const homes = [...new Set(plan.changes.map(({ namespace }) => namespace))]
      const others = await runner.strangers(name, homes)
      note(`${errColors(options).red('error:')} ${unsettled(name, plan.changes, ROUNDS, wanted, others)}`)
    }
    // What is to go and does not is no reason to make everything else anew.
    if (options.destroy) note('What is gone stays gone.\n')
    else if (options.rollback) note((await rollBack(name, before, touched, runner)).text)
    else note('What was done is kept (--no-rollback).\n')
    return { code: 1, more: false }
  }
}

/** The error for a process that was started, and is not there when everything is read again. */
const epitaph =
  ({ name: lab, quote }: Prepared) =>
  ({ id, namespace, after }: Change): Diagnostic => {
    const said = lastWords(lab, namespace, String(after?.spec['name']))
    return quote({
      severity: 'error',
      summary: `${id} ended soon after it was started`,
      ...(said.length && { detail: ['It printed:', ...said].join('\n  ') }),
      ...(after?.source && { position: after.source() }),
    })
  }

function tell({ failed, done }: Execution, { wanted, quote }: Prepared, options: ChangeOptions): void {
  if (failed) {
    const position = wanted.get(failed.step.change)?.source?.()
    const { summary, detail } = failure(failed)
    const more = { ...(detail && { detail }), ...(position && { position }) }
    report([quote({ severity: 'error', summary, ...more })], options)
  }
  note(`${done.length} ${done.length === 1 ? 'step was' : 'steps were'} done before.\n`)
}
