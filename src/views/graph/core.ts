import { disjointSets } from '../../model/topology.ts'
import { around, pictured, separate, shelve, type Box } from './boxes.ts'
import type { Card } from './card.ts'
import { forces } from './forces.ts'
import { ROUTER, type Hanging } from './hang.ts'
import { tiers, type Item } from './tiers.ts'
import { treeOf, type Point, type Tree } from './hung-tree.ts'

/** The middles of cards that a person has chosen, by the id of the node. */
export type Pins = ReadonlyMap<string, Point>

/** Between parts that are not connected. */
const APART = 46

/** What is placed: the nodes that hang on nothing, with what hangs on them. */
export interface Core extends Hanging {
  readonly ranks: ReadonlyMap<string, number>
  readonly neighbors: ReadonlyMap<string, ReadonlyMap<string, unknown>>
  readonly pins: Pins
  /** Where forces have left the middles of trees: kept from one round to the next. */
  readonly middles: Map<string, Point>
}

/** The trees, and their left upper corners. */
export interface Found {
  readonly trees: ReadonlyMap<string, Tree>
  readonly places: ReadonlyMap<string, Point>
}

/** The shapes of trees that are tried, the usual one first. A tree alone is flat, unless it would waste much of the picture. */
const FLAT = 3
const SHAPES = [1.6, 0.8, 0.45, FLAT]

/** Places the trees: connected ones together, each such part beside the others. */
export function placeTrees(core: Core, cards: ReadonlyMap<string, Card>): Found {
  const groups = SHAPES.map((shape) => groupsOf(core, cards, shape))
  const trees = new Map<string, Tree>()
  const items: Item[] = []
  const settled: Item[] = []
  const floating: Box[] = []
  const moves: (() => void)[] = []
  for (const [n] of groups[0]!.entries()) {
    const group = arranged(
      groups.map((all) => all[n]!),
      core,
      cards,
    )
    items.push(...group)
    for (const { id, tree } of group) trees.set(id, tree)
    if (group.some(({ fixed }) => fixed)) {
      settled.push(...group)
      continue
    }
    const { x, y, width, height } = around(group)
    const box: Box = { x: 0, y: 0, width, height }
    floating.push(box)
    moves.push(() => {
      for (const item of group) {
        item.x += Math.round(box.x - x)
        item.y += Math.round(box.y - y)
      }
    })
  }
  shelve(floating, APART)
  if (settled.length) {
    // What nobody has placed stands below what somebody has.
    const { x, y, height } = around(settled)
    for (const box of floating) {
      box.x += x
      box.y += y + height + APART
    }
  }
  for (const move of moves) move()
  return { trees, places: new Map(items.map(({ id, x, y }) => [id, { x, y }])) }
}

/** The connected parts of the core. */
function groupsOf(core: Core, cards: ReadonlyMap<string, Card>, shape: number): Item[][] {
  const items = new Map<string, Item>()
  for (const id of core.core) {
    const tree = treeOf(id, cards, core, shape)
    const { width, height, places } = tree
    const card = cards.get(id)!
    const middle = places.get(id)!.x + card.width / 2
    const pin = core.pins.get(id)
    const place = pin ? { x: pin.x - middle, y: pin.y - card.height / 2, fixed: true } : { x: 0, y: 0 }
    const usual = core.ranks.get(id)!
    const own = { id, tree, width, height, head: card.height, middle, carries: places.size > 1, usual, rank: usual }
    items.set(id, { ...own, ...place, neighbors: [] })
  }
  const parts = disjointSets()
  for (const [id, item] of items)
    for (const other of core.neighbors.get(id)?.keys() ?? []) {
      const to = items.get(other)
      if (!to) continue
      item.neighbors.push(to)
      parts.join(id, other)
    }
  const groups = new Map<string, Item[]>()
  for (const [id, item] of items) {
    const part = parts.find(id)
    const group = groups.get(part)
    if (group) group.push(item)
    else groups.set(part, [item])
  }
  return [...groups.values()]
}

/** The items of one connected part at their places, in the first of the shapes in which it can be drawn in tiers. */
function arranged(shapes: readonly Item[][], { pins, middles }: Core, cards: ReadonlyMap<string, Card>): Item[] {
  const usual = pins.size ? fitting(shapes, pins, cards) : shapes[0]!
  if (usual.length === 1) return pins.size ? usual : alone(shapes)
  if (usual.every(({ fixed }) => !fixed))
    for (const rank of [raise, distances])
      for (const group of shapes) {
        rank(group)
        if (tiers(group)) return group
      }
  raise(usual)
  forces(usual, middles)
  return usual
}

