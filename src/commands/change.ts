import { execute, failureText, type Execution } from '../exec/execute.ts'
import { ipRunner } from '../exec/ip.ts'
import { lock } from '../exec/lock.ts'
import { showProgress } from '../exec/progress.ts'
import { read, type Live } from '../live/read.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Plan } from '../model/plan.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { kindOf } from '../kinds/index.ts'
import { makePlan } from '../plan/plan.ts'
import { planJson } from '../render/json.ts'
import { renderPlan } from '../render/plan.ts'
import { locate, remember } from './locate.ts'
import { load, planFor, prepare, subjectOf, type Prepared, type Wishes } from './prepare.ts'
import { confirm, errColors, note, out, outColors, outJson, report, type Global } from './terminal.ts'

/** Options of the commands that change the kernel. */
export interface ChangeOptions extends Global, Wishes {
  readonly autoApprove?: boolean
  readonly json?: boolean
  /** Seconds. */
  readonly lockTimeout: string
  /** False after `--no-rollback`. */
  readonly rollback: boolean
}

/** How often what is left after a run is tried again: the kernel may do something on its own meanwhile. */
const ROUNDS = 3

/** `netlab apply` and `netlab destroy`: plan, ask, carry out, read again, verify. Returns the exit code. */
export async function change(argument: string | undefined, given: ChangeOptions): Promise<number> {
  const located = locate(argument)
  const saved = 'saved' in located ? located.saved : undefined
  // A saved plan was looked at when it was made, and carries what it was asked for.
  const options: ChangeOptions = saved ? { ...given, ...saved.wishes, autoApprove: true } : given
  const lab = load(located)
  const name = lab?.name ?? ('name' in located ? located.name : '')
  if ('file' in located && !saved) remember(located.file)
  report(lab?.warnings ?? [], options)
  const shown = options.autoApprove ? undefined : await prepare(located, ipRunner, options)
  if (shown) {
    show(shown, options)
    if (shown.plan.steps.length === 0) return 0
    if (!(await approved())) return 1
  }
  const release = await lock(name, Number(options.lockTimeout) * 1000, (holder) =>
    note(`Waiting for another run on lab ${name}${holder && ` (${holder})`} …\n`),
  )
  const signals = listen()
  try {
    const current = await prepare(located, ipRunner, options)
    // Somebody may have been here between the question and the lock.
    if (shown && JSON.stringify(current.plan.steps) !== JSON.stringify(shown.plan.steps))
      throw UserError.of('the live network has changed since the plan was shown', 'Run the command again.')
    if (!shown) show(current, options)
    const code = await carryOut(current, options, signals.stop)
    if (code === 0 && current.plan.steps.length)
      note(options.destroy ? `Lab ${name} is gone.\n` : `Lab ${name} is up: verified, nothing is left to do.\n`)
    return code
  } finally {
    signals.end()
    release()
  }
}

function show({ plan, source }: Prepared, options: ChangeOptions): void {
  const json = planJson(plan)
  if (options.json) outJson(json)
  else out(renderPlan(json, source, outColors(options)))
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
async function carryOut(prepared: Prepared, options: ChangeOptions, signal: AbortSignal): Promise<number> {
  const { name, lab, live: before } = prepared
  let { plan } = prepared
  if (plan.steps.length === 0) return 0
  for (let round = 1; ; round++) {
    const execution = await execute(plan.steps, ipRunner, showProgress(process.stderr), signal)
    if (execution.failed || execution.stopped) return await failed(execution, name, before, options, signal)
    const subject = subjectOf(name, options.destroy ? undefined : lab)
    const live = await read(subject, ipRunner)
    plan = await planFor(name, lab, live, ipRunner, { ...options, replace: [], target: options.target ?? [] })
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

async function failed(
  execution: Execution,
  name: string,
  before: Live,
  options: ChangeOptions,
  signal: AbortSignal,
): Promise<number> {
  if (execution.failed) note(`${errColors(options).red('error:')} ${failureText(execution.failed)}\n`)
  note(`${execution.done.length} steps were done before.\n`)
  if (!options.rollback) note('They are kept (--no-rollback).\n')
  else if (execution.done.length > 0 || execution.failed) await rollBack(name, before, options)
  return signal.aborted ? Number(signal.reason) || 130 : 1
}

/** Plans from what is live now to what was live before, and does that. */
async function rollBack(name: string, before: Live, options: ChangeOptions): Promise<void> {
  const wanted = lasting(before.resources)
  const plan = async (): Promise<Plan> =>
    makePlan({
      lab: name,
      desired: wanted,
      live: lasting((await read(subjectBefore(name, before), ipRunner)).resources),
    })
  const back = await plan()
  const execution = await execute(back.steps, ipRunner, showProgress(process.stderr))
  const left = await plan()
  if (execution.failed) note(`${errColors(options).red('error:')} rolling back: ${failureText(execution.failed)}\n`)
  note(
    left.changes.length === 0
      ? 'Rolled back: the network is as it was.\n'
      : `Could not be rolled back:\n${left.changes.map(({ id }) => `  ${id}\n`).join('')}`,
  )
}

/** What stays when it is made again: without what the kernel adds by itself and what namespaces to come would inherit. */
const lasting = (resources: Resources): Resources =>
  new Map<string, Resource>(
    [...resources].filter(([, r]) => {
      if (r.kind === 'sysctl') return r.root || resources.has(r.namespace)
      return !kindOf(r.kind).automatic?.(r) || r.kind === 'loopback'
    }),
  )

function subjectBefore(name: string, { resources }: Live) {
  const namespaces = new Map<string, { root?: true; shares?: string }>()
  const sysctls = new Map<string, string[]>()
  for (const { kind, id, namespace, root, spec } of resources.values()) {
    if (root) namespaces.set(namespace, { root })
    else if (kind === 'namespace') namespaces.set(id, {})
    else if (kind === 'share') namespaces.set(id, { shares: String(spec['of']) })
    if (kind === 'sysctl') sysctls.set(namespace, [...(sysctls.get(namespace) ?? []), String(spec['key'])])
  }
  return { lab: name, namespaces, sysctls }
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
