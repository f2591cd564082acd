import { faultsOf } from '../kinds/fault-marks.ts'
import { borrowedResource } from '../kinds/borrowed.ts'
import { kindOf } from '../kinds/index.ts'
import { processResource } from '../kinds/process.ts'
import { sysctlResource } from '../kinds/sysctl.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { notesIn } from '../model/owner.ts'
import { placeOf } from '../model/place.ts'
import { linkId, type Resource, type Resources } from '../model/resource.ts'
import type { Dump, IpLink, NamedNamespace, Runner } from '../model/runner.ts'
import { isUnpinned } from '../model/sysctls.ts'
import { foundHomes } from './found-homes.ts'
import { loopbackOf, ownerOfDump, resourcesByName, resourcesIn, withDetails, type ReadAhead } from './found.ts'
import { inheritable, sysctlsThatDiffer, valuesWithoutLab } from './inherited.ts'
import { foreignOf, ownedIn } from './owned.ts'
import { borrowedAt, dumpRequests, lentTo, rootOf, type ReadRequest } from './read-request.ts'

/** A namespace or device that has a name from the lab and does not belong to the lab. */
export interface Foreign {
  readonly id: string
  /** The lab that it belongs to; absent: made by hand, or by another tool. */
  readonly owner?: string
}

/** The live state, as far as it concerns one lab. */
export interface Live {
  /** What the lab owns. */
  readonly resources: Resources
  /** What is in namespaces of the lab and belongs to others: no drift, unless the lab lists it (`withListed`). */
  readonly others: Resources
  /** What the kernel created in namespaces of the lab and somebody has removed. */
  readonly lost: Resources
  /** What has a name that the lab needs and belongs to others, by id. */
  readonly foreign: ReadonlyMap<string, Foreign>
  /** The namespaces that somebody lends to the lab, and the interfaces of all that are not its own, by id. */
  readonly theirs: Resources
  /** The resources of `foreign` namespaces and interfaces that belong to no lab: what `--adopt` would take over. */
  readonly adoptable: Resources
  /** Sysctls that an earlier apply set and the lab file no longer sets: the value of a new namespace, by id. */
  readonly dropped: ReadonlyMap<string, string>
  /** The dumps, by the lab's name of the namespace, for views that show more than resources. */
  readonly dumps: ReadonlyMap<string, Dump>
  /** The faults that somebody has set, the oldest first. Their effects are not in `resources`. */
  readonly faults: readonly Fault[]
  /** Only the marks of the lab's namespaces were read: `resources` lacks what is in them. */
  readonly marksOnly?: boolean
}

