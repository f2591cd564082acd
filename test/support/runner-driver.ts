import { ipRunner } from '../../src/backend/iproute/ip-runner.ts'
import { thisMachine } from '../../src/host/this-machine.ts'
import { startRunner } from '../../src/run/choose-runner.ts'
import { nftablesResource } from '../../src/kinds/nftables.ts'
import { canonicalize } from '../../src/observe/canonical.ts'
import type { Operation } from '../../src/model/operation.ts'
import type { Resource } from '../../src/model/resource.ts'
import type { DumpRequest } from '../../src/model/runner.ts'

/** The work of the driver, in this order. */
export type Task =
  /** `after`: more waves, run afterwards; `stop`: abort when the first command is done. */
  | {
      readonly run: readonly Operation[]
      readonly after?: readonly (readonly Operation[])[]
      readonly by?: 'ip'
      readonly stop?: true
    }
  | { readonly dump: readonly DumpRequest[]; readonly by?: 'ip' }
  | { readonly list: true; readonly by?: never }
  /** Sysctls to read in a new namespace. */
  | { readonly inherited: readonly string[]; readonly by?: 'ip' }
  /** Rule sets of nftables to bring into their canonical form. */
  | { readonly try: readonly string[]; readonly by?: 'ip' }
  /** The same, in this process instead of by nft. */
  | { readonly forms: readonly string[]; readonly by?: never }

/**
 * Runs in a world. Carries out the work in its input, with the runner of the machine or with the one that spawns `ip`, and prints
 * the results as JSON. Maps are printed as objects.
 */
async function main(): Promise<void> {
  let input = ''
  for await (const chunk of process.stdin) input += String(chunk)
  const own = startRunner(thisMachine)
  const results: unknown[] = []
  for (const task of JSON.parse(input) as Task[]) {
    const runner = task.by === 'ip' ? ipRunner(thisMachine) : own
    const start = performance.now()
    if ('dump' in task) results.push(await runner.dump(task.dump))
    else if ('list' in task) results.push(await runner.list())
    else if ('inherited' in task) results.push(await runner.inherited(task.inherited))
    else if ('forms' in task) results.push(await runner.nftForms?.(task.forms))
    else if ('try' in task) {
      const wanted = task.try.map((text, i) => nftablesResource(`n${i}`, text, 'web') as unknown as Resource)
      const canonical = await canonicalize(new Map(wanted.map((r) => [r.id, r])), runner)
      results.push([...canonical.values()].map(({ spec }) => spec))
    } else {
      const done: number[] = []
      const abort = new AbortController()
      const failure = await runner.run(
        [task.run, ...(task.after ?? [])],
        (index) => {
          done.push(index)
          if (task.stop) abort.abort()
        },
        abort.signal,
      )
      results.push({ done, ...(failure && { failure }) })
    }
    if (process.env['TIMES']) process.stderr.write(`${(performance.now() - start).toFixed(1)} ms\n`)
  }
  const plain = (_: string, value: unknown): unknown => (value instanceof Map ? Object.fromEntries(value) : value)
  if (!process.env['QUIET']) process.stdout.write(JSON.stringify(results, plain))
}

void main()
