import { kinds } from '../kinds/index.ts'
import { processResource } from '../kinds/process.ts'
import { forwarding, fresh, inheritable, ofUnbridged, telling, tellingOfInterfaces, without } from './inherited.ts'
import { labGroup, notesIn, ownerOf } from '../model/owner.ts'
import { linkId, type Resource, type Resources } from '../model/resource.ts'
import type { BridgeVlans, Dump, IpLink, NamedNamespace, Runner } from '../model/runner.ts'
import { sysctlResource } from '../kinds/sysctl.ts'
import { filtersVlans } from '../kinds/vlans.ts'
import { parseWgDump } from '../kinds/wireguard.ts'

/** What a lab is about to ask of the kernel: enough to know where to look. */
export interface Subject {
  readonly lab: string
  /** Namespaces that the lab file names; none when only the lab's name is known. */
  readonly namespaces: ReadonlyMap<
    string,
    { readonly root?: true; readonly shares?: string; readonly unbridged?: true }
  >
  /** Ids and keys of the sysctls that the lab file sets, by namespace. */
  readonly sysctls: ReadonlyMap<string, readonly string[]>
  /**
   * The lab is only to go: the sysctls that it sets are read, to put them back should that fail, and no others. Plain files
   * of these names, which a crash has left, go with it.
   */
  readonly parting?: ReadonlySet<string>
  /**
   * Namespaces that this run has just made, and the sysctls that it has set in them: the other pinned ones were as they
   * should be, or do not matter.
   */
  readonly made?: ReadonlyMap<string, readonly string[]>
}

/** A namespace or device that has the name of one of the lab's, and is somebody else's. */
export interface Foreign {
  readonly id: string
  /** The lab that it belongs to; absent: made by hand, or by another tool. */
  readonly owner?: string
}

/** The kernel, as far as it concerns one lab. */
export interface Live {
  /** What the lab owns. */
  readonly resources: Resources
  /** What the kernel made in namespaces of the lab, and somebody has removed. */
  readonly lost: Resources
  /** What stands in its way, by id. */
  readonly foreign: ReadonlyMap<string, Foreign>
  /** What is in the namespaces that stand in its way and belong to no lab: what `--adopt` would take over. */
  readonly adoptable: Resources
  /** Sysctls that an earlier apply set and the lab does not: what they are without it, by id. */
  readonly dropped: ReadonlyMap<string, string>
  /** The dumps that it was made from, by the lab's name of the namespace: for views that show more than resources. */
  readonly dumps: ReadonlyMap<string, Dump>
}

/** What the machine's own namespace is called when the lab has no name for it: no namespace can be called so. */
const ROOT = '(machine)'

