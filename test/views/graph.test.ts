import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openLab } from '../../src/language/load-lab.ts'
import type { Way, WayHop } from '../../src/model/packet-way.ts'
import type { Resources } from '../../src/model/resource.ts'
import { topologyOf } from '../../src/model/topology.ts'
import { graphOf, type State } from '../../src/views/graph/graph-of.ts'
import { layout } from '../../src/views/graph/layout.ts'
import { layoutText } from '../../src/views/graph/layout-file.ts'
import { escaped, svgOf } from '../../src/views/graph/svg.ts'
import { withWay } from '../../src/views/graph/way-drawn.ts'
import { dotOf, graphJson, mermaidOf } from '../../src/views/graph/text-forms.ts'
import { showJson } from '../../src/views/json.ts'
import { collisions } from '../support/collisions.ts'

const resourcesOf = (text: string, file = 'lab.yaml'): Resources =>
  openLab({ file, text, readBeside: (path) => readFileSync(resolve('labs', path), 'utf8') }).lab().resources

function drawn(text: string, marks?: ReadonlyMap<string, State>) {
  const { resources } = showJson('lab', resourcesOf(text))
  return graphOf('lab', topologyOf(new Map(resources.map((r) => [r.id, r]))), marks)
}

/** Two spines, leaves, and hosts in racks. */
const fabric = (spines: number, leaves: number, hosts: number): string => `
namespaces:
  spine[s=1..${spines}]: { forwarding: ipv4 }
  leaf[l=1..${leaves}]: { forwarding: ipv4, bridges: { rack: "10.1.{l}.1/24" } }
  h[l=1..${leaves}]x[h=1..${hosts}]: {}
links:
  - endpoints:
      spine[s=1..${spines}]:leaf[l=1..${leaves}]: 10.0.{s}.{2*l}/31
      leaf{l}:spine{s}: 10.0.{s}.{2*l+1}/31
  - endpoints: { "h[l=1..${leaves}]x[h=1..${hosts}]:eth0": "10.1.{l}.{h+9}/24", "leaf{l}:rack": }
`

/** Routers in a circle, each with a host. */
const circle = (n: number): string => `
namespaces:
${Array.from({ length: n }, (_, i) => `  r${i}: { forwarding: true }\n  h${i}: {}\n`).join('')}
links:
${Array.from({ length: n }, (_, i) => `  - endpoints: { r${i}:e1: 10.0.${i}.0/31, r${(i + 1) % n}:e0: 10.0.${i}.1/31 }\n  - endpoints: { r${i}:h: 10.1.${i}.1/24, h${i}:eth0: 10.1.${i}.2/24 }\n`).join('')}
`

const folder = 'labs'
const labs = readdirSync(folder).filter((file) => file.endsWith('.yaml'))
const pictured: [string, string][] = [
  ...labs.map((file): [string, string] => [file, readFileSync(join(folder, file), 'utf8')]),
  ['a fabric of 60 nodes', fabric(2, 6, 7)],
  ['a circle of 60 nodes', circle(30)],
  ['80 namespaces without links', 'namespaces: { "n[1..80]": {} }'],
  ['a chain', circle(12).replace(/.*r11:e1.*\n/, '')],
]

describe('a picture', () => {
  test.each(pictured)('%s: nothing over anything else, a good shape, the same bytes again', (_, text) => {
    const graph = drawn(text)
    const picture = layout(graph)
    expect(collisions(picture)).toEqual([])
    const { width, height } = picture.view
    expect(width / height).toBeGreaterThanOrEqual(0.5)
    expect(width / height).toBeLessThanOrEqual(2)
    expect(svgOf(layout(drawn(text)))).toBe(svgOf(picture))
    // Every interface of a link, and its addresses up to three, is written twice: once at each end.
    const written = new Set(
      [...picture.nodes.values()].flatMap(({ card }) => card.texts.map(({ text }) => text.trim())),
    )
    const wanted = graph.links.flatMap(({ a, b }) =>
      [a, b].flatMap(({ name, addresses }) => [...(name ? [name] : []), ...addresses.slice(0, 3)]),
    )
    expect(wanted.filter((text) => !written.has(text) && !written.has(`${text} veth`))).toEqual([])
  })

  test('the measure notices what stands over something else', () => {
    const picture = layout(drawn(readFileSync('labs/router.yaml', 'utf8')))
    const [first, second] = [...picture.nodes.keys()] as [string, string]
    const nodes = new Map(picture.nodes)
    nodes.set(first, { ...nodes.get(second)!, card: nodes.get(first)!.card })
    expect(collisions({ ...picture, nodes })).not.toEqual([])
  })
})

