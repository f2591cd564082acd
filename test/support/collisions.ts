import type { Picture } from '../../src/views/graph/layout.ts'
import { boxesOf } from '../../src/views/graph/svg.ts'

interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

const meet = (a: Area, b: Area): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height

/** What stands over something else: cards over cards, labels over labels, cards over labels of others, anything outside. */
export function collisions(picture: Picture): string[] {
  const { view } = picture
  const boxes = boxesOf(picture)
  const all = boxes.flatMap(({ id, card, texts }) => [
    { id, what: id, area: card, isCard: true },
    ...texts.map((area) => ({ id, what: `${id}: ${area.text}`, area, isCard: false })),
  ])
  all.sort((a, b) => a.area.x - b.area.x)
  const found: string[] = []
  for (const [i, one] of all.entries()) {
    const { x, y, width, height } = one.area
    if (x < view.x || y < view.y || x + width > view.x + view.width || y + height > view.y + view.height)
      found.push(`${one.what} is outside`)
    for (let j = i + 1; j < all.length && all[j]!.area.x < x + width; j++) {
      const other = all[j]!
      const belongs = one.id === other.id && one.isCard !== other.isCard
      if (!belongs && meet(one.area, other.area)) found.push(`${one.what} meets ${other.what}`)
    }
  }
  return found
}
