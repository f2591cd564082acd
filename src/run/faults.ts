import type { Runner } from '../model/runner.ts'

/**
 * Injects faults for tests. `NETLAB_FAULT=kill:N` kills this process after its Nth command, `term:N` sends it SIGTERM there, and
 * `fail:N` makes the Nth command fail; commands then run one at a time. `name:N` kills it when it has created the file of
 * the Nth namespace and not yet mounted the namespace on it (src/backend/netlink/perform.ts).
 */
export function withFaults(runner: Runner, fault: string | undefined): Runner {
  const [, what, number] = /^(kill|term|fail):(\d+)$/.exec(fault ?? '') ?? []
  if (what === undefined) return runner
  const failed = { code: 1, stdout: '', stderr: `NETLAB_FAULT=${fault}` }
  let count = 0
  const strike = async (): Promise<void> => {
    if (count !== Number(number)) return
    process.kill(process.pid, what === 'kill' ? 'SIGKILL' : 'SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 50)) // Node delivers signals between turns of the event loop
  }
  return {
    ...runner,
    async runProgram(operation, signal) {
      count++
      if (what === 'fail' && count === Number(number)) return failed
      const outcome = await runner.runProgram(operation, signal)
      if (outcome.code === 0) await strike()
      return outcome
    },
    async run(waves, done, signal) {
      for (const [index, command] of waves.flat().entries()) {
        if (signal?.aborted) return undefined
        count++
        if (what === 'fail' && count === Number(number)) return { index, outcome: failed }
        const failure = await runner.run([[command]], () => done(index), signal)
        if (failure) return { ...failure, index }
        await strike()
      }
      return undefined
    },
  }
}
