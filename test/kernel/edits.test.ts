import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson, ShowJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'

/** A lab file as data: JSON is YAML. */
type Lab = Record<string, unknown>

/** An edit of a lab file, and the live interfaces that it must leave as they are: `ns0/veth0`. */
interface Edit {
  readonly what: string
  readonly from: Lab
  readonly to: Lab
  readonly stay?: readonly string[]
  /** A command that must print the same after the edit and after a fresh build: for what no dump of a lab shows. */
  readonly same?: readonly string[]
}

const link = (a: string, of: unknown, b: string, at: unknown, more: Lab = {}): Lab => ({
  endpoints: { [a]: of, [b]: at },
  ...more,
})
const cable = (a: string, of: unknown, b: string): Lab => link(a, of, b, null)
const pair = (...namespaces: string[]): Lab => Object.fromEntries(namespaces.map((name) => [name, {}]))

/** a ─ r ─ b, with the settings of a and of r. */
const routed = (a: Lab = {}, r: Lab = {}): Lab => ({
  namespaces: { a, r, b: {} },
  links: [
    link('a:eth0', ['10.0.1.2/24', 'fd00:1::2/64'], 'r:eth0', ['10.0.1.1/24', '10.0.1.3/24', 'fd00:1::1/64']),
    link('b:eth0', ['10.0.2.2/24', 'fd00:2::2/64'], 'r:eth1', ['10.0.2.1/24', 'fd00:2::1/64']),
  ],
})
const route = (of: Lab): Lab => routed({ routes: [of] })
const one = (eth0: unknown): Lab => ({
  namespaces: pair('a', 'b'),
  links: [link('a:eth0', eth0, 'b:eth0', '10.0.0.9/24')],
})
const apart: Lab = { 'net.ipv4.conf.eth0.forwarding': 0 }
const general = (value: 0 | 1, more: Lab = {}): Lab => ({
  ...one('10.0.0.1/24'),
  namespaces: {
    a: {
      sysctls: {
        'net.ipv4.conf.all.forwarding': value,
        'net.ipv4.conf.default.rp_filter': value,
        'net.ipv6.conf.all.forwarding': value,
        ...more,
      },
    },
    b: { sysctls: { 'net.ipv6.conf.all.disable_ipv6': value } },
  },
})
const promoting: Lab = { namespaces: { a: { sysctls: { 'net.ipv4.conf.all.promote_secondaries': 1 } }, b: {} } }
const sourced = (src: string, src6: string): Lab[] => [
  { to: '10.9.0.0/16', via: '10.0.1.2', src },
  { to: '10.9.0.0/16', via: '10.0.1.2', src, table: 100 },
  { to: 'fd09::/32', via: 'fd00:1::2', src: src6 },
]
/** Hosts on the bridges of s: `[host, bridge, settings of the host's end]`. */
const switched = (bridges: Lab, hosts: readonly (readonly [string, string, unknown, Lab?])[]): Lab => ({
  namespaces: { s: { bridges }, ...pair(...hosts.map(([name]) => name)) },
  links: hosts.map(([name, bridge, of, more]) => ({ ...cable(`${name}:eth0`, of, `s:${bridge}`), ...more })),
})
const [h1, h2, h3] = [
  ['h1', 'br0', '10.0.0.1/24'],
  ['h2', 'br0', '10.0.0.2/24'],
  ['h3', 'br0', ['10.0.0.3/24', 'fd00::3/64']],
] as const
const lower = (type: Lab): Lab => ({ ...one('10.0.0.1/24'), namespaces: { a: { interfaces: { x0: type } }, b: {} } })
const many = (prefix: number): Lab =>
  switched(
    { br0: `10.9.0.1/16` },
    Array.from({ length: 30 }, (_, i) => [`m${i}`, 'br0', `10.9.${prefix}.${i + 2}/16`] as const),
  )

