import { forwarding, inheritable, ofUnbridged } from './inherited.ts'
import type { DumpRequest } from '../model/runner.ts'
import { occasional } from '../model/sysctls.ts'

/** What a lab is about to ask of the kernel: enough to know where to look. */
export interface ReadRequest {
  readonly lab: string
  /** Namespaces that the lab file names; none when only the lab's name is known. */
  readonly namespaces: ReadonlyMap<
    string,
    { readonly root?: true; readonly shares?: string; readonly unbridged?: true }
  >
  /** Ids and keys of the sysctls that the lab file sets, by namespace. */
  readonly sysctls: ReadonlyMap<string, readonly string[]>
  /** By namespace, the tables called as iptables' own that the lab declares under `nftables`: `ip nat`. */
  readonly nftables: ReadonlyMap<string, readonly string[]>
  /**
   * The lab is only to go: the sysctls that it sets are read, to put them back should that fail, and no others. Plain files
   * of these names, which a crash has left, go with it.
   */
  readonly destroyOnly?: ReadonlySet<string>
  /** From so many namespaces on, only whose they are is read, and not what is in them. */
  readonly marksOnlyFrom?: number
  /** More sysctls are read than those that matter most. */
  readonly rareSysctls?: true
  /** What is missing is going to be made. */
  readonly forApply?: true
  /** Namespaces that this run has just made, and the sysctls that it has set; `plain`: only links, addresses and routes. */
  readonly createdThisRun?: ReadonlyMap<string, { readonly sysctls: readonly string[]; readonly plain: boolean }>
}

/** What the machine's own namespace is called when the lab has no name for it: no namespace can be called so. */
export const ROOT = '(machine)'

/** The lab's name for the machine's own namespace. */
export const rootOf = ({ namespaces }: ReadRequest): string => [...namespaces].find(([, n]) => n.root)?.[0] ?? ROOT

/** What to read of each namespace; `marksOnly`: of those of the lab only whose they are. */
export function dumpRequests(request: ReadRequest, marksOnly = false): (name: string) => DumpRequest {
  const { namespaces, sysctls, nftables, createdThisRun, destroyOnly, rareSysctls } = request
  const root = rootOf(request)
  const pins = (name: string): readonly string[] =>
    destroyOnly ? forwarding : namespaces.get(name)?.unbridged ? ofUnbridged : inheritable
  // Most namespaces have the same list, and readers make something of each list once.
  const lists = new Map<string, readonly string[]>()
  return (name) => {
    const own = sysctls.get(name) ?? []
    if (name === root) return { sysctls: own, depth: 'all' }
    if (marksOnly) return { netns: name, sysctls: [], depth: 'mark' }
    const done = createdThisRun?.get(name)
    const depth = done?.plain ? 'plain' : 'all'
    const more = destroyOnly || !rareSysctls ? [] : occasional.keys()
    const list = [...new Set([...own, ...(done?.sysctls ?? [...pins(name), ...more])])]
    const same = list.join(' ')
    if (!lists.has(same)) lists.set(same, list)
    const ofNft = nftables.get(name)
    return { netns: name, sysctls: lists.get(same) ?? list, depth, ...(ofNft && { nftables: ofNft }) }
  }
}
