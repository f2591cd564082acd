import { spawnSync } from 'node:child_process'
import type { Sandbox } from './holder.ts'
import { refusal } from './refusal.ts'
import script from './sandbox.sh'

const FIND_OR_START = `${script}
sandbox "$1" && echo "$holder" || { echo "$words"; exit 1; }`

/**
 * Finds the user's sandbox of this name, or makes it; one of two that do so at once waits for the other. What became of
 * an earlier one that was not ended by netlab is told on standard error. Throws a UserError with the way out when the
 * machine does not allow it.
 */
export function findOrStart(name: string): Sandbox {
  const { status, stdout, error } = spawnSync('sh', ['-c', FIND_OR_START, 'sh', name], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  if (status !== 0) throw refusal(error?.message ?? (stdout.trim() || 'it ended'))
  return { pid: Number(stdout), name }
}
