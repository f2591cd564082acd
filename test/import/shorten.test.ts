import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { labText } from '../../src/import/lab-text.ts'
import { seriesIn } from '../../src/import/series.ts'
import { shorten } from '../../src/import/shorten.ts'
import type { LabFile } from '../../src/language/lab-file.ts'
import { loadLab } from '../../src/language/load-lab.ts'
import { longLab } from '../../src/language/write.ts'
import { formatYaml } from '../../src/language/yaml/format.ts'
import { defaults } from '../../src/model/sysctls.ts'
import type { Resources } from '../../src/model/resource.ts'

const load = (text: string, file = 'lab.yaml'): Resources => {
  const readBeside = (path: string): string => readFileSync(join(dirname(file), path), 'utf8')
  return loadLab({ file, text, readBeside, lint: false }).resources
}
const textOf = (file: object): string => formatYaml(labText(file as Record<string, unknown>, []))

/** The short form of what a lab asks for, whatever way the lab says it. */
function shortened(resources: Resources, file?: string): string {
  const long = longLab('lab', resources) as unknown as LabFile
  return textOf(shorten(long, (one) => load(textOf(one), file)))
}

/** What a lab asks for, without what it would have anyway. */
const asked = (resources: Resources) =>
  [...resources.values()]
    .map(({ id, kind, spec: { written: _, mtu, ...spec } }) => ({ id, kind, spec, mtu: mtu ?? 1500 }))
    .filter(({ spec }) => defaults.get(String(spec['key'])) !== spec['value'] || spec['key'] === undefined)
    .sort((a, b) => (a.id < b.id ? -1 : 1))

/** Labs with every short form between them; NETLAB_ALL_LABS=1 tries all. The kernel tests import most of the others. */
const SOME = /^(03|06|1[67]|20|22|24|28|33|37|router|vlan)/
const folder = readdirSync('labs').filter(
  (name) => name.endsWith('.yaml') && (process.env['NETLAB_ALL_LABS'] !== undefined || SOME.test(name)),
)
test.each(folder)('labs/%s asks for the same in its short form', (name) => {
  const file = `labs/${name}`
  const wanted = load(readFileSync(file, 'utf8'), file)
  const short = shortened(wanted, file)
  expect(asked(load(short, file))).toEqual(asked(wanted))
  expect(short.length).toBeLessThan(textOf(longLab('lab', wanted)).length)
})

test('a lab comes out as a person writes it', () => {
  expect(
    shortened(
      load(`
namespaces:
  sw: { bridges: { br0: 10.0.0.254/24 }, forwarding: true, hostname: sw }
  h[1..40]: { routes: [{ to: default, via: 10.0.0.254 }, { to: "10.{i}.0.0/16", via: "10.0.0.{i+100}" }] }
  r: { sysctls: { net.ipv4.ip_forward: 1, net.ipv4.ip_default_ttl: 32 } }
links:
  - endpoints: { "h[1..40]:eth0": "10.0.0.{i}/24", sw:br0: }
  - endpoints: { sw:up: 192.0.2.1/31, r:down: 192.0.2.0/31 }
    mtu: 1400
`),
    ),
  ).toBe(`name: lab
namespaces:
  sw: { hostname: sw, forwarding: true, bridges: { br0: 10.0.0.254/24 } }
  h[1..40]: { routes: [{ to: default, via: 10.0.0.254 }, { to: "10.{i}.0.0/16", via: "10.0.0.{i+100}" }] }
  r: { forwarding: ipv4, sysctls: { net.ipv4.ip_default_ttl: 32 } }
links:
  - endpoints: { "h[1..40]:eth0": "10.0.0.{i}/24", sw:br0: }
  - endpoints: { r:down: 192.0.2.0/31, sw:up: 192.0.2.1/31 }
    mtu: 1400
`)
})

describe('series', () => {
  const entries = (...all: unknown[]) => seriesIn(all)
  test('numbers count by steps of their own', () =>
    expect(entries(['h1', 10, 'x9'], ['h3', 14, 'x9'], ['h2', 12, 'x9'])).toEqual([
      { members: [0, 2, 1], entry: ['h[1..3]', '{2*i+8}', 'x9'] },
    ]))
  test('numbers with zeros in front keep them', () =>
    expect(entries({ 'h08:02': 1 }, { 'h09:03': 1 }, { 'h10:04': 1 })).toEqual([
      { members: [0, 1, 2], entry: { 'h[08..10]:{i-6:02d}': 1 } },
    ]))
  test('two are no series, nor are numbers with a gap', () =>
    expect([entries('h1', 'h2'), entries('h1', 'h2', 'h4')]).toEqual([[], []]))
  test('of a mesh, each row is one', () =>
    expect(entries('a1b1', 'a1b2', 'a2b1', 'a2b2', 'a3b1', 'a3b2')).toEqual([
      { members: [0, 2, 4], entry: 'a[1..3]b1' },
      { members: [1, 3, 5], entry: 'a[1..3]b2' },
    ]))
  test('rules keep their order', () => {
    expect(seriesIn(['-s 10.0.0.1', '-j X', '-s 10.0.0.2', '-s 10.0.0.3'], true)).toEqual([])
    expect(seriesIn(['-j X', '-s 10.0.0.1', '-s 10.0.0.2', '-s 10.0.0.3'], true)).toEqual([
      { members: [1, 2, 3], entry: '-s 10.0.0.[1..3]' },
    ])
  })
})
