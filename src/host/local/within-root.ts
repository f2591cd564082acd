import { lstatSync, readlinkSync } from 'node:fs'
import { attempt } from './files.ts'

/** How many symbolic links a path may lead through, as in path_resolution(7). */
const MOST_LINKS = 40

/**
 * The path at which a process with this root (`/proc/PID/root`) finds `path`. Symbolic links are followed within the root: the
 * kernel would follow an absolute one to the root of the process that looks. Throws an Error when links lead in a circle.
 */
export function withinRoot(root: string, path: string): string {
  let links = 0
  let real = ''
  const rest = path.split('/').reverse()
  while (rest.length > 0) {
    const part = rest.pop()
    if (part === undefined || part === '' || part === '.') continue
    if (part === '..') {
      real = real.slice(0, Math.max(0, real.lastIndexOf('/')))
      continue
    }
    const next = `${real}/${part}`
    const target = attempt(() => (lstatSync(root + next).isSymbolicLink() ? readlinkSync(root + next) : undefined))
    if (target === undefined) real = next
    else {
      if (++links > MOST_LINKS) throw new Error(`${path}: too many levels of symbolic links`)
      if (target.startsWith('/')) real = ''
      rest.push(...target.split('/').reverse())
    }
  }
  return root + real
}
