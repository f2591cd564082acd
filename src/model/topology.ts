import type { LinkSpec } from './link-type.ts'
import { linkId, type Resource, type Resources } from './resource.ts'

/** An address, and the interface that has it. */
export interface Holder {
  readonly namespace: string
  /** The id of the interface. */
  readonly link: string
}

/** Who is connected to whom: everybody who asks asks one of these. Each index is made when it is first needed. */
export interface Topology {
  readonly resources: Resources
  /** The resources of a namespace, in their order. */
  readonly within: (namespace: string) => readonly Resource[]
  /** The interfaces of a namespace, in their order. */
  readonly links: (namespace: string) => readonly Resource<LinkSpec>[]
  /** What stands on the interface with this id: addresses, neighbors, qdiscs, VLANs, and routes with a way through it. */
  readonly on: (link: string) => readonly Resource[]
  /** The ports of the bridge or VRF with this id. */
  readonly ports: (link: string) => readonly Resource<LinkSpec>[]
  /** The bridge, VRF or bond that the interface with this id is a port of. */
  readonly master: (link: string) => Resource<LinkSpec> | undefined
  /** A name for the broadcast domain of the interface with this id: cables and bridges join interfaces to one. */
  readonly segment: (link: string) => string
  /** Who has the address (without a prefix length). */
  readonly holders: (address: string) => readonly Holder[]
}

/** Whether the resource is an interface: nothing else can be up. */
export const isLink = (resource: Resource): resource is Resource<LinkSpec> => typeof resource.spec['up'] === 'boolean'

/** The names of the interfaces that a resource stands on: its `dev` or `port`, and those of its next hops. */
const devices = ({ dev, port, nexthops }: Resource['spec']): string[] =>
  [dev, port, ...(Array.isArray(nexthops) ? nexthops.map((hop: { dev?: unknown }) => hop.dev) : [])].filter(
    (name) => typeof name === 'string',
  )

/** The topology of these resources, be they wanted or live. */
export function topologyOf(resources: Resources): Topology {
  const all = (): Iterable<Resource> => resources.values()
  const namespaces = lazily(() => grouped(all(), ({ namespace }) => [namespace]))
  const links = lazily(() => grouped([...all()].filter(isLink), ({ namespace }) => [namespace]))
  const on = lazily(() =>
    grouped(all(), ({ namespace, spec }) => new Set(devices(spec).map((dev) => linkId(namespace, dev)))),
  )
  const ports = lazily(() =>
    grouped([...all()].filter(isLink), ({ namespace, spec }) =>
      spec.master === undefined ? [] : [linkId(namespace, spec.master)],
    ),
  )
  const master = (id: string): Resource<LinkSpec> | undefined => {
    const link = resources.get(id)
    const name = link?.spec['master']
    const found = link && typeof name === 'string' ? resources.get(linkId(link.namespace, name)) : undefined
    return found && isLink(found) ? found : undefined
  }
  const segments = lazily(() => {
    const sets = disjointSets()
    for (const r of all()) {
      if (!isLink(r)) continue
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
    links: (namespace) => links().get(namespace) ?? [],
    on: (id) => on().get(id) ?? [],
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

/** Union and find: which ids belong together. */
function disjointSets() {
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
