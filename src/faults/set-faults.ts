import { randomBytes } from 'node:crypto'
import { cutsOf, impaired, impairsOf, networkText, uncut } from '../kinds/faulted.ts'
import { UserError } from '../model/diagnostic.ts'
import {
  endpointText,
  type Carrier,
  type CutMark,
  type Endpoint,
  type Fault,
  type FaultAction,
} from '../model/fault.ts'
import type { IpLink } from '../model/runner.ts'
import { carrierOf, carryOutFaults, type SiteChange } from './carry-out.ts'
import { healFaults } from './heal-faults.ts'
import { farEndOf, farSide, linkAt, queuesOf, readSites, type FaultNet, type Site } from './sites.ts'

/** How long a fault is to last, and its id if that is chosen already. */
export interface Lasting {
  readonly id?: string
  /** When it ends, in milliseconds since 1970: somebody has to end it then. Absent: it lasts until it is healed. */
  readonly until?: number
}

/** Scopes of addresses (rtnetlink(7)), as `ip -N` prints them. */
const [LINK, HOST] = ['253', '254']

/** Before anything else that the lab's own chains do. */
const FIRST = -500

/** An id for a new fault. */
export const newFaultId = (): string => randomBytes(4).toString('hex')

const faultOf = (action: FaultAction, { until, id = newFaultId() }: Lasting): Fault => ({
  ...action,
  id,
  since: Date.now(),
  ...(until !== undefined && { until }),
})

/**
 * Sets a fault: cuts, impairs or partitions. Returns it as soon as the kernel has it. Throws a UserError when something that it
 * names does not exist, or the kernel refuses.
 */
export async function setFault(net: FaultNet, action: FaultAction, lasting: Lasting = {}): Promise<Fault> {
  const fault = faultOf(action, lasting)
  const changes = await changesOf(net, fault)
  await carryOutFaults(net, changes, async () => void (await healFaults(net, ({ fault: { id } }) => id === fault.id)))
  return fault
}

/**
 * Brings the effects of a fault back which were lifted. Returns and throws as `setFault` does; then the fault has ended.
 */
export async function setAgain(net: FaultNet, { lifted: _, ...fault }: Fault): Promise<Fault> {
  const remove = new Set([fault.id])
  try {
    const changes = await changesOf(net, fault)
    const own = new Set(changes.map(({ site }) => site.name))
    const rest = [...(await readSites(net, net.places.keys())).values()].filter(({ name }) => !own.has(name))
    await carryOutFaults(
      net,
      [...changes, ...rest.map((site) => ({ site }))].map((change) => ({ ...change, remove, again: true })),
    )
    return fault
  } catch (error) {
    await healFaults(net, (mark) => mark.fault.id === fault.id)
    throw error
  }
}

/** Sets faults, all or none: each with how long it lasts. Throws as `setFault` does. */
export async function setFaults(
  net: FaultNet,
  wanted: readonly (readonly [action: FaultAction, lasting: Lasting])[],
): Promise<Fault[]> {
  const faults: Fault[] = []
  try {
    for (const [action, lasting] of wanted) faults.push(await setFault(net, action, lasting))
    return faults
  } catch (error) {
    const done = new Set(faults.map(({ id }) => id))
    if (done.size) await healFaults(net, ({ fault }) => done.has(fault.id))
    throw error
  }
}

/** What a fault changes, in each namespace. */
async function changesOf(net: FaultNet, fault: Fault): Promise<SiteChange[]> {
  switch (fault.kind) {
    case 'cut':
      return await cut(net, fault)
    case 'impair':
      return await impair(net, fault)
    case 'partition':
      return await partition(net, fault)
  }
}

/**
 * A cut cable: both ends lose their carrier, and what arrives at either is dropped. It is dropped where it arrives, as on a real
 * cable: a sender whose packets are dropped on the way out is told so by the kernel (ENOBUFS), and TCP behaves differently.
 */
async function cut(net: FaultNet, fault: Fault & { kind: 'cut' }): Promise<SiteChange[]> {
  const { target, oneWay } = fault
  const sites = await readSites(net, [target.namespace])
  const link = linkAt(sites, target)
  const near = sites.get(target.namespace)!
  const side = farSide(net, near, link)
  if (side !== undefined && side !== near.name)
    for (const [name, site] of await readSites(net, [side])) sites.set(name, site)
  const far = side === undefined ? undefined : farEndOf(near, link, sites.get(side))
  // Without a known other end, what it sends can only be dropped where it leaves.
  const drops = [
    ...(oneWay ? [] : [{ end: target, hook: 'ingress' }]),
    far ? { end: far, hook: 'ingress' } : { end: target, hook: 'egress' },
  ]
  const ends = [target, ...(far ? [far] : [])]
  return [...new Set(ends.map(({ namespace }) => namespace))].flatMap((name): SiteChange[] => {
    const site = sites.get(name)
    const here = drops.filter(({ end }) => end.namespace === name)
    if (!site || (oneWay && here.length === 0)) return []
    const cuts = Object.fromEntries(
      ends.flatMap((end) =>
        end.namespace === name ? [[end.device, cutMark(site, end, oneWay === true)] as const] : [],
      ),
    )
    const rules = here.map(
      ({ end, hook }, i) =>
        `chain cut${i} { type filter hook ${hook} device "${end.device}" priority ${FIRST}; policy drop; }\n`,
    )
    return [{ site, add: { mark: { fault, cuts }, family: 'netdev', rules: rules.join('') } }]
  })
}

