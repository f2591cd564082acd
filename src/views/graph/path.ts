import type { Port, Side } from './card.ts'
import type { GraphLink } from './graph-of.ts'
import type { Placed } from './layout.ts'
import type { Wire } from './hung-tree.ts'

const portOf = (placed: Placed, link: number): Port | undefined => placed.card.ports.find((port) => port.link === link)

/** The line of a link, as data of an SVG path: along the wire on which a node hangs, or a curve from port to port. */
export function pathOf(
  { a, b }: GraphLink,
  link: number,
  nodes: ReadonlyMap<string, Placed>,
  parents: ReadonlyMap<string, string>,
  wires: ReadonlyMap<string, Wire>,
): string {
  const [one, other] = [nodes.get(a.node)!, nodes.get(b.node)!]
  if (one === other) return ''
  if (parents.get(a.node) === b.node) return hung(one, other, link, wires.get(a.node))
  if (parents.get(b.node) === a.node) return hung(other, one, link, wires.get(b.node))
  const [from, to] = [portOf(one, link)!, portOf(other, link)!]
  return curve(one.x + from.x, one.y + from.y, from.side, other.x + to.x, other.y + to.y, to.side)
}

function hung(child: Placed, parent: Placed, link: number, wire: Wire | undefined): string {
  const port = portOf(child, link)!
  const [x, y] = [child.x + port.x, child.y + port.y]
  if (!wire) {
    const [px, py] = [parent.x + parent.card.width / 2, parent.y + parent.card.height / 2]
    return `M${Math.round(px)} ${Math.round(py)}L${x} ${y + (port.stub ?? 0)}V${y}`
  }
  const { from, bus, trunk } = wire
  return `M${from.x} ${from.y}V${bus}${trunk ? `H${trunk.x}V${trunk.bus}` : ''}H${x}V${y}`
}

/** A curve from one port to another, as data of an SVG path. Pages have its text, so it uses nothing from outside. */
export function curve(x1: number, y1: number, from: Side, x2: number, y2: number, to: Side): string {
  const away = { top: [0, -1], bottom: [0, 1], left: [-1, 0], right: [1, 0] } as const
  const far = Math.min(90, 0.4 * Math.hypot(x2 - x1, y2 - y1), Math.max(24, 0.45 * Math.abs(y2 - y1)))
  const room = Math.min(far, 16 + Math.abs(x2 - x1) / 2)
  const reach = (side: Side): number => (side === 'left' || side === 'right' ? room : far)
  const [[ax, ay], [bx, by]] = [away[from], away[to]]
  const points = [x1 + ax * reach(from), y1 + ay * reach(from), x2 + bx * reach(to), y2 + by * reach(to)].map(
    Math.round,
  )
  return `M${x1} ${y1}C${points.slice(0, 2).join(' ')} ${points.slice(2).join(' ')} ${x2} ${y2}`
}
