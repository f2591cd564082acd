const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What ends the programs that have not said anything. */
const unheard = new Set<() => void>()

/**
 * Calls `end` when this process ends, or is ended by a signal, before the returned function is called: a program that has not
 * begun to read does not notice that nobody writes any more.
 */
export function untilHeard(end: () => void): () => void {
  if (unheard.size === 0) {
    process.on('exit', endAll)
    for (const signal of SIGNALS) process.on(signal, interrupted)
  }
  unheard.add(end)
  return () => {
    unheard.delete(end)
    if (unheard.size === 0) forget()
  }
}

function forget(): void {
  process.off('exit', endAll)
  for (const signal of SIGNALS) process.off(signal, interrupted)
}

function endAll(): void {
  for (const end of unheard) end()
  unheard.clear()
}

/** Ends this process as well, unless somebody else heeds the signal. */
function interrupted(signal: NodeJS.Signals): void {
  endAll()
  forget()
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
}