function cutMark(site: Site, end: Endpoint, oneWay: boolean): CutMark {
  const link = linkAt(new Map([[site.name, site]]), end)
  const free = uncut(carrierOf(link), cutsOf(site.marks, end.device))
  const now = oneWay ? {} : lostCarrier(site, link)
  return { now, before: Object.fromEntries(Object.keys(now).map((field) => [field, free[field as keyof Carrier]])) }
}

/**
 * How an end loses its carrier without losing anything else. A dormant interface is not running (RFC 2863): `ip` shows
 * NO-CARRIER, daemons and bridges notice, and its addresses and routes stay. A bond looks at the carrier itself, so its ports
 * are set down: they have neither addresses nor routes.
 */
function lostCarrier({ dump }: Site, link: IpLink): Carrier {
  if (link.linkinfo?.info_kind !== 'veth') return {}
  return ['bond', 'team'].includes(link.linkinfo.info_slave_kind ?? '') && !hasAddress(dump, link.ifname)
    ? { up: false }
    : { linkmode: 'dormant' }
}

const hasAddress = ({ addresses }: Site['dump'], device: string): boolean =>
  addresses.some(({ ifname, addr_info }) => ifname === device && addr_info.some(({ scope }) => scope !== LINK))

async function impair(net: FaultNet, fault: Fault & { kind: 'impair' }): Promise<SiteChange[]> {
  const { target, settings, to, from } = fault
  const { namespace, device } = target
  const sites = await readSites(net, [namespace], 'all')
  linkAt(sites, target)
  const site = sites.get(namespace)!
  const networks = async (word: string): Promise<string[]> => [
    ...new Set((await Promise.all(word.split(',').map((part) => networksOf(net, part)))).flat()),
  ]
  const earlier = impairsOf(site.marks, device)
  const mark = {
    settings,
    ...(to !== undefined && { to: await networks(to) }),
    ...(from !== undefined && { from: await networks(from) }),
    before: earlier[0]?.before ?? queuesOf(site, device),
  }
  try {
    impaired({ namespace }, device, [...earlier, mark])
  } catch (error) {
    throw UserError.of('impairment', `${endpointText(target)}: ${(error as Error).message}`)
  }
  return [{ site, add: { mark: { fault, impairs: { [device]: mark } }, family: 'inet', rules: '' } }]
}

/** The networks that a destination means: the addresses of a namespace, an address, or a network. */
async function networksOf(net: FaultNet, word: string): Promise<string[]> {
  const network = networkText(word)
  if (network !== undefined) return [network]
  if (!net.places.has(word))
    throw UserError.of(
      'unknown-reference',
      `there is no namespace ${word}`,
      'A destination is a namespace of the lab, an address, or a network such as 10.1.0.0/16.',
    )
  const site = (await readSites(net, [word])).get(word)
  const addresses = site ? addressesOf(site, false) : []
  if (addresses.length === 0) throw UserError.of('unknown-reference', `${word} has no address`)
  return addresses.map((address) => `${address}/${address.includes(':') ? 128 : 32}`)
}

/** The addresses of a namespace, without those of `lo` that every namespace has. */
const addressesOf = ({ dump }: Site, linkLocal: boolean): string[] =>
  dump.addresses.flatMap(({ addr_info }) =>
    addr_info.flatMap(({ local, scope }) =>
      local === undefined || scope === HOST || (scope === LINK && !linkLocal) ? [] : [local],
    ),
  )

/** Every member drops what comes from the addresses of other groups and is for itself; what it forwards, it forwards. */
async function partition(net: FaultNet, fault: Fault & { kind: 'partition' }): Promise<SiteChange[]> {
  const members = fault.groups.flat()
  const twice = members.find((name, i) => members.indexOf(name) !== i)
  if (twice !== undefined) throw UserError.of('given-twice', `${twice} is in two groups`)
  if (fault.groups.length < 2)
    throw UserError.of('bad-option', 'a partition takes two groups or more', 'As in: netlab partition a,b c')
  const sites = await readSites(net, members)
  const groups = fault.groups.map((names) => {
    const here = names.flatMap((name) => sites.get(name) ?? [])
    return { here, addresses: here.flatMap((site) => addressesOf(site, true)) }
  })
  return groups.flatMap(({ here, addresses }, own) => {
    const others = [...new Set(groups.flatMap((group, i) => (i === own ? [] : group.addresses)))].filter(
      (address) => !addresses.includes(address),
    )
    const rules = (['ip', 'ip6'] as const).flatMap((family) => {
      const all = others.filter((address) => address.includes(':') === (family === 'ip6'))
      return all.length ? [`${family} saddr { ${all.join(', ')} } drop`] : []
    })
    const chain = `chain partition {\ntype filter hook input priority ${FIRST}; policy accept;\n${rules.map((rule) => `${rule}\n`).join('')}}\n`
    return here.map((site): SiteChange => ({ site, add: { mark: { fault }, family: 'inet', rules: chain } }))
  })
}