const edits: readonly Edit[] = [
  {
    what: 'renumber a link',
    from: route({ to: 'default', via: '10.0.1.1' }),
    to: {
      namespaces: { a: { routes: [{ to: 'default', via: '10.7.1.1' }] }, r: {}, b: {} },
      links: [link('a:eth0', '10.7.1.2/24', 'r:eth0', '10.7.1.1/24'), (routed() as { links: Lab[] }).links[1]],
    },
    stay: ['a/eth0', 'r/eth0', 'r/eth1', 'b/eth0'],
  },
  {
    what: 'move a cable to another host',
    from: { namespaces: pair('a', 'b', 'c'), links: [link('a:eth0', '10.0.0.1/24', 'b:eth0', '10.0.0.2/24')] },
    to: { namespaces: pair('a', 'b', 'c'), links: [link('a:eth0', '10.0.0.1/24', 'c:eth0', '10.0.0.2/24')] },
  },
  {
    what: 'swap the far ends of two cables',
    from: {
      namespaces: pair('a', 'b', 'c', 'd'),
      links: [
        link('a:eth0', '10.0.0.1/24', 'b:eth0', '10.0.0.2/24'),
        link('c:eth0', '10.0.1.1/24', 'd:eth0', '10.0.1.2/24'),
      ],
    },
    to: {
      namespaces: pair('a', 'b', 'c', 'd'),
      links: [
        link('a:eth0', '10.0.0.1/24', 'd:eth0', '10.0.0.2/24'),
        link('c:eth0', '10.0.1.1/24', 'b:eth0', '10.0.1.2/24'),
      ],
    },
  },
  {
    what: 'drop a host',
    from: switched({ br0: {} }, [h1, h2, h3]),
    to: switched({ br0: {} }, [h1, h3]),
    stay: ['s/br0', 'h1/eth0', 'h3/eth0'],
  },
  {
    what: 'add a host',
    from: switched({ br0: {} }, [h1, h3]),
    to: switched({ br0: {} }, [h2, h1, h3]),
    stay: ['s/br0', 'h1/eth0', 'h3/eth0'],
  },
  {
    what: 'rename an interface',
    from: route({ to: 'default', via: '10.0.1.1' }),
    to: JSON.parse(JSON.stringify(route({ to: 'default', via: '10.0.1.1' })).replaceAll('a:eth0', 'a:wan0')) as Lab,
    stay: ['b/eth0', 'r/eth1'],
  },
  {
    what: 'swap two addresses between hosts',
    from: {
      namespaces: pair('a', 'b'),
      links: [link('a:eth0', ['10.0.0.1/24', 'fd00::1/64'], 'b:eth0', ['10.0.0.2/24', 'fd00::2/64'])],
    },
    to: {
      namespaces: pair('a', 'b'),
      links: [link('a:eth0', ['10.0.0.2/24', 'fd00::2/64'], 'b:eth0', ['10.0.0.1/24', 'fd00::1/64'])],
    },
    stay: ['a/eth0', 'b/eth0'],
  },
  {
    what: 'change which address is primary',
    from: one(['10.0.0.1/24', '10.0.0.2/24', '10.0.0.3/24']),
    to: one(['10.0.0.3/24', '10.0.0.1/24', '10.0.0.2/24']),
    stay: ['a/eth0', 'b/eth0'],
  },
  {
    what: 'drop the primary address',
    from: one(['10.0.0.1/24', '10.0.0.2/24', '10.0.0.3/24']),
    to: one(['10.0.0.2/24', '10.0.0.3/24']),
    stay: ['a/eth0'],
  },
  {
    what: 'put an address before the primary',
    from: one(['10.0.0.1/24', 'fd00::1/64']),
    to: one(['10.0.0.2/24', '10.0.0.1/24', 'fd00::2/64', 'fd00::1/64']),
    stay: ['a/eth0'],
  },
  {
    what: 'the same address with another prefix',
    from: one(['10.0.0.1/24', 'fd00::1/64']),
    to: one(['10.0.0.1/16', 'fd00::1/48']),
    stay: ['a/eth0'],
  },
  {
    what: 'set a link down',
    from: route({ to: 'default', via: '10.0.1.1' }),
    to: one({ addresses: ['10.0.0.1/24', 'fd00::1/64'], up: false }),
  },
  {
    what: 'set a link up',
    from: one({ addresses: ['10.0.0.1/24', 'fd00::1/64'], up: false }),
    to: one(['10.0.0.1/24', 'fd00::1/64']),
    stay: ['a/eth0', 'b/eth0'],
  },
  {
    what: 'MAC, alias, queue and ARP',
    from: one({ addresses: ['10.0.0.1/24'], mac: '02:00:00:00:00:01', alias: 'uplink', txqueuelen: 50 }),
    to: one({ addresses: ['10.0.0.1/24'], mac: '02:00:00:00:00:02', arp: false, promisc: true }),
    stay: ['a/eth0', 'b/eth0'],
  },
  {
    what: 'turn a bridge’s STP on',
    from: switched({ br0: {} }, [h1, h2]),
    to: switched({ br0: { stp: true, priority: 4096, forward_delay: 400 } }, [h1, h2]),
    stay: ['s/br0', 'h1/eth0', 'h2/eth0'],
  },
  {
    what: 'turn a bridge’s STP off',
    from: switched({ br0: { stp: true, priority: 4096, ageing_time: 60 } }, [h1, h2]),
    to: switched({ br0: {} }, [h1, h2]),
    stay: ['s/br0', 'h1/eth0', 'h2/eth0'],
  },
  {
    what: 'the MTU of a port',
    from: switched({ br0: '10.0.0.254/24' }, [h1, h2]),
    to: switched({ br0: '10.0.0.254/24' }, [h1, [...h2, { mtu: 1400 }]]),
    stay: ['s/br0', 'h1/eth0', 'h2/eth0'],
  },
  {
    what: 'the MTU of a port back',
    from: switched({ br0: {} }, [h1, [...h2, { mtu: 1400 }]]),
    to: switched({ br0: {} }, [h1, h2]),
    stay: ['s/br0', 'h1/eth0', 'h2/eth0'],
  },
  {
    what: 'below the MTU that IPv6 needs, and back',
    from: one({ addresses: ['10.0.0.1/24', 'fd00::1/64'], mtu: 1500 }),
    to: one({ addresses: ['10.0.0.1/24', 'fd00::1/64'], mtu: 9000 }),
    stay: ['a/eth0', 'b/eth0'],
  },
  {
    what: 'a bridge’s own MTU and MAC',
    from: switched({ br0: {} }, [h1]),
    to: switched({ br0: { mtu: 1300, mac: '02:00:00:00:00:aa' } }, [h1]),
    stay: ['s/br0', 'h1/eth0'],
  },
  {
    what: 'move a port between bridges',
    from: switched({ br0: {}, br1: {} }, [h1, h2]),
    to: switched({ br0: {}, br1: {} }, [h1, ['h2', 'br1', '10.0.0.2/24']]),
    stay: ['s/br0', 's/br1', 'h1/eth0'],
  },
  {
    what: 'rename a bridge',
    from: switched({ br0: '10.0.0.254/24' }, [h1]),
    to: switched({ br1: '10.0.0.254/24' }, [['h1', 'br1', '10.0.0.1/24']]),
  },
  {
    what: 'another type under the same name',
    from: { ...one('10.0.0.1/24'), namespaces: { a: { interfaces: {} }, b: {} } },
    to: {
      namespaces: { a: { bridges: { eth0: '10.0.0.1/24' } }, b: {} },
      links: [cable('b:eth0', '10.0.0.9/24', 'a:eth0')],
    },
  },
  {
    what: 'a macvlan’s mode',
    from: lower({ type: 'macvlan', link: 'eth0', mode: 'bridge', addresses: ['10.5.0.1/24'] }),
    to: lower({ type: 'macvlan', link: 'eth0', mode: 'private', addresses: ['10.5.0.1/24'] }),
    stay: ['a/eth0', 'b/eth0'],
  },
  {
    what: 'a VXLAN’s id',
    from: lower({
      type: 'vxlan',
      id: 5,
      local: '10.0.0.1',
      remote: '10.0.0.9',
      dstport: 4789,
      addresses: ['10.5.0.1/24'],
    }),
    to: lower({
      type: 'vxlan',
      id: 6,
      local: '10.0.0.1',
      remote: '10.0.0.9',
      dstport: 4789,
      addresses: ['10.5.0.1/24'],
    }),
    stay: ['a/eth0', 'b/eth0'],
  },
  {
    what: 'a macvlan becomes a VXLAN',
    from: lower({ type: 'macvlan', link: 'eth0', addresses: ['10.5.0.1/24'] }),
    to: lower({
      type: 'vxlan',
      id: 6,
      local: '10.0.0.1',
      remote: '10.0.0.9',
      dstport: 4789,
      addresses: ['10.5.0.1/24'],
    }),
    stay: ['a/eth0', 'b/eth0'],
  },
  {
    what: 'a route’s gateway',
    from: route({ to: '10.9.0.0/16', via: '10.0.1.1' }),
    to: route({ to: '10.9.0.0/16', via: '10.0.1.3' }),
    stay: ['a/eth0'],
  },
  {
    what: 'a route’s metric',
    from: route({ to: '10.9.0.0/16', via: '10.0.1.1' }),
    to: route({ to: '10.9.0.0/16', via: '10.0.1.1', metric: 50 }),
    stay: ['a/eth0'],
  },
  {
    what: 'a route’s table',
    from: route({ to: '10.9.0.0/16', via: '10.0.1.1' }),
    to: route({ to: '10.9.0.0/16', via: '10.0.1.1', table: 100 }),
    stay: ['a/eth0'],
  },
  {
    what: 'a route’s type',
    from: route({ to: '10.9.0.0/16', via: '10.0.1.1' }),
    to: route({ to: '10.9.0.0/16', type: 'blackhole' }),
    stay: ['a/eth0'],
  },
  {
    what: 'a route becomes multipath',
    from: route({ to: '10.9.0.0/16', via: '10.0.1.1' }),
    to: route({ to: '10.9.0.0/16', nexthops: [{ via: '10.0.1.1' }, { via: '10.0.1.3', weight: 2 }] }),
    stay: ['a/eth0'],
  },
  {
    what: 'a next hop’s weight',
    from: route({ to: '10.9.0.0/16', nexthops: [{ via: '10.0.1.1' }, { via: '10.0.1.3', weight: 2 }] }),
    to: route({
      to: '10.9.0.0/16',
      nexthops: [
        { via: '10.0.1.1', weight: 3 },
        { via: '10.0.1.3', weight: 2 },
      ],
    }),
    stay: ['a/eth0'],
  },
  {
    what: 'gateways that are on the link although no subnet says so',
    from: route({ to: '10.9.0.0/16', nexthops: [{ via: '10.0.1.1' }, { via: '10.0.1.3' }] }),
    to: route({
      to: '10.9.0.0/16',
      onlink: true,
      nexthops: [
        { via: '10.0.1.1', dev: 'eth0' },
        { via: '10.8.0.1', dev: 'eth0', weight: 2 },
      ],
    }),
    stay: ['a/eth0'],
  },
  {
    what: 'a route’s source and MTU',
    from: routed({}, { routes: [{ to: '10.9.0.0/16', via: '10.0.1.2', src: '10.0.1.1' }] }),
    to: routed({}, { routes: [{ to: '10.9.0.0/16', via: '10.0.1.2', src: '10.0.1.3', mtu: 1300 }] }),
    stay: ['r/eth0'],
  },
  {
    what: 'an address that routes name as their source, which the kernel keeps in other tables and for IPv6',
    from: routed({}, { routes: sourced('10.0.1.3', 'fd00:1::1') }),
    to: {
      namespaces: { a: {}, r: { routes: sourced('10.0.1.4', 'fd00:1::4') }, b: {} },
      links: [
        link('a:eth0', ['10.0.1.2/24', 'fd00:1::2/64'], 'r:eth0', ['10.0.1.1/24', '10.0.1.4/24', 'fd00:1::4/64']),
        (routed() as { links: Lab[] }).links[1],
      ],
    },
    stay: ['r/eth0'],
  },
  {
    what: 'drop the primary address where the kernel promotes secondaries',
    from: { ...one(['10.0.0.1/24', '10.0.0.2/24', '10.0.0.3/24']), ...promoting },
    to: { ...one(['10.0.0.3/24', '10.0.0.2/24']), ...promoting },
    stay: ['a/eth0'],
  },
  {
    what: 'an IPv6 route’s gateway',
    from: route({ to: 'fd09::/16', via: 'fd00:1::1' }),
    to: route({ to: 'fd09::/16', via: 'fd00:1::7' }),
    stay: ['a/eth0'],
  },
  {
    what: 'an IPv6 route’s metric and table',
    from: route({ to: 'fd09::/16', via: 'fd00:1::1' }),
    to: route({ to: 'fd09::/16', via: 'fd00:1::1', metric: 50, table: 100 }),
    stay: ['a/eth0'],
  },
  {
    what: 'an IPv6 route’s type',
    from: route({ to: 'fd09::/16', via: 'fd00:1::1' }),
    to: route({ to: 'fd09::/16', type: 'unreachable' }),
    stay: ['a/eth0'],
  },
  {
    what: 'an IPv6 route becomes multipath',
    from: route({ to: 'fd09::/16', via: 'fd00:1::1' }),
    to: route({ to: 'fd09::/16', nexthops: [{ via: 'fd00:1::1' }, { via: 'fd00:1::7', weight: 2 }] }),
    stay: ['a/eth0'],
  },
  {
    what: 'an IPv6 multipath route becomes plain',
    from: route({ to: 'fd09::/16', nexthops: [{ via: 'fd00:1::1' }, { via: 'fd00:1::7', weight: 2 }] }),
    to: route({ to: 'fd09::/16', via: 'fd00:1::1' }),
    stay: ['a/eth0'],
  },
  {
    what: 'rules and neighbours',
    from: routed({
      rules: [{ priority: 100, from: '10.0.1.2', table: 100 }],
      neighbors: [{ to: '10.0.1.1', lladdr: '02:00:00:00:00:01', dev: 'eth0' }],
    }),
    to: routed({
      rules: [{ priority: 101, from: '10.0.1.2', table: 101 }],
      neighbors: [{ to: '10.0.1.1', lladdr: '02:00:00:00:00:02', dev: 'eth0' }],
    }),
    stay: ['a/eth0'],
  },
  {
    what: 'sysctls taken out of the file',
    from: routed({
      sysctls: { 'net.ipv4.conf.eth0.rp_filter': 1, 'net.ipv4.conf.all.rp_filter': 2, 'net.ipv4.ip_default_ttl': 99 },
    }),
    to: routed(),
    stay: ['a/eth0'],
    same: ['ip', 'netns', 'exec', 'a', 'sysctl', 'net.ipv4.ip_default_ttl', 'net.ipv4.conf.eth0.rp_filter'],
  },
  {
    what: 'some sysctls taken out of the file, with the interface of one',
    from: routed({
      interfaces: { d0: { type: 'macvlan', link: 'eth0' } },
      sysctls: {
        'net.ipv4.conf.d0.rp_filter': 1,
        'net.ipv4.tcp_ecn': 1,
        'net.ipv4.conf.eth0.arp_notify': 1,
        'net.ipv4.conf.default.arp_notify': 1,
        'net.ipv4.tcp_fin_timeout': 50,
      },
    }),
    to: routed({ sysctls: { 'net.ipv4.tcp_fin_timeout': 51 } }),
    stay: ['a/eth0'],
    same: [
      'ip',
      'netns',
      'exec',
      'a',
      'sysctl',
      'net.ipv4.tcp_ecn',
      'net.ipv4.conf.eth0.arp_notify',
      'net.ipv4.tcp_fin_timeout',
    ],
  },
  {
    what: 'IPv4 by way of IPv6, its default too',
    from: routed({ routes: [{ to: 'default', via: 'fd00:1::1' }] }),
    to: routed({ routes: ['0.0.0.0/0', '10.70.0.0/16', 'default'].map((to) => ({ to, via: 'fd00:1::1' })) }),
    stay: ['a/eth0'],
  },
  {
    what: 'local routes, in their own table and in another',
    from: routed({ routes: [{ to: '10.71.0.0/16', type: 'local', dev: 'lo' }] }),
    to: routed({
      routes: [
        ...['10.72.0.0/16', 'fd72::/64'].map((to) => ({ to, type: 'local', dev: 'lo' })),
        { to: '10.73.0.0/16', type: 'local', dev: 'lo', table: 'main' },
        { to: '10.0.1.77/32', type: 'local', dev: 'eth0', table: 255, metric: 4 },
      ],
    }),
    stay: ['a/eth0'],
  },
  {
    what: 'rules that refuse, with nothing but an interface to know them by',
    from: routed({ rules: [{ oif: 'eth0', action: 'blackhole' }] }),
    to: routed({
      rules: [
        { iif: 'eth0', action: 'unreachable' },
        { from: '10.72.0.0/16', action: 'prohibit' },
        { oif: 'eth9', action: 'blackhole' },
        { iif: 'lo', table: 'main', priority: 32766 },
      ],
    }),
    stay: ['a/eth0'],
  },
  {
    what: 'rules for every address, and for packets without a mark',
    from: routed({
      rules: [
        { from: '::/0', table: 7 },
        { from: '0.0.0.0/0', table: 7 },
        { fwmark: '0/0xffffffff', table: 7 },
        { fwmark: '0/1', table: 7 },
      ],
    }),
    to: routed({ rules: [{ fwmark: '0/3', table: 7 }] }),
  },
  {
    what: 'IPv6’s default metric, called 0',
    from: routed(),
    to: route({ to: 'fd09::/32', via: 'fd00:1::1', metric: 0 }),
  },
  { what: 'forwarding on', from: routed(), to: routed({}, { forwarding: true }), stay: ['r/eth0', 'r/eth1'] },
  {
    what: 'forwarding off',
    from: routed({}, { forwarding: true }),
    to: routed({}, { forwarding: 'ipv6' }),
    stay: ['r/eth0', 'r/eth1'],
  },
  {
    what: 'settings of all interfaces, which the kernel writes to each',
    from: general(0, apart),
    to: general(1, apart),
  },
  { what: 'the same, back again', from: general(1, apart), to: general(0, apart), stay: ['a/eth0'] },
  { what: 'they are taken out', from: general(1), to: one('10.0.0.1/24'), stay: ['a/eth0'] },
  {
    what: 'a MAC address taken out',
    from: one({ addresses: ['10.0.0.1/24'], mac: '02:00:00:00:00:07' }),
    to: one('10.0.0.1/24'),
    stay: ['a/eth0', 'b/eth0'],
  },
  {
    what: 'move a share',
    from: { ...one('10.0.0.1/24'), namespaces: { a: {}, b: {}, c: { shares: 'a' } } },
    to: { ...one('10.0.0.1/24'), namespaces: { a: {}, b: {}, c: { shares: 'b' } } },
    stay: ['a/eth0', 'b/eth0'],
  },
  {
    what: 'a share becomes a namespace',
    from: { ...one('10.0.0.1/24'), namespaces: { a: {}, b: {}, c: { shares: 'a' } } },
    to: { ...one('10.0.0.1/24'), namespaces: { a: {}, b: {}, c: {} } },
    stay: ['a/eth0', 'b/eth0'],
  },
  {
    what: 'a namespace becomes a share',
    from: { ...one('10.0.0.1/24'), namespaces: { a: {}, b: {}, c: {} } },
    to: { ...one('10.0.0.1/24'), namespaces: { a: {}, b: {}, c: { shares: 'a' } } },
    stay: ['a/eth0', 'b/eth0'],
  },
  {
    what: 'rename a namespace',
    from: routed(),
    to: JSON.parse(JSON.stringify(routed()).replace('"b":', '"z":').replace('b:eth0', 'z:eth0')) as Lab,
    stay: ['a/eth0', 'r/eth0'],
  },
  { what: 'renumber dozens', from: many(1), to: many(2), stay: ['s/br0', 'm0/eth0', 'm29/eth0'] },
]

