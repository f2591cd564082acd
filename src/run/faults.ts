import type { Runner } from '../model/runner.ts'

/**
 * Injects faults for tests. `NETLAB_FAULT=kill:N` kills this process after its Nth command, `term:N` sends it SIGTERM there, and
 * `fail:N` makes the Nth command fail; commands then run one at a time. `name:N` kills it when it has created the file of
 * the Nth namespace and not yet mounted the namespace on it (src/backend/netlink/perform.ts).
 */
export function withFaults(runner: Runner, fault: string | undefined): Runner {
  const [, what, number] = /^(kill|term|fail):(\d+)$/.exec(fault ?? '') ?? []
  if (what === undefined) return runner
  let count = 0
  return {
    ...runner,
    async run(waves, done, signal) {
      for (const [index, command] of waves.flat().entries()) {
        if (signal?.aborted) return undefined
        count++
        if (what === 'fail' && count === Number(number))
          return { index, outcome: { code: 1, stdout: '', stderr: `NETLAB_FAULT=${fault}` } }
        const failure = await runner.run([[command]], () => done(index), signal)
        if (failure) return { ...failure, index }
        if (count !== Number(number)) continue
        process.kill(process.pid, what === 'kill' ? 'SIGKILL' : 'SIGTERM')
        await new Promise((resolve) => setTimeout(resolve, 50)) // Node delivers signals between turns of the event loop
      }
      return undefined
    },
  }
}
