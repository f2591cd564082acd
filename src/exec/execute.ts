import { shell } from '../model/command.ts'
import type { Step } from '../model/plan.ts'
import type { Failure, Runner } from '../model/runner.ts'
import { idHint } from './sandbox/hint.ts'

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

/** What the tools say when something that is to be removed is gone already: the kernel removes in the background. */
const GONE = /Cannot find device|No such (device|process|file)|Cannot assign requested address/
const isMoot = ({ stage }: Step, { stderr }: Failure['outcome']): boolean =>
  stage.startsWith('delete ') && GONE.test(stderr)

/** Carries out steps wave by wave. Stops after the first failure, or when `signal` says so, and never throws for them. */
export async function execute(
  steps: readonly Step[],
  runner: Runner,
  progress: Progress,
  signal?: AbortSignal,
): Promise<Execution> {
  const done: Step[] = []
  const finish = (step: Step): void => {
    done.push(step)
    progress.done(step, done.length, steps.length)
  }
  const all = waves(steps)
  for (const wave of all) {
    let rest = wave
    while (rest.length > 0 && !signal?.aborted) {
      const finished = new Set<number>()
      const running = runner.run(
        rest.map(({ command }) => command),
        (index) => {
          const step = rest[index]
          finished.add(index)
          if (step) finish(step)
        },
        signal,
      )
      // While the kernel is busy with the first wave, the commands of the others are made ready.
      if (wave === all[0]) runner.anticipate?.(steps.slice(wave.length).map(({ command }) => command))
      const failure = await running
      const failed = failure && rest[failure.index]
      if (failed && !isMoot(failed, failure.outcome)) {
        progress.end()
        return { done, failed: { step: failed, outcome: failure.outcome }, stopped: false }
      }
      if (failed) {
        finished.add(failure.index)
        finish(failed)
      } else break
      rest = rest.filter((_, index) => !finished.has(index))
    }
  }
  progress.end()
  return { done, stopped: done.length < steps.length }
}

/** The steps of each wave. */
function waves(steps: readonly Step[]): Step[][] {
  const result: Step[][] = []
  for (const step of steps) {
    const last = result.at(-1)
    if (last?.[0]?.wave === step.wave) last.push(step)
    else result.push([step])
  }
  return result
}

/** A step that failed, in words: which, its command, what the tool said. */
export function failureText({ step, outcome }: NonNullable<Execution['failed']>): string {
  const said = (outcome.stderr.trim() || outcome.stdout.trim()).replaceAll('\n', '\n    ')
  const hint = idHint(said)
  return [
    `${step.change}: ${step.stage} failed (exit code ${outcome.code})`,
    `  ${shell(step.command).replaceAll('\n', '\n  ')}`,
    ...(said ? [`    ${said}`] : []),
    ...(hint ? [`  ${hint}`] : []),
  ].join('\n')
}
