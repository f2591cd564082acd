import type { Position } from './diagnostic.ts'

/**
 * One thing that the kernel holds and a lab can describe: a namespace, a link, an address, a route …
 * Desired and live are the same type, so that either can be compared with, or turned into, the other.
 */
export interface Resource<S extends object = Record<string, unknown>> {
  /** Identifies it in plans: `ns0`, `ns0/veth0`, `ns0/veth0/192.168.0.2/24`, `ns0/route/default`. */
  readonly id: string
  /** The name of its kind in the table of kinds: `namespace`, `veth`, `address` … */
  readonly kind: string
  /** The lab's name of the namespace it lives in. */
  readonly namespace: string
  /**
   * Its namespace is not the lab's, which borrows it: the machine's own (`HERE_NAME`), or somebody else's, by its path. Only what has the
   * lab's mark there is the lab's.
   */
  readonly borrowed?: string
  /** The file does not list it: it is a default that netlab keeps, part of its namespace when that is created. */
  readonly implied?: true
  /** The kernel created it with its namespace, and somebody has removed it. */
  readonly lost?: true
  /** It belongs to others: it has a daemon's protocol, or a lifetime (live side only). No drift unless the lab lists it. */
  readonly others?: true
  /** Of what belongs to others: it comes and goes by itself, and nobody asks for it unless the lab wants its place. */
  readonly passing?: true
  /**
   * In a borrowed namespace, of what has a protocol (rtnetlink(7)) for its mark: nobody's mark is on it, but this number. Live side only.
   */
  readonly unmarked?: number
  /** Its settings: plain JSON data, in iproute2's words and units. A field that has no value is absent. */
  readonly spec: S
  /**
   * Finds its position in the lab file (desired side only); a function, because most positions are never needed. `part` is
   * the path of a value within it.
   */
  readonly source?: (part?: readonly (string | number)[]) => Position
}

/** Resources by id, in the order in which the file, or the kernel, lists them. */
export type Resources = ReadonlyMap<string, Resource>

/** The function, computed once for each set of resources: for what is derived from all of them and asked for one by one. */
export function oncePer<T>(compute: (resources: Resources) => T): (resources: Resources) => T {
  const known = new WeakMap<Resources, { readonly value: T }>()
  return (resources) => {
    let found = known.get(resources)
    if (!found) known.set(resources, (found = { value: compute(resources) }))
    return found.value
  }
}

/** The id of an interface: `ns0/veth0`. */
export const linkId = (namespace: string, name: string): string => `${namespace}/${name}`

/** The name within its namespace of the interface with this id: `ns0/veth0` → `veth0`. */
export const nameOf = (id: string): string => id.slice(id.indexOf('/') + 1)

/** The namespace of the interface with this id: `ns0/veth0` → `ns0`. */
export const namespaceOf = (id: string): string => id.slice(0, id.indexOf('/'))
