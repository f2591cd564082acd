import { createInterface } from 'node:readline'
import { UserError } from '../model/diagnostic.ts'
import { APART, type Host } from '../model/host.ts'
import { startOperations } from './operations.ts'
import { UNUSED, type Answer, type Ask } from './protocol.ts'

/**
 * `netlab session`, in a throw-away sandbox, or with `live` where labs live: reads what it is asked from standard input, a line
 * of JSON each, and writes its answers to standard output, until the input ends, or nothing is asked in the beginning.
 * Operations run at the same time. Returns 0; throws a UserError elsewhere.
 */
export async function session(host: Host, { live = false }: { readonly live?: boolean }): Promise<number> {
  if (!live && !host.exists(APART))
    throw UserError.of(
      'bad-option',
      'netlab session works only in a throw-away sandbox',
      'netlab test --fresh makes one.',
    )
  const operations = startOperations(host)
  const answer = (line: Answer): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
  const lines = createInterface({ input: process.stdin })
  const unused = setTimeout(() => lines.close(), UNUSED)
  for await (const line of lines) {
    clearTimeout(unused)
    const { id, do: name, input } = JSON.parse(line) as Ask
    const run = operations[name] as (input: unknown, emit: (event: unknown) => void) => Promise<unknown>
    run(input, (event) => answer({ id, event })).then(
      (result) => answer({ id, result: result ?? null }),
      (error: unknown) =>
        answer(
          error instanceof UserError
            ? { id, diagnostics: error.diagnostics }
            : { id, bug: error instanceof Error ? (error.stack ?? error.message) : String(error) },
        ),
    )
  }
  await operations.leave(null, () => {})
  return 0
}
