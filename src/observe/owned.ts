import { labGroup, labMetric, ownerOf } from '../model/owner.ts'
import { linkId, nameOf, type Resource } from '../model/resource.ts'
import type { Dump, IpLink } from '../model/runner.ts'
import { isLink } from '../model/topology.ts'
import type { Foreign } from './read.ts'
import type { ReadRequest } from './read-request.ts'

/** Something with a name of the lab that belongs to another lab, or to no lab. */
export const foreignOf = (id: string, owner: string | undefined): Foreign =>
  owner === undefined ? { id } : { id, owner }

/**
 * What the lab owns in a namespace that it borrows: the devices with its mark, what is on them, and what kinds recognise by other
 * marks. Devices without the mark are added to `foreign`, and those of nobody, with what is on them, to `adoptable`; so are routes, and
 * rules to `adoptable` alone: the kernel can have the same one twice.
 */
export function ownedIn(
  namespace: string,
  all: readonly Resource[],
  dump: Dump,
  request: ReadRequest,
  foreign: Map<string, Foreign>,
  adoptable: Map<string, Resource>,
): Resource[] {
  const { lab, sysctls, namespaces } = request
  const marks = new Map(dump.links.map((link) => [link.ifname, ownerOf(link.ifalias) ?? ownerByGroup(link, lab)]))
  if (namespaces.has(namespace))
    for (const [name, mark] of marks)
      if (mark !== lab) foreign.set(linkId(namespace, name), foreignOf(linkId(namespace, name), mark))
  const mayAdopt = (r: Resource): boolean => namespaces.has(namespace) && isMade(r) && !marks.get(nameOf(r.id))
  const marked = new Set(all.flatMap(({ id, unmarked }) => (unmarked === undefined ? [id] : [])))
  const free = new Set(all.flatMap((r) => (mayAdopt(r) ? [nameOf(r.id)] : [])))
  return all.filter((r) => {
    const { kind, id, spec } = r
    if (kind === 'existing') return false
    if (r.unmarked !== undefined) {
      if (marked.has(id)) return false
      adoptable.set(id, r)
      if (kind !== 'rule') foreign.set(id, { id })
      return false
    }
    if (kind === 'address' && spec['metric'] === labMetric(lab)) return true
    if (kind === 'sysctl') return sysctls.has(namespace)
    const dev = isLink(r) ? nameOf(id) : (spec['dev'] ?? spec['port'])
    const onDevice = ON_DEVICES.includes(kind) || isLink(r)
    const mine = !onDevice || marks.get(String(dev)) === lab
    if (!mine && kind === 'address') foreign.set(id, { id })
    if (!mine && !r.others && free.has(String(dev))) adoptable.set(id, r)
    return mine
  })
}

/** Whether it is an interface that somebody has made. */
const isMade = (r: Resource): boolean => isLink(r) && !['existing', 'loopback'].includes(r.kind)

/** Kinds of resources that belong to an interface, and to the owner of that interface. */
const ON_DEVICES = ['address', 'neighbor', 'fdb', 'mdb', 'qdisc', 'tc', 'wg', 'vlans']

const ownerByGroup = (link: IpLink, lab: string): string | undefined =>
  !link.ifalias && Number(link.group) === labGroup(lab) ? lab : undefined
