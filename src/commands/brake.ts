/** Decides when to repair what has been repaired before. Times are in milliseconds. */
export interface Brake {
  /** When these resources may be repaired; undefined: no more, because something else changes one of them again and again. */
  readonly due: (ids: readonly string[], now: number) => number | undefined
  /** Takes note of a repair. */
  readonly repaired: (ids: readonly string[], now: number) => void
  /** What was repaired most often in a row of these, and how long its next repair has to be after the last. */
  readonly worst: (ids: readonly string[], now: number) => { id: string; times: number; pause: number }
}

/** A resource that changes within this time after its repair was changed by the same program again. */
const SOON = 60_000
/** The first pause; each one is twice as long as the one before. */
const FIRST = 1000
/** How often in a row the same resource is repaired: the last pause is half a minute. */
const MOST = 8

/** A brake for repairs: the second repair of a resource comes at once, later ones come later and later, and then none. */
export function openBrake(): Brake {
  const repairs = new Map<string, { readonly times: number; readonly at: number }>()
  const pause = (times: number): number => (times < 2 ? 0 : FIRST * 2 ** (times - 2))
  const before = (id: string, now: number): { readonly times: number; readonly at: number } => {
    const last = repairs.get(id)
    return last && now - last.at < SOON ? last : { times: 0, at: now }
  }
  return {
    due(ids, now) {
      const all = ids.map((id) => before(id, now))
      if (all.some(({ times }) => times >= MOST)) return undefined
      return all.reduce((latest, { times, at }) => Math.max(latest, at + pause(times)), now)
    },
    repaired(ids, now) {
      for (const id of ids) repairs.set(id, { times: before(id, now).times + 1, at: now })
    },
    worst: (ids, now) =>
      ids
        .map((id) => ({ id, times: before(id, now).times }))
        .map(({ id, times }) => ({ id, times, pause: pause(times) }))
        .reduce((most, one) => (one.times > most.times ? one : most), { id: '', times: 0, pause: 0 }),
  }
}
