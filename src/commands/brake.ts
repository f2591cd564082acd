/** Decides when to repair what has been repaired before. */
export interface Brake {
  /**
   * How long to wait, in milliseconds, before these resources are repaired; undefined: no more, because something else has changed
   * one of them again and again. Called when a drift is first seen.
   */
  readonly wait: (ids: readonly string[], now: number) => number | undefined
  /** What was repaired most often of these. */
  readonly worst: (ids: readonly string[]) => { readonly id: string; readonly times: number }
}

/** A resource that changes within this time after its repair, in milliseconds, was changed by the same program again. */
const SOON = 60_000
/** The first pause, in milliseconds; each one is twice as long as the one before. */
const FIRST = 1000
/** How often in a row the same resource is repaired: the last pause is a minute. */
const MOST = 8

/** A brake for repairs: the second repair of a resource comes at once, later ones come later and later, and then none. */
export function openBrake(): Brake {
  const repairs = new Map<string, { readonly times: number; readonly at: number }>()
  const pause = (times: number): number => (times < 2 ? 0 : FIRST * 2 ** (times - 2))
  return {
    wait(ids, now) {
      let longest = 0
      for (const id of ids) {
        const before = repairs.get(id)
        const again = before !== undefined && now - before.at < SOON
        const times = again ? before.times : 0
        if (times >= MOST) return undefined
        const after = pause(times)
        repairs.set(id, { times: times + 1, at: now + after })
        longest = Math.max(longest, after)
      }
      return longest
    },
    worst: (ids) =>
      ids
        .map((id) => ({ id, times: repairs.get(id)?.times ?? 0 }))
        .reduce((most, one) => (one.times > most.times ? one : most), { id: '', times: 0 }),
  }
}
