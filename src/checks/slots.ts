/** Room for some at a time; the others wait their turn. */
export interface Slots {
  /** Does it as soon as there is room, and returns what it returns. */
  with<T>(work: () => Promise<T>): Promise<T>
}

/** Room for `width` at a time. */
export function openSlots(width: number): Slots {
  const queue: (() => void)[] = []
  let free = width
  return {
    async with(work) {
      if (free > 0) free--
      else await new Promise<void>((go) => queue.push(go))
      try {
        return await work()
      } finally {
        const next = queue.shift()
        if (next) next()
        else free++
      }
    },
  }
}
