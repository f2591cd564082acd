import { startRunner } from '../run/choose-runner.ts'
import { scale } from '../run/schedule.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import { planJson, type PlanJson } from '../views/json.ts'
import { runJson, type Run } from '../views/run-json.ts'
import { renderPlan } from '../views/plan-text.ts'
import { carryOutKeeping } from './keep-faults.ts'
import { sizeHere } from './locate-ahead.ts'
import { recorded, remember, type Located, type LocateOptions } from './locate.ts'
import { openLocated } from './open-located.ts'
import { prepare, type Prepared, type PlanOptions } from './prepare.ts'
import { revertTime, secondsOf, startWatchdog, type Watchdog } from './revert.ts'
import { confirm, errColors, note, out, outColors, outJson, report, type Global } from './terminal.ts'

/** Options of the commands that change the kernel. */
export interface ChangeOptions extends Global, PlanOptions, LocateOptions {
  readonly autoApprove?: boolean
  readonly json?: boolean
  /** Nothing that the plan shows is folded. */
  readonly full?: boolean
  /** A duration; a number is in seconds. */
  readonly lockTimeout: string
  /** False after `--no-rollback`. */
  readonly rollback: boolean
  /** A duration after which the changes are taken back unless they are confirmed. */
  readonly revertAfter?: string
  /** Ends all faults. */
  readonly heal?: boolean
  /** Ends processes of others in namespaces that are deleted. */
  readonly force?: boolean
  /** Machines of the lab that are left out. */
  readonly skipMachine?: readonly string[]
}

/** `netlab apply` and `netlab destroy`: plan, ask, carry out, read again, verify. Returns the exit code. */
export async function change(host: Host, located: Located, given: ChangeOptions): Promise<number> {
  const patience = secondsOf('--lock-timeout', given.lockTimeout) * 1000
  const reverts = given.revertAfter === undefined ? undefined : revertTime(given.revertAfter)
  const saved = 'saved' in located ? located.saved : undefined
  // A saved plan was reviewed when it was made, and contains the options that it was made with.
  const options: ChangeOptions = saved ? { ...given, ...saved.wishes, autoApprove: true } : given
  const runner = startRunner(host, sizeHere(located))
  const file = 'name' in located ? located : recorded(located)
  const opened = openLocated(file, host, options)
  if (opened?.machines && 'file' in file)
    return (await import('./change-machines.ts')).changeMachines(runner, { located: file, opened }, options)
  if (given.skipMachine) throw noMachines()
  const name = opened?.name ?? ('name' in located ? located.name : '')
  const shown = options.autoApprove ? undefined : await prepare(located, opened, runner, options)
  if (shown) {
    show(shown, options)
    if (shown.plan.steps.length === 0 && !shown.live.faults.some(({ lifted }) => options.heal || lifted))
      return finish(planJson(shown.plan), { code: 0, status: 'unchanged' }, options)
    const answer = await approved()
    if (answer !== 'yes')
      return finish(planJson(shown.plan), { code: answer === 'interrupted' ? 130 : 1, status: 'declined' }, options)
  }
  const release = await host.lock(name, patience, (holder) =>
    note(`Waiting for another run on lab ${name}${holder && ` (${holder})`} …\n`),
  )
  const signals = heedSignals()
  const isFirst = host.isSandbox && host.list('/run/netns').length === 0
  const started = Date.now()
  try {
    let current = await prepare(located, opened, runner, options, {
      forApply: true,
      ...(!shown && !options.json && !saved && { marksOnlyFrom: scale.marksOnly }),
    })
    // The live state may have changed between the question and the lock.
    if (shown && JSON.stringify(current.plan.steps) !== JSON.stringify(shown.plan.steps))
      throw UserError.of(
        'plan-stale',
        'the live network has changed since the plan was shown',
        'Run the command again.',
      )
    if (!shown) show(current, options)
    if ('file' in located && !saved) remember(located.file)
    if (options.force && current.plan.strangers.length) {
      await host.end(current.plan.strangers)
      current = await prepare(located, opened, runner, options, { forApply: true })
    }
    // It is started before anything changes, so that a run which is killed half-way is taken back as well.
    const watchdog = reverts === undefined ? undefined : await startWatchdog(host, current, reverts)
    const done = await carryOutKeeping(current, runner, options, signals.stop)
    const { code, more } = done
    if (watchdog) await confirmOrRevert(watchdog, name, code === 0 || done.kept === true)
    if (code === 0 && current.plan.steps.length)
      note(
        options.destroy
          ? `Lab ${name} is gone.\n`
          : `Lab ${name} is up: verified, ${more ? 'what the plan listed is done' : 'nothing is left to do'}.\n${whatNext(current, located, Date.now() - started)}`,
      )
    if (code === 0 && isFirst && !options.destroy) note(IN_SANDBOX)
    const went = signals.stop.aborted && code !== 0 ? 'stopped' : 'failed'
    const status = current.plan.steps.length === 0 ? 'unchanged' : code === 0 ? 'done' : went
    return finish(planJson(current.plan), { ...done, status }, options)
  } finally {
    signals.end()
    release()
  }
}

