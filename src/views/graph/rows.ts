import type { Point } from './hung-tree.ts'
import type { Item } from './tiers.ts'

const ACROSS = 40
const DOWN = 64
/** The ratio of width and height that is aimed at. */
const SHAPE = 1.4

/** Puts items in rows of the same width: those with higher middles in higher rows, further left in a row those further left. */
export function inRows(items: readonly Item[], middles: ReadonlyMap<string, Point>): void {
  const middle = ({ id }: Item): Point => middles.get(id)!
  const down = [...items].sort((a, b) => middle(a).y - middle(b).y)
  const total = items.reduce((sum, { width }) => sum + width + ACROSS, 0)
  let rows: Item[][] = []
  let least = Infinity
  for (let count = 1; ; count++) {
    const cut = cutInto(down, count, total)
    const high = cut.reduce((sum, row) => sum + heightOf(row) + DOWN, -DOWN)
    const off = Math.abs(Math.log(total / count / high / SHAPE))
    if (off > least) break
    least = off
    rows = cut
  }
  const width = Math.max(...rows.map((row) => row.reduce((sum, item) => sum + item.width + ACROSS, -ACROSS)))
  let y = 0
  for (const row of rows) {
    row.sort((a, b) => middle(a).x - middle(b).x)
    const rest = width - row.reduce((sum, item) => sum + item.width, 0)
    const gap = row.length > 1 ? rest / (row.length - 1) : 0
    const height = heightOf(row)
    let x = row.length > 1 ? 0 : rest / 2
    for (const item of row) {
      item.x = Math.round(x)
      item.y = Math.round(y + (height - item.height) / 2)
      x += item.width + gap
    }
    y += height + DOWN
  }
}

const heightOf = (row: readonly Item[]): number => Math.max(...row.map(({ height }) => height))

/** In this many rows, each of about the same width. */
function cutInto(items: readonly Item[], count: number, total: number): Item[][] {
  const rows: Item[][] = [[]]
  let taken = 0
  for (const item of items) {
    const own = item.width + ACROSS
    if (taken + own / 2 > (total / count) * rows.length && rows.at(-1)!.length) rows.push([])
    rows.at(-1)!.push(item)
    taken += own
  }
  return rows
}
