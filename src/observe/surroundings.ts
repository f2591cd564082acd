import { liveNames, namesIn, type Addressed, type Names } from '../model/names.ts'
import { ownerOf } from '../model/owner.ts'
import type { Resources } from '../model/resource.ts'
import type { Dump, Runner } from '../model/runner.ts'

/** What is known of a live namespace from outside. */
export interface Surroundings {
  /** The lab that it belongs to; absent: none. */
  readonly lab?: string
  /** What the names of that lab's namespaces mean in it. */
  readonly names: Names
}

/** What a lab file tells about the lab. */
interface Known {
  readonly name: string
  readonly namespaces: ReadonlyMap<string, { readonly root?: true }>
  readonly resources: Resources
}

/**
 * Reads who owns a namespace (undefined: the machine's own, as the lab that is `known` means it) and what names mean
 * in it; where the owner is `known`, its file has a say in that.
 */
export async function surroundings(
  namespace: string | undefined,
  runner: Runner,
  known?: Known,
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
  const owner = namespace === undefined ? known?.name : ownerIn(byName.get(mainOf(namespace) ?? ''))
  if (owner === undefined) return { names: new Map() }
  const file = known?.name === owner ? known : undefined
  const root = [...(file?.namespaces ?? [])].find(([, n]) => n.root)?.[0] ?? 'host'
  const addresses = [...byName].flatMap(([name, dump]) =>
    dump && ownerIn(dump) === owner ? addressesIn(name, dump) : [],
  )
  const marked = new Set(own?.links.flatMap(({ ifname, ifalias }) => (ownerOf(ifalias) === owner ? [ifname] : [])))
  if (own && !byName.has(root)) addresses.push(...addressesIn(root, own).filter(({ dev }) => marked.has(dev)))
  const shares = new Map(named.flatMap(({ name }) => (byName.has(name) ? [] : [[name, mainOf(name) ?? ''] as const])))
  const first = file ? namesIn(file.resources) : new Map<string, string>()
  return { lab: owner, names: liveNames(first, addresses, shares) }
}

const ownerIn = (dump: Dump | undefined): string | undefined =>
  ownerOf(dump?.links.find(({ flags }) => flags.includes('LOOPBACK'))?.ifalias)

/** The addresses that a namespace has, less those of every `lo` and those that are only there for a while for privacy. */
export const addressesIn = (namespace: string, { addresses }: Pick<Dump, 'addresses'>): Addressed[] =>
  addresses.flatMap(({ ifname, addr_info }) =>
    addr_info.flatMap(({ local, temporary }) =>
      local === undefined || local === '127.0.0.1' || local === '::1' || temporary
        ? []
        : [{ namespace, dev: ifname, address: local }],
    ),
  )
