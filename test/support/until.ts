/** Calls `ask` until its result is good or the time (seconds) is over, and returns the last result. */
export async function until<T>(ask: () => Promise<T>, good: (answer: T) => boolean, timeout = 30): Promise<T> {
  for (const end = Date.now() + timeout * 1000; ;) {
    const answer = await ask()
    if (good(answer) || Date.now() > end) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
