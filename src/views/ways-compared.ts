import type { Colors } from 'picocolors/types'
import type { Way, WayHop } from '../model/packet-way.ts'
import type { ChangeJson } from './json.ts'
import { renderChanges } from './plan-text.ts'
import { renderWay } from './way-text.ts'

/** What `netlab trace --compare --json` adds to the way in the live lab. */
export interface ComparedWay {
  /** The way in a new copy of what the lab file says. */
  readonly fresh: Way
  /** The first namespace on the way, or on that of the answer, in which they part; absent: they are the same. */
  readonly parts_in?: string
  /** What a plan would change there; where that is nothing, everything that a plan would change. */
  readonly drift: readonly ChangeJson[]
}

/** What of a hop is the same in two labs that are alike: without ports, times and identifiers. */
const essenceOf = ({ namespace, in: came, out, bridge, route, rules, rewrites }: WayHop): string =>
  JSON.stringify([
    ...[namespace, came, out, bridge, route],
    rules.map(({ table, chain, text, verdict }) => [table, chain, text, verdict]),
    rewrites.map(({ field }) => field),
  ])

/** The first namespace in which two ways part; undefined: they are the same. */
function partingOf(live: Way, fresh: Way): string | undefined {
  for (const [here, there] of [
    [live.hops, fresh.hops],
    [live.reply?.hops ?? [], fresh.reply?.hops ?? []],
  ] as const)
    for (let i = 0; i < Math.max(here.length, there.length); i++) {
      const [one, other] = [here[i], there[i]]
      if (one && other && essenceOf(one) === essenceOf(other)) continue
      // Where one has ended, they part where it was last.
      return (one && other ? one : (here[i - 1] ?? there[i - 1] ?? one ?? other))?.namespace
    }
  return live.verdict === fresh.verdict ? undefined : (live.at ?? fresh.at)?.namespace
}

/** Compares the way in the live lab with that in a copy of its file; `changes` are those of a plan. */
export function compareWays(live: Way, fresh: Way, changes: readonly ChangeJson[]): ComparedWay {
  const place = partingOf(live, fresh)
  if (place === undefined) return { fresh, drift: [] }
  const there = changes.filter(({ namespace }) => namespace === place)
  return { fresh, parts_in: place, drift: there.length ? there : changes }
}

/** Both ways, where they part, and the drift that explains it. */
export function renderCompared(live: Way, { fresh, parts_in: place, drift }: ComparedWay, c: Colors): string {
  if (place === undefined) return `${renderWay(live, c)}\nIn a new copy of the lab file, the way is the same.\n`
  return [
    `${c.bold('Live')}\n\n${renderWay(live, c)}`,
    `\n${c.bold('In a new copy of the lab file')}\n\n${renderWay(fresh, c)}`,
    `\nThey part in ${c.bold(place)}. `,
    drift.length ? `A plan would change:\n${renderChanges(drift, c, false)}` : 'A plan would change nothing.\n',
  ].join('')
}
