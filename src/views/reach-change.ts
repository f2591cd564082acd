import type { Colors } from 'picocolors/types'
import type { Way } from '../model/packet-way.ts'
import type { Pair } from '../model/reach-pair.ts'
import { renderWay } from './way-text.ts'

/** What `netlab plan --reach --json` adds to the plan. */
export interface ReachChangeJson {
  /** The pairs that reach each other only after the plan. */
  readonly gained: readonly Pair[]
  /** The pairs that reach each other only before it; with the reason why they no longer do, if they still exist. */
  readonly lost: readonly Pair[]
  /** The way of a packet of the first pair that is lost, whose namespaces both still exist, after the plan. */
  readonly trace?: Way
}

/** How many pairs of each kind are listed. */
const LISTED = 12

const idOf = ({ from, to, protocol, port }: Pair): string => [from, to, protocol, port].join(' ')

/** The difference between who reached whom before and after a change. */
export function reachChange(before: readonly Pair[], after: readonly Pair[]): Pick<ReachChangeJson, 'gained' | 'lost'> {
  const reached = (pairs: readonly Pair[]): Map<string, Pair> =>
    new Map(pairs.filter((pair) => pair.reached).map((pair) => [idOf(pair), pair]))
  const [first, second] = [reached(before), reached(after)]
  const now = new Map(after.map((pair) => [idOf(pair), pair]))
  return {
    gained: [...second].flatMap(([id, pair]) => (first.has(id) ? [] : [pair])),
    lost: [...first].flatMap(([id, pair]) =>
      second.has(id) ? [] : [now.get(id) ?? { ...pair, reached: false, reason: 'one of the two is no longer there' }],
    ),
  }
}

/** The difference for people; with `full`, every pair. */
export function renderReachChange({ gained, lost, trace }: ReachChangeJson, c: Colors, full = false): string {
  if (gained.length + lost.length === 0) return '\nReach: no pair gains or loses reachability.\n'
  const lines = (pairs: readonly Pair[], sign: string): string[] => {
    const shown = full ? pairs : pairs.slice(0, LISTED)
    const more = pairs.length - shown.length
    return [
      ...shown.map((pair) => `  ${sign} ${pairText(pair)}${pair.reason === undefined ? '' : `: ${pair.reason}`}\n`),
      ...(more > 0 ? [`  ${sign} and ${more} more (--full lists them)\n`] : []),
    ]
  }
  return [
    `\nReach: ${gained.length} gained, ${lost.length} lost.\n`,
    ...lines(gained, c.green('+')),
    ...lines(lost, c.red('-')),
    ...(trace ? ['\nThe first that is lost, after the plan:\n', renderWay(trace, c)] : []),
  ].join('')
}

/** `client → web`, `client → web:80/tcp` */
export const pairText = ({ from, to, protocol, port }: Pair): string =>
  `${from} → ${to}${port === undefined ? '' : `:${port}/${protocol}`}`
