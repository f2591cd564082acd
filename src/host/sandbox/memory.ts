import { rmSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Notes that the sandbox was ended because nothing was left in it. That there was one is noted by sandbox.sh in the user's
 * state folder. It decides nothing: what there is, /proc tells. It is only the reason to say, when there is none, that
 * there was one a moment ago.
 */
export function forget(name: string): void {
  const { XDG_STATE_HOME: state, HOME: home } = process.env
  const folder = state || (home && join(home, '.local/state'))
  if (!folder) return
  try {
    rmSync(join(folder, 'netlab', `sandbox-${name}`), { force: true })
  } catch {
    // a home that cannot be written to costs only the message
  }
}
