/** A rectangle in the picture, in pixels. */
export interface Box {
  x: number
  y: number
  readonly width: number
  readonly height: number
  /** It stays where it is. */
  readonly fixed?: boolean
}

/** Calls `meet` for every two boxes between which there is less than `gap`, with how far each is into the other. */
export function meeting(
  boxes: readonly Box[],
  gap: number,
  meet: (a: Box, b: Box, across: number, down: number) => void,
): void {
  const sorted = [...boxes].sort((a, b) => a.x - b.x)
  let first = 0
  const widest = Math.max(0, ...sorted.map(({ width }) => width)) + gap
  for (const [i, b] of sorted.entries()) {
    while (sorted[first]!.x + widest <= b.x) first++
    for (let j = first; j < i; j++) {
      const a = sorted[j]!
      const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) + gap
      const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) + gap
      if (across > 0 && down > 0) meet(a, b, across, down)
    }
  }
}

const ROUNDS = 120

/** Moves boxes, as little as it can, until there is `gap` between all of them; those that are fixed stay. */
export function separate(boxes: readonly Box[], gap: number): void {
  for (let round = 1; ; round++) {
    let met = 0
    meeting(boxes, gap, (a, b, across, down) => {
      if (a.fixed && b.fixed) return
      met++
      const share = a.fixed ? 0 : b.fixed ? 1 : 0.5
      if (across < down) {
        const right = a.x + a.width / 2 <= b.x + b.width / 2 ? across + 0.5 : -across - 0.5
        a.x -= right * share
        b.x += right * (1 - share)
      } else {
        const lower = a.y + a.height / 2 <= b.y + b.height / 2 ? down + 0.5 : -down - 0.5
        a.y -= lower * share
        b.y += lower * (1 - share)
      }
    })
    if (met === 0) return
    // Where boxes push each other around in circles, all of them get more room.
    if (round % ROUNDS !== 0) continue
    for (const box of boxes)
      if (!box.fixed) {
        box.x *= 1.2
        box.y *= 1.2
      }
  }
}

/** The box around boxes; nothing where there are none. */
export function around(boxes: readonly Readonly<Omit<Box, 'fixed'>>[]): Readonly<Box> {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const { x, y, width, height } of boxes) {
    left = Math.min(left, x)
    top = Math.min(top, y)
    right = Math.max(right, x + width)
    bottom = Math.max(bottom, y + height)
  }
  return left > right
    ? { x: 0, y: 0, width: 0, height: 0 }
    : { x: left, y: top, width: right - left, height: bottom - top }
}

/** Puts boxes side by side, in rows, in their order; together they are about 1.6 times as wide as high. */
export function shelve(boxes: readonly Box[], gap: number): void {
  const area = boxes.reduce((sum, { width, height }) => sum + (width + gap) * (height + gap), 0)
  const most = Math.max(Math.sqrt(area * 1.6), ...boxes.map(({ width }) => width))
  let [x, y, high] = [0, 0, 0]
  for (const box of boxes) {
    if (x > 0 && x + box.width > most) {
      y += high + gap
      x = high = 0
    }
    box.x = x
    box.y = y
    x += box.width + gap
    high = Math.max(high, box.height)
  }
}
