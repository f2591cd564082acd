import { shell } from '../model/command.ts'
import { stages, type Stage, type Step } from '../model/plan.ts'
import type { Failure, Runner } from '../model/runner.ts'
import { idHint } from './sandbox/hint.ts'

/** What is told while a plan is carried out. */
export interface Progress {
  /** A step is done; `count` of `total` are. */
  done(step: Step, count: number, total: number): void
  /** No step that is still to come concerns these namespaces; undefined: where netlab itself runs. Bridges open after. */
  settled?(namespaces: readonly (string | undefined)[]): Promise<unknown>
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
  const settling = settlings(all)
  const reading: Promise<unknown>[] = []
  const settle = (place: number): void => {
    const names = settling[place] ?? []
    const heard = names.length ? progress.settled?.(names) : undefined
    if (heard) reading.push(heard.catch(() => {})) // told to whom it is handed
  }
  for (const [place, wave] of all.entries()) {
    // A bridge that opens floods what every host says, and everything takes long (docs/kernel.md).
    const opens = wave.some(({ stage }) => stage === 'open bridges')
    if (opens) {
      settle(place - 1)
      await Promise.all(reading)
    }
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
      else if (rest === wave && !opens) settle(place - 1)
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
  if (!signal?.aborted) settle(all.length - 1)
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

const reaching = new Set<Stage>(
  stages.slice(0, stages.findIndex(({ name }) => name === 'create links') + 1).map(({ name }) => name),
)

/** By wave, the namespaces that nothing concerns after it. Until links are made, commands reach into other namespaces. */
function settlings(all: readonly (readonly Step[])[]): (string | undefined)[][] {
  const least = all.findLastIndex((wave) => wave.some(({ stage }) => reaching.has(stage)))
  const lasts = new Map<string | undefined, number>()
  all.forEach((wave, place) => wave.forEach(({ command }) => lasts.set(command.netns, Math.max(place, least))))
  const result = all.map((): (string | undefined)[] => [])
  for (const [netns, place] of lasts) result[place]?.push(netns)
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
