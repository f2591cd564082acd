import { forwarding, inheritable, ofUnbridged } from './inherited.ts'
import type { Lender } from '../model/lender.ts'
import { HERE_NAME, isPath } from '../model/place.ts'
import type { DumpRequest } from '../model/runner.ts'
import { occasional } from '../model/sysctls.ts'

/** What to read for a lab: which namespaces, and how much of them. */
export interface ReadRequest {
  readonly lab: string
  /** The namespaces of the lab file; none when only the lab's name is known. */
  readonly namespaces: ReadonlyMap<
    string,
    {
      readonly borrowed?: string
      readonly lender?: Lender
      readonly shares?: string
      readonly unbridged?: true
    }
  >
  /** Ids and keys of the sysctls that the lab file sets, by namespace. */
  readonly sysctls: ReadonlyMap<string, readonly string[]>
  /** By namespace, the tables that the lab declares under `nftables` and that have names iptables uses as well: `ip nat`. */
  readonly nftables: ReadonlyMap<string, readonly string[]>
  /**
   * Names of the lab's namespaces; set when the lab is only to be destroyed. Of the sysctls only those that the lab sets are
   * read, for a rollback. Plain files of these names, which a crash left behind, are deleted as well.
   */
  readonly destroyOnly?: ReadonlySet<string>
  /** From this many namespaces on, only the owner of each is read, and not what is in it. */
  readonly marksOnlyFrom?: number
  /** Only links, addresses and faults are read: `resources` and `dumps` lack everything else. */
  readonly onlyLinks?: true
  /** Sysctls that labs seldom set are read as well. */
  readonly rareSysctls?: true
  /** Namespaces of other labs are read as well, as if they were nobody's. */
  readonly ofAnyLab?: true
  /** Missing namespaces are about to be created. */
  readonly forApply?: true
  /**
   * Namespaces that this run has just created, with the sysctls that it set there; `plain` where it created only links,
   * addresses and routes.
   */
  readonly createdThisRun?: ReadonlyMap<string, { readonly sysctls: readonly string[]; readonly plain: boolean }>
}

/** The lab's name for the machine's own namespace; `HERE_NAME` when it has none. */
export const rootOf = ({ namespaces }: ReadRequest): string =>
  [...namespaces].find(([, n]) => n.borrowed === HERE_NAME)?.[0] ?? HERE_NAME

/** Where a namespace is that is not the lab's own, as in a resource; undefined for one that is, or may be. */
export const borrowedAt = (name: string, { namespaces }: ReadRequest): string | undefined =>
  name === HERE_NAME ? HERE_NAME : namespaces.get(name)?.borrowed

/** Somebody else's namespaces: path → the lab's name. */
export const lentTo = ({ namespaces }: Pick<ReadRequest, 'namespaces'>): Map<string, string> =>
  new Map([...namespaces].flatMap(([name, { borrowed }]) => (borrowed && isPath(borrowed) ? [[borrowed, name]] : [])))

const NONE: readonly string[] = []

/** The request for each namespace; with `marksOnly`, only the owner is read of namespaces of the lab. */
export function dumpRequests(request: ReadRequest, marksOnly = false): (name: string) => DumpRequest {
  const { namespaces, sysctls, nftables, createdThisRun, destroyOnly, rareSysctls, onlyLinks } = request
  const pins = (name: string): readonly string[] =>
    destroyOnly ? forwarding : namespaces.get(name)?.unbridged ? ofUnbridged : inheritable
  // Namespaces with equal lists share one array, because readers prepare each array once.
  const lists = new Map<readonly string[], Map<string, readonly string[]>>()
  const shared = (own: readonly string[], usual: readonly string[]): readonly string[] => {
    let known = lists.get(usual)
    if (!known) lists.set(usual, (known = new Map<string, readonly string[]>()))
    const key = own.join(' ')
    let list = known.get(key)
    if (!list) known.set(key, (list = [...new Set([...own, ...usual])]))
    return list
  }
  const rare = destroyOnly || !rareSysctls ? [] : [...occasional.keys()]
  const wholes = new Map<readonly string[], readonly string[]>()
  /** These, and those that labs seldom set. */
  const withRare = (usual: readonly string[]): readonly string[] => {
    let list = wholes.get(usual)
    if (!list) wholes.set(usual, (list = [...usual, ...rare]))
    return list
  }
  const lent = [...lentTo(request).keys()]
  const nameless = lent.length ? { paths: lent } : {}
  return (name) => {
    const own = onlyLinks ? NONE : (sysctls.get(name) ?? [])
    const deep = onlyLinks ? 'rules' : 'all'
    const borrowed = borrowedAt(name, request)
    if (borrowed) return { ...(isPath(borrowed) && { netns: borrowed }), sysctls: own, depth: deep, ...nameless }
    if (marksOnly) return { netns: name, sysctls: NONE, depth: 'mark' }
    if (onlyLinks) return { netns: name, sysctls: own, depth: deep, ...nameless }
    const done = createdThisRun?.get(name)
    const depth = done?.plain ? 'plain' : deep
    const list = done ? shared([...own, ...done.sysctls], NONE) : shared(own, withRare(pins(name)))
    const ofNft = nftables.get(name)
    return { netns: name, sysctls: list, depth, ...(ofNft && { nftables: ofNft }), ...nameless }
  }
}
