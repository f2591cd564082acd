import type { Host } from '../model/host.ts'
import type { ErrorJson } from '../views/json.ts'
import type { RunJson } from '../views/run-json.ts'
import type { WatchedChange } from '../views/watch-text.ts'
import type { LocatedFile } from './locate.ts'

/** How long an apply may take, in seconds. */
const PATIENCE = 3600

/**
 * Repairs a lab by a `netlab apply` in a process of its own, and leaves the resources with the ids in `spare` as they are. Returns the
 * changes that it made, and what it said.
 */
export async function repairLab(
  host: Host,
  { file, text, set }: LocatedFile,
  spare: readonly string[],
): Promise<{ readonly made: readonly WatchedChange[]; readonly words: string }> {
  const values = [...(set ?? [])].flatMap(([name, value]) => ['--set', `${name}=${value}`])
  const spared = spare.flatMap((id) => ['--spare', id])
  const argv = [...host.self, 'apply', file, '-y', '--json', '--no-lint', ...values, ...spared]
  const { code, stdout, stderr } = await host.run({ argv, timeout: PATIENCE, ...(file === '-' && { input: text }) })
  const document = stdout === '' ? undefined : (JSON.parse(stdout) as RunJson | ErrorJson)
  const made = document && 'result' in document && document.result.status === 'done' ? document.changes : []
  return { made, words: code === 0 ? '' : stderr }
}