/** Reads everything that the lab owns, wherever it is, and what is in the way of what it wants. */
export async function read(subject: Subject, runner: Runner): Promise<Live> {
  const { lab, namespaces } = subject
  const named = await runner.list()
  const mains = mainNames(named, namespaces)
  const byName = new Map(named.map((n) => [n.name, n]))
  const isMain = (name: string): boolean => byName.get(name)?.stale === false && mains.get(name) === name
  const wanted = [...namespaces.keys()].filter(isMain)
  const others = named.filter(({ name }) => isMain(name) && !namespaces.has(name))
  const root = [...namespaces].find(([, n]) => n.root)?.[0] ?? ROOT
  const missing = [...namespaces].filter(([name, n]) => !n.root && !n.shares && byName.get(name)?.stale !== false)

  // Most namespaces have the same list, and readers make something of each list once.
  const lists = new Map<string, readonly string[]>()
  const pins = (namespace: string): readonly string[] =>
    subject.parting ? forwarding : namespaces.get(namespace)?.unbridged ? ofUnbridged : inheritable
  const keys = (namespace: string): readonly string[] => {
    const list = [
      ...new Set([...(subject.sysctls.get(namespace) ?? []), ...(subject.made?.get(namespace) ?? pins(namespace))]),
    ]
    const same = list.join(' ')
    return lists.get(same) ?? (lists.set(same, list), list)
  }
  const full = (netns: string) => ({ netns, sysctls: keys(netns), depth: 'all' as const })
  const [dumped, rest, inherited] = await Promise.all([
    runner.dump([{ sysctls: [...(subject.sysctls.get(root) ?? [])], depth: 'all' }, ...wanted.map(full)]),
    runner.dump(others.map(({ name }) => ({ ...full(name), owner: lab }))),
    missing.length ? fresh(runner).then((values) => telling(values)) : new Map<string, string>(),
  ])

  const dumps = new Map<string, Dump>()
  const keep = (name: string, dump: Dump | undefined): void => void (dump && dumps.set(name, dump))
  keep(root, dumped[0])
  wanted.forEach((name, i) => keep(name, dumped[i + 1]))
  others.forEach(({ name }, i) => owner(rest[i]) === lab && keep(name, rest[i]))
  for (const [name, dump] of dumps) dumps.set(name, await withDetails(dump, name === root ? undefined : name, runner))

  const set = new Map<string, readonly string[]>()
  for (const [name, dump] of dumps) {
    const known = keys(name)
    const more = owner(dump) === lab ? notesIn(loopback(dump)?.ifalias).sysctls : []
    const dropped = more.filter((key) => !known.includes(key))
    if (dropped.length) set.set(name, dropped)
  }
  const noted = await runner.dump([...set].map(([netns, sysctls]) => ({ netns, sysctls, depth: 'all' })))
  ;[...set.keys()].forEach((name, i) => {
    const dump = dumps.get(name)
    if (dump) dumps.set(name, { ...dump, sysctls: new Map([...dump.sysctls, ...(noted[i]?.sysctls ?? [])]) })
  })
  const dropped = await without(runner, set)

  const resources = new Map<string, Resource>()
  const adoptable = new Map<string, Resource>()
  const lost = new Map<string, Resource>()
  const foreign = new Map<string, Foreign>()
  const ends = farEnds(dumps, root, mains)
  for (const [name, dump] of dumps) {
    const isRoot = name === root
    const owned = isRoot || owner(dump) === lab
    if (!owned) foreign.set(name, found(name, owner(dump)))
    if (!owned && owner(dump) !== undefined) continue
    const scope = {
      namespace: name,
      lab,
      otherEnd: (link: IpLink) => ends(name, link),
      ...(isRoot && { root: true as const }),
      ...(owned && !notesIn(loopback(dump)?.ifalias).adopted && { made: true as const }),
    }
    const into = owned ? resources : adoptable
    const own = telling(dump.sysctls, [...(subject.sysctls.get(name) ?? []), ...(set.get(name) ?? [])])
    const told = { ...dump, sysctls: isRoot ? own : new Map([...tellingOfInterfaces(dump, own), ...own]) }
    const readAll = [...kinds.values()].flatMap((kind): Resource[] => kind.read(told, scope))
    const mine = isRoot ? ownedInRoot(readAll, dump, subject, foreign) : readAll
    for (const resource of mine) (resource.lost ? lost : into).set(resource.id, resource)
    if (!owned) adoptable.set(name, { id: name, kind: 'namespace', namespace: name, spec: { adopted: true } })
  }
  for (const { name, stale } of named) {
    const main = mains.get(name)
    if (stale && (namespaces.has(name) || subject.parting?.has(name)))
      resources.set(name, { id: name, kind: 'namespace', namespace: name, spec: { stale: true } })
    else if (main !== undefined && main !== name) {
      const into = resources.has(main) ? resources : namespaces.has(name) ? foreign : undefined
      if (into === foreign) foreign.set(name, found(name, owner(dumps.get(main))))
      else into?.set(name, { id: name, kind: 'share', namespace: name, spec: { of: main } })
    }
  }
  for (const [name] of missing)
    for (const [key, value] of inherited) {
      if (subject.sysctls.get(name)?.includes(key)) continue // what the lab sets is shown as set, whatever the machine has
      const resource = sysctlResource(name, key, value)
      resources.set(resource.id, resource)
    }
  // A log is left over only when nothing wants its namespace any more.
  for (const found of await runner.processes(lab))
    if (found.state !== 'ended' || !namespaces.has(found.namespace)) {
      const resource = processResource(found)
      resources.set(resource.id, resource)
    }
  return { resources, lost, foreign, adoptable, dropped, dumps }
}

