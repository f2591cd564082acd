import { forceLink, forceManyBody, forceSimulation, forceX, forceY, type SimulationNodeDatum } from 'd3-force'
import { around, meeting, separate, type Box } from './boxes.ts'
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

/**
 * Places items by forces: links pull, everything else pushes, higher ranks float. It always ends the same: d3-force begins with a
 * spiral and has a random source of its own with a fixed seed.
 */
export function forces(items: readonly Item[]): void {
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
  const few = items.length <= 150
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
  const ticks = few ? 400 : 200
  for (let tick = 0; tick < ticks; tick++) {
    simulation.tick()
    if (tick > ticks / 2) push(bodies)
  }
  const free = items.every(({ fixed }) => !fixed)
  const [across, down] = free ? stretch(bodies) : [1, 1]
  for (const { item, x, y } of bodies) {
    if (item.fixed) continue
    item.x = x * across - item.width / 2
    item.y = y * down - item.height / 2
  }
  separate(items, GAP)
  for (const item of items) {
    item.x = Math.round(item.x)
    item.y = Math.round(item.y)
  }
}

/** By what to multiply `x` and `y` for a picture of the usual shape, and no larger than its items need. */
function stretch(bodies: readonly Body[]): [number, number] {
  const { width, height } = around(
    bodies.map(({ item, x, y }) => ({ x: x - item.width / 2, y: y - item.height / 2, ...sizeOf(item) })),
  )
  const area = bodies.reduce((sum, { item }) => sum + (item.width + GAP) * (item.height + GAP), 0)
  const wide = Math.sqrt(area * SPARE * SHAPE)
  return [Math.min(1, wide / width), Math.min(1, wide / SHAPE / height)]
}

const sizeOf = ({ width, height }: Item) => ({ width, height })

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
