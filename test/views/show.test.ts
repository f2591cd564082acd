import { createColors } from 'picocolors'
import type { ResourceJson } from '../../src/views/json.ts'
import { showJson } from '../../src/views/json.ts'
import { loadLab } from '../../src/language/load-lab.ts'
import { renderShow } from '../../src/views/show-text.ts'

const of = (id: string, kind: string, spec: ResourceJson['spec'], description = ''): ResourceJson => ({
  ...{ id, kind, spec, description },
  namespace: id.split('/')[0] ?? '',
})

const wide = `name: wide
namespaces:
  h[1..400]: { routes: [{ to: default, via: 10.1.0.1 }] }
  sw: { bridges: { br0: { addresses: [10.1.0.1/16] } } }
links:
  - endpoints: { "h[1..400]:eth0": "10.1.{i/250+1}.{i%250+1}/16", "sw:p{i}": { master: br0 } }
`

describe('a lab of 400 hosts', () => {
  const lab = loadLab({ file: 'wide.yaml', text: wide, readBeside: () => '' })
  const text = (full: boolean): string => renderShow(showJson('wide', lab.resources), createColors(false), full)

  test('what a range wrote is one line', () =>
    expect(text(false)).toBe(`wide: 401 namespaces

h[1..400]  400 namespaces, each:
  eth0  10.1.1.2/16  ── sw:br0 (port p{i})  # in the first; the others differ
  route default via 10.1.0.1 dev eth0

sw
  br0        10.1.0.1/16  bridge: p[1..400]
  p[1..400]               port of br0 ── h{i}:eth0  # 400 alike
`))

  test('--full unfolds it', () => {
    const lines = text(true).split('\n')
    expect(lines).toContain('h400')
    expect(lines).toContain('  eth0  10.1.2.151/16  ── sw:br0 (port p400)')
    expect(lines).toContain('  p400               port of br0 ── h400:eth0')
    expect(lines.filter((line) => line.includes('[1..400]'))).toEqual([])
  })
})

test('many resources of others are counted, and listed in full', () => {
  const routes = Array.from({ length: 21 }, (_, i) => ({
    ...of(`r/route/10.${i * i}.0.0/16`, 'route', {}, `via 10.0.0.${i} dev e proto ospf`),
    ...{ others: true as const, learnt_by: 'ospf' },
  }))
  const document = { format_version: '1.0', lab: 'many', resources: [of('r', 'namespace', {}), ...routes] } as const
  expect(renderShow(document, createColors(false))).toContain(
    '  others’ route entries: 21, learnt by ospf; --full lists them\n',
  )
  expect(renderShow(document, createColors(false), true)).toContain(
    'route 10.9.0.0/16 via 10.0.0.3 dev e  learnt by ospf\n',
  )
})

test('who set an address that the lab did not set', () => {
  const address = (text: string, spec: object, learnt_by?: string): ResourceJson => ({
    ...of(`h/e/${text}`, 'address', { dev: 'e', address: text, ...spec }),
    ...{ others: true, ...(learnt_by !== undefined && { learnt_by }) },
  })
  const resources = [
    of('h', 'namespace', {}),
    of('h/e', 'bridge', { up: true }),
    address('10.0.0.1/24', { proto: 'dhcp', origin: 'dynamic', valid_lft: 'limited' }, 'dhcp'),
    address('10.0.0.2/24', {}),
  ]
  expect(renderShow({ format_version: '1.0', lab: 'one', resources }, createColors(false))).toContain(
    '  e  10.0.0.1/24 (by dhcp, limited lifetime), 10.0.0.2/24 (others’)  bridge\n',
  )
})

test('who is connected to whom, and what else is there', () =>
  expect(
    renderShow(
      {
        format_version: '1.0',
        lab: 'two',
        resources: [
          of('r', 'namespace', {}),
          of('r/sysctl/net.ipv4.ip_forward', 'sysctl', { key: 'net.ipv4.ip_forward', value: '1' }, '= 1'),
          of(
            'r/sysctl/net.ipv6.conf.all.forwarding',
            'sysctl',
            { key: 'net.ipv6.conf.all.forwarding', value: '0' },
            '= 0',
          ),
          of('r/sysctl/net.ipv4.tcp_ecn', 'sysctl', { key: 'net.ipv4.tcp_ecn', value: '1' }, '= 1'),
          of('r/lo', 'loopback', { up: true }),
          of('r/br0', 'bridge', { up: true }),
          of('r/br0/10.0.0.1/24', 'address', { dev: 'br0', address: '10.0.0.1/24' }),
          of('r/p', 'veth', { up: true, master: 'br0', peer: 'h/eth0', mtu: 1500 }),
          of('r/iptables', 'iptables', {}, 'filter: 5 rules'),
          of('h', 'namespace', {}),
          of('h/eth0', 'veth', { up: false, peer: 'r/p', mtu: 1400 }),
          of('h/route/default', 'route', { to: 'default' }, 'via 10.0.0.1 dev eth0'),
        ],
      },
      createColors(false),
    ),
  ).toBe(`two: 2 namespaces

r  forwards IPv4
  br0  10.0.0.1/24  bridge: p
  p                 port of br0 ── h:eth0 (down), mtu 1500
  sysctl net.ipv4.tcp_ecn = 1
  iptables filter: 5 rules

h
  eth0 (down)    ── r:br0 (port p), mtu 1400
  route default via 10.0.0.1 dev eth0
`))
