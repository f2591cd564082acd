import { UserError } from '../model/diagnostic.ts'
import { APART, type Host } from '../model/host.ts'
import { answerAsks } from './conversation.ts'
import { startOperations } from './operations.ts'
import { UNUSED, type Operations } from './protocol.ts'

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
  const over = new AbortController()
  const unused = setTimeout(() => over.abort(), UNUSED)
  await answerAsks<Operations>(operations, over.signal, () => clearTimeout(unused))
  await operations.leave(null, () => {})
  return 0
}
