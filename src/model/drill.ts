import type { Resource, Resources } from './resource.ts'

/** How hard it is to find what is broken: what stops everything; what is nearly right; what only some packets meet. */
export type DrillLevel = 1 | 2 | 3

/** One way to break a lab. */
export interface Breakage {
  readonly level: DrillLevel
  /** The id of the resource that is broken. */
  readonly id: string
  readonly namespace: string
  /** What it is about, in one sentence without the place. */
  readonly about: string
  /** The place, without what is wrong there. */
  readonly place: string
  /** What is wrong, in one sentence. */
  readonly wrong: string
  /** What replaces resources, by id; undefined: they are removed. A resource with a new id is added. */
  readonly instead: ReadonlyMap<string, Resource | undefined>
}

/** What the kernel remembers of a drill, in the mark of a namespace (src/model/owner.ts). */
export interface DrillMark {
  /** Which of the breakages of the lab it is. */
  readonly index: number
  /** How many hints were given. */
  readonly hints: number
}

/** The mark as text: `17.0`. */
export const drillText = ({ index, hints }: DrillMark): string => `${index}.${hints}`

/** The drill that is under way in these live resources, and the namespace that has its mark; undefined: none. */
export function drillIn(resources: Resources): (DrillMark & { readonly namespace: string }) | undefined {
  for (const { kind, namespace, spec } of resources.values()) {
    if (kind !== 'namespace' || typeof spec['drill'] !== 'string') continue
    const [, index, hints] = /^(\d+)\.(\d+)$/.exec(spec['drill']) ?? []
    return { namespace, index: Number(index ?? -1), hints: Number(hints ?? 0) }
  }
  return undefined
}

/** The resources with the mark of a drill on a namespace. */
export function withDrill(resources: Resources, namespace: string, mark: DrillMark): Map<string, Resource> {
  const result = new Map(resources)
  const marked = resources.get(namespace)
  if (marked) result.set(namespace, { ...marked, spec: { ...marked.spec, drill: drillText(mark) } })
  return result
}

/** The resources once they are broken in this way. */
export function broken(resources: Resources, { instead }: Breakage): Map<string, Resource> {
  const result = new Map<string, Resource>()
  for (const [id, resource] of resources) {
    const other = instead.has(id) ? instead.get(id) : resource
    if (other) result.set(other.id, other)
  }
  for (const other of instead.values()) if (other) result.set(other.id, other)
  return result
}
