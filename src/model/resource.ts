import type { Position } from './diagnostic.ts'

/**
 * One thing that the kernel holds and a lab can describe: a namespace, a link, an address, a route …
 * Desired and live are the same type, so that either can be compared with, or turned into, the other.
 */
export interface Resource<S extends object = Record<string, unknown>> {
  /** What identifies it in plans: `ns0`, `ns0/veth0`, `ns0/veth0/192.168.0.2/24`, `ns0/route/default`. */
  readonly id: string
  /** The name of its kind in the table of kinds: `namespace`, `veth`, `address` … */
  readonly kind: string
  /** The lab's name of the namespace it lives in. */
  readonly namespace: string
  /** The machine's own network namespace: commands run where netlab runs, not under `/run/netns/NAMESPACE`. */
  readonly root?: true
  /** Nobody wrote it: a default of the kernel's that netlab keeps, part of its namespace when that is made. */
  readonly implied?: true
  /** The kernel made it with its namespace, and it is there no more. */
  readonly lost?: true
  /** Somebody else's: it carries a daemon's protocol, or a lifetime (live side only). No drift unless the lab lists it. */
  readonly others?: true
  /** Its settings: plain JSON data, in iproute2's words and units. A field that has no value is absent. */
  readonly spec: S
  /** Says where the lab file asks for it (desired side only): most are never asked. */
  readonly source?: () => Position
}

/** Resources by id, in the order in which the file, or the kernel, lists them. */
export type Resources = ReadonlyMap<string, Resource>

/** The id of an interface: `ns0/veth0`. */
export const linkId = (namespace: string, name: string): string => `${namespace}/${name}`

/** The name within its namespace of the interface with this id: `ns0/veth0` → `veth0`. */
export const nameOf = (id: string): string => id.slice(id.indexOf('/') + 1)

/** The namespace of the interface with this id: `ns0/veth0` → `ns0`. */
export const namespaceOf = (id: string): string => id.slice(0, id.indexOf('/'))
