import { nexthopId, resilience } from '../kinds/nexthop.ts'
import { canonicalAddress, familyOf } from '../model/cidr.ts'
import type { NexthopMember, NexthopSpec } from '../model/nexthop-spec.ts'
import type { Expansion } from './expansion.ts'
import { downLinks, expandHop } from './expand-hops.ts'
import type { Home, Net } from './subnets.ts'
import type { NexthopFile } from './lab-file.ts'
import type { Path } from './yaml/source.ts'

/** The nexthop objects of a namespace; `nets` are the networks that are reached directly. */
export function expandNexthops(
  x: Expansion,
  home: Home,
  nets: readonly Net[],
  entries: readonly NexthopFile[],
  path: Path,
): void {
  const byId = new Map(entries.map((entry) => [entry.id, entry]))
  for (const [i, entry] of entries.entries()) {
    const where = [...path, i]
    if (!isWhole(x, entry, where)) continue
    const spec = entry.group ? groupOf(x, entry, byId, where) : singleOf(x, home, nets, entry, where)
    if (!spec) continue
    downLinks(x, home, [spec], where, 'nexthop')
    const { namespace } = home
    x.add({ id: nexthopId(namespace, entry.id), kind: 'nexthop', namespace, spec }, where)
  }
}

/** Fields that do not go together, and why. */
const clashes: readonly (readonly [one: keyof NexthopFile, others: readonly (keyof NexthopFile)[], why: string])[] = [
  ['group', ['via', 'dev', 'onlink', 'encap', 'blackhole', 'family'], 'a group uses the settings of its members'],
  ['blackhole', ['via', 'dev', 'onlink', 'encap', 'fdb'], 'a blackhole discards packets'],
  ['fdb', ['dev', 'onlink', 'encap', 'family'], 'a nexthop for forwarding entries has only an address'],
  ['via', ['family'], 'the gateway determines the family'],
]

/** Whether the fields of an entry go together; reports an error if not. */
function isWhole(x: Expansion, entry: NexthopFile, path: Path): boolean {
  const wrong = (field: string, summary: string): boolean => {
    x.report.error('senseless-field', [...path, field], summary, undefined, 'key')
    return false
  }
  for (const [one, others, why] of clashes) {
    const other = entry[one] === undefined ? undefined : others.find((field) => entry[field] !== undefined)
    if (other !== undefined) return wrong(other, `${why}: ${one} and ${other} exclude each other`)
  }
  const { group, via, dev, blackhole, type, fdb } = entry
  const grouped = (['type', 'buckets', 'idle_timer', 'unbalanced_timer'] as const).find(
    (field) => entry[field] !== undefined && (!group || (field !== 'type' && type !== 'resilient')),
  )
  if (grouped !== undefined)
    return wrong(grouped, grouped === 'type' ? 'only a group has a type' : `only a resilient group has ${grouped}`)
  const missing =
    (group ?? via ?? dev ?? blackhole) === undefined || (fdb && !group && via === undefined)
      ? `the nexthop ${entry.id} has ${fdb ? 'neither via nor group' : 'none of via, dev, blackhole and group'}`
      : type === 'resilient' && entry.buckets === undefined
        ? 'a resilient group needs buckets'
        : undefined
  if (missing !== undefined) x.report.error('missing-field', path, missing)
  return missing === undefined
}

function singleOf(
  x: Expansion,
  home: Home,
  nets: readonly Net[],
  { id, via, blackhole, fdb, family = 'inet', onlink = false, ...hop }: NexthopFile,
  path: Path,
): NexthopSpec | undefined {
  const named = family === 'inet' ? 4 : 6
  if (blackhole) return { id, family: named, blackhole }
  if (fdb) {
    const address = canonicalAddress(via ?? '')
    if (address !== undefined) return { id, family: familyOf(address), via: address, fdb }
    return void x.report.error('bad-value', [...path, 'via'], `"${via}" is not an address`)
  }
  const found = expandHop(
    x,
    home,
    { nets, table: undefined, onlink },
    { ...hop, ...(via !== undefined && { via }) },
    path,
  )
  return found && { id, family: found.via === undefined ? named : familyOf(found.via), ...found }
}

/** What the kernel asks of groups: nh_check_attr_group in net/ipv4/nexthop.c. */
function groupOf(
  x: Expansion,
  entry: NexthopFile,
  byId: ReadonlyMap<number, NexthopFile>,
  path: Path,
): NexthopSpec | undefined {
  const { id, group = [], type, fdb } = entry
  const seen = new Set<number>()
  const members: NexthopMember[] = []
  for (const [i, given] of group.entries()) {
    const { id: member, weight = 1 } = typeof given === 'number' ? { id: given } : given
    const other = byId.get(member)
    const wrong = !other
      ? `there is no nexthop ${member} here`
      : other.group
        ? `the nexthop ${member} is a group itself`
        : seen.has(member)
          ? `the group names the nexthop ${member} twice`
          : other.blackhole && group.length > 1
            ? `the blackhole ${member} cannot be one of several`
            : !other.fdb !== !fdb
              ? `the nexthop ${member} is ${other.fdb ? 'for forwarding entries, and the group is not' : 'not for forwarding entries (fdb), and the group is'}`
              : undefined
    if (wrong !== undefined) return void x.report.error('bad-value', [...path, 'group', i], wrong)
    seen.add(member)
    members.push({ id: member, ...(weight !== 1 && { weight }) })
  }
  return {
    id,
    group: members,
    ...(type === 'resilient' && resilience(entry)),
    ...(fdb && { fdb }),
  }
}
