import { kindOf, kinds } from '../kinds/index.ts'
import { filtersVlans } from '../kinds/vlans.ts'
import { parseWgDump } from '../kinds/wireguard.ts'
import { notesIn, ownerOf } from '../model/owner.ts'
import type { Resource } from '../model/resource.ts'
import type { BridgeVlans, Dump, IpLink, Runner } from '../model/runner.ts'
import { telling, tellingOfInterfaces } from './inherited.ts'
import { asking, ROOT, rootOf, type Subject } from './subject.ts'

/** A namespace, and what is in it. */
export interface Found {
  readonly dump: Dump
  readonly resources: readonly Resource[]
}

/** Namespaces that were read before the others, by the lab's name of them. */
export type Early = ReadonlyMap<string, Found>

/**
 * Reads the lab's namespaces among these, where nothing more is going to be changed: `read` needs only the rest then. When
 * they are `dumped`, something else may go on. Undefined: where netlab itself runs.
 */
export function readEarly(
  subject: Subject,
  names: readonly (string | undefined)[],
  runner: Runner,
): { readonly dumped: Promise<unknown>; readonly found: Promise<Early> } {
  const root = rootOf(subject)
  const wanted = names
    .map((name) => name ?? root)
    .filter((name) => name === root || (subject.namespaces.has(name) && !subject.namespaces.get(name)?.shares))
  const ready = resourcesByName()
  const dumped = runner.dump(wanted.map(asking(subject)), ready.heard(wanted, subject))
  const found = find()
  found.catch(() => {}) // the caller awaits this promise; this only avoids an unhandled rejection
  return { dumped, found }

  async function find(): Promise<Early> {
    const dumps = await dumped
    await new Promise((resolve) => setImmediate(resolve)) // so that what goes on is started before
    const result = new Map<string, Found>()
    for (const [i, name] of wanted.entries()) {
      const dump = dumps[i] && (await withDetails(dumps[i], name === root ? undefined : name, runner))
      if (dump && (name === root || owner(dump) === subject.lab))
        result.set(name, { dump, resources: ready.resources.get(name) ?? resourcesIn(name, dump, subject) })
    }
    return result
  }
}

/** Resources of namespaces that are known while others are still being read: what `dump` tells early is used at once. */
export function resourcesByName() {
  const resources = new Map<string, readonly Resource[]>()
  return {
    resources,
    heard: (names: readonly string[], subject: Subject) => (index: number, dump: Dump) => {
      const name = names[index] ?? ''
      const mine = isRoot(name, subject) || owner(dump) === subject.lab
      if (mine && !hasDetails(dump)) resources.set(name, resourcesIn(name, dump, subject))
    },
  }
}

/** What the kinds find in a namespace of the lab's, or of nobody's; `more` are sysctls that an earlier apply has set. */
export function resourcesIn(name: string, dump: Dump, subject: Subject, more: readonly string[] = []): Resource[] {
  const root = isRoot(name, subject)
  const made = owner(dump) === subject.lab && !notesIn(loopback(dump)?.ifalias).adopted
  const scope = {
    namespace: name,
    lab: subject.lab,
    ...(subject.nftables.has(name) && { nftables: subject.nftables.get(name) ?? [] }),
    ...(root && { root }),
    ...((root || made) && { made: true as const }),
  }
  const own = telling(dump.sysctls, [...(subject.sysctls.get(name) ?? []), ...more])
  const told = { ...dump, sysctls: root ? own : new Map([...tellingOfInterfaces(dump, own), ...own]) }
  const some = subject.cursory && !root ? [kindOf('namespace')] : [...kinds.values()]
  return some.flatMap((kind): Resource[] => kind.read(told, scope))
}

const isRoot = (name: string, { namespaces }: Subject): boolean => name === ROOT || namespaces.get(name)?.root === true

const hasTunnels = ({ links }: Dump): boolean => links.some(({ linkinfo }) => linkinfo?.info_kind === 'wireguard')
const hasDetails = (dump: Dump): boolean => hasTunnels(dump) || filtersVlans(dump)

/** What the programs `wg` and `bridge` tell of a namespace: they are asked only where there is something to tell. */
export async function withDetails(dump: Dump, netns: string | undefined, runner: Runner): Promise<Dump> {
  const ask = async <T>(argv: readonly string[], parse: (text: string) => T): Promise<T | undefined> => {
    const { code, stdout } = await runner.capture({ argv, ...(netns !== undefined && { netns }) })
    return code === 0 ? parse(stdout) : undefined
  }
  if (!hasDetails(dump)) return dump
  const wireguard = hasTunnels(dump) ? await ask(['wg', 'show', 'all', 'dump'], parseWgDump) : undefined
  const vlans = filtersVlans(dump)
    ? await ask(['bridge', '-j', 'vlan', 'show'], (text) => JSON.parse(text) as BridgeVlans[])
    : undefined
  return { ...dump, ...(wireguard && { wireguard }), ...(vlans && { vlans }) }
}

export const loopback = (dump: Dump | undefined): IpLink | undefined =>
  dump?.links.find((link) => link.flags.includes('LOOPBACK'))

export const owner = (dump: Dump | undefined): string | undefined => ownerOf(loopback(dump)?.ifalias)
