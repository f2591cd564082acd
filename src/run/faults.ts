import type { Runner } from '../model/runner.ts'

/**
 * For tests of what netlab promises when things go wrong: `NETLAB_FAULT=kill:N` kills this process after its Nth command,
 * `term:N` asks it to stop there, `fail:N` lets the Nth command fail. Commands then run one at a time. `name:N` kills it
 * when a name of a namespace is a plain file for the Nth time (src/backend/netlink/perform.ts).
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
        await new Promise((resolve) => setTimeout(resolve, 50)) // signals arrive between turns
      }
      return undefined
    },
  }
}
