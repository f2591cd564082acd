import type { End, GraphNode } from './graph-of.ts'

/** A line of text; `x` and `y` (of its baseline) are relative to the card. */
export interface Text {
  readonly x: number
  readonly y: number
  readonly anchor: 'start' | 'middle' | 'end'
  readonly text: string
  /** `title`: the name of the node. `name`, `address`: of an end of a link. */
  readonly as: 'title' | 'name' | 'address' | 'note'
}

export type Side = 'top' | 'bottom' | 'left' | 'right'

/** An end of a link at a node: on a side of its card, or below the line that comes from the node that it hangs on. */
export interface Attached {
  /** The index of its link. */
  readonly link: number
  readonly end: End
  /** Where it hangs: the other end, whose label stands beside the line. */
  readonly parent?: End
  readonly side: Side
}

/** Where a link meets a card, relative to it; `stub`: where its line comes from, above. */
export interface Port {
  readonly link: number
  readonly x: number
  readonly y: number
  readonly side: Side
  readonly stub?: number
}

/** What is drawn of a node, in pixels. */
export interface Card {
  readonly node: GraphNode
  readonly width: number
  readonly height: number
  /** How far the labels of the line on which it hangs reach above it, and how wide they are. */
  readonly above: number
  readonly reach: number
  readonly texts: readonly Text[]
  readonly ports: readonly Port[]
}

/** The width of a character of a monospaced font, and the height of a line. */
export const CHARACTER = 6.1
export const LINE = 12
/** The side of the picture of a role, left of the title. */
export const ICON = 22
const PAD = 9
const MOST = 3

interface Label {
  readonly lines: readonly (readonly [string, 'name' | 'address'])[]
  readonly width: number
  readonly height: number
}

function labelOf({ name, addresses }: End): Label {
  const more = addresses.length - MOST
  const shown = more > 1 ? [...addresses.slice(0, MOST), `and ${more} more`] : addresses
  const lines = [...(name ? [[name, 'name'] as const] : []), ...shown.map((text) => [text, 'address'] as const)]
  return { lines, width: widest(lines.map(([text]) => text)), height: lines.length * LINE }
}

/** How wide a title is at most: as in DejaVu Sans Bold, which is wider than the others. */
const titleWidth = (text: string): number =>
  Math.ceil(
    [...text].reduce((sum, c) => sum + (/[mwMW@%]|[^ -~]/.test(c) ? 13.6 : /[A-Z&+<>=~]/.test(c) ? 11 : 9.3), 0),
  )

const widest = (lines: readonly string[]): number =>
  Math.ceil(Math.max(0, ...lines.map((line) => line.length)) * CHARACTER)
const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0)
const max = (all: readonly number[]): number => Math.max(0, ...all)

const written = ({ lines }: Label, x: number, y: number, anchor: Text['anchor']): Text[] =>
  lines.map(([text, as], i) => ({ x, y: y + 9 + i * LINE, anchor, text, as }))

