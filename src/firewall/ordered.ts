import { diffArrays } from 'diff'
import type { Difference } from '../model/change.ts'

/** How one list becomes another: zero-based indexes. A run of removals comes before the insertions at the same place. */
export interface Edits {
  readonly kept: readonly { readonly from: number; readonly to: number }[]
  readonly removed: readonly number[]
  readonly inserted: readonly number[]
}

/** The shortest edits that turn one list into another (Myers' algorithm). */
export function edits(from: readonly string[], to: readonly string[]): Edits {
  // Items that only one side has are never kept. Without them the comparison of a rewritten list takes no longer.
  const [inFrom, inTo] = [new Set(from), new Set(to)]
  const olds = from.flatMap((text, index) => (inTo.has(text) ? [{ text, index }] : []))
  const news = to.flatMap((text, index) => (inFrom.has(text) ? [{ text, index }] : []))
  const kept: { from: number; to: number }[] = []
  let [i, j] = [0, 0]
  for (const { added, removed, count } of diffArrays(
    olds.map((o) => o.text),
    news.map((n) => n.text),
  )) {
    if (!added && !removed)
      for (let k = 0; k < count; k++) kept.push({ from: olds[i + k]!.index, to: news[j + k]!.index })
    if (!added) i += count
    if (!removed) j += count
  }
  const [keptFrom, keptTo] = [new Set(kept.map((k) => k.from)), new Set(kept.map((k) => k.to))]
  return {
    kept,
    removed: [...from.keys()].filter((index) => !keptFrom.has(index)),
    inserted: [...to.keys()].filter((index) => !keptTo.has(index)),
  }
}

/** Groups indexes by the gap between kept entries in which they lie. */
function byGap(indexes: readonly number[], kept: readonly number[]): Map<number, number[]> {
  const gaps = new Map<number, number[]>()
  let gap = 0
  for (const index of indexes) {
    while (gap < kept.length && kept[gap]! < index) gap++
    const list = gaps.get(gap)
    if (list) list.push(index)
    else gaps.set(gap, [index])
  }
  return gaps
}

/**
 * The differences between two ordered lists: an entry that is removed at one position and inserted at another has moved;
 * entries that are removed and inserted at the same position are changed; all others are removed or inserted.
 */
export function orderedDifferences(field: string, from: readonly string[], to: readonly string[]): Difference[] {
  const { kept, removed, inserted } = edits(from, to)
  const free = new Map<string, number[]>()
  for (const index of inserted) free.set(to[index]!, [...(free.get(to[index]!) ?? []), index])
  const moves = new Map<number, number>()
  for (const index of removed) {
    const target = free.get(from[index]!)?.shift()
    if (target !== undefined) moves.set(index, target)
  }
  const arrived = new Set(moves.values())
  const olds = byGap(removed.filter((index) => !moves.has(index)), kept.map((k) => k.from)) // prettier-ignore
  const news = byGap(inserted.filter((index) => !arrived.has(index)), kept.map((k) => k.to)) // prettier-ignore
  const found: { order: number; difference: Difference }[] = []
  const add = (gap: number, f: number | undefined, t: number | undefined) =>
    found.push({
      order: t ?? (kept[gap - 1]?.to ?? -1) + 0.5,
      difference: {
        field,
        ...(f !== undefined && { from: from[f] }),
        ...(t !== undefined && { to: to[t] }),
        at: { ...(f !== undefined && { from: f + 1 }), ...(t !== undefined && { to: t + 1 }) },
      },
    })
  for (const gap of new Set([...olds.keys(), ...news.keys()])) {
    const [before, after] = [olds.get(gap) ?? [], news.get(gap) ?? []]
    for (let k = 0; k < Math.max(before.length, after.length); k++) add(gap, before[k], after[k])
  }
  for (const [f, t] of moves) add(0, f, t)
  return found.sort((a, b) => a.order - b.order).map(({ difference }) => difference)
}
