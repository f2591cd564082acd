import { linkId, type Resource, type Resources } from '../model/resource.ts'
import { isLink } from '../model/topology.ts'
import type { Live } from './read.ts'

/**
 * The ids of what `--adopt` takes over: namespaces, and interfaces of borrowed namespaces that are of the type that the lab
 * declares. Nothing that belongs to a lab is among them.
 */
export const adoptions = (wanted: Resources, { foreign, adoptable }: Live): string[] =>
  [...foreign.keys()].filter((id) => {
    const kind = wanted.get(id)?.kind
    return (
      kind === 'namespace' ||
      (kind !== undefined && isBorrowedLink(adoptable.get(id)) && adoptable.get(id)?.kind === kind)
    )
  })

const isBorrowedLink = (r: Resource | undefined): boolean => r?.borrowed !== undefined && isLink(r)

/** What is taken over with these namespaces and interfaces: what is in them, or on them. */
export const adoptedWith = (adoptable: Resources, ids: ReadonlySet<string>): [string, Resource][] =>
  [...adoptable].filter(([, r]) => ids.has(r.borrowed ? interfaceOf(r) : r.namespace))

const interfaceOf = (r: Resource): string =>
  isLink(r) ? r.id : linkId(r.namespace, String(r.spec['dev'] ?? r.spec['port']))
