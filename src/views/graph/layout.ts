import { around, pictured, separate, type Box } from './boxes.ts'
import { cardOf, type Attached, type Card, type Side } from './card.ts'
import { placeTrees, resized, type Core, type Found, type Pins } from './core.ts'
import { hang, neighborsIn, ranksOf, type Hanging } from './hang.ts'
import type { End, Graph, State } from './graph-of.ts'
import type { Point, Tree, Wire } from './hung-tree.ts'
import { pathOf } from './path.ts'

/** A node, with the left upper corner of its card. */
export interface Placed {
  readonly card: Card
  readonly x: number
  readonly y: number
}

/** A lab as it is drawn. */
export interface Picture {
  readonly graph: Graph
  /** What is to be seen. */
  readonly view: Readonly<Omit<Box, 'fixed'>>
  readonly nodes: ReadonlyMap<string, Placed>
  /** The line of each link, as data of an SVG path; empty for one from a node to itself. */
  readonly paths: readonly string[]
  /** What each node hangs on. */
  readonly parents: ReadonlyMap<string, string>
}

/** Around everything. */
const MARGIN = 28
/** Draws a lab: the same picture for the same lab and pins, without a card or a label over another. */
export function layout(graph: Graph, pins: Pins = new Map()): Picture {
  const neighbors = neighborsIn(graph)
  const ranks = ranksOf(graph)
  const hanging = hang(graph, neighbors, ranks)
  const core: Core = { ...hanging, ranks, neighbors, pins, middles: new Map() }
  let sides: ReadonlyMap<string, Side> = new Map()
  let cards = new Map<string, Card>()
  let found: Found = { trees: new Map(), places: new Map() }
  // The sides on which links end depend on where the nodes are, and the sizes of the cards on the sides.
  for (let round = 0; round < 2; round++) {
    cards = cardsOf(graph, hanging, sides)
    found = placeTrees(core, cards)
    sides = sidesOf(graph, hanging, found, cards)
  }
  const { trees, places } = resized(core, found, cards, (cards = cardsOf(graph, hanging, sides)))
  const settled = freed(hanging, trees, cards, places, pins)
  const nodes = new Map(
    graph.nodes.map(({ id }) => [id, { card: cards.get(id)!, ...settled.places.get(id)! }] as const),
  )
  const boxes = [...nodes.values()].map(({ card, x, y }) => ({
    ...{ x, y: y - card.above, width: card.reach, height: card.height + card.above },
  }))
  const paths = graph.links.map((link, index) => pathOf(link, index, nodes, hanging.parents, settled.wires))
  return { graph, view: viewOf(boxes), nodes, paths, parents: hanging.parents }
}

/** Around the boxes, in the shape that the picture may have. */
function viewOf(boxes: readonly Box[]): Picture['view'] {
  const { x, y, width, height } = around(boxes)
  const [w, h] = [width + 2 * MARGIN, height + 2 * MARGIN]
  const { width: wide, height: high } = pictured({ width: w, height: h })
  return {
    ...{ x: Math.floor(x - (wide - width) / 2), y: Math.floor(y - (high - height) / 2) },
    ...{ width: Math.ceil(wide), height: Math.ceil(high) },
  }
}

/** What is written after the names of what is not as usual: colours alone do not tell it to everybody. */
const inBrackets: Readonly<Record<State, string>> = {
  ...{ up: '', down: ' (down)', missing: ' (missing)', drift: ' (differs)' },
  ...{ added: ' (added)', changed: ' (changed)', removed: ' (removed)' },
}

const endKey = (id: string, link: number): string => `${link} ${id}`

function cardsOf(graph: Graph, { parents }: Hanging, sides: ReadonlyMap<string, Side>): Map<string, Card> {
  const attached = new Map<string, Attached[]>(graph.nodes.map(({ id }) => [id, []]))
  graph.links.forEach(({ a: first, b: second, state }, link) => {
    if (first.node === second.node) return
    const [a, b] = [first, second].map((end) => ({ ...end, name: end.name && end.name + inBrackets[state] })) as [
      End,
      End,
    ]
    for (const [end, other] of [
      [a, b],
      [b, a],
    ] as const) {
      if (parents.get(other.node) === end.node) continue
      const parent = parents.get(end.node) === other.node ? { parent: other } : {}
      const side = sides.get(endKey(end.node, link)) ?? (link % 2 ? 'top' : 'bottom')
      attached.get(end.node)?.push({ link, end, side, ...parent })
    }
  })
  // `sides` has the ends of a side in the order in which they stand there.
  const order = new Map([...sides.keys()].map((key, i) => [key, i]))
  return new Map(
    graph.nodes.map((node) => {
      const own = attached.get(node.id)!
      const rank = ({ link }: Attached): number => order.get(endKey(node.id, link)) ?? link
      const title = node.title + inBrackets[node.state]
      const isApart = node.id !== node.namespace && parents.get(node.id) !== node.namespace
      const notes = isApart ? [`in ${node.namespace}`, ...node.notes] : node.notes
      const named = { ...node, title, notes }
      return [
        node.id,
        cardOf(
          named,
          own.sort((a, b) => rank(a) - rank(b)),
        ),
      ]
    }),
  )
}