let world: World
let fresh: World
beforeAll(async () => {
  ;[world, fresh] = await Promise.all([openWorld(), openWorld()])
})
afterAll(() => Promise.all([world.close(), fresh.close()]))

async function netlab(place: World, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await place.netlab(args)
  if (code !== 0) throw new Error(`netlab ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`)
  return stdout
}

function file(place: World, lab: Lab, name = 'lab.yaml'): string {
  const path = join(place.folder, name)
  writeFileSync(path, JSON.stringify({ name: 'edited', ...lab }))
  return path
}

/** What is live, by id; MACs that the kernel drew, and the order in which things were made, are nobody's choice. */
async function live(place: World): Promise<Record<string, unknown>> {
  const { resources } = JSON.parse(await netlab(place, 'show', 'edited', '--json')) as ShowJson
  return Object.fromEntries(resources.map(({ id, kind, spec }) => [id, { kind, spec }]))
}

async function index(id: string): Promise<string> {
  const [namespace = '', dev = ''] = id.split('/')
  const { stdout } = await world.run(['ip', '-n', namespace, '-j', 'link', 'show', 'dev', dev])
  return String((JSON.parse(stdout) as { ifindex: number }[])[0]?.ifindex)
}

/**
 * What a plan changes, without the values that it found. Which values sysctls of a bridge, or some without a value in the file,
 * have depends on the machine.
 */
