import { spawnSync } from 'node:child_process'
import type { Sandbox } from './holder.ts'
import { refusal } from './refusal.ts'
import script from './sandbox.sh'

const FIND_OR_START = `${script}
sandbox "$1" && echo "$holder" || { echo "$words"; exit 1; }`

/**
 * Finds the user's sandbox of this name, or makes it; of two processes that do so at once, one waits for the other. Reports on
 * standard error an earlier sandbox that was not ended by netlab. Throws a UserError with what to do when the machine does
 * not allow it.
 */
export function findOrStart(name: string): Sandbox {
  const { status, stdout, error } = spawnSync('sh', ['-c', FIND_OR_START, 'sh', name], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  if (status !== 0) throw refusal(error?.message ?? (stdout.trim() || 'it ended'))
  return { pid: Number(stdout), name }
}