/** On which side of its card each end of a link of the core is, in the order of the ends along the sides. */
function sidesOf(
  graph: Graph,
  { parents, children }: Hanging,
  { places }: Found,
  cards: ReadonlyMap<string, Card>,
): Map<string, Side> {
  const found: { key: string; side: Side; along: number; link: number }[] = []
  graph.links.forEach(({ a, b }, link) => {
    for (const [own, other] of [
      [a.node, b.node],
      [b.node, a.node],
    ] as const) {
      const [from, to] = [places.get(own), places.get(other)]
      if (!from || !to || own === other || parents.get(own) === other) continue
      const [one, two] = [cards.get(own)!, cards.get(other)!]
      const across = to.x - from.x
      const down = to.y - from.y
      const [gapAcross, gapDown] = [
        Math.abs(across) - (one.width + two.width) / 2,
        Math.abs(down) - (one.height + two.height) / 2,
      ]
      const isSteep = gapDown > Math.min(50, gapAcross * 0.15)
      const beside: Side = across > 0 ? 'right' : 'left'
      const side: Side = !isSteep ? beside : down < 0 ? 'top' : children.has(own) ? beside : 'bottom'
      const along = side === 'top' || side === 'bottom' ? across / (Math.abs(down) + 1) : down / (Math.abs(across) + 1)
      found.push({ key: endKey(own, link), side, along, link })
    }
  })
  found.sort((a, b) => a.along - b.along || a.link - b.link)
  return new Map(found.map(({ key, side }) => [key, side]))
}

/** The places of all cards: as their trees have them, or where they are pinned; then what hangs there is reached without a wire. */
function freed(
  { children, core }: Hanging,
  trees: ReadonlyMap<string, Tree>,
  cards: ReadonlyMap<string, Card>,
  corners: ReadonlyMap<string, Point>,
  pins: Pins,
): { readonly places: Map<string, Point>; readonly wires: Map<string, Wire> } {
  const places = new Map<string, Point>()
  const wires = new Map<string, Wire>()
  for (const root of core) {
    const tree = trees.get(root)!
    const put = (id: string, dx: number, dy: number): void => {
      const at = tree.places.get(id)!
      const card = cards.get(id)!
      const pin = pins.get(id)
      const usual = { x: at.x + dx, y: at.y + dy }
      const wished = pin && { x: pin.x - card.width / 2, y: pin.y - card.height / 2 }
      const isMoved = wished && Math.abs(wished.x - usual.x) + Math.abs(wished.y - usual.y) > 2
      const place = isMoved && id !== root ? wished : usual
      places.set(id, { x: Math.round(place.x), y: Math.round(place.y) })
      const wire = tree.wires.get(id)
      if (wire && !isMoved)
        wires.set(id, {
          from: { x: wire.from.x + dx, y: wire.from.y + dy },
          bus: wire.bus + dy,
          ...(wire.trunk && { trunk: { x: wire.trunk.x + dx, bus: wire.trunk.bus + dy } }),
        })
      for (const child of children.get(id) ?? []) put(child, place.x - at.x, place.y - at.y)
    }
    const corner = corners.get(root)!
    put(root, corner.x, corner.y)
  }
  if (pins.size) separateUnpinned(places, wires, cards, pins)
  return { places, wires }
}

/** Moves nodes that are not pinned away from those that are. */
function separateUnpinned(
  places: Map<string, Point>,
  wires: Map<string, Wire>,
  cards: ReadonlyMap<string, Card>,
  pins: Pins,
): void {
  const boxes = [...places].map(([id, { x, y }]) => {
    const { above, reach, height } = cards.get(id)!
    return { id, x, y: y - above, width: reach, height: height + above, fixed: pins.has(id) }
  })
  separate(boxes, 4)
  for (const { id, x, y } of boxes) {
    const place = { x: Math.round(x), y: Math.round(y + cards.get(id)!.above) }
    const was = places.get(id)!
    if (Math.abs(place.x - was.x) + Math.abs(place.y - was.y) > 2) {
      places.set(id, place)
      wires.delete(id)
    }
  }
}