/** Why there is nothing to leave out. */
export const noMachines = (): UserError =>
  UserError.of('bad-option', '--skip-machine is for labs on several machines, and this one has no machines')

const IN_SANDBOX =
  'It is in your sandbox, which other shells do not see. netlab shell opens one that does, netlab shell NS one in a namespace.\n'

/** How long it took, and what to do with a lab that is up. */
function whatNext({ name, lab }: Prepared, located: Located, duration: number): string {
  const time = `It took ${(duration / 1000).toFixed(1)} s. `
  const canTest = lab?.checks.length && 'file' in located && located.file !== '-'
  return `${time}${canTest ? `Next: netlab test ${located.file}` : `Next: netlab show ${name}`}\n`
}

/** A failed run has been rolled back already; what is `up` is taken back unless it is confirmed in time, by this name or file. */
export async function confirmOrRevert(watchdog: Watchdog, name: string, up: boolean): Promise<void> {
  if (up) note(`This is taken back in ${watchdog.seconds} s, unless you say: netlab confirm ${name}\n`)
  else await watchdog.dismiss()
}

/** Shows the plan before the question. */
function show({ live, plan, source, warnings }: Prepared, options: ChangeOptions): void {
  showPlan(planJson(plan), source, warnings, options)
  if (live.marksOnly) note(NOT_LISTED)
}

/** Said of a plan for which only the marks of namespaces were read. */
export const NOT_LISTED = 'What is in a namespace goes with it; netlab plan --destroy lists that as well.\n'

/** Shows a plan and its warnings, even with --json: that document is printed at the end, with the result. */
export function showPlan(
  plan: PlanJson,
  source: string,
  warnings: readonly Diagnostic[],
  options: ChangeOptions,
): void {
  report(warnings, options)
  if (!options.json) out(renderPlan(plan, source, outColors(options), options.destroy, options.full))
  else if (!options.autoApprove) note(renderPlan(plan, source, errColors(options), options.destroy, options.full))
}

/** Prints the document if --json asks for it, and returns the exit code. */
export function finish(plan: PlanJson, run: Run, options: ChangeOptions): number {
  if (options.json) outJson(runJson(plan, run))
  return run.code
}

/** Asks on the terminal. Throws a UserError where there is none. */
export async function approved(): Promise<'yes' | 'no' | 'interrupted'> {
  if (!process.stdin.isTTY)
    throw UserError.of(
      'no-terminal',
      'there is no terminal to ask on',
      'Look at the plan, then run the command again with -y (--auto-approve).',
    )
  const answer = await confirm('Do this?')
  if (answer !== 'yes') note('Nothing was changed.\n')
  return answer
}

/** After the first signal the running step finishes and the run is rolled back; the second signal ends netlab at once. */
export function heedSignals(): { readonly stop: AbortSignal; end(): void } {
  const stop = new AbortController()
  const handlers = (
    [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const
  ).map(([name, code]) => {
    const handler = (): void => {
      if (stop.signal.aborted) {
        process.off(name, handler)
        process.kill(process.pid, name)
        return
      }
      note('\nStopping after the running step; once more stops at once.\n')
      stop.abort(code)
    }
    process.on(name, handler)
    return [name, handler] as const
  })
  return { stop: stop.signal, end: () => handlers.forEach(([name, handler]) => process.off(name, handler)) }
}
