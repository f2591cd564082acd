/** What `ask` says once it is good; when that does not come about in time (seconds), what it said last. */
export async function until<T>(ask: () => Promise<T>, good: (answer: T) => boolean, timeout = 30): Promise<T> {
  for (const end = Date.now() + timeout * 1000; ;) {
    const answer = await ask()
    if (good(answer) || Date.now() > end) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
