import { forceLink, forceManyBody, forceSimulation, forceX, forceY, type SimulationNodeDatum } from 'd3-force'
import { around, meeting, separate, type Box } from './boxes.ts'
import type { Point } from './hung-tree.ts'
import { inRows } from './rows.ts'
import type { Item } from './tiers.ts'

interface Body extends SimulationNodeDatum {
  readonly item: Item
  x: number
  y: number
  vx: number
  vy: number
}

/** Between items. */
const GAP = 34
/** The ratio of width and height that is aimed at, and how much more room than that of its items a picture has. */
const SHAPE = 1.4
const SPARE = 1.9
/** From one rank to the next. */
const RANK = 160
/** More items than this stand in rows: between that many, lines cannot be followed anyway, and rows waste no room. */
const MANY = 150

/**
 * Places items by forces: links pull, everything else pushes, higher ranks float. It always ends the same: d3-force begins with a
 * spiral and has a random source of its own with a fixed seed. `middles`: where the forces have left each item, to be used again
 * when items have changed their sizes.
 */
export function forces(items: readonly Item[], middles: Map<string, Point>): void {
  if (!items.every(({ id }) => middles.has(id))) simulate(items, middles)
  const free = items.every(({ fixed }) => !fixed)
  if (free && items.length > MANY) {
    inRows(items, middles)
    return
  }
  const [across, down] = free ? stretch(items, middles) : [1, 1]
  for (const item of items) {
    if (item.fixed) continue
    const { x, y } = middles.get(item.id)!
    item.x = x * across - item.width / 2
    item.y = y * down - item.height / 2
  }
  separate(items, GAP)
  for (const item of items) {
    item.x = Math.round(item.x)
    item.y = Math.round(item.y)
  }
}

function simulate(items: readonly Item[], middles: Map<string, Point>): void {
  const bodies = items.map((item): Body => {
    const [x, y] = [item.x + item.width / 2, item.y + item.height / 2]
    return { item, vx: 0, vy: 0, ...(item.fixed ? { x, y, fx: x, fy: y } : ({} as { x: number; y: number })) }
  })
  const bodyOf = new Map(bodies.map((body) => [body.item, body]))
  const order = new Map(items.map((item, i) => [item, i]))
  const links = items.flatMap((item) =>
    item.neighbors
      .filter((other) => order.get(other)! > order.get(item)!)
      .map((other) => ({ source: bodyOf.get(item)!, target: bodyOf.get(other)! })),
  )
  const size = ({ item }: Body): number => Math.sqrt(item.width * item.height)
  const ranks = new Set(items.map(({ rank }) => rank)).size
  const few = items.length <= MANY
  const simulation = forceSimulation(bodies)
    .force(
      'link',
      forceLink<Body, (typeof links)[number]>(links).distance(
        ({ source, target }) => 0.62 * (size(source) + size(target)) + 50,
      ),
    )
    .force(
      'charge',
      forceManyBody<Body>()
        .strength((body) => -8 * size(body))
        .distanceMax(3000),
    )
    .force('x', forceX<Body>(0).strength(0.04))
    .force('y', forceY<Body>(({ item }) => (ranks > 1 ? -item.rank * RANK : 0)).strength(few ? 0.1 : 0.06))
    .stop()
  const ticks = few ? 300 : 60
  simulation.alphaDecay(1 - Math.pow(0.001, 1 / ticks))
  for (let tick = 0; tick < ticks; tick++) {
    simulation.tick()
    if (few && tick > ticks / 2) push(bodies)
  }
  for (const { item, x, y } of bodies) middles.set(item.id, { x, y })
}

/** By what to multiply the middles for a picture of the usual shape, and no larger than its items need. */
function stretch(items: readonly Item[], middles: ReadonlyMap<string, Point>): [number, number] {
  const { width, height } = around(
    items.map((item) => {
      const { x, y } = middles.get(item.id)!
      return { x: x - item.width / 2, y: y - item.height / 2, width: item.width, height: item.height }
    }),
  )
  const area = items.reduce((sum, item) => sum + (item.width + GAP) * (item.height + GAP), 0)
  const wide = Math.sqrt(area * SPARE * SHAPE)
  return [Math.min(1, wide / width), Math.min(1, wide / SHAPE / height)]
}

/** Pushes apart those that overlap. */
function push(bodies: readonly Body[]): void {
  const boxes = bodies.map(({ item, x, y }): Box => ({
    ...{ x: x - item.width / 2, y: y - item.height / 2, width: item.width, height: item.height },
  }))
  const of = new Map(boxes.map((box, i) => [box, bodies[i]!]))
  meeting(boxes, GAP, (a, b, across, down) => {
    const [one, other] = [of.get(a)!, of.get(b)!]
    if (across < down) {
      const by = (one.x <= other.x ? across : -across) * 0.25
      one.x -= by
      other.x += by
    } else {
      const by = (one.y <= other.y ? down : -down) * 0.25
      one.y -= by
      other.y += by
    }
  })
}