const rolesOf = (text: string) => Object.fromEntries(drawn(text).nodes.map(({ id, role }) => [id, role]))

test('roles', () => {
  expect(rolesOf(readFileSync('labs/05-docker0.yaml', 'utf8'))).toEqual({
    ...{ host: 'router', 'host:docker0': 'switch', c1: 'host', c2: 'host' },
  })
  expect(
    rolesOf(
      'namespaces: { sw: { bridges: { br0: } }, m: { root: true, bridges: { br9: 10.9.0.1/24 } }, a: { shares: b }, b: {} }',
    ),
  ).toEqual({
    ...{ sw: 'switch', m: 'machine', 'm:br9': 'switch', b: 'host' },
  })
})

test('kinds of links', () => {
  const kinds = (lab: string) => drawn(readFileSync(`labs/${lab}.yaml`, 'utf8')).links.map(({ kind }) => kind)
  expect(new Set(kinds('17-overlay'))).toEqual(new Set(['bridge', 'cable', 'tunnel']))
  expect(kinds('16-macvlan')).toEqual(['lower', 'lower', 'cable', 'cable'])
})

const pair = `
namespaces: { a: { forwarding: ipv4 }, b: {} }
links: [{ endpoints: { a:eth0: 10.0.0.1/24, b:eth0: 10.0.0.2/24 } }]
`

test('Mermaid, Graphviz and JSON', () => {
  const marks = new Map<string, State>([
    ['b', 'added'],
    ['b/eth0', 'added'],
  ])
  const graph = drawn(pair, marks)
  expect(mermaidOf(graph)).toBe(`---
title: "lab"
---
flowchart TD
  n0(["a"])
  n1["b"]
  n0 ---|"eth0 10.0.0.1/24<br>eth0 10.0.0.2/24"| n1
  style n1 stroke:#1a7f37,stroke-width:3px
  linkStyle 0 stroke:#1a7f37,stroke-width:3px
`)
  expect(dotOf(graph)).toBe(`graph "lab" {
  node [fontname="sans-serif"]; edge [fontname="monospace", fontsize=9];
  "a" [label="a", shape=ellipse];
  "b" [label="b", shape=box, color="#1a7f37"];
  "a" -- "b" [taillabel="eth0\\n10.0.0.1/24", headlabel="eth0\\n10.0.0.2/24", color="#1a7f37"];
}
`)
  expect(graphJson(layout(graph))).toMatchObject({
    format_version: '1.0',
    nodes: [
      { id: 'a', role: 'router', state: 'up', x: expect.any(Number) as number },
      { id: 'b', role: 'host', state: 'added' },
    ],
    links: [{ kind: 'cable', a: 'a:eth0', b: 'b:eth0', nodes: ['a', 'b'], state: 'added' }],
  })
})

test('states: of what is down, and of namespaces in which something else differs', () => {
  const down = drawn('namespaces: { a: {}, b: {} }\nlinks: [{ endpoints: { a:eth0: { up: false }, b:eth0: } }]')
  expect(down.links.map(({ state }) => state)).toEqual(['down'])
  const cut = drawn(pair.replace('a:eth0: 10.0.0.1/24', 'a:eth0: { up: false }'), new Map([['a/eth0', 'drift']]))
  expect(cut.links.map(({ state }) => state)).toEqual(['down'])
  const route = drawn(pair, new Map([['a/route/default', 'drift']]))
  expect(route.nodes.map(({ state }) => state)).toEqual(['up', 'up'])
  const marked = drawn(
    pair.replace('b: {}', 'b: { routes: [{ to: default, via: 10.0.0.1 }] }'),
    new Map([['b/route/default', 'drift']]),
  )
  expect(marked.nodes.map(({ state }) => state)).toEqual(['up', 'drift'])
})

