/** How many programs run at a time: more than four bring little (docs/kernel.md). */
export const PROGRAMS_AT_ONCE = 4

/** Runs `work` for every item, at most `width` at a time. Rejects with the first error. */
export async function parallel<T>(items: Iterable<T>, width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]()
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: width }, worker))
}
