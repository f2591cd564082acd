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

/** Boxes that still meet after this many rounds push each other around in circles. */
const ROUNDS = 60

/** Moves boxes, as little as it can, until there is `gap` between all of them; those that are fixed stay. */
export function separate(boxes: readonly Box[], gap: number): void {
  for (let round = 0; round < ROUNDS; round++) {
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
  }
  settle(boxes, gap)
}

const CELL = 256
const STEP = 48

/** Puts one box after another at the free place that is nearest to where it is. */
function settle(boxes: readonly Box[], gap: number): void {
  const cells = new Map<string, Box[]>()
  const near = ({ x, y, width, height }: Box): string[] => {
    const keys: string[] = []
    for (let i = Math.floor((x - gap) / CELL); i <= (x + width + gap) / CELL; i++)
      for (let j = Math.floor((y - gap) / CELL); j <= (y + height + gap) / CELL; j++) keys.push(`${i} ${j}`)
    return keys
  }
  const isFree = (box: Box): boolean =>
    near(box).every((key) =>
      (cells.get(key) ?? []).every(
        (one) =>
          one.x >= box.x + box.width + gap ||
          box.x >= one.x + one.width + gap ||
          one.y >= box.y + box.height + gap ||
          box.y >= one.y + one.height + gap,
      ),
    )
  for (const box of [...boxes.filter(({ fixed }) => fixed), ...boxes.filter(({ fixed }) => !fixed)]) {
    if (!box.fixed) Object.assign(box, freePlace(box, isFree))
    for (const key of near(box)) {
      const cell = cells.get(key)
      if (cell) cell.push(box)
      else cells.set(key, [box])
    }
  }
}

/** The first place that is free, on larger and larger squares around where the box is. */
function freePlace(box: Box, isFree: (box: Box) => boolean): { readonly x: number; readonly y: number } {
  for (let ring = 0; ; ring++)
    for (let i = -ring; i <= ring; i++)
      for (const [dx, dy] of [
        ...[[i, -ring] as const, [i, ring] as const],
        ...[[-ring, i] as const, [ring, i] as const],
      ]) {
        const at = { ...box, x: box.x + dx * STEP, y: box.y + dy * STEP }
        if (isFree(at)) return { x: at.x, y: at.y }
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

/** A picture is at most this many times as wide as high, or as high as wide. */
const MOST = 2

/** The size of the smallest picture with this in it. */
export const pictured = ({ width, height }: Pick<Box, 'width' | 'height'>): { width: number; height: number } => ({
  ...{ width: Math.max(width, Math.ceil(height / MOST)), height: Math.max(height, Math.ceil(width / MOST)) },
})
