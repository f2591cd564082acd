import type { Graph, GraphLink, Role } from './graph-of.ts'

/** A node hangs below at most one other; these form trees, whose roots are the core of the picture. */
export interface Hanging {
  /** What each node hangs on. */
  readonly parents: ReadonlyMap<string, string>
  /** What hangs on each node, in the order of the lab. */
  readonly children: ReadonlyMap<string, readonly string[]>
  /** The nodes that hang on nothing, in the order of the lab. */
  readonly core: readonly string[]
}

const ranks: Readonly<Record<Role, number>> = { host: 0, switch: 1, router: 2, machine: 3, other: 3 }

/** The rank of routers. */
export const ROUTER = ranks.router

/** What stands above what: a higher rank above a lower one, and a namespace above a bridge in it. */
export function ranksOf({ nodes }: Graph): Map<string, number> {
  const inside = new Set(nodes.flatMap(({ id, namespace }) => (id === namespace ? [] : [namespace])))
  return new Map(nodes.map(({ id, role }) => [id, Math.max(ranks[role], inside.has(id) ? ROUTER : 0)]))
}

/** Host, switch, router: how deep trees become. */
const ROUNDS = 3

/** The links of each node, by the node at their other end, as indexes. */
export function neighborsIn({ nodes, links }: Pick<Graph, 'nodes' | 'links'>): Map<string, Map<string, number[]>> {
  const all = new Map(nodes.map(({ id }) => [id, new Map<string, number[]>()]))
  const put = (from: string, to: string, index: number): void => {
    const links = all.get(from)?.get(to)
    if (links) links.push(index)
    else all.get(from)?.set(to, [index])
  }
  links.forEach(({ a, b }: GraphLink, index) => {
    if (a.node === b.node) return
    put(a.node, b.node, index)
    put(b.node, a.node, index)
  })
  return all
}

/** Hangs what has one neighbor below that neighbor, unless it stands above it: hosts on switches, switches on routers. */
export function hang(
  graph: Graph,
  neighbors: ReadonlyMap<string, ReadonlyMap<string, unknown>>,
  ranks: ReadonlyMap<string, number>,
): Hanging {
  const rank = (id: string): number => ranks.get(id) ?? 0
  const parents = new Map<string, string>()
  const children = new Map<string, string[]>()
  const left = new Map([...neighbors].map(([id, others]) => [id, new Set(others.keys())]))
  for (let round = 0; round < ROUNDS; round++) {
    const leaves = [...left].flatMap(([id, others]) => {
      const [on] = others
      if (on === undefined || others.size > 1 || rank(id) > rank(on)) return []
      const isPair = left.get(on)?.size === 1
      if (isPair && (rank(id) === rank(on) || !(children.has(id) || children.has(on)))) return []
      return [[id, on] as const]
    })
    for (const [id, on] of leaves) {
      parents.set(id, on)
      left.delete(id)
      left.get(on)?.delete(id)
      children.set(on, [...(children.get(on) ?? []), id])
    }
  }
  const order = new Map(graph.nodes.map(({ id }, i) => [id, i]))
  for (const list of children.values()) list.sort((a, b) => order.get(a)! - order.get(b)!)
  return { parents, children, core: [...left.keys()] }
}
