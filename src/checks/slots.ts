/** Limits how many tasks run at the same time. */
export interface Slots {
  /**
   * Runs the task as soon as fewer than the limit are running, and returns its result. A task that only waits from now on calls
   * `release`, and does not count any more.
   */
  with<T>(work: (release: () => void) => Promise<T>): Promise<T>
}

/** Slots for at most `width` tasks at the same time. */
export function openSlots(width: number): Slots {
  const queue: (() => void)[] = []
  let free = width
  return {
    async with(work) {
      if (free > 0) free--
      else await new Promise<void>((go) => queue.push(go))
      let held = true
      const release = (): void => {
        if (!held) return
        held = false
        const next = queue.shift()
        if (next) next()
        else free++
      }
      try {
        return await work(release)
      } finally {
        release()
      }
    },
  }
}
