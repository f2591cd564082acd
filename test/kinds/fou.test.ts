import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { kindOf } from '../../src/kinds/index.ts'
import { diagnose, loadLab } from '../../src/language/load-lab.ts'
import type { Dump } from '../../src/model/runner.ts'
import { makePlan } from '../../src/plan/make-plan.ts'

const lab = (fou: string, more = ''): string =>
  `{ name: udp, namespaces: { a: { interfaces: { lo: [10.9.0.1/32, "fd09::1/128"] }, ${fou} }${more} } }`
const load = (fou: string) => loadLab({ file: 'lab.yaml', text: lab(fou) }).resources
const commands = (from: string, to: string): string[] =>
  makePlan({ lab: 'udp', live: load(from), desired: load(to) }).steps.map(({ operation }) =>
    commandOf(operation).argv.join(' '),
  )

test('ports are opened, opened anew and closed by what names them', () => {
  expect(commands('', 'fou: [{ port: 7, ipproto: 4 }, { port: 7, gue: true, local: "fd09:0::1" }]')).toEqual([
    'ip fou add port 7 ipproto 4',
    'ip fou add port 7 -6 local fd09::1 gue',
  ])
  expect(commands('fou: [{ port: 7, ipproto: 4 }]', 'fou: [{ port: 7, ipproto: 47, local: 10.9.0.1 }]')).toEqual([
    'ip fou del port 7',
    'ip fou add port 7 local 10.9.0.1 ipproto 47',
  ])
  expect(commands('fou: [{ port: 8, gue: true, family: inet6 }]', '')).toEqual(['ip fou del port 8 -6'])
})

test('what ip prints is read, with what no lab can say', () => {
  const fou = [
    { port: 5555, gue: null, family: 'inet' },
    { port: 5555, ipproto: 41, family: 'inet6', local: 'fd09::1', dev: 'eth0' },
    { port: 6, ipproto: 4, family: 'inet', local: '10.9.0.1', peer: '10.9.0.2', peer_port: 9 },
  ]
  const [gue, six, connected] = kindOf('fou').read({ fou } as unknown as Dump, { namespace: 'a', lab: 'udp' })
  expect([gue?.id, gue?.spec]).toEqual(['a/fou/5555', { port: 5555, family: 4 }])
  expect([six?.id, six?.spec['dev']]).toEqual(['a/fou/5555 inet6', 'eth0'])
  const wanted = load('fou: [{ port: 6, ipproto: 4 }]').get('a/fou/6')?.spec ?? {}
  const differences = kindOf('fou').compare(connected?.spec ?? {}, wanted)
  expect(differences.map(({ field }) => field)).toEqual(['local', 'peer', 'peer_port'])
  const steps = makePlan({
    lab: 'udp',
    live: new Map([...load(''), ['a/fou/6', connected as never]]),
    desired: load(''),
  }).steps
  expect(steps.map(({ operation }) => commandOf(operation).argv.join(' '))).toEqual([
    'ip fou del port 6 local 10.9.0.1 peer 10.9.0.2 peer_port 9',
  ])
})

test.each([
  ['fou: [{ port: 7 }]', /needs ipproto or gue/],
  ['fou: [{ port: 7, ipproto: 4, gue: true }]', /needs ipproto or gue/],
  ['fou: [{ port: 7, gue: true }, { port: 7, ipproto: 4 }]', /is already declared/],
  ['fou: [{ port: 7, gue: true, local: here }]', /"here" is no address/],
  ['fou: [{ port: 7, gue: true, local: 10.9.0.1, family: inet6 }]', /"10.9.0.1" is no IPv6 address/],
  ['fou: [{ port: 7, gue: true, local: 10.9.0.2 }]', /a does not have 10.9.0.2/],
])('%s', (fou, words) => {
  const [first] = diagnose({ file: 'lab.yaml', text: lab(fou) })
  expect(first?.summary).toMatch(words)
})

test('the machine’s own ports are no lab’s', () => {
  const [first] = diagnose({ file: 'lab.yaml', text: lab('', ', me: { root: true, fou: [{ port: 7, gue: true }] }') })
  expect(first?.summary).toMatch(/cannot have ports for tunnels/)
})
