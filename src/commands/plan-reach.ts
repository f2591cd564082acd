import { stage } from '../host/status-line.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Way } from '../model/packet-way.ts'
import type { Pair } from '../model/reach-pair.ts'
import { openCopy, type Copy } from '../session/client.ts'
import type { CopyInput, Source } from '../session/protocol.ts'
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
  const copies: Copy[] = []
  const built = async (side: ReachSide, what: string): Promise<ReachedCopy> => {
    const copy = await openCopy(host)
    copies.push(copy)
    return { copy, ...(await reachOf(copy, side, what)) }
  }
  try {
    const [first, second] = await Promise.all([
      before && built(before, 'what is live'),
      after && built(after, 'what the plan makes'),
    ])
    const change = reachChange(first?.pairs ?? [], second?.pairs ?? [])
    const lost = change.lost.find((pair) => second?.pairs.some(({ from, to }) => from === pair.from && to === pair.to))
    return { ...change, ...(lost && second && { trace: await wayOf(second.copy, lost) }) }
  } finally {
    await Promise.all(copies.map(({ close }) => close()))
  }
}

/** Who reaches whom in a new copy of a lab file. Throws a UserError when it cannot be built. */
export async function reachFresh(host: Host, source: Source): Promise<Reached> {
  stage('Building a copy …')
  const copy = await openCopy(host)
  try {
    return await reachOf(copy, { source, processes: true }, 'the lab file')
  } finally {
    await copy.close()
  }
}

/** The lab of a copy, and its pairs. */
interface Reached {
  readonly name: string
  readonly pairs: readonly Pair[]
}

interface ReachedCopy extends Reached {
  readonly copy: Copy
}

/** The way of a packet of this pair. */
const wayOf = ({ ask }: Copy, { from, to, protocol, port }: Pair): Promise<Way> =>
  ask('trace', { from, to: port === undefined ? to : `${to}:${port}`, protocol })

/** Who reaches whom in a copy. */
async function reachOf({ ask }: Copy, side: ReachSide, what: string): Promise<Reached> {
  try {
    const { name, leftOut } = await ask('apply', { ...side, lint: false })
    if (leftOut.length) note(`In the copy of ${what}:\n${renderLeftOut(leftOut)}`)
    return { name, ...(await ask('reach', {})) }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const [first, ...more] = error.diagnostics
    const summary = `a copy of ${what} cannot be built: ${first?.summary ?? ''}`
    throw first ? new UserError([{ ...first, summary }, ...more]) : error
  }
}