describe('the way of a packet', () => {
  const LINES = `
namespaces:
  a: {}
  r: { forwarding: true }
  q: { forwarding: true, bridges: { br0: 10.0.2.1/24 } }
  b: {}
links:
  - endpoints: { a:eth0: 10.0.1.2/24, r:eth0: 10.0.1.1/24 }
  - endpoints: { r:eth1: 10.0.3.1/24, q:eth0: 10.0.3.2/24 }
  - endpoints: { a:eth1: 10.0.4.2/24, q:eth1: 10.0.4.1/24 }
  - endpoints: { b:eth0: 10.0.2.2/24, q:br0: }
`
  const packet = { protocol: 'icmp', source: '10.0.1.2', destination: '10.0.2.2', ttl: 64 }
  const hop = (namespace: string, ...names: string[]): WayHop => ({
    ...{ namespace, packet, rules: [], rewrites: [] },
    interfaces: names.map((name) => ({ interface: name, direction: 'in' })),
  })
  const out = [hop('a', 'eth0'), hop('r', 'eth0', 'eth1'), hop('q', 'eth0', 'br0', 'b~eth0'), hop('b', 'eth0')]
  const way: Way = { from: 'a', to: 'b', verdict: 'answered', reason: 'b answered', hops: out }
  const seen = (shown: Way) => {
    const graph = withWay(drawn(LINES), shown)
    expect(collisions(layout(graph))).toEqual([])
    return {
      nodes: Object.fromEntries(graph.nodes.flatMap(({ id, way, notes }) => (way ? [[id, [way, ...notes]]] : []))),
      links: graph.links.map(({ a, b, way }) => `${a.node} ${b.node} ${way}`),
      words: graph.way,
    }
  }

  test('the nodes in order, the links, and how it ended', () => {
    const back = {
      kind: 'answer' as const,
      hops: out.map((one) => ({ ...one, interfaces: [...one.interfaces].reverse() })).reverse(),
    }
    expect(seen({ ...way, reply: back })).toEqual({
      nodes: {
        a: ['passed', 'packet: 1'],
        r: ['passed', 'packet: 2'],
        q: ['passed', 'packet: 3'],
        'q:br0': ['passed', 'packet: 4'],
        b: ['passed', 'packet: 5', 'answered: b answered'],
      },
      links: ['q q:br0 packet', 'a r packet', 'r q packet', 'a q undefined', 'b q:br0 packet'],
      words: 'a → r → q → q:br0 → b; answered: b answered',
    })
  })

  test('an answer that goes another way, and is lost', () => {
    const reply = { kind: 'answer' as const, hops: [hop('b', 'eth0'), hop('q', 'b~eth0', 'br0', 'eth1')] }
    const reason = 'q has no route to 10.0.1.2, and nothing else that it could do with the packet'
    const lost = { ...way, verdict: 'lost' as const, reason, at: { namespace: 'q' }, reply }
    expect(seen(lost)).toMatchObject({
      nodes: {
        q: [
          'end',
          'packet: 3',
          'answer: 3',
          'lost: q has no route to 10.0.1.2,',
          'and nothing else that it could do',
          'with the packet',
        ],
      },
      links: ['q q:br0 packet', 'a r packet', 'r q packet', 'a q answer', 'b q:br0 packet'],
      words: `a → r → q → q:br0 → b; back: b → q:br0 → q; lost: ${reason}`,
    })
    expect(svgOf(layout(withWay(drawn(LINES), lost)))).toContain('<title>q, router, where the packet ended</title>')
  })

  test('what is not drawn is left out', () => {
    expect(seen({ ...way, hops: [hop('a'), hop('elsewhere', 'eth9')], at: { namespace: 'elsewhere' } })).toMatchObject({
      nodes: { a: ['passed', 'packet: 1', 'answered: b answered'] },
    })
  })
})

test('texts are data', () => {
  expect(escaped('<a href="x">&\u0000\ud800\u{1f600}')).toBe('&lt;a href=&quot;x&quot;&gt;&amp;\ufffd\ufffd\u{1f600}')
  const hostile = { ...drawn(pair), lab: '"]</title><script>' }
  expect(svgOf(layout(hostile))).not.toContain('<script')
  expect(dotOf(hostile)).toContain('graph "\\"]</title><script>" {')
})

describe('pinned', () => {
  const graph = drawn(fabric(2, 4, 3))
  const picture = layout(graph)
  const middles = new Map(graphJson(picture).nodes.map(({ id, x, y }) => [id, { x, y }]))

  test('everything where it is: the same picture', () => {
    expect(svgOf(layout(graph, middles))).toBe(svgOf(picture))
  })

  test.each(['h1x1', 'leaf2', 'spine1'])('%s elsewhere: it stays there, and nothing stands on it', (id) => {
    const pins = new Map([...middles].filter(([one]) => one === id)).set(id, { x: 1200, y: 900 })
    const moved = layout(graph, pins)
    expect(graphJson(moved).nodes.find((node) => node.id === id)).toMatchObject({ x: 1200, y: 900 })
    expect(collisions(moved)).toEqual([])
  })

  test('the file is YAML that names every node', () => {
    expect(layoutText(layout(drawn(pair)))).toMatch(/^# Where [^\n]*\na: \[\d+, \d+\]\nb: \[\d+, \d+\]\n$/)
  })
})