/** What the programs `wg` and `bridge` tell of a namespace: they are asked only where there is something to tell. */
async function withDetails(dump: Dump, netns: string | undefined, runner: Runner): Promise<Dump> {
  const ask = async <T>(argv: readonly string[], parse: (text: string) => T): Promise<T | undefined> => {
    const { code, stdout } = await runner.capture({ argv, ...(netns !== undefined && { netns }) })
    return code === 0 ? parse(stdout) : undefined
  }
  const tunnels = dump.links.some(({ linkinfo }) => linkinfo?.info_kind === 'wireguard')
  const wireguard = tunnels ? await ask(['wg', 'show', 'all', 'dump'], parseWgDump) : undefined
  const vlans = filtersVlans(dump)
    ? await ask(['bridge', '-j', 'vlan', 'show'], (text) => JSON.parse(text) as BridgeVlans[])
    : undefined
  return { ...dump, ...(wireguard && { wireguard }), ...(vlans && { vlans }) }
}

const loopback = (dump: Dump | undefined): IpLink | undefined =>
  dump?.links.find((link) => link.flags.includes('LOOPBACK'))

const owner = (dump: Dump | undefined): string | undefined => ownerOf(loopback(dump)?.ifalias)

const found = (id: string, by: string | undefined): Foreign => (by === undefined ? { id } : { id, owner: by })

/** Every name → the first name of the same namespace: the first that the lab file calls a namespace, if it does. */
function mainNames(named: readonly NamedNamespace[], namespaces: Subject['namespaces']): Map<string, string> {
  const byInode = new Map<number, string>()
  const inodes = new Map(named.map(({ name, inode }) => [name, inode]))
  const own = [...namespaces].filter(([, { shares }]) => !shares).map(([name]) => name)
  for (const name of [...own, ...inodes.keys()]) {
    const inode = inodes.get(name)
    if (inode !== undefined && !byInode.has(inode)) byInode.set(inode, name)
  }
  return new Map(named.map(({ name, inode, stale }) => [name, stale ? name : (byInode.get(inode) ?? name)]))
}

/** How the other end of a link is found: by its index, in the namespace that the kernel's id stands for. */
function farEnds(dumps: ReadonlyMap<string, Dump>, root: string, mains: ReadonlyMap<string, string>) {
  const indexes = new Map<string, Map<number, IpLink>>()
  for (const [name, { links }] of dumps) indexes.set(name, new Map(links.map((link) => [link.ifindex, link])))
  return (namespace: string, link: IpLink): string | undefined => {
    if (link.link_netnsid === undefined) return link.link ? linkId(namespace, link.link) : undefined
    const index = link.link_index ?? 0
    const netns = dumps.get(namespace)?.nsids.get(link.link_netnsid)
    const home = netns === undefined ? root : (mains.get(netns) ?? netns)
    const end = indexes.get(home)?.get(index)
    // The machine's own namespace has no name: its device must point back.
    const right = end && (netns !== undefined || end.link_index === link.ifindex || link.linkinfo?.info_kind !== 'veth')
    return right ? linkId(home, end.ifname) : `${netns ?? '?'}/#${index}`
  }
}

/**
 * In the machine's own namespace: the devices that carry the lab's mark, what is on them, and what the kinds have
 * recognised by other marks. Devices of a wanted name without the mark are noted as foreign.
 */
function ownedInRoot(
  all: readonly Resource[],
  dump: Dump,
  { lab, sysctls, namespaces }: Subject,
  foreign: Map<string, Foreign>,
): Resource[] {
  const namespace = all[0]?.namespace ?? ROOT
  const marks = new Map(dump.links.map((link) => [link.ifname, ownerOf(link.ifalias) ?? ownerByGroup(link, lab)]))
  if ([...namespaces.values()].some((n) => n.root))
    for (const [name, mark] of marks)
      if (mark !== lab) foreign.set(linkId(namespace, name), found(linkId(namespace, name), mark))
  return all.filter(({ kind, id, spec }) => {
    if (kind === 'sysctl') return sysctls.has(namespace)
    const dev = 'up' in spec ? id.slice(id.indexOf('/') + 1) : (spec['dev'] ?? spec['port'])
    const onDevice =
      kind === 'address' || kind === 'neighbor' || kind === 'qdisc' || kind === 'wg' || kind === 'vlans' || 'up' in spec
    return !onDevice || marks.get(String(dev)) === lab
  })
}

const ownerByGroup = (link: IpLink, lab: string): string | undefined =>
  !link.ifalias && Number(link.group) === labGroup(lab) ? lab : undefined
