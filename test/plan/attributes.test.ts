import { cases, dumpsFolder, labOf, recordedRunner, use } from '../support/recorded.ts'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { locate } from '../../src/commands/locate.ts'
import { openLocated } from '../../src/commands/open-located.ts'
import { prepare } from '../../src/commands/prepare.ts'
import { thisMachine } from '../../src/host/this-machine.ts'
import type { ReadContext } from '../../src/model/kind.ts'
import type { Resource } from '../../src/model/resource.ts'
import type { Dump } from '../../src/model/runner.ts'
import { kinds } from '../../src/kinds/index.ts'
import { attributeTable } from '../support/attributes.ts'
import { kindsOf, type Json } from '../support/printed.ts'

const texts = readdirSync(dumpsFolder).flatMap((name) =>
  readdirSync(join(dumpsFolder, name))
    .filter((file) => /\.(netns|programs)$/.test(file))
    .map((file) => readFileSync(join(dumpsFolder, name, file), 'utf8')),
)

/** The objects in lists of JSON, one list a line, that iproute2 has printed. */
const printed = texts.flatMap((text) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('[{'))
    .flatMap((line) => JSON.parse(line) as Json[]),
)

const seen = new Map<string, Set<string>>()
for (const [kind, object] of printed.flatMap(kindsOf)) {
  const names = seen.get(kind) ?? new Set()
  seen.set(kind, names)
  for (const name of Object.keys(object)) names.add(name)
}

test('every attribute that iproute2 has printed in a recording is in the table of attributes', () => {
  const missing = [...seen].flatMap(([kind, names]) =>
    [...names].filter((name) => !attributeTable.get(kind)?.attributes.has(name)).map((name) => `${kind}: ${name}`),
  )
  expect(missing).toEqual([])
  expect([...seen.keys()]).toEqual(
    expect.arrayContaining(['link', 'address', 'route', 'rule', 'neighbour', 'fdb', 'mdb', 'vlan', 'qdisc', 'nexthop']),
  )
})

test('what is ignored says why', () => {
  const silent = [...attributeTable].flatMap(([kind, { attributes }]) =>
    [...attributes].flatMap(([name, { treatment, why }]) =>
      treatment === 'ignored' && !why ? [`${kind}: ${name}`] : [],
    ),
  )
  expect(silent).toEqual([])
})

test('the table names no attribute twice, and only what iproute2 prints', () => {
  const odd = [...attributeTable].flatMap(([, { attributes }]) =>
    [...attributes.keys()].filter((name) => !/^[\w-]+$/.test(name)),
  )
  expect(odd).toEqual([])
})

/** Another value of the same form; undefined: of values of this form nobody knows another. */
function another(value: unknown): unknown {
  if (typeof value === 'number') return value < 2 ? 1 - value : Math.floor(value / 2)
  if (typeof value === 'boolean') return !value
  if (typeof value !== 'string') return undefined
  if (/^0x[\da-f]+$/.test(value)) return `0x${(Number(value) ^ 8).toString(16)}`
  if (/^\d+$/.test(value)) return String(Number(value) + 3)
  if (/^[\da-f]{2}(:[\da-f]{2}){5}$/.test(value)) return value.replace(/.$/, (digit) => (digit === 'e' ? 'd' : 'e'))
  return undefined
}

/** What of a dump is compared, by id. */
const read = (dump: Dump, scope: ReadContext): Map<string, Resource> =>
  new Map(
    // A copy, because what is read of a list of links is remembered.
    [...kinds.values()]
      .flatMap((kind) => kind.read({ ...dump, links: [...dump.links] }, scope) as Resource[])
      .map((resource) => [resource.id, resource]),
  )

const differ = (before: Map<string, Resource>, after: Map<string, Resource>): boolean =>
  before.size !== after.size ||
  [...before].some(([id, { kind, spec }]) => {
    const other = after.get(id)
    return !other || (kinds.get(kind)?.compare(other.spec, spec).length ?? 0) > 0
  })

/** Attributes that say nothing by themselves in any recording, and why. */
const silent = new Set([
  'type bridge topology_change', // it decides whether ageing_time is compared
  'type ipvlan bridge', // the other words of the mode are
  'address deprecated', // of IPv6, preferred_life_time says the same
  'address secondary', // the order of the list says the same
  'link link_index', // src/observe/read.ts follows it into the other namespace, …
  'link link_netnsid', // … as this
  'type gretap ttl', // of gretap0, …
  'type gretap pmtudisc', // … which the module makes, and no lab has
  'link num_tx_queues', // src/observe/tuned.ts compares them where the lab says them, …
  'link num_rx_queues', // … as these
  'netem gap', // 0 and 1 stand for none
])

test('another value of an attribute is a difference if the table says so, and only then', async () => {
  const found = new Map<string, boolean>()
  for (const name of cases) {
    const located = locate(labOf(name))
    const lab = openLocated(located, thisMachine)
    const { live } = await prepare(located, lab, recordedRunner(use(name), 'ip'), {})
    const tried = new Set<string>()
    for (const [namespace, dump] of live.dumps) {
      const scope: ReadContext = { namespace, made: true, lab: lab?.name ?? '' }
      const before = read(dump, scope)
      const { links, addresses, routes, nexthops, rules, rules6, neighbors, qdiscs, fdb, vlans, macsec } = dump
      const lists = [links, addresses, routes, nexthops, rules, rules6, neighbors, qdiscs, fdb, vlans, macsec]
      const parts = lists.flatMap((list) => ((list ?? []) as unknown as Json[]).flatMap(kindsOf))
      for (const [kind, object] of parts)
        for (const [attribute, value] of Object.entries(object)) {
          const other = another(value)
          const one = `${kind} ${attribute}`
          const { treatment } = attributeTable.get(kind)?.attributes.get(attribute) ?? {}
          if (other === undefined || treatment === 'name' || found.get(one) || silent.has(one)) continue
          // Once in every case is enough where nothing is to be seen.
          if (treatment === 'ignored' && tried.has(one)) continue
          tried.add(one)
          object[attribute] = other
          found.set(one, differ(before, read(dump, scope)))
          object[attribute] = value
        }
    }
  }
  const wrong = [...found].filter(([one, differs]) => {
    const [, kind = '', attribute = ''] = /^(.*) (\S+)$/.exec(one) ?? []
    return (attributeTable.get(kind)?.attributes.get(attribute)?.treatment === 'compared') !== differs
  })
  expect(wrong).toEqual([])
  expect(found.size).toBeGreaterThan(100)
})
