import { liveNames, namesIn, type Addressed, type Names } from '../model/names.ts'
import { lentTo } from './read-request.ts'
import { ownerOf } from '../model/owner.ts'
import { HERE_NAME, isPath } from '../model/place.ts'
import type { Resources } from '../model/resource.ts'
import type { Dump, Runner } from '../model/runner.ts'

/** The lab of a live namespace, and the names that programs in it may use. */
export interface Surroundings {
  /** The lab that it belongs to; absent: none. */
  readonly lab?: string
  /** The address that each name of the lab's namespaces stands for. */
  readonly names: Names
}

/** What is known of a lab from its file. */
interface Known {
  readonly name: string
  readonly namespaces: ReadonlyMap<string, { readonly borrowed?: string }>
  readonly resources: Resources
}

/**
 * Reads which lab owns a namespace, and the addresses that names stand for in it. Undefined is the machine's own namespace, and a
 * path that of somebody else, as part of the `known` lab. If the owner is the `known` lab, the addresses in its file come first.
 */
export async function surroundings(
  namespace: string | undefined,
  runner: Runner,
  known?: Known,
): Promise<Surroundings> {
  const named = (await runner.list()).filter(({ stale }) => !stale)
  const mains = new Map(named.map(({ name, inode }) => [inode, name]))
  const netns = [...mains.values()]
  const lent = known ? [...lentTo(known)] : []
  const [own, ...dumps] = await runner.dump([
    { sysctls: [], depth: 'links' },
    ...lent.map(([path]) => ({ netns: path, sysctls: [], depth: 'links' as const })),
    ...netns.map((name) => ({ netns: name, sysctls: [], depth: 'links' as const })),
  ])
  const borrowed = dumps.splice(0, lent.length)
  const byName = new Map(netns.map((name, i) => [name, dumps[i]]))
  const mainOf = (name: string): string | undefined => mains.get(named.find((n) => n.name === name)?.inode ?? -1)
  const owner =
    namespace === undefined || isPath(namespace) ? known?.name : ownerIn(byName.get(mainOf(namespace) ?? ''))
  if (owner === undefined) return { names: new Map() }
  const file = known?.name === owner ? known : undefined
  const root = [...(file?.namespaces ?? [])].find(([, n]) => n.borrowed === HERE_NAME)?.[0] ?? 'host'
  const addresses = [...byName].flatMap(([name, dump]) =>
    dump && ownerIn(dump) === owner ? addressesIn(name, dump) : [],
  )
  const add = (name: string, dump: Dump): void => {
    const marked = new Set(dump.links.flatMap(({ ifname, ifalias }) => (ownerOf(ifalias) === owner ? [ifname] : [])))
    addresses.push(...addressesIn(name, dump).filter(({ dev }) => marked.has(dev)))
  }
  if (own && !byName.has(root)) add(root, own)
  if (file) lent.forEach(([, name], i) => borrowed[i] && add(name, borrowed[i]))
  const shares = new Map(named.flatMap(({ name }) => (byName.has(name) ? [] : [[name, mainOf(name) ?? ''] as const])))
  const first = file ? namesIn(file.resources) : new Map<string, string>()
  return { lab: owner, names: liveNames(first, addresses, shares) }
}

const ownerIn = (dump: Dump | undefined): string | undefined =>
  ownerOf(dump?.links.find(({ flags }) => flags.includes('LOOPBACK'))?.ifalias)

/** The addresses of a namespace, without 127.0.0.1 and ::1 and without temporary privacy addresses. */
export const addressesIn = (namespace: string, { addresses }: Pick<Dump, 'addresses'>): Addressed[] =>
  addresses.flatMap(({ ifname, addr_info }) =>
    addr_info.flatMap(({ local, temporary }) =>
      local === undefined || local === '127.0.0.1' || local === '::1' || temporary
        ? []
        : [{ namespace, dev: ifname, address: local }],
    ),
  )
