import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { isScalar, parseDocument, visit, type Pair } from 'yaml'
import { diagnose } from '../../src/language/load-lab.ts'
import { openEditor, type Editor } from '../support/language-server.ts'
import '../support/seed.ts'

let editor: Editor
beforeAll(async () => {
  editor = await openEditor()
})
afterAll(() => editor.close())

const inNamespace = (text: string): string => `namespaces:\n  a:\n    ${text.replaceAll('\n', '\n    ')}`

test.each<[string, string, string[], string[]]>([
  ['the impairments of a link', 'links:\n  - impairments:\n      |', ['delay', 'to'], ['mtu']],
  ['those to a destination', 'links:\n  - impairments:\n      to:\n        db:\n          |', ['delay'], ['to']],
  ['the top level', 'name: x\n|', ['namespaces', 'links', 'checks'], ['forwarding']],
  ['a namespace', inNamespace('|'), ['routes', 'bridges', 'iptables', 'processes'], ['links']],
  ['an interface without a type', inNamespace('interfaces:\n  e:\n    |'), ['mtu', 'type'], ['miimon', 'id']],
  ['a VXLAN', inNamespace('interfaces:\n  e:\n    type: vxlan\n    |'), ['mtu', 'id', 'dstport'], ['miimon']],
  ['a bond', inNamespace('interfaces:\n  e:\n    type: bond\n    |'), ['mtu', 'miimon'], ['id', 'dstport']],
  ['types', inNamespace('interfaces:\n  e:\n    type: |'), ['bond', 'vxlan', 'wireguard'], []],
  ['the modes of a bond', inNamespace('interfaces:\n  e:\n    type: bond\n    mode: |'), ['802.3ad'], []],
  ['tables', inNamespace('iptables:\n  |'), ['filter', 'nat', 'restore'], ['INPUT']],
  ['chains of filter', inNamespace('iptables:\n  filter:\n    |'), ['INPUT', 'FORWARD', 'OUTPUT'], ['PREROUTING']],
  ['chains of nat', inNamespace('iptables:\n  nat:\n    |'), ['PREROUTING', 'POSTROUTING'], ['FORWARD']],
  ['a chain', inNamespace('iptables:\n  filter:\n    INPUT:\n      |'), ['policy', 'rules'], []],
  ['a rule', inNamespace('iptables:\n  filter:\n    INPUT:\n      - |'), ['source', 'jump'], []],
  ['a route', inNamespace('routes:\n  - |'), ['to', 'via', 'nexthops'], []],
  ['a route on one line', inNamespace('routes: [{ to: default, v| }]'), ['via'], []],
  ['settings of the kernel', inNamespace('sysctls:\n  |'), ['net.ipv4.conf.all.rp_filter'], []],
  ['a link', 'links:\n  - |', ['endpoints', 'mtu', 'impairments'], []],
  ['the ends of a link', 'links:\n  - endpoints:\n      |', ['ns0:veth0'], []],
  ['one end', 'links:\n  - endpoints:\n      a:e:\n        |', ['addresses', 'mtu'], []],
  ['a check', 'checks:\n  - |', ['from', 'ping', 'tcp', 'observe'], []],
])('an editor completes %s', async (_, marked, some, none) => {
  const labels = await editor.complete(marked)
  expect(labels).toEqual(expect.arrayContaining(some))
  for (const label of none) expect(labels).not.toContain(label)
})

test.each([
  ['na|me: x', 'name', 'Name of the lab'],
  [inNamespace('forwa|rding: true'), 'forwarding', 'Whether the namespace forwards'],
  ['namespaces:\n  a|b: {}', 'namespace', 'A network namespace'],
  [inNamespace('interfaces:\n  e|0: { type: vxlan, id: 5 }'), 'interface', 'carried in UDP'],
  [inNamespace('interfaces:\n  e0: { type: vxlan, i|d: 5 }'), 'id', 'VNI'],
  [inNamespace('iptables:\n  filter:\n    IN|PUT: []'), 'chain', 'in order'],
  [inNamespace('routes: [{ t|o: default, via: 10.0.0.1 }]'), 'to', 'network as a CIDR'],
  ['links:\n  - endp|oints: ["a:e", "b:e"]', 'endpoints', 'The two ends'],
  ['checks:\n  - { from: a, pi|ng: b }', 'ping', 'to ping'],
])('and explains %j', async (marked, title, words) => {
  const text = await editor.hover(marked)
  expect(text.split('\n')[0]).toMatch(new RegExp(`^#### ${title}( |$)`))
  expect(text).toContain(words)
})

const examples = ['labs', 'templates'].flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => readFileSync(join(folder, file), 'utf8').replace(/^# yaml-language-server.*\n/, '')),
)

test('an editor has nothing to say about the labs', async () => {
  expect((await Promise.all(examples.map(editor.diagnose))).flat()).toEqual([])
})

/** The codes of errors that follow from the schema alone. */
const OF_SHAPE = ['wrong-shape', 'senseless-field']
const VALUES = { number: 777_777_777_777, list: [{ a: 1 }], map: { zzz: 1 }, text: 'some thing', truth: true }

test('what an editor says of a damaged lab is on the lines of which netlab says something, and the reverse for its shape', async () => {
  const damages = fc.record({
    text: fc.constantFrom(...examples),
    place: fc.nat(),
    way: fc.constantFrom('unknown', 'absent', ...(Object.keys(VALUES) as (keyof typeof VALUES)[])),
  })
  const damaged = fc.sample(damages, 60).flatMap(({ text, place, way }) => {
    const document = parseDocument(text)
    const pairs: Pair[] = []
    visit(document, { Pair: (_, pair) => void pairs.push(pair) })
    const pair = pairs[place % pairs.length] as Pair
    // Without its type, an interface has fields that no interface has, of which netlab does not tell one by one.
    if (isScalar(pair.key) && pair.key.value === 'type') return []
    if (way === 'unknown') pair.key = document.createNode('zzz')
    else if (way === 'absent') visit(document, { Pair: (_, one) => (one === pair ? visit.REMOVE : undefined) })
    else pair.value = document.createNode(VALUES[way])
    return [document.toString({ lineWidth: 0 })]
  })
  const told = await Promise.all(damaged.map(editor.diagnose))
  damaged.forEach((text, i) => {
    const own = diagnose({ file: 'lab.yaml', text, readBeside: () => '' })
    const errors = own.filter(({ severity }) => severity === 'error')
    const lines = errors.map(({ position }) => position?.line)
    const ofShape = errors.filter(({ code }) => OF_SHAPE.includes(code)).map(({ position }) => position?.line)
    // netlab says the cause alone: a field is missing because it has another name.
    const causes = told[i]?.filter(({ message }) => !(text.includes('zzz:') && message.startsWith('Missing property')))
    const editors = causes?.map(({ line }) => line) ?? []
    expect({ text, editor: editors.filter((line) => !lines.includes(line)) }).toEqual({ text, editor: [] })
    expect({ text, netlab: ofShape.filter((line) => !editors.includes(line ?? 0)) }).toEqual({ text, netlab: [] })
  })
})

test('what impairments are is written once for interfaces, bridges and links, and once for destinations', () => {
  const schema = readFileSync('schemas/lab.schema.json', 'utf8')
  expect(schema.match(/"duplicate_correlation": \{/g)).toHaveLength(2)
})
