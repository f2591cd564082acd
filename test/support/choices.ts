/** Choices that are the same on every run with the same seed. */
export interface Choices {
  /** From 0 to 1. */
  readonly fraction: () => number
  /** A whole number from 0, less than this. */
  readonly below: (count: number) => number
  readonly one: <T>(all: readonly T[]) => T
  /** True with this probability. */
  readonly maybe: (probability: number) => boolean
}

/** The choices of a seed (mulberry32: small, and the same everywhere). */
export function choicesOf(seed: number): Choices {
  let state = seed
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number): number => Math.floor(fraction() * count)
  return {
    fraction,
    below,
    one: (all) => all[below(all.length)]!,
    maybe: (probability) => fraction() < probability,
  }
}
