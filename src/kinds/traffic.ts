import type { Dump } from '../model/runner.ts'
import { isTree, treeQuestions } from './tree.ts'

/** What has to be asked of `tc -d` to know what the qdiscs of a dump do: the words after it, each a question. */
export const trafficQuestions = ({ qdiscs }: Dump): string[] =>
  qdiscs.filter(isTree).flatMap(({ dev }) => treeQuestions(dev))

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
