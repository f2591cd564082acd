import { waitForCarriers } from '../backend/carriers.ts'
import { commandOf } from '../backend/iproute/command-of.ts'
import { shell } from '../model/command.ts'
import { stageOf, type Step } from '../model/change.ts'
import type { Host } from '../model/host.ts'
import type { Failure, Runner } from '../model/runner.ts'
import { runPrograms, type ProgramsRun } from './run-programs.ts'
import type { Others } from './other-parts.ts'
import { ofPrograms, opens, settledAfter, startsPrograms, uninterrupted, waves } from './schedule.ts'

/** Callbacks while a plan is carried out. */
export interface Progress {
  /** Called after each step: `count` of `total` steps are done. `next` comes next, unless several run at the same time. */
  done(step: Step, count: number, total: number, next: Step | undefined): void
  /**
   * Called when no later step changes these namespaces; undefined stands for the namespace in which netlab itself runs.
   * Bridges start forwarding only after the promises that this returned are settled.
   */
  settled?(namespaces: readonly (string | undefined)[]): Promise<unknown>
  /** The machines that carry out other parts of the plan; absent: there are none. */
  readonly others?: Others
  /** Called once, after the last step or the failure. */
  end(): void
}

/** The result of a run. */
export interface Execution {
  /** The steps that were carried out. */
  readonly done: readonly Step[]
  /** The step that failed, with the output of its command. */
  readonly failed?: { readonly step: Step; readonly outcome: Failure['outcome'] }
  /** The steps that start programs and failed, or were not tried because one before them failed; the rest goes on. */
  readonly unstarted: readonly Unstarted[]
  /** What steps that succeeded printed. */
  readonly remarks: ProgramsRun['remarks']
  /** Whether it was interrupted before the last step. */
  readonly stopped: boolean
}

/** A program that was not started: it failed, or `before`, which comes before it, did. */
export type Unstarted = Failed | { readonly step: Step; readonly before: string }

/** Messages of the tools when the kernel, which removes in the background, has already removed what they should remove. */
const GONE =
  /Cannot find device|No such (device|process|file)|Cannot assign requested address|[Aa]ddress not found|Filter with specified priority.protocol not found/
const isMoot = ({ stage }: Step, { stderr }: Failure['outcome']): boolean =>
  stageOf(stage).removes === true && GONE.test(stderr)

/** Carries out steps wave by wave. Stops after the first failure or when `signal` is aborted; throws for neither. */
export async function execute(
  steps: readonly Step[],
  runner: Runner,
  progress: Progress,
  signal?: AbortSignal,
): Promise<Execution> {
  const done: Step[] = []
  const all = waves(steps)
  const settling = settledAfter(all)
  const places = new Map(all.map((wave, place) => [wave[0]?.wave, place]))
  const left = all.map(({ length }) => length)
  const reading: Promise<unknown>[] = []
  const unstarted: Unstarted[] = []
  const remarks: ProgramsRun['remarks'][number][] = []
  let { others } = progress
  const finish = (step: Step): void => {
    done.push(step)
    progress.done(step, done.length, steps.length, steps[done.length])
    const place = places.get(step.wave) ?? 0
    left[place] = (left[place] ?? 0) - 1
    const names = settling[place] ?? []
    if (left[place] > 0 || names.length === 0 || signal?.aborted) return
    const early = progress.settled?.(names)
    if (early) reading.push(early.catch(() => {})) // the caller awaits it; the handler only avoids an unhandled rejection
  }
  for (const some of uninterrupted(all)) {
    if (opens(some[0])) await Promise.all(reading)
    let rest = some.flat()
    const starts = startsPrograms(rest)
    if (starts) {
      await waitForCarriers(setUp(done), runner, signal)
      others?.reach()
      await others?.meet()
    }
    if (ofPrograms(rest) && !signal?.aborted) {
      const { failed, skipped, ...printed } = await runPrograms(rest, runner, finish, signal, others)
      if (starts) others = undefined
      remarks.push(...printed.remarks)
      const [first] = failed
      if (first && stageOf(first.step.stage).programs === 'stop') {
        progress.end()
        return { done, failed: first, unstarted, remarks, stopped: false }
      }
      unstarted.push(...failed, ...skipped)
      continue
    }
    while (rest.length > 0 && !signal?.aborted) {
      const finished = new Set<number>()
      const failure = await runner.run(
        waves(rest).map((wave) => wave.map(({ operation }) => operation)),
        (index) => {
          const step = rest[index]
          finished.add(index)
          if (step) finish(step)
        },
        signal,
      )
      const failed = failure && rest[failure.index]
      if (failed && !isMoot(failed, failure.outcome)) {
        progress.end()
        return { done, failed: { step: failed, outcome: failure.outcome }, unstarted, remarks, stopped: false }
      }
      if (failed) {
        finished.add(failure.index)
        finish(failed)
      } else break
      rest = rest.filter((_, index) => !finished.has(index))
    }
  }
  if (others) {
    await waitForCarriers(setUp(done), runner, signal)
    others.reach()
  }
  progress.end()
  return { done, unstarted, remarks, stopped: signal?.aborted === true && done.length < steps.length }
}

/** The links that these steps set up. */
const setUp = (steps: readonly Step[]) =>
  steps.flatMap(({ operation }) =>
    operation.do === 'link.set' && operation.set.up === true ? [{ place: operation.place, name: operation.name }] : [],
  )

/** The kernel's words for an identifier that no interface has which anybody can list. */
const VNI_TAKEN = /VXLAN device with the specified VNI already exists/
const HELD = 'A namespace that was deleted keeps it while a program runs there: lsns -t net lists those.'

export type Failed = NonNullable<Execution['failed']>

/**
 * Describes a failed step: its resource and stage, its command, and the tool's output. For a script of netlab's own the first
 * line of its output is the cause, and the script itself is not shown.
 */
export function failure({ step, outcome }: Failed, host: Host): { readonly summary: string; readonly detail: string } {
  const said = outcome.stderr.trim() || outcome.stdout.trim()
  const hint = host.explain(said) ?? (VNI_TAKEN.test(said) ? HELD : '')
  const [cause = '', ...more] = said.split('\n')
  if (step.operation.do === 'run' && step.operation.instead !== undefined)
    return {
      summary: `${step.change} ${cause || `cannot be done (${step.stage}, exit code ${outcome.code})`}`,
      detail: [...more, hint].filter(Boolean).join('\n'),
    }
  const command = shell(commandOf(step.operation))
  return {
    summary: `${step.change}: ${step.stage} failed (exit code ${outcome.code})`,
    detail: [command, said && `  ${said.replaceAll('\n', '\n  ')}`, hint].filter(Boolean).join('\n'),
  }
}

/** The description of a failed step as one text. */
export function failureText(failed: Failed, host: Host): string {
  const { summary, detail } = failure(failed, host)
  return [summary, ...(detail ? [detail] : [])].join('\n').replaceAll('\n', '\n  ')
}
