import type { LinkSpec } from './link-type.ts'
import { linkId, type Resource } from './resource.ts'

/** An address, and the interface that has it. */
export interface Holder {
  readonly namespace: string
  /** The id of the interface. */
  readonly link: string
}

/** A resource that is an interface. */
export type Link<R extends Resource = Resource> = R & Resource<LinkSpec>

/**
 * Who is connected to whom. Each index is built on its first use, from the resources that exist then: while resources are
 * still being collected, use only indexes of what is complete.
 */
export interface Topology<R extends Resource = Resource> {
  readonly resources: ReadonlyMap<string, R>
  /** The resources of a namespace, in their order. */
  readonly within: (namespace: string) => readonly R[]
  /** The resources of a kind, in their order. */
  readonly ofKind: (kind: string) => readonly R[]
  /** The interfaces of a namespace, in their order. */
  readonly links: (namespace: string) => readonly Link<R>[]
  /** What belongs to the interface with this id: addresses, neighbors, qdiscs, VLANs, and routes with a next hop through it. */
  readonly on: (link: string) => readonly R[]
  /** The other end of the cable of the interface with this id. */
  readonly peer: (link: string) => Link<R> | undefined
  /** The interfaces, in any namespace, that have the one with this id as lower device (`link` in a lab). */
  readonly uppers: (link: string) => readonly Link<R>[]
  /** The ports of the bridge or VRF with this id. */
  readonly ports: (link: string) => readonly Link<R>[]
  /** The bridge, VRF or bond of which the interface with this id is a port. */
  readonly master: (link: string) => Link<R> | undefined
  /** An identifier of the broadcast domain of the interface with this id: cables and bridges connect interfaces to one. */
  readonly segment: (link: string) => string
  /** The interfaces that have the address, which is given without a prefix length. */
  readonly holders: (address: string) => readonly Holder[]
}

/** Whether the resource is an interface: only interfaces have the field `up`. */
export const isLink = <R extends Resource>(resource: R): resource is Link<R> => typeof resource.spec['up'] === 'boolean'

/** The names of the interfaces to which a resource belongs: its `dev` or `port`, and those of its next hops. */
const devices = ({ dev, port, nexthops }: Resource['spec']): string[] =>
  [dev, port, ...(Array.isArray(nexthops) ? nexthops.map((hop: { dev?: unknown }) => hop.dev) : [])].filter(
    (name) => typeof name === 'string',
  )

/** The topology of desired or live resources. */
export function topologyOf<R extends Resource>(resources: ReadonlyMap<string, R>): Topology<R> {
  const all = (): Iterable<R> => resources.values()
  const allLinks = lazily(() => [...all()].filter(isLink))
  const linkAt = (id: unknown): Link<R> | undefined => {
    const found = typeof id === 'string' ? resources.get(id) : undefined
    return found && isLink(found) ? found : undefined
  }
  const namespaces = lazily(() => grouped(all(), ({ namespace }) => [namespace]))
  const kinds = lazily(() => grouped(all(), ({ kind }) => [kind]))
  const links = lazily(() => grouped(allLinks(), ({ namespace }) => [namespace]))
  const on = lazily(() =>
    grouped(all(), ({ namespace, spec }) => new Set(devices(spec).map((dev) => linkId(namespace, dev)))),
  )
  const uppers = lazily(() => grouped(allLinks(), ({ spec }) => (spec.link === undefined ? [] : [spec.link])))
  const ports = lazily(() =>
    grouped(allLinks(), ({ namespace, spec }) => (spec.master === undefined ? [] : [linkId(namespace, spec.master)])),
  )
  const master = (id: string): Link<R> | undefined => {
    const link = resources.get(id)
    const name = link?.spec['master']
    return link && typeof name === 'string' ? linkAt(linkId(link.namespace, name)) : undefined
  }
  const segments = lazily(() => {
    const sets = disjointSets()
    for (const r of allLinks()) {
      if (r.spec.peer !== undefined) sets.join(r.id, r.spec.peer)
      const bridge = master(r.id)
      if (bridge?.kind === 'bridge') sets.join(r.id, bridge.id)
    }
    return sets
  })
  const holders = lazily(() => {
    const result = new Map<string, Holder[]>()
    for (const { kind, namespace, spec } of all())
      if (kind === 'address') {
        const address = String(spec['address']).replace(/\/.*/, '')
        put(result, address, { namespace, link: linkId(namespace, String(spec['dev'])) })
      }
    return result
  })
  return {
    resources,
    within: (namespace) => namespaces().get(namespace) ?? [],
    ofKind: (kind) => kinds().get(kind) ?? [],
    links: (namespace) => links().get(namespace) ?? [],
    on: (id) => on().get(id) ?? [],
    peer: (id) => linkAt(resources.get(id)?.spec['peer']),
    uppers: (id) => uppers().get(id) ?? [],
    ports: (id) => ports().get(id) ?? [],
    master,
    segment: (id) => segments().find(id),
    holders: (address) => holders().get(address) ?? [],
  }
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

function put<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key)
  if (list) list.push(item)
  else lists.set(key, [item])
}

function grouped<T>(items: Iterable<T>, keys: (item: T) => Iterable<string>): Map<string, T[]> {
  const result = new Map<string, T[]>()
  for (const item of items) for (const key of keys(item)) put(result, key, item)
  return result
}

/** Disjoint sets of ids (union-find): `find` gives the same id for all ids of a set. */
export function disjointSets() {
  const parents = new Map<string, string>()
  const find = (id: string): string => {
    let top = id
    for (let up = parents.get(top); up !== undefined; up = parents.get(top)) top = up
    for (let at = id; at !== top;) {
      const up = parents.get(at) ?? top
      parents.set(at, top)
      at = up
    }
    return top
  }
  return {
    find,
    join(a: string, b: string): void {
      const [one, other] = [find(a), find(b)]
      if (one !== other) parents.set(one, other)
    },
  }
}
