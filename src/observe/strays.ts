import { ownerOf } from '../model/owner.ts'
import { fileOf } from '../model/place.ts'
import type { Runner } from '../model/runner.ts'
import { ownerOfDump } from './found.ts'

/** A namespace of somebody else's in which labs have something. */
export interface Stray {
  /** Its name under /run/netns, or `pid-N` after a process in it. */
  readonly name: string
  readonly path: string
  /** The labs with marks there. */
  readonly labs: ReadonlySet<string>
}

/**
 * Looks for what labs have in namespaces of others, by its marks: in those that have a name, and those that a process is in.
 * Takes one stat(2) for every process of the machine, and reads the links of each namespace once. `known` are paths to leave
 * out. A lab's own namespaces are none of these.
 */
export async function findStrays(runner: Runner, known: Iterable<string> = []): Promise<Stray[]> {
  const { host } = runner
  const inodeOf = (path: string): number | undefined => host.status(path)?.inode
  const seen = new Set([...known, '/proc/self/ns/net'].map(inodeOf))
  const candidates = new Map<string, string>()
  const consider = (name: string, path: string, inode = inodeOf(path)): void => {
    if (inode === undefined || seen.has(inode)) return
    seen.add(inode)
    candidates.set(name, path)
  }
  const named = (await runner.list()).filter(({ inode, stale }) => !stale && !seen.has(inode))
  const marks = await runner.dump(named.map(({ name }) => ({ netns: name, sysctls: [], depth: 'mark' })))
  for (const [i, { name, inode }] of named.entries())
    if (ownerOfDump(marks[i]) === undefined) consider(name, fileOf(name), inode)
    else seen.add(inode)
  for (const pid of host.list('/proc')) if (/^\d+$/.test(pid)) consider(`pid-${pid}`, `/proc/${pid}/ns/net`)
  const places = [...candidates]
  const dumps = await runner.dump(places.map(([, netns]) => ({ netns, sysctls: [], depth: 'links' })))
  return places.flatMap(([name, path], i): Stray[] => {
    const links = dumps[i]?.links ?? []
    const labs = new Set(links.flatMap(({ ifalias }) => ownerOf(ifalias) ?? []))
    return labs.size === 0 ? [] : [{ name, path, labs }]
  })
}
