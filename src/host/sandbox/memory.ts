import { rmSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Removes the note of a sandbox that was ended because it was empty. sandbox.sh writes the note, in the user's state folder,
 * when it makes a sandbox. Nothing depends on it, since /proc shows which sandboxes exist: it only serves to report that an
 * earlier sandbox was not ended by netlab.
 */
export function forget(name: string): void {
  const { XDG_STATE_HOME: state, HOME: home } = process.env
  const folder = state || (home && join(home, '.local/state'))
  if (!folder) return
  try {
    rmSync(join(folder, 'netlab', `sandbox-${name}`), { force: true })
  } catch {
    // when the home cannot be written to, only that message may be wrong
  }
}
