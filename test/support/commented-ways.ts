import type { Outcome } from '../../src/model/command.ts'
import { toldTraces } from './tour.ts'

/** Fails unless packets end as the comments of a live lab's file say; `netlab` runs it. */
export async function expectCommentedWays(
  path: string,
  netlab: (args: readonly string[]) => Promise<Outcome>,
): Promise<void> {
  const traces = toldTraces(path)
  expect(traces.length).toBeGreaterThan(0)
  for (const { line, words, verdict, reason } of traces) {
    const { stdout } = await netlab(['trace', ...words, '--lab', path, '--json'])
    expect({ line, ...(JSON.parse(stdout) as object) }).toMatchObject({
      verdict,
      reason: expect.stringMatching(new RegExp(`^${reason.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`)) as string,
    })
  }
}
