import { setTimeout as sleep } from 'node:timers/promises'
import type { Check } from '../model/check.ts'
import type { Result } from './engine.ts'

/** How long after one attempt the next begins, in milliseconds. */
const PAUSE = 200

/** A timeline of faults that is under way. */
export interface RunningTimeline {
  readonly isOver: () => boolean
  /** Ends it, and heals what it has set. Throws when a step of it could not be done. */
  end(): Promise<void>
}

/**
 * Makes a check while a timeline of faults runs: a command once, with the beginning of the timeline; anything else again and again
 * until the timeline is over, or the check fails.
 */
export async function throughout(
  check: Check,
  once: () => Promise<Result>,
  begin: () => Promise<RunningTimeline>,
): Promise<Result> {
  const started = Date.now()
  const timeline = await begin()
  let result: Result
  let tries = 0
  try {
    for (;;) {
      result = await once()
      tries++
      if (check.run !== undefined || result.status !== 'pass' || timeline.isOver()) break
      await sleep(PAUSE)
    }
  } finally {
    await timeline.end()
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1)
  const times = check.run === undefined ? ` (try ${tries}, after ${seconds} s of ${check.during})` : ''
  return { ...result, seen: `${result.seen}${times}`, duration: Date.now() - started }
}
