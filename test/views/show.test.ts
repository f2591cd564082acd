import { createColors } from 'picocolors'
import type { ResourceJson } from '../../src/views/json.ts'
import { renderShow } from '../../src/views/show-text.ts'

const of = (id: string, kind: string, spec: ResourceJson['spec'], description = ''): ResourceJson => ({
  ...{ id, kind, spec, description },
  namespace: id.split('/')[0] ?? '',
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
