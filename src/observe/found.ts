import { marksIn, withoutFaults } from '../kinds/fault-marks.ts'
import { withoutEffects } from '../kinds/faulted.ts'
import { kindOf, kinds } from '../kinds/index.ts'
import { parseTraffic, TRAFFIC_SCRIPT, trafficQuestions } from '../kinds/traffic.ts'
import { filtersVlans } from '../kinds/vlans.ts'
import { parseWgDump } from '../kinds/links/wireguard.ts'
import { notesIn, ownerOf } from '../model/owner.ts'
import type { Resource } from '../model/resource.ts'
import { isPath, placeOf, type Place } from '../model/place.ts'
import type { BridgeVlans } from '../model/bridge-dump.ts'
import type { Dump, IpLink, Runner } from '../model/runner.ts'
import type { IpMacsec } from '../model/tunnel-dump.ts'
import { sysctlsThatDiffer, interfaceSysctlsThatDiffer } from './inherited.ts'
import { borrowedAt, dumpRequests, lentTo, rootOf, type ReadRequest } from './read-request.ts'

/** A namespace that was read: its dump and its resources. */
export interface Found {
  readonly dump: Dump
  readonly resources: readonly Resource[]
}

/** Namespaces that were read before the others, by their names in the lab. */
export type ReadAhead = ReadonlyMap<string, Found>

/**
 * Reads those of these namespaces that belong to the lab, once nothing will change in them any more, so that `read` has only the
 * others left. The caller may go on with other work when `dumped` resolves. Undefined is the namespace in which netlab runs.
 * A path is somebody else's namespace.
 */
export function readAhead(
  request: ReadRequest,
  names: readonly (string | undefined)[],
  runner: Runner,
): { readonly dumped: Promise<unknown>; readonly found: Promise<ReadAhead> } {
  const root = rootOf(request)
  const lent = lentTo(request)
  const wanted = names
    .map((name) => (name === undefined ? root : (lent.get(name) ?? name)))
    .filter(
      (name) => borrowedAt(name, request) || (request.namespaces.has(name) && !request.namespaces.get(name)?.shares),
    )
  const ready = resourcesByName()
  const dumped = runner.dump(wanted.map(dumpRequests(request)), ready.onDump(wanted, request))
  const found = find()
  found.catch(() => {}) // the caller awaits this promise; the handler only avoids an unhandled rejection
  return { dumped, found }

  async function find(): Promise<ReadAhead> {
    const dumps = await dumped
    await new Promise((resolve) => setImmediate(resolve)) // lets the caller start its next work before this goes on
    const result = new Map<string, Found>()
    for (const [i, name] of wanted.entries()) {
      const borrowed = borrowedAt(name, request)
      const dump = dumps[i] && (await withDetails(dumps[i], placeOf({ namespace: name, borrowed }), runner))
      if (dump && (borrowed || ownerOfDump(dump) === request.lab))
        result.set(name, { dump, resources: ready.resources.get(name) ?? resourcesIn(name, dump, request) })
    }
    return result
  }
}

/** Collects the resources of namespaces from the dumps that a runner reports early, while it still reads others. */
export function resourcesByName(marksOnly = false) {
  const resources = new Map<string, readonly Resource[]>()
  return {
    resources,
    onDump: (names: readonly string[], request: ReadRequest) => (index: number, dump: Dump) => {
      const name = names[index] ?? ''
      const borrowed = borrowedAt(name, request) !== undefined
      const mine = borrowed || ownerOfDump(dump) === request.lab
      if (mine && !hasDetails(dump, borrowed)) resources.set(name, resourcesIn(name, dump, request, { marksOnly }))
    },
  }
}

/**
 * The resources in a namespace that belongs to the lab or to no lab. `more` are sysctls that an earlier apply has set;
 * `marksOnly` says that only the owner was read, so that the namespace itself is the only resource.
 */
export function resourcesIn(
  name: string,
  dump: Dump,
  request: ReadRequest,
  {
    more = [],
    marksOnly = false,
  }: { readonly more?: readonly string[] | undefined; readonly marksOnly?: boolean } = {},
): Resource[] {
  const borrowed = borrowedAt(name, request)
  const made = ownerOfDump(dump) === request.lab && !notesIn(loopbackOf(dump)?.ifalias).adopted
  const scope = {
    namespace: name,
    lab: request.lab,
    ...(request.nftables.has(name) && { nftables: request.nftables.get(name) ?? [] }),
    ...(borrowed && { borrowed, ...(request.namespaces.has(name) && { unmarked: true as const }) }),
    ...((borrowed || made) && { made: true as const }),
  }
  if (marksOnly && !borrowed) return kindOf('namespace').read(dump, scope) as Resource[]
  const own = sysctlsThatDiffer(dump.sysctls, [...(request.sysctls.get(name) ?? []), ...more])
  const told = {
    ...dump,
    sysctls: borrowed ? own : new Map([...interfaceSysctlsThatDiffer(dump, own), ...own]),
    nftables: withoutFaults(dump.nftables),
  }
  const found: Resource[] = []
  for (const kind of kinds.values()) for (const resource of kind.read(told, scope) as Resource[]) found.push(resource)
  const marks = marksIn(dump.nftables)
  return marks.length ? withoutEffects(found, marks) : found
}

const hasType = ({ links }: Dump, type: string): boolean => links.some(({ linkinfo }) => linkinfo?.info_kind === type)
const hasDetails = (dump: Dump, borrowed: boolean): boolean =>
  hasType(dump, 'wireguard') ||
  hasType(dump, 'macsec') ||
  filtersVlans(dump) ||
  trafficQuestions(dump, borrowed).length > 0

/**
 * The dump with the output of `wg`, `ip macsec`, `bridge` and `tc`, which run only where there is a WireGuard or MACsec interface, a
 * bridge with VLANs, or a qdisc with classes or filters.
 */
export async function withDetails(dump: Dump, place: Place, runner: Runner): Promise<Dump> {
  const ask = async <T>(argv: readonly string[], parse: (text: string) => T): Promise<T | undefined> => {
    const { code, stdout } = await runner.host.run({ argv, ...place })
    return code === 0 ? parse(stdout) : undefined
  }
  const borrowed = place.netns === undefined || isPath(place.netns)
  if (!hasDetails(dump, borrowed)) return dump
  const wireguard = hasType(dump, 'wireguard') ? await ask(['wg', 'show', 'all', 'dump'], parseWgDump) : undefined
  const macsec = hasType(dump, 'macsec')
    ? await ask(['ip', '-j', 'macsec', 'show'], (text) => JSON.parse(text) as IpMacsec[])
    : undefined
  const vlans = filtersVlans(dump)
    ? await ask(['bridge', '-j', 'vlan', 'show'], (text) => JSON.parse(text) as BridgeVlans[])
    : undefined
  const questions = trafficQuestions(dump, borrowed)
  const traffic = questions.length
    ? await ask(['sh', '-c', TRAFFIC_SCRIPT, 'sh', ...questions], parseTraffic)
    : undefined
  return {
    ...dump,
    ...(wireguard && { wireguard }),
    ...(macsec && { macsec }),
    ...(vlans && { vlans }),
    ...(traffic && { traffic }),
  }
}

export const loopbackOf = (dump: Dump | undefined): IpLink | undefined =>
  dump?.links.find((link) => link.flags.includes('LOOPBACK'))

export const ownerOfDump = (dump: Dump | undefined): string | undefined => ownerOf(loopbackOf(dump)?.ifalias)
