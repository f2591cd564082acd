import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { isScalar, LineCounter, parseDocument, visit } from 'yaml'
import { diagnose } from '../../src/language/load-lab.ts'
import '../support/seed.ts'

const readBeside = (path: string): string => readFileSync(resolve('labs', path), 'utf8')
const errorsOf = (text: string): string[] =>
  diagnose({ file: 'labs/lab.yaml', text, readBeside, lint: false })
    .filter(({ severity }) => severity === 'error')
    .map(({ position, summary }) => `${position?.line}: ${summary}`)

const base = `namespaces:
  a: { routes: [{ to: default, via: 10.0.0.1 }] }
  sw: { bridges: { br0: 10.0.0.1/24 } }
  b: { neighbors: [{ to: 10.0.0.1, lladdr: "02:00:00:00:00:01" }], sysctls: { net.ipv4.conf.eth0.rp_filter: 1 } }
links:
  - endpoints: { a:eth0: 10.0.0.2/24, sw:br0: }
  - endpoints: { b:eth0: 10.0.0.3/24, sw:br0: }
checks:
  - { from: a, ping: b, observe: [{ at: b:eth0 }, { at: a:eth0 }] }
`
const entries = '[{ mac: "02:00:00:00:00:01" }, { mac: "02:00:00:00:00:02" }]'
const groups = '[{ grp: 239.1.1.1 }, { grp: 239.1.1.2 }]'

test.each([
  [
    'a bad address',
    base.replace('10.0.0.2/24', '10.0.0.299/24'),
    ['6: "10.0.0.299/24" is not an address with a prefix length'],
  ],
  ['a misspelt namespace', base.replace('b:eth0: 10', 'bb:eth0: 10'), ['7: there is no namespace bb']],
  ['a namespace that is called otherwise', base.replace('  sw:', '  swi:'), ['6: there is no namespace sw']],
  ['a bad end', base.replace('b:eth0: 10', 'b!eth0: 10'), ['7: "b!eth0" is not an end of a link']],
  ['a bad name of a bridge', base.replace('br0: 10', '"b r0": 10'), ['3: "b r0" cannot be the name of an interface']],
  ['a bad name of a namespace', base.replace('  b:', '  "b b":'), ['4: "b b" cannot be the name of a namespace']],
  [
    'a range without its name',
    'namespaces: { "h[1..2]": }\nlinks:\n  - endpoints: { "h{i}:e{i}": "10.0.{i}.1/24", "h1:x{i}": }',
    ['3: {i} has no value'],
  ],
  [
    'two mistakes that have nothing in common',
    base.replace('10.0.0.2/24', 'x').replace('at: b:eth0', 'at: b:eth1').replace('ping: b', 'ping: c'),
    [
      '6: "x" is not an address with a prefix length',
      '9: there is no interface eth1 in b',
      '9: there is no namespace c',
    ],
  ],
  ...[
    ['a setting of ports without a bridge', '', ['1: a:p is not a port of a bridge']],
    ['a wrong bridge', 'bridge: br9,', ['1: there is no bridge br9 in a']],
  ].map(([name, bridge, errors]): [string, string, string[]] => [
    String(name),
    `namespaces: { a: { bridges: { br0: }, interfaces: { p: { type: dummy, ${String(bridge)} pvid: 3, vlans: [4], hairpin: true, fdb: ${entries}, mdb: ${groups} } } } }`,
    errors as string[],
  ]),
  [
    'a bridge that does not look at groups',
    `namespaces: { a: { bridges: { br0: { mcast_snooping: false } }, interfaces: { p: { type: dummy, bridge: br0, mdb: ${groups} } } } }`,
    ['1: a:br0 has mcast_snooping: false'],
  ],
  [
    'destinations without a VXLAN',
    `namespaces: { a: { interfaces: { p: { type: dummy, fdb: ${entries.replaceAll(' }', ', dst: 10.0.0.1 }')} } } } }`,
    ['1: a:p is not a VXLAN'],
  ],
  [
    'a wrong nexthop',
    'namespaces: { a: { interfaces: { p: { type: dummy, addresses: [10.0.0.1/24] } }, nexthops: [{ id: 1, via: 10.9.0.2 }, { id: 2, group: [1] }], routes: [{ to: default, nexthop: 2 }] } }',
    ['1: 10.9.0.2 is not in any subnet of a'],
  ],
])('%s is one error', (_, text, errors) => expect(errorsOf(text).sort()).toEqual(errors))

test('one value that is broken in a lab makes one error, or none', () => {
  const free = new Set(['name', 'description', 'run', 'command', 'nftables', 'expect', 'comment', 'stdout'])
  const places = readdirSync('labs')
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => {
      const text = readFileSync(`labs/${file}`, 'utf8')
      const counter = new LineCounter()
      const found: { file: string; text: string; line: number }[] = []
      visit(parseDocument(text, { lineCounter: counter }), {
        Scalar(key, { range }, path) {
          const names = path.flatMap((one) => ('key' in one && isScalar(one.key) ? [String(one.key.value)] : []))
          // Keys are names, to which others refer; what they then miss is tried above.
          if (!range || key === 'key' || names.some((name) => free.has(name))) return
          found.push({
            file,
            text: `${text.slice(0, range[0])}"b!d"${text.slice(range[1])}`,
            line: counter.linePos(range[0]).line,
          })
        },
      })
      return found
    })
  expect(places.length).toBeGreaterThan(1000)
  fc.assert(
    fc.property(fc.constantFrom(...places), ({ file, text, line }) => {
      const errors = errorsOf(text)
      expect([file, line, errors.slice(1)]).toEqual([file, line, []])
    }),
    { numRuns: 60 },
  )
})