/** Reads everything that the lab owns, and what conflicts with it; namespaces that were read ahead are not read again. */
export async function read(
  request: ReadRequest,
  runner: Runner,
  early: readonly Promise<ReadAhead>[] = [],
): Promise<Live> {
  const { lab, namespaces } = request
  const [named, ...parts] = await Promise.all([runner.list(), ...early])
  const lent = lentTo(request)
  const mains = mainNames(named, namespaces, inodesOf(lent, runner.host))
  const byName = new Map(named.map((n) => [n.name, n]))
  const isMain = (name: string): boolean =>
    byName.get(name)?.stale === false && mains.get(name) === name && !namespaces.get(name)?.borrowed
  const root = rootOf(request)
  const wanted = [root, ...lent.values(), ...[...namespaces.keys()].filter(isMain)]
  const elsewhere = named.flatMap(({ name }) => (isMain(name) && !namespaces.has(name) ? [name] : []))
  const missing = [...namespaces].filter(([name, n]) => !n.borrowed && !n.shares && byName.get(name)?.stale !== false)
  const marksOnly = elsewhere.length >= (request.marksOnlyFrom ?? Infinity)
  const seen = new Map(parts.flatMap((part) => [...part]))
  const unseen = wanted.filter((name) => !seen.has(name))
  if (request.forApply && wanted.length === 1 + lent.size) runner.foresee?.(missing.length)

  const full = dumpRequests(request, marksOnly)
  const ready = resourcesByName(marksOnly)
  const [dumped, rest, inherited] = await Promise.all([
    runner.dump(unseen.map(full), ready.onDump(unseen, request)),
    runner.dump(
      elsewhere.map((name) => ({ owner: lab, ...full(name) })),
      ready.onDump(elsewhere, request),
    ),
    missing.length
      ? runner.inherited(inheritable).then((values) => sysctlsThatDiffer(values))
      : new Map<string, string>(),
  ])

  const dumps = new Map<string, Dump>()
  const places = new Map(unseen.map((name, i) => [name, i]))
  const keep = (name: string, dump: Dump | undefined): void => void (dump && dumps.set(name, dump))
  for (const name of wanted) keep(name, seen.get(name)?.dump ?? dumped[places.get(name) ?? -1])
  elsewhere.forEach((name, i) => ownerOfDump(rest[i]) === lab && keep(name, rest[i]))
  for (const [name, dump] of dumps)
    if (!seen.has(name))
      dumps.set(
        name,
        await withDetails(dump, placeOf({ namespace: name, borrowed: borrowedAt(name, request) }), runner),
      )

  const set = new Map<string, readonly string[]>()
  for (const [name, dump] of dumps) {
    const known = full(name).sysctls
    const more =
      ownerOfDump(dump) === lab && !marksOnly && !request.onlyLinks ? notesIn(loopbackOf(dump)?.ifalias).sysctls : []
    const dropped = more.filter((key) => !known.includes(key))
    if (dropped.length) set.set(name, dropped)
  }
  const noted = await runner.dump([...set].map(([netns, sysctls]) => ({ netns, sysctls, depth: 'all' })))
  ;[...set.keys()].forEach((name, i) => {
    const dump = dumps.get(name)
    if (dump) dumps.set(name, { ...dump, sysctls: new Map([...dump.sysctls, ...(noted[i]?.sysctls ?? [])]) })
  })

  const resources = new Map<string, Resource>()
  const adoptable = new Map<string, Resource>()
  const lost = new Map<string, Resource>()
  const others = new Map<string, Resource>()
  const foreign = new Map<string, Foreign>()
  const theirs = new Map<string, Resource>()
  for (const [name, dump] of dumps) {
    const borrowed = borrowedAt(name, request)
    const owned = borrowed !== undefined || ownerOfDump(dump) === lab
    if (!owned) foreign.set(name, foreignOf(name, ownerOfDump(dump)))
    if (!owned && ownerOfDump(dump) !== undefined && !request.ofAnyLab) continue
    const more = set.get(name)
    const known = more ? undefined : (seen.get(name)?.resources ?? ready.resources.get(name))
    const all = known ?? resourcesIn(name, dump, request, { more, marksOnly })
    const mine = borrowed ? ownedIn(name, all, dump, request, foreign, adoptable) : all
    if (borrowed) for (const resource of all) if (resource.kind === 'existing') theirs.set(resource.id, resource)
    const lender = namespaces.get(name)?.lender
    if (borrowed && lender) theirs.set(name, { ...borrowedResource(name, lender), borrowed })
    const into = owned ? resources : adoptable
    for (const resource of mine) (resource.others ? others : resource.lost ? lost : into).set(resource.id, resource)
    if (!owned) adoptable.set(name, { id: name, kind: 'namespace', namespace: name, spec: { adopted: true } })
  }
  const dropped = await valuesWithoutLab(runner, withStrays(set, resources))
  const endOf = farEnds(dumps, root, mains)
  for (const [name, { links }] of dumps)
    for (const link of links) {
      const id = linkId(name, link.ifname)
      const into = resources.has(id) ? resources : adoptable
      const resource = into.get(id)
      const field = resource && kindOf(resource.kind).farEnd
      const end = field && endOf(name, link)
      if (end) into.set(id, { ...resource, spec: { [field]: end, ...resource.spec } })
    }
  for (const id of [...resources.values()].flatMap(standsOn)) {
    const resource = theirs.get(id)
    if (resource && !resources.has(id)) resources.set(id, resource)
  }
  for (const { name, stale, owner: left } of named) {
    const main = mains.get(name)
    if (stale && (left === lab || namespaces.has(name) || request.destroyOnly?.has(name)))
      resources.set(name, { id: name, kind: 'namespace', namespace: name, spec: { stale: true } })
    else if (main !== undefined && main !== name && !borrowedAt(main, request)) {
      const share = { id: name, kind: 'share', namespace: name, spec: { of: main } }
      if (resources.has(main)) resources.set(name, share)
      else if (namespaces.has(name)) {
        foreign.set(name, foreignOf(name, ownerOfDump(dumps.get(main))))
        if (adoptable.has(main)) adoptable.set(name, share)
      }
    }
  }
  for (const [name] of missing)
    for (const [key, value] of inherited) {
      // plans show what the lab sets as created, whatever value is inherited
      if (request.sysctls.get(name)?.includes(key)) continue
      const resource = sysctlResource(name, key, value)
      resources.set(resource.id, resource)
    }
  // The log of a process that has ended is kept as long as the lab has the namespace.
  const { processes, homes } = await runner.host.processes(lab)
  const { resources: inHomes, loaded } = foundHomes(homes)
  for (const resource of inHomes) resources.set(resource.id, resource)
  for (const found of processes)
    if (found.state !== 'ended' || !namespaces.has(found.namespace)) {
      const resource = processResource(found, loaded.get(`${found.namespace}:${found.name}`))
      resources.set(resource.id, resource)
    }
  return {
    resources,
    others,
    lost,
    foreign,
    theirs,
    adoptable,
    dropped,
    dumps,
    faults: faultsOf([...dumps].flatMap(([name, d]) => (foreign.has(name) ? [] : [d.nftables]))),
    ...(marksOnly && { marksOnly }),
  }
}

