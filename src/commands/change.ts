import { execute, failureText, type Execution } from '../exec/execute.ts'
import { hold } from '../exec/hold.ts'
import { startRunner } from '../exec/runner.ts'
import { lock } from '../exec/lock.ts'
import { showProgress } from '../exec/progress.ts'
import { end } from '../exec/strangers.ts'
import { readEarly, type Early } from '../live/found.ts'
import { read } from '../live/read.ts'
import type { Made } from '../live/subject.ts'
import type { Runner } from '../model/runner.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Plan, Stage } from '../model/plan.ts'
import { planJson } from '../render/json.ts'
import { renderPlan } from '../render/plan.ts'
import { locate, remember } from './locate.ts'
import { open, planFor, prepare, subjectOf, type Prepared, type Wishes } from './prepare.ts'
import { secondsOf, startWatchdog, type Watchdog } from './revert.ts'
import { rollBack } from './rollback.ts'
import { confirm, errColors, note, out, outColors, outJson, passing, report, type Global } from './terminal.ts'

/** Options of the commands that change the kernel. */
export interface ChangeOptions extends Global, Wishes {
  readonly autoApprove?: boolean
  readonly json?: boolean
  /** A duration; a number is in seconds. */
  readonly lockTimeout: string
  /** False after `--no-rollback`. */
  readonly rollback: boolean
  /** A duration: what was done is taken back then, unless it is confirmed. */
  readonly revertAfter?: string
  /** Ends processes of others in namespaces that go. */
  readonly force?: boolean
}

/** How often what is left after a run is tried again: the kernel may do something on its own meanwhile. */
const ROUNDS = 3

/** `netlab apply` and `netlab destroy`: plan, ask, carry out, read again, verify. Returns the exit code. */
export async function change(argument: string | undefined, given: ChangeOptions): Promise<number> {
  const patience = secondsOf('--lock-timeout', given.lockTimeout) * 1000
  const runner = startRunner()
  const located = locate(argument)
  const saved = 'saved' in located ? located.saved : undefined
  // A saved plan was looked at when it was made, and carries what it was asked for.
  const options: ChangeOptions = saved ? { ...given, ...saved.wishes, autoApprove: true } : given
  const opened = open(located)
  const name = opened?.name ?? ('name' in located ? located.name : '')
  const shown = options.autoApprove ? undefined : await prepare(located, opened, runner, options)
  if (shown) {
    show(shown, options)
    if (shown.plan.steps.length === 0) return 0
    if (!(await approved())) return 1
  }
  const release = await lock(name, patience, (holder) =>
    note(`Waiting for another run on lab ${name}${holder && ` (${holder})`} …\n`),
  )
  const signals = listen()
  try {
    let current = await prepare(located, opened, runner, options, { making: true, cursory: !shown && !options.json })
    // Somebody may have been here between the question and the lock.
    if (shown && JSON.stringify(current.plan.steps) !== JSON.stringify(shown.plan.steps))
      throw UserError.of('the live network has changed since the plan was shown', 'Run the command again.')
    if (!shown) show(current, options)
    if ('file' in located && !saved) remember(located.file)
    if (options.force && current.plan.strangers.length) {
      await end(current.plan.strangers)
      current = await prepare(located, opened, runner, options)
    }
    // It watches before anything changes: a run that is killed half-way is taken back as well.
    const watchdog =
      options.revertAfter === undefined ? undefined : await startWatchdog(name, current.live, options.revertAfter)
    const code = await carryOut(current, runner, options, signals.stop)
    if (watchdog) await settle(watchdog, name, code)
    if (code === 0 && current.plan.steps.length)
      note(options.destroy ? `Lab ${name} is gone.\n` : `Lab ${name} is up: verified, nothing is left to do.\n`)
    return code
  } finally {
    signals.end()
    release()
  }
}

