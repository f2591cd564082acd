import { borrowedResource } from '../kinds/borrowed.ts'
import { kindOf } from '../kinds/index.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Lender } from '../model/lender.ts'
import { HERE_NAME } from '../model/place.ts'
import { nameOf, type Resource, type Resources } from '../model/resource.ts'
import type { NamedNamespace, Runner } from '../model/runner.ts'
import { isLink } from '../model/topology.ts'
import { interfaceName, reservedInterfaces } from '../language/valid-names.ts'
import { adoptedWith, adoptions } from '../observe/adopted.ts'
import { resourcesIn } from '../observe/found.ts'
import { withOwnerNames } from '../observe/home-owners.ts'
import { legacyRules } from '../observe/legacy.ts'
import { findLenders } from '../observe/lenders.ts'
import { owners } from '../observe/owners.ts'
import { read, type Live } from '../observe/read.ts'
import type { ReadRequest } from '../observe/read-request.ts'
import { withoutRandomMacs } from './hand-made.ts'
import { unwrittenKeys } from './keys-left.ts'
import { withTuning } from './tuned-by-hand.ts'
import { expressible, nameInPlan, type Network, type Remark } from './network.ts'

/** What to import. */
export interface Subject {
  /** Names of namespaces; none stands for all that have a name. */
  readonly names: readonly string[]
  /** The machine's own namespace as well. */
  readonly root: boolean
  /** Somebody else's namespaces, by their names in the lab. */
  readonly lenders: ReadonlyMap<string, Lender>
}

/** A live network, read for a lab file. */
export interface Imported extends Network {
  /** The name of the lab. */
  readonly lab: string
  /** Namespaces that belong to a lab of another name, so that a plan would refuse them: name → lab. */
  readonly taken: ReadonlyMap<string, string>
}

/** A name for a lab that is no live one's: `imported`, `imported-2` … */
function unusedName(labs: ReadonlyMap<string, unknown>): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? 'imported' : `imported-${n}`
    if (!labs.has(name)) return name
  }
}

/**
 * Reads what is live. The lab gets the name of the one that owns the namespaces, if one lab owns them and has no others. Throws a
 * UserError for namespaces that do not exist.
 */
export async function readNetwork({ names, root, lenders }: Subject, runner: Runner): Promise<Imported> {
  const listed = (await runner.list()).filter(({ stale }) => !stale)
  const all = names.length === 0 && lenders.size === 0 ? listed.map(({ name }) => name) : [...names]
  mustExist(all, listed)
  all.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  const { byNamespace, byLab } = await owners(runner, listed)
  const chosen = new Set(all)
  const labs = new Set(all.flatMap((name) => byNamespace.get(name) ?? []))
  const [only = ''] = labs
  const isWhole = labs.size === 1 && byLab.get(only)?.every((name) => chosen.has(name)) === true
  const lab = isWhole ? only : unusedName(byLab)
  const request = await requestFor({ lab, mayHaveRoot: isWhole }, { names: all, root, lenders }, listed, runner)
  const live = await read(request, runner)
  const found = new Map<string, Resource>()
  for (const [name, { lender, borrowed }] of request.namespaces) {
    if (lender && borrowed) found.set(name, { ...borrowedResource(name, lender), borrowed })
  }
  const remarks: Remark[] = []
  for (const r of [...live.resources.values(), ...live.adoptable.values()]) found.set(r.id, r)
  const without = (ids: Iterable<string>): void => {
    for (const [id] of adoptedWith(live.adoptable, new Set(ids))) found.delete(id)
  }
  const isForOthers = (id: string): boolean => {
    const r = found.get(id)
    return r !== undefined && isLink(r) && !isMakeable(r, found, live)
  }
  without([...adoptions(found, live).ids].filter(isForOthers))
  without(adoptions(found, live).refused.keys())
  const taken = new Map(all.flatMap((name) => otherOwner(name, byNamespace.get(name), lab)))
  for (const [name, { shares }] of request.namespaces)
    if (shares !== undefined && !found.has(name))
      found.set(name, { id: name, kind: 'share', namespace: name, spec: { of: shares } })
  for (const [name, { borrowed }] of request.namespaces) {
    if (borrowed === undefined) continue
    for (const r of live.theirs.values()) if (r.namespace === name && isLink(r) && !found.has(r.id)) found.set(r.id, r)
    remarks.push(...ofOthers(name, found, live, request))
  }
  for (const r of live.others.values())
    if (!r.passing) remarks.push({ at: ['namespaces', r.namespace], text: `Somebody else’s: ${nameInPlan(r)}` })
  for (const r of live.lost.values())
    remarks.push({
      at: ['namespaces', r.namespace],
      text: `Removed by hand, and made again by apply: ${nameInPlan(r)}`,
    })
  for (const { namespace, program, tables } of await legacyRules(live, runner.host))
    remarks.push({ at: ['namespaces', namespace], text: `Not managed: rules of ${program}: ${tables.join(', ')}` })
  remarks.push(...unwrittenKeys(lab, found))
  const network = expressible(found)
  const tuned = await withTuning(network.resources, live.dumps, runner)
  const named = await withOwnerNames(tuned, runner.host)
  const resources = await withoutRandomMacs(named, lab, runner)
  return { ...network, resources, lab, taken, remarks: [...network.remarks, ...remarks] }
}

