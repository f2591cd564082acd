import type { Box } from './boxes.ts'
import type { Tree } from './hung-tree.ts'

/** A node of the core, with what hangs on it. */
export interface Item extends Box {
  readonly id: string
  readonly tree: Tree
  /** The rank of its role. */
  readonly usual: number
  /** What stands higher has a higher one. */
  rank: number
  /** The middle of its card, from its left edge. */
  readonly middle: number
  /** The height of its card. */
  readonly head: number
  /** Something hangs on it. */
  readonly carries: boolean
  readonly neighbors: Item[]
}

const ACROSS = 36
/** From a row to the next: the further their links go across, the more, so that links cross at an angle. */
const LEAST_DOWN = 64
const MOST_DOWN = 150
const SLOPE = 0.22
/** Wider than this for their height, tiers are no good picture. */
const WIDEST = 2.7
const HIGHEST = 0.4

/**
 * Puts items in rows, the highest rank at the top, each below its neighbors. False where that is no good picture: links would pass
 * behind others, or it would be a strip. `x` and `y` have no meaning then.
 */
export function tiers(items: readonly Item[]): boolean {
  const rows = rowsOf(items)
  if (!rows) return false
  spread(rows)
  let y = 0
  let bottom = 0
  for (const [i, row] of rows.entries()) {
    if (i > 0) y = bottom + down(row, new Set(rows[i - 1]))
    const head = Math.max(...row.map(({ head }) => head))
    // The middles of the cards of a row are on one line.
    for (const item of row) item.y = y + Math.round((head - item.head) / 2)
    bottom = Math.max(...row.map((item) => item.y + item.height))
  }
  const width = Math.max(...items.map(({ x, width }) => x + width)) - Math.min(...items.map(({ x }) => x))
  const ratio = width / bottom
  return items.length <= 3 || (ratio <= WIDEST && ratio >= HIGHEST)
}

function down(row: readonly Item[], above: ReadonlySet<Item>): number {
  const across = row.flatMap((item) =>
    item.neighbors.filter((one) => above.has(one)).map((one) => Math.abs(one.x + one.middle - item.x - item.middle)),
  )
  return Math.round(Math.min(MOST_DOWN, Math.max(LEAST_DOWN, SLOPE * Math.max(0, ...across))))
}

function rowsOf(items: readonly Item[]): Item[][] | undefined {
  const ranks = [...new Set(items.map(({ rank }) => rank))].sort((a, b) => b - a)
  const rows = ranks.map((rank) => items.filter((item) => item.rank === rank))
  const row = new Map(rows.flatMap((all, i) => all.map((item) => [item, i] as const)))
  const place = new Map<Item, number>()
  const count = (all: readonly Item[]): void => all.forEach((item, i) => place.set(item, i / all.length))
  rows.forEach(count)
  for (let round = 0; round < 6; round++)
    for (const all of round % 2 ? [...rows].reverse() : rows) {
      const wish = new Map(
        all.map((item) => [item, mean(item.neighbors.map((one) => place.get(one)!)) ?? place.get(item)!]),
      )
      all.sort((a, b) => wish.get(a)! - wish.get(b)!)
      count(all)
    }
  for (const all of rows)
    for (const [i, item] of all.entries())
      for (const other of item.neighbors) {
        const apart = Math.abs(row.get(other)! - row.get(item)!)
        if (apart > 1 || (apart === 0 && Math.abs(all.indexOf(other) - i) > 1)) return undefined
      }
  return rows
}

const mean = (all: readonly number[]): number | undefined =>
  all.length ? all.reduce((a, b) => a + b, 0) / all.length : undefined

/** Puts every item as near to the middle of its neighbors as its row lets it. */
function spread(rows: readonly (readonly Item[])[]): void {
  const middle = (item: Item): number => item.x + item.middle
  for (const row of rows) {
    let x = 0
    for (const item of row) {
      item.x = x
      x += item.width + ACROSS
    }
    for (const item of row) item.x -= x / 2
  }
  for (let round = 0; round < 12; round++)
    for (const row of round % 2 ? [...rows].reverse() : rows) {
      const wishes = row.map((item) => (mean(item.neighbors.map(middle)) ?? middle(item)) - item.middle)
      inOrder(row, wishes)
    }
  for (const row of rows) for (const item of row) item.x = Math.round(item.x)
}

/** The places nearest to these that keep the order, with room between items: items that meet are moved together. */
function inOrder(row: readonly Item[], wishes: readonly number[]): void {
  const groups: { sum: number; count: number }[] = []
  let before = 0
  const offsets = row.map(({ width }) => {
    const offset = before
    before += width + ACROSS
    return offset
  })
  for (const [i, wish] of wishes.entries()) {
    let group = { sum: wish - offsets[i]!, count: 1 }
    for (let last = groups.at(-1); last && last.sum / last.count > group.sum / group.count; last = groups.at(-1)) {
      group = { sum: last.sum + group.sum, count: last.count + group.count }
      groups.pop()
    }
    groups.push(group)
  }
  let i = 0
  for (const { sum, count } of groups) for (const end = i + count; i < end; i++) row[i]!.x = sum / count + offsets[i]!
}
