import type { Lint } from './lint.ts'

const link = (a: string, more = ''): string => `namespaces: { a: {${more}}, b: }
links:
  - endpoints: { a:eth0: ${a}, b:eth0: 10.0.0.2/24 }`

/** Lints whose warnings are given while the file is expanded, where the value is read. Their codes are those of errors, too. */
export const saidEarlier: readonly Lint[] = [
  {
    name: 'no-prefix-length',
    why: 'Without a prefix length, the address is a /32 or /128, as for `ip address add`, and the namespace has no route to its neighbours.',
    wrong: link('10.0.0.1'),
    right: link('10.0.0.1/24'),
  },
  {
    name: 'network-address',
    why: 'The first address of a subnet is the network address, the last one the broadcast address. Other hosts do not treat either as the address of a host.',
    wrong: link('10.0.0.255/24'),
    right: link('10.0.0.254/24'),
  },
  {
    name: 'host-bits',
    why: 'For IPv6, the kernel adds a route to the network that contains the address. For IPv4 it refuses the route, so netlab reports an error.',
    wrong: link('10.0.0.1/24', ' routes: [{ to: "fd00::1/64", dev: eth0 }] '),
    right: link('10.0.0.1/24', ' routes: [{ to: "fd00::/64", dev: eth0 }] '),
  },
  {
    name: 'impairment',
    why: 'To `tc`, `mbps` means megabytes per second.',
    wrong: `${link('10.0.0.1/24')}\n    impairments: { rate: 10mbps }`,
    right: `${link('10.0.0.1/24')}\n    impairments: { rate: 10mbit }`,
  },
  {
    name: 'no-bridge',
    why: 'The link ends in a new interface beside the bridge, which is connected to nothing else.',
    wrong: `namespaces: { a: , sw: { bridges: { br0: } } }
links:
  - endpoints: [a:eth0, sw:br1]`,
    right: `namespaces: { a: , sw: { bridges: { br0: } } }
links:
  - endpoints: [a:eth0, sw:br0]`,
  },
  {
    name: 'unused-var',
    why: 'Probably the value is still written out somewhere, and `--set` has no effect there.',
    wrong: `vars: { last: 2 }\n${link('10.0.0.1/24')}`,
    right: `vars: { last: 1 }\n${link('"10.0.0.{last}/24"')}`,
  },
  {
    name: 'unknown-reference',
    why: 'A routing rule for an interface that does not exist matches no packet.',
    wrong: link('10.0.0.1/24', ' rules: [{ iif: eth1, table: 7 }] '),
    right: link('10.0.0.1/24', ' rules: [{ iif: eth0, table: 7 }] '),
  },
  {
    name: 'senseless-field',
    why: 'The kernel has no such setting for this route, so netlab ignores it.',
    wrong: link('10.0.0.1/24', ' routes: [{ to: "fd00::/64", dev: eth0, scope: link }] '),
    right: link('10.0.0.1/24', ' routes: [{ to: "fd00::/64", dev: eth0 }] '),
  },
  {
    name: 'bad-rule-set',
    why: '`flush ruleset` removes the tables above it from the lab. A file outside the lab’s folder may have other content on another machine.',
    wrong: `namespaces:
  a:
    nftables: |
      table inet t { chain c { type filter hook input priority 0; } }
      flush ruleset
      table inet u { chain c { type filter hook input priority 0; } }`,
    right: `namespaces:
  a:
    nftables: |
      table inet t { chain c { type filter hook input priority 0; } }
      table inet u { chain c { type filter hook input priority 0; } }`,
  },
]
