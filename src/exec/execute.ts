import { shell } from '../model/command.ts'
import type { Step } from '../model/plan.ts'
import type { Failure, Runner } from '../model/runner.ts'

/** What is told while a plan is carried out. */
export interface Progress {
  /** A step is done; `count` of `total` are. */
  done(step: Step, count: number, total: number): void
  /** Nothing more will come. */
  end(): void
}

/** How far a run came. */
export interface Execution {
  /** The steps that were carried out. */
  readonly done: readonly Step[]
  /** The step that failed, with the tool's own words. */
  readonly failed?: { readonly step: Step; readonly outcome: Failure['outcome'] }
  /** It was asked to stop. */
  readonly stopped: boolean
}

/** Carries out steps wave by wave. Stops after the first failure, or when `signal` says so, and never throws for them. */
export async function execute(
  steps: readonly Step[],
  runner: Runner,
  progress: Progress,
  signal?: AbortSignal,
): Promise<Execution> {
  const done: Step[] = []
  for (let start = 0; start < steps.length && !signal?.aborted;) {
    const first = steps[start]
    let end = start
    while (end < steps.length && steps[end]?.wave === first?.wave) end++
    const wave = steps.slice(start, end)
    const failure = await runner.run(
      wave.map(({ command }) => command),
      (index) => {
        const step = wave[index]
        if (!step) return
        done.push(step)
        progress.done(step, done.length, steps.length)
      },
      signal,
    )
    const step = failure && wave[failure.index]
    if (step) {
      progress.end()
      return { done, failed: { step, outcome: failure.outcome }, stopped: false }
    }
    start = end
  }
  progress.end()
  return { done, stopped: done.length < steps.length }
}

/** A step that failed, in words: which, its command, what the tool said. */
export function failureText({ step, outcome }: NonNullable<Execution['failed']>): string {
  const said = (outcome.stderr.trim() || outcome.stdout.trim()).replaceAll('\n', '\n    ')
  return [
    `${step.change}: ${step.stage} failed (exit code ${outcome.code})`,
    `  ${shell(step.command).replaceAll('\n', '\n  ')}`,
    ...(said ? [`    ${said}`] : []),
  ].join('\n')
}