/** The card of a node with these ends of links. */
export function cardOf(node: GraphNode, attached: readonly Attached[]): Card {
  const hanging = attached.filter(({ parent }) => parent)
  const at = (side: Side) =>
    attached.filter((one) => one.side === side && !one.parent).map(({ link, end }) => ({ link, label: labelOf(end) }))
  const [top, bottom, left, right] = [at('top'), at('bottom'), at('left'), at('right')]
  const own = hanging.map(({ end }) => labelOf(end))
  const slot = ({ label }: { label: Label }): number => Math.max(26, label.width + 14)
  const column = (side: typeof left): number => (side.length ? max(side.map(({ label }) => label.width)) + PAD : 0)
  const notes = node.notes
  const titled = ICON + 6 + titleWidth(node.title)
  const inner = Math.max(titled, widest(notes), max(own.map(({ width }) => width))) + 2 * PAD
  const drops = hanging.map(({ parent }) => labelOf(parent!))
  const spread = sum(drops.slice(0, -1).map(({ width }) => width + 16)) + (drops.length ? 30 : 0)
  const width =
    Math.ceil(Math.max(sum(top.map(slot)), sum(bottom.map(slot)), column(left) + inner + column(right), spread) / 2) * 2
  const band = (side: typeof top): number => (side.length ? max(side.map(({ label }) => label.height)) + 5 : 0)
  const rows = (side: typeof left): number => sum(side.map(({ label }) => Math.max(18, label.height + 6)))
  const body =
    2 * PAD + 14 + (own.length || notes.length ? 7 : 0) + sum(own.map(({ height }) => height + 3)) + notes.length * LINE
  const middle = Math.max(body, rows(left) + 6, rows(right) + 6)
  // Even, as the width is: the middle of a card is a whole number of pixels.
  const height = 2 * Math.ceil((band(top) + middle + band(bottom)) / 2)

  const texts: Text[] = []
  const ports: Port[] = []
  const across = (side: typeof top, name: Side): void => {
    const free = (width - sum(side.map(slot))) / Math.max(1, side.length)
    let from = 0
    for (const one of side) {
      const x = Math.round(from + (slot(one) + free) / 2)
      from += slot(one) + free
      ports.push({ link: one.link, x, y: name === 'top' ? 0 : height, side: name })
      const y = name === 'top' ? 6 : height - one.label.height - 4
      texts.push(...written(one.label, x, y, 'middle'))
    }
  }
  across(top, 'top')
  across(bottom, 'bottom')
  const down = (side: typeof left, name: Side): void => {
    let y = band(top) + (middle - rows(side)) / 2
    for (const { link, label } of side) {
      const tall = Math.max(18, label.height + 6)
      ports.push({ link, x: name === 'left' ? 0 : width, y: Math.round(y + tall / 2), side: name })
      const x = name === 'left' ? PAD : width - PAD
      texts.push(...written(label, x, Math.round(y + (tall - label.height) / 2), name === 'left' ? 'start' : 'end'))
      y += tall
    }
  }
  down(left, 'left')
  down(right, 'right')

  // The title stands in the middle of what the sides leave.
  const room = width - column(left) - column(right)
  const content = inner - 2 * PAD
  const x = Math.round(column(left) + (room - content) / 2)
  let y = Math.round(band(top) + (middle - body) / 2 + PAD)
  texts.push({ x: x + ICON + 6, y: y + 12, anchor: 'start', text: node.title, as: 'title' })
  y += 23
  for (const label of own) {
    texts.push(...written(label, x, y, 'start'))
    y += label.height + 3
  }
  for (const text of notes) {
    texts.push({ x, y: y + 9, anchor: 'start', text, as: 'note' })
    y += LINE
  }
  const above = hanging.length ? Math.max(18, max(drops.map((label) => label.height)) + 10) : 0
  let drop = Math.round((width - sum(drops.slice(0, -1).map(({ width }) => width + 16))) / 2)
  for (const [i, { link }] of hanging.entries()) {
    ports.push({ link, x: drop, y: 0, side: 'top', stub: -above })
    texts.push(...written(drops[i]!, drop + 5, 3 - above, 'start'))
    drop += drops[i]!.width + 16
  }
  return { node, width, height, above, reach: Math.max(width, drop - 4), texts, ports }
}

/** The left upper corner of the picture of a node's role, relative to its card: left of the title. */
export function iconAt({ texts }: Pick<Card, 'texts'>): { readonly x: number; readonly y: number } {
  const title = texts.find(({ as }) => as === 'title')!
  return { x: title.x - ICON - 6, y: title.y - 16 }
}

/** Where a text is drawn, relative to its card: at least as large as in any font. */
export function boxOf({ x, y, anchor, text, as }: Text): { x: number; y: number; width: number; height: number } {
  const width = as === 'title' ? titleWidth(text) : text.length * CHARACTER
  const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2
  return as === 'title' ? { x: left, y: y - 12, width, height: 16 } : { x: left, y: y - 9, width, height: LINE }
}
