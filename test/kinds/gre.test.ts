import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { kindOf } from '../../src/kinds/index.ts'
import { diagnose, loadLab } from '../../src/language/load-lab.ts'
import type { IpLink } from '../../src/model/runner.ts'
import { makePlan } from '../../src/plan/make-plan.ts'

const lab = (name: string, fields: string): string =>
  `namespaces:\n  a:\n    interfaces:\n      ${name}: { type: gre, ${fields} }\n`
const spec = (fields: string) => loadLab({ file: 'lab.yaml', text: lab('t0', fields) }).resources.get('a/t0')?.spec

test('a short form is what it stands for', () => {
  const remote = 'remote: 10.0.0.2'
  expect(spec(`${remote}, key: 5`)).toEqual(spec(`${remote}, ikey: 5, okey: 5`))
  expect(spec(`${remote}, key: 5`)).toMatchObject({ ikey: 5, okey: 5 })
  expect(spec(`${remote}, csum: true, seq: true`)).toMatchObject({ icsum: true, ocsum: true, iseq: true, oseq: true })
  expect(spec(`${remote}, csum: false`)).toEqual(spec(remote))
})

// Measured: ip -d -j link show, after ip link add … type gre with these.
test.each([
  ['ttl: 9', 1476],
  ['key: 5', 1472],
  ['ikey: 5, icsum: true', 1476],
  ['key: 0, csum: true, seq: true', 1464],
  ['encap: gue, encap_dport: 9, pmtudisc: false, ignore_df: true', 1464],
  ['encap: fou, encap_dport: 9', 1468],
])('with %s its MTU is %d', (fields, mtu) => expect(spec(`remote: 10.0.0.2, ${fields}`)).toMatchObject({ mtu }))

test.each([
  ['remote: "fd00::1"', /is not an IPv4 address/],
  ['remote: 239.0.0.1', /multicast remote address needs local/],
  ['remote: 10.0.0.9, local: 239.0.0.1', /not an address of one host/],
  ['ttl: 9', /needs remote, local, key or link/],
  ['remote: 10.0.0.2, external: true', /routes say this of each packet/],
  ['remote: 10.0.0.2, encap_dport: 5', /encap_dport needs encap: fou or gue/],
  ['remote: 10.0.0.2, encap: gue', /encap needs encap_dport/],
  ['remote: 10.0.0.2, ttl: 5, pmtudisc: false', /only with ttl: 0/],
  ['remote: 10.0.0.2, key: 5, okey: 6', /key already sets this/],
  ['remote: 10.0.0.2, ignore_df: true', /needs pmtudisc: false/],
  ['remote: 10.0.0.2, mac: "02:00:00:00:00:01"', /has no mac/],
])('%s is refused', (fields, why) => {
  const diagnostics = diagnose({ file: 'lab.yaml', text: lab('t0', fields) })
  expect(diagnostics.map(({ summary }) => summary)).toEqual([expect.stringMatching(why)])
})

test('a lower device that somebody has given to a tunnel without one is a difference', () => {
  const wanted = spec('remote: 10.0.0.2')!
  const compare = (live: object, desired: object) => kindOf('gre').compare(live, desired)
  expect(compare({ ...wanted, link: 'a/eth1' }, wanted)).toMatchObject([{ field: 'link', from: 'a/eth1' }])
  expect(compare(wanted, { ...wanted, link: 'a/eth1' })).toMatchObject([{ field: 'link', to: 'a/eth1' }])
  expect(compare(wanted, wanted)).toEqual([])
})

test('ignore_df goes before pmtudisc comes', () => {
  const plan = (from: string, to: string): string[] => {
    const side = (fields: string) =>
      loadLab({ file: 'lab.yaml', text: lab('t0', `remote: 10.0.0.2, ${fields}`) }).resources
    const { steps } = makePlan({ lab: 'lab', live: side(from), desired: side(to) })
    return steps.map(({ operation }) => commandOf(operation).argv.join(' '))
  }
  const both = 'pmtudisc: false, ignore_df: true'
  expect(plan(both, 'ttl: 0')).toEqual([
    'ip link set dev t0 type gre noignore-df',
    'ip link set dev t0 type gre pmtudisc',
  ])
  expect(plan('ttl: 0', both)).toEqual(['ip link set dev t0 type gre nopmtudisc ignore-df'])
})

test('the name of the kernel’s own device is taken', () => {
  const diagnostics = diagnose({ file: 'lab.yaml', text: lab('gre0', 'remote: 10.0.0.2') })
  expect(diagnostics.map(({ code }) => code)).toEqual(['bad-name'])
  expect(() => loadLab({ file: 'lab.yaml', text: 'namespaces: { a: { interfaces: { gre0: { type: dummy } } } }' })).not.toThrow() // prettier-ignore
})

const read = (link: Partial<IpLink>, data: Record<string, unknown>) =>
  kindOf('gre').read(
    {
      ...{ links: [{ ifindex: 2, ifname: 'gre0', flags: ['NOARP'], mtu: 1476, ...link, linkinfo: { info_kind: 'gre', info_data: data } }] }, // prettier-ignore
      ...{ addresses: [], routes: [], rules: [], rules6: [], neighbors: [], qdiscs: [] },
      ...{ nsids: new Map(), sysctls: new Map(), conf: new Map(), iptables: '', ip6tables: '', nftables: '' },
    },
    { lab: 't', namespace: 'a', made: true } as never,
  )

test.each([
  ['ip', { remote: 'any', local: 'any', ttl: 0, pmtudisc: false }],
  ['netlink', { ttl: 0, pmtudisc: false }],
])('the kernel’s own device is not a resource, as %s prints it', (_, data) => expect(read({}, data)).toEqual([]))

test('a tunnel that somebody made is one: its key is a number, and its other end is not a broadcast address', () => {
  const [made] = read({ ifname: 't0', broadcast: '10.0.0.2', address: '0.0.0.0' }, { remote: '10.0.0.2', local: 'any', ikey: '1.0.0.5' }) // prettier-ignore
  expect(made?.spec).toEqual({ mtu: 1476, up: false, remote: '10.0.0.2', ikey: 0x1000005 })
})
