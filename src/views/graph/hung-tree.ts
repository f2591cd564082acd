import type { Card } from './card.ts'
import type { Hanging } from './hang.ts'

/** A place in the picture, in pixels. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** How the line from a node reaches what hangs on it: down to `bus`, along it, down the trunk to another bus where there are several rows. */
export interface Wire {
  readonly from: Point
  readonly bus: number
  readonly trunk?: { readonly x: number; readonly bus: number }
}

/** A node with everything that hangs on it. All places are relative to its left upper corner. */
export interface Tree {
  readonly width: number
  readonly height: number
  /** The ratio of width and height at which its rows aim. */
  readonly shape: number
  /** The left upper corners of the cards. */
  readonly places: ReadonlyMap<string, Point>
  /** How what hangs is reached. */
  readonly wires: ReadonlyMap<string, Wire>
}

const BESIDE = 18
const BELOW = 22
/** From the card to the first bus. */
const DROP = 14
/** Between the trunk and what hangs right of it. */
const TRUNK = 12
interface Item {
  readonly id: string
  readonly width: number
  readonly height: number
  readonly tree: Tree
  readonly above: number
  /** Where its line comes from above, from its left edge. */
  readonly port: number
}

interface Rows {
  readonly width: number
  readonly height: number
  readonly rows: readonly { readonly items: readonly Item[]; readonly y: number; readonly width: number }[]
}

/** The tree below a node; `shape`: the ratio of width and height that is aimed at. */
export function treeOf(id: string, cards: ReadonlyMap<string, Card>, hanging: Hanging, shape: number): Tree {
  const card = cards.get(id)!
  const below = hanging.children.get(id) ?? []
  if (below.length === 0)
    return { width: card.width, height: card.height, shape, places: new Map([[id, { x: 0, y: 0 }]]), wires: new Map() }
  const items = below.map((child): Item => {
    const tree = treeOf(child, cards, hanging, shape)
    const { above, reach, width: own } = cards.get(child)!
    const { x } = tree.places.get(child)!
    return {
      id: child,
      width: Math.max(tree.width, x + reach),
      height: tree.height + above,
      tree,
      above,
      port: x + own / 2,
    }
  })
  return { shape, ...combed(id, card, best(evened(items), card, shape)) }
}

/** Leaves of about the same width get the same one, so that they stand below each other; trees come after them. */
function evened(items: readonly Item[]): Item[] {
  const leaves = items.filter(({ tree }) => tree.places.size === 1)
  const widths = leaves.map(({ width }) => width)
  const widest = Math.max(...widths)
  const alike = widest < 1.5 * Math.min(...widths)
  return [
    ...(alike ? leaves.map((leaf) => ({ ...leaf, width: widest })) : leaves),
    ...items.filter(({ tree }) => tree.places.size > 1),
  ]
}

function best(items: readonly Item[], card: Card, shape: number): Rows {
  const total = items.reduce((sum, { width }) => sum + width + BESIDE, 0)
  const least = Math.max(...items.map(({ width }) => width))
  let found: Rows | undefined
  let lowest = Infinity
  for (let n = 1; n <= Math.min(items.length, 40); n++) {
    const rows = narrowest(items, n, Math.max(least, Math.ceil(total / n)), Math.ceil(total / n) + least)
    const ratio = Math.max(rows.width, card.width) / (rows.height + card.height + DROP)
    const cost =
      Math.abs(Math.log(ratio / shape)) + (rows.rows.length === 1 && items.length < 5 ? -4 / items.length : 0)
    if (cost >= lowest) continue
    lowest = cost
    found = rows
  }
  return found!
}

/** In `n` rows of about the same width, which is at least `from` and at most `to`. */
function narrowest(items: readonly Item[], n: number, from: number, to: number): Rows {
  let [low, high] = [from, to]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (packed(items, middle).rows.length > n) low = middle + 1
    else high = middle
  }
  return packed(items, low)
}

/** In rows of at most this width. */
function packed(items: readonly Item[], most: number): Rows {
  const rows: { items: Item[]; y: number; width: number; height: number }[] = []
  for (const item of items) {
    const row = rows.at(-1)
    if (row && row.width + BESIDE + item.width <= most) {
      row.items.push(item)
      row.width += BESIDE + item.width
      row.height = Math.max(row.height, item.height)
    } else {
      const y = row ? row.y + row.height + BELOW : 0
      rows.push({ items: [item], y, width: item.width, height: item.height })
    }
  }
  const last = rows.at(-1)!
  return { width: Math.max(...rows.map(({ width }) => width)), height: last.y + last.height, rows }
}

function combed(id: string, card: Card, { rows, width, height }: Rows): Omit<Tree, 'shape'> {
  const margin = rows.length > 1 ? TRUNK : 0
  // A single row stands so that the middle of its lines is below the middle of the card.
  const [row] = rows
  const [one, other] = [row!.items[0]!, row!.items.at(-1)!]
  const middle = margin ? (width + margin) / 2 : (one.port + row!.width - other.width + other.port) / 2
  const left = Math.round(middle - card.width / 2)
  const start = Math.max(0, -left)
  const own = { x: start + left, y: 0 }
  const first = card.height + DROP
  const from = { x: own.x + card.width / 2, y: card.height }
  const places = new Map([[id, own]])
  const wires = new Map<string, Wire>()
  for (const [n, row] of rows.entries()) {
    const bus = first + row.y
    let x = start + margin
    for (const item of row.items) {
      const tree = moved(item.tree, x, bus + item.above)
      for (const [node, place] of tree.places) places.set(node, place)
      for (const [node, wire] of tree.wires) wires.set(node, wire)
      wires.set(item.id, { from, bus: first, ...(n > 0 && { trunk: { x: start, bus } }) })
      x += item.width + BESIDE
    }
  }
  const all = Math.max(own.x + card.width, start + margin + width)
  return { width: all, height: first + height, places, wires }
}

/** The tree, moved. */
function moved({ places, wires }: Tree, x: number, y: number): Pick<Tree, 'places' | 'wires'> {
  return {
    places: new Map([...places].map(([id, at]) => [id, { x: at.x + x, y: at.y + y }])),
    wires: new Map(
      [...wires].map(([id, { from, bus, trunk }]) => [
        id,
        {
          from: { x: from.x + x, y: from.y + y },
          bus: bus + y,
          ...(trunk && { trunk: { x: trunk.x + x, bus: trunk.bus + y } }),
        },
      ]),
    ),
  }
}
