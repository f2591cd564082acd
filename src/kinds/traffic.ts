import { ownerOf } from '../model/owner.ts'
import type { Dump, IpLink } from '../model/runner.ts'
import { inWords } from './tc.ts'
import { tcQuestions } from './tc-text.ts'
import { isTree, treeQuestions } from './tree.ts'

/**
 * What has to be asked of `tc -d` to know what the qdiscs of a dump do: the words after it, each a question. In the machine's own
 * namespace (`borrowed`) only interfaces that carry a mark are asked about.
 */
export function trafficQuestions(dump: Dump, borrowed: boolean): string[] {
  if (dump.qdiscs.length === 0) return []
  const trees = dump.qdiscs.filter(isTree).flatMap(({ dev }) => treeQuestions(dev))
  const marked = ({ ifalias, group }: IpLink): boolean => ownerOf(ifalias) !== undefined || Number(group) > 0
  const asked = borrowed ? new Set(dump.links.filter(marked).map(({ ifname }) => ifname)) : undefined
  const words = [...inWords(dump)].flatMap(([dev, qdiscs]) =>
    !asked || asked.has(dev) ? tcQuestions(dev, qdiscs) : [],
  )
  return [...trees, ...words]
}

/** Asks each of its arguments; the answers are separated by lines with the question. */
export const TRAFFIC_SCRIPT = `set -f
for words; do printf '# %s\\n' "$words"; tc -d $words; done`

/** The answers by question. */
export const parseTraffic = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .split(/^# /m)
      .slice(1)
      .map((part) => {
        const end = part.indexOf('\n')
        return [part.slice(0, end), part.slice(end + 1)] as const
      }),
  )
