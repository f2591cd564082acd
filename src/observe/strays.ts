import { ownerOf } from '../model/owner.ts'
import { fileOf } from '../model/place.ts'
import type { Runner } from '../model/runner.ts'
import type { Owners } from './owners.ts'

/** A namespace of somebody else's in which labs have something. */
export interface Stray {
  /** Its name under /run/netns, or `pid-N` after a process in it. */
  readonly name: string
  readonly path: string
  /** The labs with marks there. */
  readonly labs: ReadonlySet<string>
}

/**
 * Looks for what labs have in namespaces of others, by its marks: in those that have a name and no owner, and those that a
 * process is in. Takes one stat(2) for every process of the machine, and reads the links of each namespace once. `known` are
 * paths to leave out.
 */
export async function findStrays(
  runner: Runner,
  { byNamespace }: Owners,
  known: readonly string[] = [],
): Promise<Stray[]> {
  const { host } = runner
  const inodeOf = (path: string): number | undefined => host.status(path)?.inode
  const owned = [...byNamespace].flatMap(([name, owner]) => (owner === undefined ? [] : [fileOf(name)]))
  const seen = new Set([...known, ...owned, '/proc/self/ns/net'].map(inodeOf))
  const candidates = new Map<string, string>()
  const consider = (name: string, path: string): void => {
    const inode = inodeOf(path)
    if (inode === undefined || seen.has(inode)) return
    seen.add(inode)
    candidates.set(name, path)
  }
  for (const [name, owner] of byNamespace) if (owner === undefined) consider(name, fileOf(name))
  for (const pid of host.list('/proc')) if (/^\d+$/.test(pid)) consider(`pid-${pid}`, `/proc/${pid}/ns/net`)
  const places = [...candidates]
  const dumps = await runner.dump(places.map(([, netns]) => ({ netns, sysctls: [], depth: 'links' })))
  return places.flatMap(([name, path], i): Stray[] => {
    const links = dumps[i]?.links ?? []
    const labs = new Set(links.flatMap(({ ifalias }) => ownerOf(ifalias) ?? []))
    return labs.size === 0 ? [] : [{ name, path, labs }]
  })
}
