import { stage } from '../host/status-line.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Pair } from '../model/reach-pair.ts'
import { openCopy } from '../session/client.ts'
import type { CopyInput } from '../session/protocol.ts'
import { renderLeftOut } from '../views/check-results.ts'
import { reachChange, type ReachChangeJson } from '../views/reach-change.ts'
import { note } from './terminal.ts'

/** One of the two sides of a plan. */
export type ReachSide = Omit<CopyInput, 'lint'>

/**
 * Which pairs reach each other only after a plan, and which only before it: builds both sides in a copy each, and compares them. A side that is
 * undefined is nothing. Nothing live is touched. Throws a UserError when a side cannot be built.
 */
export async function planReach(
  host: Host,
  before: ReachSide | undefined,
  after: ReachSide | undefined,
): Promise<ReachChangeJson> {
  stage('Building what is live, and what the plan makes of it, in copies …')
  const [first, second] = await Promise.all([
    before ? reachOf(host, before, 'what is live') : [],
    after ? reachOf(host, after, 'what the plan makes') : [],
  ])
  return reachChange(first, second)
}

/** Who reaches whom in a copy. */
async function reachOf(host: Host, side: ReachSide, what: string): Promise<readonly Pair[]> {
  const copy = await openCopy(host)
  try {
    const { leftOut } = await copy.ask('apply', { ...side, lint: false })
    if (leftOut.length) note(`In the copy of ${what}:\n${renderLeftOut(leftOut)}`)
    return (await copy.ask('reach', {})).pairs
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const [first, ...more] = error.diagnostics
    const summary = `a copy of ${what} cannot be built: ${first?.summary ?? ''}`
    throw first ? new UserError([{ ...first, summary }, ...more]) : error
  } finally {
    await copy.close()
  }
}
