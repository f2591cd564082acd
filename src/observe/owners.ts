import { ownerOf } from '../model/owner.ts'
import type { NamedNamespace, Runner } from '../model/runner.ts'

/** Who owns what under /run/netns, and in the machine's own namespace. */
export interface Owners {
  /** Every named namespace → the lab that owns it; undefined: no lab does. */
  readonly byNamespace: ReadonlyMap<string, string | undefined>
  /** Every live lab → its namespaces, sorted; empty for a lab that has only devices in the machine's own namespace. */
  readonly byLab: ReadonlyMap<string, string[]>
}

/** Reads the marks of all labs; `listed` are the named namespaces, for a caller that has listed them already. */
export async function owners(runner: Runner, listed?: readonly NamedNamespace[]): Promise<Owners> {
  const named = (listed ?? (await runner.list())).filter(({ stale }) => !stale)
  const [root, ...dumps] = await runner.dump([
    { sysctls: [], depth: 'links' },
    ...named.map(({ name }) => ({ netns: name, sysctls: [], depth: 'mark' as const })),
  ])
  const byNamespace = new Map<string, string | undefined>()
  const byLab = new Map<string, string[]>()
  named.forEach(({ name }, i) => {
    const owner = ownerOf(dumps[i]?.links.find(({ flags }) => flags.includes('LOOPBACK'))?.ifalias)
    byNamespace.set(name, owner)
    if (owner !== undefined) byLab.set(owner, [...(byLab.get(owner) ?? []), name])
  })
  for (const { ifalias } of root?.links ?? []) {
    const owner = ownerOf(ifalias)
    if (owner !== undefined && !byLab.has(owner)) byLab.set(owner, [])
  }
  return { byNamespace, byLab: new Map([...byLab].sort(([a], [b]) => (a < b ? -1 : 1))) }
}
