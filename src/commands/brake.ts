/** A resource that something else changes again and again. Times are in milliseconds. */
interface Flapping {
  readonly id: string
  /** How often in a row it was repaired. */
  readonly times: number
  /** How long its next repair has to be after the last. */
  readonly pause: number
  /** When it may be repaired. */
  readonly due: number
}

/** Decides when to repair what has been repaired before. Times are in milliseconds. */
export interface Brake {
  /** Divides resources: which may be repaired now, which later, and which are given up until the brake is a new one. */
  readonly divide: (
    ids: readonly string[],
    now: number,
  ) => { readonly ready: readonly string[]; readonly waiting: readonly Flapping[]; readonly left: readonly Flapping[] }
  /** Takes note of a repair. */
  readonly repaired: (ids: readonly string[], now: number) => void
}

/** A resource that changes within this time after its repair was changed by the same program again. */
const SOON = 60_000
/** The first pause; each one is twice as long as the one before. */
const FIRST = 1000
/** How often in a row the same resource is repaired: the last pause is half a minute. */
const MOST = 8

/**
 * A brake for repairs: the second repair of a resource comes at once, later ones come later and later, and then none. Each resource
 * counts by itself.
 */
export function openBrake(): Brake {
  const repairs = new Map<string, { readonly times: number; readonly at: number }>()
  const pauseAfter = (times: number): number => (times < 2 ? 0 : FIRST * 2 ** (times - 2))
  const before = (id: string, now: number): { readonly times: number; readonly at: number } => {
    const last = repairs.get(id)
    return last && (last.times >= MOST || now - last.at < SOON) ? last : { times: 0, at: now }
  }
  return {
    divide(ids, now) {
      const all = ids.map((id): Flapping => {
        const { times, at } = before(id, now)
        const pause = pauseAfter(times)
        return { id, times, pause, due: at + pause }
      })
      const open = all.filter(({ times }) => times < MOST)
      return {
        ready: open.flatMap(({ id, due }) => (due <= now ? [id] : [])),
        waiting: open.filter(({ due }) => due > now),
        left: all.filter(({ times }) => times >= MOST),
      }
    },
    repaired(ids, now) {
      for (const id of ids) repairs.set(id, { times: before(id, now).times + 1, at: now })
    },
  }
}
