import type { Graph, Role } from '../../src/views/graph/graph-of.ts'
import { layout } from '../../src/views/graph/layout.ts'
import { svgOf } from '../../src/views/graph/svg.ts'
import { collisions } from '../support/collisions.ts'
import { randomOf } from '../support/damage.ts'

type Edges = readonly (readonly [number, number])[]

/** Nodes joined by cables with an address at each end. */
function graph(edges: Edges, roleOf: (node: number) => Role = () => 'router'): Graph {
  const count = Math.max(...edges.flat()) + 1
  const end = (node: number, link: number, side: number) => ({
    ...{ node: `n${node}`, namespace: `n${node}`, name: `eth${link}` },
    addresses: [`10.${link >> 8}.${link & 255}.${side}/31`],
  })
  return {
    lab: 'lab',
    nodes: Array.from({ length: count }, (_, i) => ({
      ...{ id: `n${i}`, namespace: `n${i}`, title: `n${i}`, role: roleOf(i), notes: [], state: 'up' },
    })),
    links: edges.map(([a, b], i) => ({ kind: 'cable', a: end(a, i, 0), b: end(b, i, 1), state: 'up' })),
  }
}

const to = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i))

/** A tree with as many more links as nodes, between any two. */
function mesh(count: number): Graph {
  const random = randomOf(1)
  const edges = new Map<string, readonly [number, number]>()
  const join = (a: number, b: number): void => {
    if (a !== b) edges.set([Math.min(a, b), Math.max(a, b)].join(), [a, b])
  }
  for (let i = 1; i < count; i++) join(i, random(i))
  while (edges.size < 2 * count) join(random(count), random(count))
  return graph([...edges.values()])
}

/** k pods of k/2 aggregation and k/2 edge switches, with k/2 hosts at each edge switch. */
function fatTree(k: number): Graph {
  const half = k / 2
  const cores = half * half
  const edges: (readonly [number, number])[] = []
  let next = cores
  const hosts = new Set<number>()
  for (let pod = 0; pod < k; pod++) {
    const upper = to(half, () => next++)
    const lower = to(half, () => next++)
    for (const [i, a] of upper.entries())
      edges.push(...to(half, (j) => [i * half + j, a] as const), ...lower.map((b) => [a, b] as const))
    for (const b of lower)
      for (let i = 0; i < half; i++) {
        hosts.add(next)
        edges.push([b, next++])
      }
  }
  return graph(edges, (node) => (hosts.has(node) ? 'host' : 'router'))
}

const star = (count: number): Graph =>
  graph(
    to(count - 1, (i) => [0, i + 1] as const),
    (node) => (node === 0 ? 'switch' : 'host'),
  )
const chain = (count: number): Graph => graph(to(count - 1, (i) => [i, i + 1] as const))
const ring = (count: number): Graph => graph(to(count, (i) => [i, (i + 1) % count] as const))

/** Processor time of this process, in seconds: other programs do not count. */
const used = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1e6

test.each([
  ...Object.entries({ star, chain, ring, mesh }).map(([name, of]) => [`${name} of 60`, of(60)] as const),
  ...Object.entries({ star, chain, mesh }).map(([name, of]) => [`${name} of 1000`, of(1000)] as const),
  ['fat tree of 36', fatTree(4)],
  ['fat tree of 931', fatTree(14)],
] as const)('%s: in time, nothing over anything else, a good shape, the same bytes again', (_, graph) => {
  const isSmall = graph.nodes.length <= 60
  const before = used()
  const picture = layout(graph)
  const svg = svgOf(picture)
  expect(used() - before).toBeLessThan(isSmall ? 1 : 8)
  expect(collisions(picture)).toEqual([])
  const { width, height } = picture.view
  expect(width / height).toBeGreaterThanOrEqual(0.5)
  expect(width / height).toBeLessThanOrEqual(2)
  if (isSmall) expect(svgOf(layout(graph)) === svg).toBe(true)
})

test('half of the nodes pinned: they stay, the others find room', () => {
  const graph = mesh(200)
  const pins = new Map(
    [...layout(graph).nodes].flatMap(([id, { x, y, card }], i) =>
      i % 2 ? [[id, { x: x + card.width / 2, y: y + card.height / 2 + 7 }] as const] : [],
    ),
  )
  const picture = layout(graph, pins)
  for (const [id, { x, y }] of pins) {
    const placed = picture.nodes.get(id)!
    expect([placed.x + placed.card.width / 2, placed.y + placed.card.height / 2]).toEqual([x, y])
  }
  const unpinned = collisions(picture).filter((text) => !/^n\d*[13579]\b.* meets n\d*[13579]\b/.test(text))
  expect(unpinned).toEqual([])
})