const changesIn = (document: string, values: boolean): unknown[] =>
  (JSON.parse(document) as PlanJson).changes
    .filter(({ id }) => !id.includes('/sysctl/net.bridge.'))
    .map(({ id, action, differences }) => ({
      id,
      action,
      to: differences.map(({ field, to }) => [field, values && to]),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))

test.each(edits)('$what', async ({ from, to, stay = [], same }) => {
  try {
    const old = file(world, from, 'old.yaml')
    await netlab(world, 'apply', old, '-y')
    const before = await Promise.all(stay.map(index))
    const applied = changesIn(await netlab(world, 'apply', file(world, to), '-y', '--json'), !same)
    // The files alone tell what the kernel had to be asked for.
    expect(changesIn(await netlab(world, 'diff', old, file(world, to), '--json'), !same)).toEqual(applied)
    expect((JSON.parse(await netlab(world, 'plan', file(world, to), '--json')) as PlanJson).changes).toEqual([])
    expect(await Promise.all(stay.map(index))).toEqual(before)
    await netlab(fresh, 'apply', file(fresh, to), '-y')
    expect(await live(world)).toEqual(await live(fresh))
    if (same) expect((await world.run(same)).stdout).toBe((await fresh.run(same)).stdout)
  } finally {
    await Promise.all([world, fresh].map((place) => place.netlab(['destroy', 'edited', '-y'])))
  }
  expect((await world.run(['ls', '/run/netns'])).stdout).toBe('')
})

test('a spanning tree that is turned off while it changes does not leave its ageing time behind', async () => {
  const tree = (stp: boolean): string =>
    file(world, switched({ br0: { stp, forward_delay: '2s', max_age: '6s', hello_time: '1s' } }, [h1, h2]))
  const bridge = async (): Promise<Record<string, number>> => {
    const { stdout } = await world.run(['ip', '-n', 's', '-d', '-j', 'link', 'show', 'dev', 'br0'])
    return (JSON.parse(stdout) as { linkinfo: { info_data: Record<string, number> } }[])[0]!.linkinfo.info_data
  }
  try {
    await netlab(world, 'apply', tree(true), '-y')
    const changing = await until(bridge, ({ topology_change }) => topology_change === 1)
    expect(changing).toMatchObject({ topology_change: 1, ageing_time: 400 })
    await netlab(world, 'apply', tree(false), '-y')
    expect(await bridge()).toMatchObject({ stp_state: 0, ageing_time: 30000 })
    expect((JSON.parse(await netlab(world, 'plan', tree(false), '--json')) as PlanJson).changes).toEqual([])
  } finally {
    await world.netlab(['destroy', 'edited', '-y'])
  }
})

test('rules and routes of others, with what the language has no words for, are drift', async () => {
  const lab = file(
    world,
    routed({
      routes: [{ to: '10.9.0.0/16', via: '10.0.1.1' }],
      rules: [{ priority: 100, from: '10.0.0.0/8', table: 7 }],
    }),
  )
  const changes = async (): Promise<string[]> =>
    (JSON.parse(await netlab(world, 'plan', lab, '--json')) as PlanJson).changes.map(
      ({ action, id }) => `${action} ${id}`,
    )
  try {
    await netlab(world, 'apply', lab, '-y')
    const script = [
      'rule del priority 100 from 10.0.0.0/8 table 7',
      'rule add priority 100 not from 10.0.0.0/8 table 7',
      'rule add priority 100 from 10.0.0.0/8 ipproto tcp sport 5 dport 80-90 tos 0x10 uidrange 5-9 table 7',
      'rule add priority 20 goto 100',
      'rule add priority 21 nop',
      'rule add priority 22 table 9 suppress_prefixlength 0 realms 1/2',
      'route add 10.9.0.0/16 tos 0x10 via 10.0.1.1',
    ]
    for (const words of script)
      expect(await world.run(['ip', '-n', 'a', ...words.split(' ')])).toMatchObject({ code: 0 })
    expect((await changes()).sort()).toEqual([
      'create a/rule/100 from 10.0.0.0/8 table 7',
      'delete a/route/10.9.0.0/16 tos 0x10',
      'delete a/rule/100 from 10.0.0.0/8 not table 7',
      'delete a/rule/100 from 10.0.0.0/8 tos 0x10 uidrange 5-9 ipproto 6 sport 5 dport 80-90 table 7',
      'delete a/rule/20 goto 100',
      'delete a/rule/21 nop',
      'delete a/rule/22 suppress_prefixlength 0 realms 1/2 table 9',
    ])
    await netlab(world, 'apply', lab, '-y')
    expect(await changes()).toEqual([])
    expect((await world.run(['ip', '-n', 'a', 'route', 'get', '10.9.0.1'])).stdout).toContain('via 10.0.1.1')
  } finally {
    await world.netlab(['destroy', 'edited', '-y'])
  }
})

/** What somebody does in namespace a, and the changes that the next plan then has. */
const behind: Readonly<Record<string, readonly string[]>> = {
  'ip -n a link set e0 address 02:11:22:33:44:55': ['update a/e0'],
  'sysctl net.ipv4.conf.e0.rp_filter=2': ['update a/sysctl/net.ipv4.conf.e0.rp_filter'],
  'sysctl net.ipv4.conf.e1.forwarding=0': ['update a/sysctl/net.ipv4.conf.e1.forwarding'],
  'sysctl net.ipv4.conf.all.forwarding=0': ['update a/sysctl/net.ipv4.ip_forward'],
  'sysctl net.ipv4.conf.default.forwarding=0': ['update a/sysctl/net.ipv4.conf.default.forwarding'],
  'sysctl net.ipv4.conf.default.proxy_arp=1': ['update a/sysctl/net.ipv4.conf.default.proxy_arp'],
  'sysctl net.ipv6.conf.e1.disable_ipv6=1': [
    'create a/e1/fd00:1::1/64',
    'update a/sysctl/net.ipv6.conf.e1.disable_ipv6',
  ],
  'sysctl net.ipv6.conf.all.disable_ipv6=1': [
    'create a/e1/fd00:1::1/64',
    'update a/sysctl/net.ipv6.conf.all.disable_ipv6',
  ],
  'sysctl net.core.somaxconn=7 net.ipv4.icmp_echo_ignore_all=1 net.ipv6.bindv6only=1 net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.default.autoconf=0':
    [
      'update a/sysctl/net.core.somaxconn',
      'update a/sysctl/net.ipv4.icmp_echo_ignore_all',
      'update a/sysctl/net.ipv6.bindv6only',
      'update a/sysctl/net.ipv6.conf.default.accept_ra',
      'update a/sysctl/net.ipv6.conf.default.autoconf',
    ],
  'sysctl net.ipv4.conf.e0.accept_source_route=0 net.ipv4.conf.e0.disable_policy=1 net.ipv4.conf.e0.medium_id=5 net.ipv4.conf.e1.accept_redirects=0 net.ipv6.conf.e1.accept_ra=0':
    [
      'update a/sysctl/net.ipv4.conf.e0.accept_source_route',
      'update a/sysctl/net.ipv4.conf.e0.disable_policy',
      'update a/sysctl/net.ipv4.conf.e0.medium_id',
      'update a/sysctl/net.ipv4.conf.e1.accept_redirects',
      'update a/sysctl/net.ipv6.conf.e1.accept_ra',
    ],
  'ip -n a rule flush': ['create a/rule/32766 table 254', 'create a/rule/32767 table 253'],
  'ip -n a -6 rule del priority 0': ['create a/rule6/0 table 255'],
  'ip -n a addr del 127.0.0.1/8 dev lo': ['create a/lo/127.0.0.1/8'],
  'ip -n a addr del ::1/128 dev lo': ['create a/lo/::1/128'],
  'ip -n a route flush table local': ['update a/e0/10.0.0.1/24', 'update a/e1/10.0.1.1/24'],
  'ip -n a route flush table main': ['update a/e0/10.0.0.1/24', 'update a/e1/10.0.1.1/24'],
}

test('what the kernel made itself, and what interfaces have of their own, is put back', async () => {
  const lab = file(world, {
    namespaces: { a: { forwarding: 'ipv4' }, b: {} },
    links: [
      { endpoints: { 'a:e0': '10.0.0.1/24', 'b:e0': '10.0.0.2/24' } },
      { endpoints: { 'a:e1': ['10.0.1.1/24', 'fd00:1::1/64'], 'b:e1': ['10.0.1.2/24', 'fd00:1::2/64'] } },
    ],
  })
  const changes = async (): Promise<string[]> =>
    (JSON.parse(await netlab(world, 'plan', lab, '--json')) as PlanJson).changes
      .map(({ action, id }) => `${action} ${id}`)
      .sort()
  try {
    await netlab(world, 'apply', lab, '-y')
    for (const [command, expected] of Object.entries(behind)) {
      const inside = command.startsWith('sysctl') ? ['ip', 'netns', 'exec', 'a'] : []
      expect(await world.run([...inside, ...command.split(' ')])).toMatchObject({ code: 0 })
      expect([command, ...(await changes())]).toEqual([command, ...expected])
      await netlab(world, 'apply', lab, '-y')
      expect([command, ...(await changes())]).toEqual([command])
    }
    for (const to of ['10.0.1.1', 'fd00:1::1'])
      expect((await world.run(['ip', 'netns', 'exec', 'b', 'ping', '-c1', '-W2', to])).code).toBe(0)
  } finally {
    await world.netlab(['destroy', 'edited', '-y'])
  }
})
