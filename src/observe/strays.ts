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

/** The command line of a netlab: while it works, it is in one namespace after the other. */
const NETLAB = /(^|[/\0])netlab(\.cjs)?\0/

/**
 * Looks for what labs have in namespaces of others, by its marks: in those that have a name and no owner, and those that a
 * process is in. Takes one stat(2) for every process of the machine, and reads the links of each namespace once. `known` are
 * paths to leave out. With `namedOnly`, processes are not looked at: of a lab on several machines, those of another machine may
 * be seen here, as those of a container are.
 */
export async function findStrays(
  runner: Runner,
  { byNamespace }: Owners,
  known: readonly string[] = [],
  namedOnly = false,
): Promise<Stray[]> {
  const { host } = runner
  const inodeOf = (path: string): number | undefined => host.status(path)?.inode
  const owned = [...byNamespace].flatMap(([name, owner]) => (owner === undefined ? [] : [fileOf(name)]))
  const seen = new Set([...known, ...owned, '/proc/self/ns/net'].map(inodeOf))
  const places: { readonly name: string; readonly path: string; readonly inode: number }[] = []
  const consider = (name: string, path: string, isPlace = (): boolean => true): void => {
    const inode = inodeOf(path)
    if (inode === undefined || seen.has(inode) || !isPlace()) return
    seen.add(inode)
    places.push({ name, path, inode })
  }
  for (const [name, owner] of byNamespace) if (owner === undefined) consider(name, fileOf(name))
  for (const pid of namedOnly ? [] : host.list('/proc'))
    if (/^\d+$/.test(pid))
      consider(`pid-${pid}`, `/proc/${pid}/ns/net`, () => !NETLAB.test(host.readFile(`/proc/${pid}/cmdline`) ?? ''))
  const dumps = await runner.dump(places.map(({ path }) => ({ netns: path, sysctls: [], depth: 'links' })))
  return places.flatMap(({ name, path, inode }, i): Stray[] => {
    const links = dumps[i]?.links ?? []
    // A lab's own namespace, of another machine or sandbox; and one that is another meanwhile.
    const isOwn = links.some(({ flags, ifalias }) => flags.includes('LOOPBACK') && ownerOf(ifalias) !== undefined)
    if (isOwn || inodeOf(path) !== inode) return []
    const labs = new Set(links.flatMap(({ ifalias }) => ownerOf(ifalias) ?? []))
    return labs.size === 0 ? [] : [{ name, path, labs }]
  })
}