/** The shape for a tree that stands alone: the flat one, or the first that makes the picture much smaller. */
function alone(shapes: readonly Item[][]): Item[] {
  const area = ([item]: readonly Item[]): number => {
    const { width, height } = pictured(item!)
    return width * height
  }
  let found = shapes.at(-1)!
  for (const shape of shapes.slice(0, 2)) if (area(shape) < 0.65 * area(found)) found = shape
  return found
}

function middleOf(id: string, { places }: Tree, cards: ReadonlyMap<string, Card>): Point {
  const [{ x, y }, { width, height }] = [places.get(id)!, cards.get(id)!]
  return { x: x + width / 2, y: y + height / 2 }
}

/** The shape in which most of what is pinned stands where it hangs. */
function fitting(shapes: readonly Item[][], pins: Pins, cards: ReadonlyMap<string, Card>): Item[] {
  const fits = shapes.map((group) => {
    const offsets = group.flatMap(({ id, tree }) => {
      const root = pins.get(id)
      const own = middleOf(id, tree, cards)
      return [...tree.places.keys()].flatMap((other) => {
        const pin = pins.get(other)
        const at = middleOf(other, tree, cards)
        return root && pin ? [Math.hypot(pin.x - root.x - at.x + own.x, pin.y - root.y - at.y + own.y)] : []
      })
    })
    return offsets.filter((offset) => offset <= 2).length
  })
  return shapes[fits.indexOf(Math.max(...fits))]!
}

/** Changes the ranks to the distances from the first item on which something hangs. */
function distances(group: readonly Item[]): void {
  let next: Item[] = [group.find(({ carries }) => carries) ?? group[0]!]
  const seen = new Set(next)
  for (let rank = 0; next.length; rank++) {
    for (const item of next) item.rank = rank
    next = next.flatMap((item) => item.neighbors.filter((one) => !seen.has(one) && seen.add(one)))
  }
}

/**
 * Changes the ranks to those in which items are drawn: routers that only know routers above these, what joins routers above them, and
 * everything else just below its neighbors.
 */
function raise(group: readonly Item[]): void {
  for (const item of group) item.rank = item.usual
  const isRouter = ({ usual }: Item): boolean => usual >= ROUTER
  const joins = group.filter((item) => !isRouter(item) && item.neighbors.filter(isRouter).length > 1)
  let edge = group.filter((item) => isRouter(item) && (item.carries || item.neighbors.some((one) => !isRouter(one))))
  const seen = new Set(edge)
  for (let up = 1; edge.length; up++) {
    edge = edge.flatMap((item) => item.neighbors.filter((one) => isRouter(one) && !seen.has(one) && seen.add(one)))
    for (const item of edge) item.rank = ROUTER + up
  }
  for (const item of joins) if (item.rank > 0) item.rank = Math.max(...item.neighbors.map(({ rank }) => rank)) + 1
  for (const item of [...group].sort((a, b) => a.rank - b.rank)) {
    const higher = item.neighbors.map(({ rank }) => rank).filter((rank) => rank > item.rank)
    if (higher.length && higher.length === item.neighbors.length) item.rank = Math.min(...higher) - 1
  }
}

/** The trees with cards of other sizes: each root stays where it is, as far as there is room. */
export function resized(
  core: Core,
  { trees, places }: Found,
  before: ReadonlyMap<string, Card>,
  cards: ReadonlyMap<string, Card>,
): Found {
  const sized = new Map(core.core.map((id) => [id, treeOf(id, cards, core, trees.get(id)!.shape)]))
  const boxes = [...sized].map(([id, { width, height, places: inside }]) => {
    const [was, now] = [before.get(id)!, cards.get(id)!]
    const at = places.get(id)!
    const middle = at.x + trees.get(id)!.places.get(id)!.x + was.width / 2
    const isFixed = core.pins.has(id)
    // What carries a tree keeps its upper edge, unless its middle is pinned.
    const y = core.children.has(id) && !isFixed ? at.y : at.y + (was.height - now.height) / 2
    const x = middle - inside.get(id)!.x - now.width / 2
    return { id, x, y, width, height, fixed: isFixed }
  })
  separate(boxes, 16)
  return { trees: sized, places: new Map(boxes.map(({ id, x, y }) => [id, { x: Math.round(x), y: Math.round(y) }])) }
}