/** What failed has been taken back already; what succeeded waits for a word. */
async function settle(watchdog: Watchdog, name: string, code: number): Promise<void> {
  if (code === 0) note(`This is taken back in ${watchdog.seconds} s, unless you say: netlab confirm ${name}\n`)
  else await watchdog.dismiss()
}

function show({ lab, live, plan, source }: Prepared, options: ChangeOptions): void {
  report(lab?.warnings ?? [], options)
  const json = planJson(plan)
  if (options.json) outJson(json)
  else out(renderPlan(json, source, outColors(options), options.destroy))
  if (live.cursory) note('What is in a namespace goes with it; netlab plan --destroy lists that as well.\n')
}

async function approved(): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw UserError.of(
      'there is no terminal to ask on',
      'Look at the plan, then run the command again with -y (--auto-approve).',
    )
  const yes = await confirm('Do this?')
  if (!yes) note('Nothing was changed.\n')
  return yes
}

/** Executes until nothing is left to do; on failure puts back what was. Returns an exit code. */
async function carryOut(
  prepared: Prepared,
  runner: Runner,
  options: ChangeOptions,
  signal: AbortSignal,
): Promise<number> {
  const { name, lab, wanted, live: before } = prepared
  let { plan } = prepared
  if (plan.steps.length === 0) return 0
  const made = madeBy(plan)
  for (let round = 1; ; round++) {
    const subject = { ...subjectOf(name, options.destroy ? undefined : lab), made }
    const early: Promise<Early>[] = []
    const settled = (names: readonly (string | undefined)[]): Promise<unknown> => {
      const { dumped, found } = readEarly(subject, names, runner)
      early.push(found)
      return dumped
    }
    const held = hold(plan.steps, runner)
    const execution = await execute(plan.steps, runner, { ...showProgress(process.stderr), settled }, signal)
    if (execution.failed || execution.stopped) {
      tell(execution, options)
      // What was not read can be put back only while it is held.
      if (options.rollback && (held || !before.cursory)) note((await rollBack(name, before, runner, held)).text)
      else note(`They are kept${options.rollback ? '' : ' (--no-rollback)'}.\n`)
      return signal.aborted ? Number(signal.reason) || 130 : 1
    }
    held?.release()
    passing('Reading again, to verify …')
    const live = await read(subject, runner, early)
    plan = await planFor(name, wanted, live, runner, { ...options, replace: [], target: options.target ?? [] })
    passing('')
    if (plan.changes.length === 0) return 0
    if (round === ROUNDS) {
      note(renderPlan(planJson(plan), prepared.source, errColors(options)))
      throw UserError.of(
        `lab ${name} was changed, but the changes above are still left to do`,
        'Something else may be changing it at the same time.',
      )
    }
  }
}

/** Stages that leave more in a namespace than links, addresses, routes and sysctls, or may. */
const MORE: readonly Stage[] = ['load firewall', 'add neighbors', 'add rules', 'add qdiscs', 'start processes']

/** The namespaces that a plan makes, and what it does in them. */
function madeBy({ changes, steps }: Plan): Map<string, Made> {
  const made = new Map<string, { sysctls: string[]; plain: boolean }>()
  for (const { kind, action, id } of changes)
    if (kind === 'namespace' && action === 'create') made.set(id, { sysctls: [], plain: true })
  for (const { stage, command } of steps) {
    const one = made.get(command.netns ?? '')
    if (!one) continue
    if (stage === 'set sysctls' || stage === 'set sysctls of all')
      one.sysctls.push(command.argv.at(-1)?.split('=', 1)[0] ?? '')
    if (MORE.includes(stage)) one.plain = false
  }
  return made
}

function tell({ failed, done }: Execution, options: ChangeOptions): void {
  if (failed) note(`${errColors(options).red('error:')} ${failureText(failed)}\n`)
  note(`${done.length} steps were done before.\n`)
}

/** The first signal lets the running step finish and undoes what was done; the second ends the run at once. */
function listen(): { readonly stop: AbortSignal; end(): void } {
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