/** The ids of interfaces in a borrowed namespace that a resource may use. */
const standsOn = ({ borrowed, namespace, spec }: Resource): string[] => {
  const here = borrowed ? [spec['master'], spec['dev']].filter((name) => typeof name === 'string') : []
  return [...here.map((name) => linkId(namespace, name)), ...(typeof spec['link'] === 'string' ? [spec['link']] : [])]
}

/** Paths, names in the lab and inodes of somebody else's namespaces. */
const inodesOf = (lent: ReadonlyMap<string, string>, host: Host): (readonly [string, string, number])[] =>
  [...lent].flatMap(([path, name]) => {
    const inode = host.status(path)?.inode
    return inode === undefined ? [] : [[path, name, inode] as const]
  })

/**
 * Every name → the main name of the same namespace: a name that the lab file uses for a namespace comes first. Also the paths of
 * somebody else's namespaces, which may have names as well.
 */
function mainNames(
  named: readonly NamedNamespace[],
  namespaces: ReadRequest['namespaces'],
  lent: readonly (readonly [path: string, name: string, inode: number])[],
): Map<string, string> {
  const byInode = new Map<number, string>(lent.map(([, name, inode]) => [inode, name]))
  const inodes = new Map(named.map(({ name, inode }) => [name, inode]))
  const own = [...namespaces].filter(([, { shares }]) => !shares).map(([name]) => name)
  for (const name of [...own, ...inodes.keys()]) {
    const inode = inodes.get(name)
    if (inode !== undefined && !byInode.has(inode)) byInode.set(inode, name)
  }
  return new Map([
    ...named.map(({ name, inode, stale }) => [name, stale ? name : (byInode.get(inode) ?? name)] as const),
    ...lent.map(([path, name]) => [path, name] as const),
  ])
}

/** The sysctls to be set as in a new namespace: those that an earlier apply set, and those with unusual values. */
function withStrays(set: ReadonlyMap<string, readonly string[]>, resources: Resources): Map<string, readonly string[]> {
  const result = new Map(set)
  for (const { kind, namespace, borrowed, spec } of resources.values()) {
    if (kind !== 'sysctl' || borrowed) continue
    const key = String(spec['key'])
    if (!isUnpinned(key) || resources.get(namespace)?.spec['adopted'] === true) continue
    result.set(namespace, [...(result.get(namespace) ?? []), key])
  }
  return result
}

/** Finds the id of a link's other end, by its index in the namespace that the kernel's namespace id stands for. */
function farEnds(dumps: ReadonlyMap<string, Dump>, root: string, mains: ReadonlyMap<string, string>) {
  const indexes = new Map<string, Map<number, IpLink>>()
  /**
   * The index of a VXLAN's lower device in another namespace. `ip` looks the index up in this namespace and prints the name that
   * it finds here, or `ifINDEX`.
   */
  const lowerIndex = (namespace: string, { linkinfo }: IpLink): number => {
    const name = String(linkinfo?.info_data?.['link'] ?? '')
    const unknown = /^if(\d+)$/.exec(name)?.[1]
    const same = dumps.get(namespace)?.links.find(({ ifname }) => ifname === name)
    return unknown === undefined ? (same?.ifindex ?? 0) : Number(unknown)
  }
  for (const [name, { links }] of dumps) indexes.set(name, new Map(links.map((link) => [link.ifindex, link])))
  return (namespace: string, link: IpLink): string | undefined => {
    if (link.link_netnsid === undefined) return link.link ? linkId(namespace, link.link) : undefined
    const isVxlan = link.linkinfo?.info_kind === 'vxlan'
    if (isVxlan && link.linkinfo?.info_data?.['link'] === undefined) return undefined
    const index = isVxlan ? lowerIndex(namespace, link) : (link.link_index ?? 0)
    const netns = dumps.get(namespace)?.nsids.get(link.link_netnsid)
    const home = netns === undefined ? root : (mains.get(netns) ?? netns)
    const end = indexes.get(home)?.get(index)
    // An id without a name may be the machine's own namespace: a veth there must point back to this link.
    const right = end && (netns !== undefined || end.link_index === link.ifindex || link.linkinfo?.info_kind !== 'veth')
    return right ? linkId(home, end.ifname) : `${netns ?? '?'}/#${index}`
  }
}
