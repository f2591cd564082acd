import { stageOf, type Step } from '../model/change.ts'
import type { Outcome } from '../model/command.ts'
import type { Runner } from '../model/runner.ts'
import type { Others } from './other-parts.ts'

/** How many programs of a lab are started or ended at a time: most of the time they wait. */
const AT_ONCE = 8

/** A step that did not succeed, and what its program printed. */
export interface FailedStep {
  readonly step: Step
  readonly outcome: Outcome
}

/** What came of the steps of a wave that starts or ends programs. */
export interface ProgramsRun {
  /** Those that failed: programs that did not start, or did not end. */
  readonly failed: readonly FailedStep[]
  /** Those that were not tried, because one that comes before them failed: `before` is its id. */
  readonly skipped: readonly { readonly step: Step; readonly before: string }[]
  /** What those that succeeded printed. */
  readonly remarks: readonly { readonly step: Step; readonly text: string }[]
}

/**
 * Starts or ends programs, each as soon as those that come before it (`Step.after`) are ready, or have ended. One that fails keeps
 * only those that come after it from being started. `others` start and end programs at the same time. Begins nothing new when `signal` is aborted; throws for none of this.
 */
export async function runPrograms(
  wave: readonly Step[],
  runner: Runner,
  finish: (step: Step) => void,
  signal?: AbortSignal,
  others?: Others,
): Promise<ProgramsRun> {
  const failed: FailedStep[] = []
  const skipped: { step: Step; before: string }[] = []
  const remarks: { step: Step; text: string }[] = []
  const slots = limited(AT_ONCE)
  const ends = stageOf(wave[0]?.stage ?? 'stop processes').programs === 'stop'
  const changes = new Map<string, Step[]>()
  for (const step of wave) {
    const others = changes.get(step.change)
    if (others) others.push(step)
    else changes.set(step.change, [step])
  }
  const results = new Map<string, Promise<boolean>>()
  const resultOf = (id: string): Promise<boolean> => {
    const known = results.get(id)
    if (known) return known
    const steps = changes.get(id)
    // A circle, which validation has refused in lab files, must not wait for itself.
    results.set(id, Promise.resolve(true))
    const result = steps ? carryOut(steps) : (others?.isReady(id) ?? Promise.resolve(true))
    results.set(id, result)
    if (steps && others) void result.then((isReady) => others.tell(id, isReady))
    return result
  }
  const carryOut = async (steps: readonly Step[]): Promise<boolean> => {
    const far = (ends && others?.followers(steps[0]?.change ?? '')) || []
    const before = [...steps.flatMap(({ after = [] }) => after), ...far]
    const ready = await Promise.all(before.map(resultOf))
    const missing = before.find((_, i) => !ready[i])
    if (missing !== undefined && !ends) {
      skipped.push(...steps.slice(0, 1).map((step) => ({ step, before: missing })))
      return false
    }
    return slots(() => each(steps))
  }
  const each = async (steps: readonly Step[]): Promise<boolean> => {
    for (const step of steps) {
      if (signal?.aborted) return false
      if (step.operation.do !== 'run') throw new Error(`${step.stage} is for programs`)
      const outcome = await runner.runProgram(step.operation, signal)
      if (signal?.aborted && outcome.code !== 0) return false
      if (outcome.code !== 0) {
        failed.push({ step, outcome })
        return false
      }
      const text = outcome.stdout.trim()
      if (text) remarks.push({ step, text })
      finish(step)
    }
    return true
  }
  await Promise.all([...changes.keys()].map(resultOf))
  return { failed, skipped: signal?.aborted ? [] : skipped, remarks }
}

/** Runs at most `width` of the functions that it is given at a time. */
function limited(width: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let free = width
  return async (work) => {
    if (free > 0) free--
    else await new Promise<void>((begin) => waiting.push(begin))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}
