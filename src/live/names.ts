import { namesOf, type Addressed, type Names } from '../model/names.ts'
import { ownerOf } from '../model/owner.ts'
import type { Dump, Runner } from '../model/runner.ts'

/** What is known of a live namespace from outside. */
export interface Surroundings {
  /** The lab that it belongs to; absent: none. */
  readonly lab?: string
  /** What the names of that lab's namespaces mean in it. */
  readonly names: Names
}

/**
 * Reads who owns a namespace and what names mean in it. `lab` decides where it is known already; `root` is that lab's
 * name for the machine's own namespace.
 */
export async function surroundings(
  namespace: string,
  runner: Runner,
  lab?: string,
  root = 'host',
): Promise<Surroundings> {
  const named = (await runner.list()).filter(({ stale }) => !stale)
  const mains = new Map(named.map(({ name, inode }) => [inode, name]))
  const netns = [...mains.values()]
  const [own, ...dumps] = await runner.dump([
    { sysctls: [], depth: 'links' },
    ...netns.map((name) => ({ netns: name, sysctls: [], depth: 'links' as const })),
  ])
  const byName = new Map(netns.map((name, i) => [name, dumps[i]]))
  const mainOf = (name: string): string | undefined => mains.get(named.find((n) => n.name === name)?.inode ?? -1)
  const owner = lab ?? ownerIn(byName.get(mainOf(namespace) ?? ''))
  if (owner === undefined) return { names: new Map() }
  const addresses = [...byName].flatMap(([name, dump]) =>
    dump && ownerIn(dump) === owner ? addressesIn(name, dump) : [],
  )
  const marked = new Set(own?.links.flatMap(({ ifname, ifalias }) => (ownerOf(ifalias) === owner ? [ifname] : [])))
  if (own && !byName.has(root)) addresses.push(...addressesIn(root, own).filter(({ dev }) => marked.has(dev)))
  const shares = new Map(named.flatMap(({ name }) => (byName.has(name) ? [] : [[name, mainOf(name) ?? ''] as const])))
  return { lab: owner, names: namesOf(addresses, shares) }
}

const ownerIn = (dump: Dump | undefined): string | undefined =>
  ownerOf(dump?.links.find(({ flags }) => flags.includes('LOOPBACK'))?.ifalias)

const addressesIn = (namespace: string, { addresses }: Dump): Addressed[] =>
  addresses.flatMap(({ ifname, addr_info }) =>
    addr_info.flatMap(({ local }) =>
      local === undefined || local === '127.0.0.1' || local === '::1'
        ? []
        : [{ namespace, dev: ifname, address: local }],
    ),
  )