function mustExist(names: readonly string[], listed: readonly NamedNamespace[]): void {
  const known = new Set(listed.map(({ name }) => name))
  const missing = names.filter((name) => !known.has(name))
  if (missing.length)
    throw new UserError(
      missing.map((name) => ({
        code: 'unknown-namespace',
        severity: 'error',
        summary: `there is no namespace ${JSON.stringify(name)}`,
        detail: 'ip netns list lists those that have a name. --container and --pid import others.',
      })),
    )
}

async function requestFor(
  { lab, mayHaveRoot }: { readonly lab: string; readonly mayHaveRoot: boolean },
  { names, root, lenders }: Subject,
  listed: readonly NamedNamespace[],
  runner: Runner,
): Promise<ReadRequest> {
  const inodes = new Map(listed.map(({ name, inode }) => [name, inode]))
  const mains = new Map<number | undefined, string>()
  const { homes } = await runner.host.processes(lab)
  const withHome = new Set(homes.map(({ namespace }) => namespace))
  // Of several names, the home has that of the namespace: the others are second names.
  for (const name of [...names].sort((a, b) => Number(withHome.has(b)) - Number(withHome.has(a))))
    if (!mains.has(inodes.get(name))) mains.set(inodes.get(name), name)
  const namespaces = new Map<string, { borrowed?: string; lender?: Lender; shares?: string }>()
  for (const name of names) {
    const main = mains.get(inodes.get(name))
    namespaces.set(name, main === undefined || main === name ? {} : { shares: main })
  }
  const { places, problems } = await findLenders(
    new Map([...namespaces, ...[...lenders].map(([name, lender]) => [name, { lender }] as const)]),
    runner.host,
  )
  if (problems.length)
    throw new UserError(problems.map(({ name: _, field: __, ...problem }) => ({ severity: 'error', ...problem })))
  for (const [name, lender] of lenders) namespaces.set(name, { lender, borrowed: places.get(name) ?? '' })
  if (root || (mayHaveRoot && (await hasRoot(lab, runner))))
    namespaces.set(nameOfRoot(namespaces), { borrowed: HERE_NAME })
  return { lab, namespaces, sysctls: new Map(), nftables: new Map(), rareSysctls: true, ofAnyLab: true }
}

/** Whether a lab has something in the machine's own namespace. */
async function hasRoot(lab: string, runner: Runner): Promise<boolean> {
  const live = await read({ lab, namespaces: new Map(), sysctls: new Map(), nftables: new Map() }, runner)
  return [...live.resources.values()].some(({ borrowed }) => borrowed === HERE_NAME)
}

/** What the machine's own namespace is called in the lab. */
const nameOfRoot = (taken: ReadonlyMap<string, unknown>): string =>
  ['host', 'machine', 'root'].find((name) => !taken.has(name)) ?? 'the-machine'

const otherOwner = (name: string, owner: string | undefined, lab: string): [string, string][] =>
  owner === undefined || owner === lab ? [] : [[name, owner]]

/** Whether a lab can make an interface of a borrowed namespace again: its far end is imported, and its name one for labs. */
function isMakeable({ id, borrowed, kind, spec }: Resource, found: Resources, { theirs }: Live): boolean {
  if (!borrowed) return true
  const { peer, link } = spec as { peer?: string; link?: string }
  if (
    kind === 'veth'
      ? peer === undefined || !found.has(peer)
      : link !== undefined && !theirs.has(link) && !found.has(link)
  )
    return false
  return interfaceName.test(nameOf(id)) && !reservedInterfaces.includes(nameOf(id))
}

/** What comes and goes by itself: nobody needs to read of it. */
const isMomentary = (r: Resource): boolean =>
  r.passing === true || (r.kind === 'address' && kindOf(r.kind).automatic?.(r) === true)

/** Remarks on what belongs to the owner of a borrowed namespace. */
function ofOthers(name: string, found: Resources, { dumps }: Live, request: ReadRequest): Remark[] {
  const dump = dumps.get(name)
  if (!dump) return []
  const own = resourcesIn(name, dump, { ...request, namespaces: new Map() })
  return own
    .filter((r) => !found.has(r.id) && !['sysctl', 'namespace'].includes(r.kind) && !isMomentary(r))
    .map((r) => ({ at: ['namespaces', name], text: `Not managed: ${nameInPlan(r)}` }))
}
