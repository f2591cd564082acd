import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { kinds, kindOf } from '../../src/kinds/index.ts'
import { loadLab, type Lab } from '../../src/language/load-lab.ts'
import { writeLab } from '../../src/language/write.ts'
import { stages } from '../../src/model/change.ts'
import type { Resource, Resources } from '../../src/model/resource.ts'
import { planContext } from '../support/resources.ts'

/** A lab that has something of every kind that a lab file can ask for. */
const { resources } = loadLab({
  file: 'lab.yaml',
  text: `
name: contract
namespaces:
  a:
    interfaces:
      lo: [10.255.0.1/32]
      e0: { impairments: { rate: 10mbit, to: { b: { delay: 5ms, jitter: 1ms, distribution: normal }, 10.9.0.0/16: } } }
      d0: { type: dummy, qdiscs: ['qdisc root handle 1: htb', 'class classid 1:1 htb rate 1mbit', 'qdisc parent 1:1 pfifo', 'filter parent 1: pref 1 u32 match u32 0 0 flowid 1:1', qdisc clsact] }
      x0: { type: vxlan, id: 1, remote: 10.0.0.9, fdb: [{ mac: "00:00:00:00:00:00", dst: 10.0.0.8 }] }
      m0: { type: macvlan, link: e0 }
      i0: { type: ipvlan, link: e1 }
      v0: { type: vlan, link: e0, id: 10 }
      f0: { type: ifb }
      t0: { type: tap }
      r0: { type: vrf, table: 10 }
      g0: { type: gre, remote: 10.0.0.9, key: 5 }
      w0: { type: wireguard }
      b0: { type: bond, mode: active-backup, miimon: 100, primary: d1 }
      d1: { type: dummy, master: b0 }
      t1: { type: ipip, remote: 10.0.0.9, encap: fou, encap_dport: 5 }
      t2: { type: sit, local: 10.0.0.1 }
      t3: { type: gretap, remote: 10.0.0.9, bridge: br0 }
      t4: { type: ip6gre, remote: "fd00::9", encaplimit: none }
      t5: { type: ip6gretap, external: true }
      t6: { type: ip6tnl, remote: "fd00::9", tclass: inherit, flowlabel: 7, encap: gue, encap_dport: 5 }
      t7: { type: vti, remote: 10.0.0.9, key: 5 }
      t8: { type: vti6, remote: "fd00::9", link: b:e0 }
      t9: { type: geneve, id: 5, remote: 10.0.0.9, ttl: inherit }
      m1: { type: macvtap, link: e0 }
      n0: { type: nlmon }
      k0: { type: macsec, link: d3, cipher: gcm-aes-256, window: 5, rx: [{ peer: b:k0 }] }
      d3: { type: dummy }
      s0: { type: xfrm, if_id: 5 }
      b1: { type: team, offload: { gro: false } }
      d2: { type: dummy, master: b1 }
    bridges: { br0: { vlan_filtering: true } }
    routes: [{ to: 10.9.0.0/16, via: 10.0.0.2 }, { to: 10.8.0.0/16, nexthop: 20 }, { to: 100, family: mpls, as: 200/201, via: 10.0.0.2 }]
    nexthops: [{ id: 1, via: 10.0.0.2 }, { id: 20, group: [1] }]
    rules: [{ from: 10.0.0.0/8, table: 7 }]
    neighbors: [{ to: 10.0.0.7, lladdr: "02:00:00:00:00:07" }]
    sysctls: { net.ipv4.tcp_ecn: 1, net.mpls.platform_labels: 1000 }
    iptables: { filter: { INPUT: ["-j ACCEPT"] } }
    ip6tables: { filter: { INPUT: ["-j ACCEPT"] } }
    nftables: "table inet t { }"
    fou: [{ port: 5555, ipproto: 4 }, { port: 5555, gue: true, family: inet6 }, { port: 6000, gue: true, local: 10.0.0.1 }]
    ipsets: { s: { type: hash:net, entries: [10.0.0.0/8] }, l: { type: list:set, entries: [s] } }
    setup: ["ip link add x type dummy", [ip, link, set, x, up]]
    processes:
      p: { command: [sleep, "9"], reload: ["true"], after: [q, b/r], user: nobody, group: 7, stop: int, stop_timeout: 5s }
      q: { command: [sleep, "9"], ready: { tcp: 1, udp: 2, file: /f, log: /up/i, run: "true", timeout: 1m } }
    files: { /etc/x: { content: "a\\n", owner: "1:2" }, /srv/y: { content: "b" } }
    private: [/run/p]
    hostname: host-a
  b:
    interfaces: { d0: { type: dummy }, k0: { type: macsec, link: d0, cipher: gcm-aes-256, tx: [{ sa: 1, active: false }] } }
    processes: { r: { command: ls, once: true, restart: on-failure, ready: { timeout: 500ms } } }
  c: { shares: b }
  me: { root: true, interfaces: { nic0: { existing: true } } }
  box: { container: web }
links:
  - endpoints: { a:e0: 10.0.0.1/24, b:e0: 10.0.0.2/24 }
  - endpoints: [a:e1, b:e1]
  - endpoints: { b:e2: , a:br0: { vlans: [10], mdb: [{ grp: 239.1.1.1, vid: 10 }] } }
`,
})
const all = [...resources.values()]
const context = planContext('contract', resources, resources)

test('the lab has something of every kind but those that nobody can ask for', () =>
  expect([...kinds.keys()].filter((name) => !all.some(({ kind }) => kind === name))).toEqual(['device']))

describe.each([...kinds.keys()].filter((name) => name !== 'device'))('%s', (name) => {
  const kind = kindOf(name)
  const own = all.filter((r) => r.kind === name)
  const each = (check: (r: Resource) => void) => own.forEach(check)

  test('is no different from itself', () => each(({ spec }) => expect(kind.compare(spec, spec)).toEqual([])))

  test('is described in one line', () => each(({ spec }) => expect(kind.describe(spec)).toMatch(/^.*$/)))

  test('needs what is there, and itself never', () =>
    each((r) => {
      const needs = kind.needs(r)
      expect(needs.filter((id) => !resources.has(id))).toEqual([])
      expect(needs).not.toContain(r.id)
    }))

  test('goes with its namespace', () => {
    if (['namespace', 'share', 'borrowed'].includes(name)) return
    each((r) => expect(kind.lostWith(r, resources)).toContain(r.namespace))
  })

  test('asks for commands of known stages, with whole words as arguments', () =>
    each((r) => {
      const emitted = [...kind.create(r, context), ...kind.remove(r, context)]
      for (const { stage, operation } of emitted) {
        const command = commandOf(operation)
        expect(stages.map((s) => s.name)).toContain(stage)
        expect(command.argv.length).toBeGreaterThan(1)
        expect(command.argv.every((word) => typeof word === 'string' && !word.includes('undefined'))).toBe(true)
      }
      // lo comes with its namespace, the machine's own is there, a cable is asked for by its first end, and nft has not read its text yet.
      if (
        !['loopback', 'existing', 'borrowed', 'nftables'].includes(name) &&
        !(name === 'veth' && r.id > String(r.spec['peer']))
      )
        expect(emitted).not.toEqual([])
    }))
})

describe('what a kind writes into a lab asks for the same again', () => {
  const load = (file: string, text: string): Lab => {
    const readBeside = (path: string) => readFileSync(join(dirname(file), path), 'utf8')
    const keyFile = (path: string) => ({ path, text: 'MFnLJAoWYUGDRmfiyLjoY6yVUVZSx5ZpMIMwvtCeZ1Y=\n' })
    return loadLab({ file, text, readBeside, keyFile })
  }
  /** Where a rule is written is not what it asks for. */
  const asked = (resources: Resources) =>
    [...resources.values()]
      .map(({ id, kind, borrowed, spec: { written: _, ...spec } }) => ({ id, kind, borrowed, spec }))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  const comesBack = (file: string, text: string): void => {
    // Keys that netlab makes depend on the name of the lab.
    const { name, resources: first } = load(file, text)
    expect(asked(load(file, writeLab(name, first)).resources)).toEqual(asked(first))
    for (const { kind, spec } of first.values()) expect(kindOf(kind).compare(spec, spec)).toEqual([])
  }

  const files = readdirSync('labs', { encoding: 'utf8', recursive: true }).filter((file) => file.endsWith('.yaml'))
  test.each(files.map((file) => join('labs', file)))('%s', (file) => comesBack(file, readFileSync(file, 'utf8')))

  test('routes of MPLS', () => comesBack('test/vm/mpls.yaml', readFileSync('test/vm/mpls.yaml', 'utf8')))

  const any = <T>(...all: T[]) => fc.subarray(all)
  const fields = <T>(all: Record<string, T>) => fc.subarray(Object.entries(all)).map((some) => Object.fromEntries(some))
  const lab = fc.record({
    name: fc.constant('contract'),
    namespaces: fc.record({
      a: fc.record({
        others: fc.constantFrom('keep', undefined),
        forwarding: fc.constantFrom(true, false, 'ipv4', 'ipv6', undefined),
        interfaces: fc.record({
          lo: fc.record({ addresses: any('10.255.0.1/32', '10.255.0.2/24', '10.255.0.3/24', 'fd00:9::1/64') }),
          e0: fc.record({
            addresses: any<unknown>(
              ...['10.0.1.1/24', '10.0.1.2/24', 'fd00:1::1/64'],
              ...[
                { address: '10.0.2.1/32', peer: '10.0.2.9' },
                { address: '10.0.3.1', peer: '10.0.3.9/24', label: 'e0:1' },
              ],
              ...[{ address: '10.0.4.1/24', scope: 'link', broadcast: '10.0.4.255', metric: 7, preferred_lft: 0 }],
              ...[{ address: 'fd00:4::1/64', noprefixroute: true, home: true }],
            ),
            impairments: fields({ delay: '20ms', jitter: '5ms', loss: '1%', rate: '10mbit', limit: 90 }).map((given) =>
              'jitter' in given ? { delay: '20ms', ...given } : given,
            ),
            mac: fc.constantFrom('02:00:00:00:00:aa', undefined),
          }),
          v0: fc.record({ type: fc.constant('vlan'), link: fc.constant('e0'), id: fc.integer({ min: 1, max: 4094 }) }),
          r0: fc.constant({ type: 'vrf', table: 10 }),
          g0: fc
            .tuple(
              fc.constantFrom({ key: 5 }, { ikey: 0, okey: 0xffffffff }, { csum: true, seq: true }, { oseq: true }),
              fc.constantFrom({}, { mtu: 1476 }, { link: 'e0', local: '10.0.0.1', tos: 16 }),
            )
            .map((some) => Object.assign({ type: 'gre', remote: '10.0.0.9' }, ...some)),
          x0: fc.record({
            type: fc.constant('vxlan'),
            id: fc.integer({ min: 1, max: 99 }),
            up: fc.constantFrom(true, false),
            fdb: any<object>({ mac: '00:00:00:00:00:00', dst: '10.0.0.8' }, { mac: '02:00:00:00:00:09', dst: 'fd00::8', port: 9, vni: 7, via: 'e0', extern_learn: true }), // prettier-ignore
          }),
          m0: fc.record({
            type: fc.constant('macvlan'),
            link: fc.constant('b:e0'),
            mtu: fc.constantFrom(1300, undefined),
          }),
          d0: fc.record({ type: fc.constant('dummy'), master: fc.constantFrom('r0', undefined) }),
          d1: fc.record({ type: fc.constant('dummy'), txqueuelen: fc.constantFrom(9, undefined) }),
          w0: fc.record({
            type: fc.constant('wireguard'),
            listen_port: fc.constantFrom(51820, undefined),
            fwmark: fc.constantFrom(7, undefined),
            private_key_file: fc.constantFrom('key', undefined),
            peers: any<object>(
              { peer: 'b:w0', allowed_ips: ['10.9.0.2/32', 'fd00::/64'], keepalive: 25 },
              { public_key: 'MFnLJAoWYUGDRmfiyLjoY6yVUVZSx5ZpMIMwvtCeZ1Y=', endpoint: '[fd00::2]:51820', preshared_key_file: 'key' }, // prettier-ignore
            ),
          }),
        }),
        bridges: fc.record({
          br0: fc.record({
            vlan_filtering: fc.constant(true),
            addresses: any('10.0.8.1/24'),
            stp: fc.constantFrom(true, undefined),
            vlans: fc.constantFrom([7], undefined),
          }),
          br1: fc.constant({}),
        }),
        routes: any<object>(
          { to: 'default', dev: 'e0', metric: 4 },
          { to: '::/0', via: 'fe80::1', dev: 'e0', pref: 'high' },
          { to: '10.8.0.0/16', dev: 'e0', mtu: 'lock 1400', table: 'r0' },
          { to: '10.9.0.0/16', type: 'blackhole', table: 7 },
          { to: '10.10.0.0/16', onlink: true, nexthops: [{ via: '10.7.7.7', dev: 'e0' }, { via: '10.7.7.8', dev: 'e0', weight: 3 }] }, // prettier-ignore
          { to: 'fd00:7::/64', dev: 'e0', table: 'local', tos: undefined },
          { to: '10.11.0.0/16', nexthop: 20, mtu: 1300 },
          { to: '::/0', nexthop: 4, table: 9 },
        ),
        nexthops: fc.constant([
          { id: 20, group: [1, { id: 3, weight: 9 }] },
          { id: 1, via: 'fe80::9', dev: 'e0', onlink: true },
          { id: 3, dev: 'e0' },
          { id: 4, blackhole: true, family: 'inet6' },
          { id: 5, via: '10.7.7.7', fdb: true },
          { id: 6, group: [5], fdb: true },
          { id: 7, group: [1], type: 'resilient', buckets: 4, idle_timer: 9 },
          { id: 8, dev: 'e0', encap: 'mpls 100/200' },
        ]),
        rules: any<object>(
          { from: '10.0.0.0/8', table: 7 },
          { fwmark: '1/255', table: 'r0', priority: 1010 },
          { to: 'fd00::/8', action: 'prohibit' },
          { iif: 'e0', family: 'inet6', table: 'main', sport: '1-9', ipproto: 'tcp' },
          { oif: 'e0', not: true, uidrange: '5', goto: 30000 },
          { l3mdev: true, priority: 900 },
        ),
        neighbors: any<object>(
          { to: '10.0.0.7', lladdr: '02:00:00:00:00:07', dev: 'e0' },
          { to: 'fd00::7', lladdr: '02:00:00:00:00:07', dev: 'e0', router: true },
          { to: '10.0.0.8', proxy: true, dev: 'br0' },
        ),
        sysctls: fields<unknown>({ 'net.ipv4.tcp_ecn': 1, 'net.ipv4.conf.e0.rp_filter': '2', 'net.ipv4.ping_group_range': '0 9' }), // prettier-ignore
        iptables: fields({ filter: { INPUT: { policy: 'DROP', rules: ['-i e0 -m comment --comment "a b" -j ACCEPT'] } }, nat: { POSTROUTING: ['-j MASQUERADE'] } }), // prettier-ignore
        ip6tables: fields({ mangle: { PREROUTING: ['! -s fd00::/8 -j MARK --set-mark 1'] } }),
        nftables: fc.constantFrom('table inet t { chain c { type filter hook input priority 0; } }', undefined),
        ipsets: fields<object>({
          s: { type: 'hash:net', family: 'inet6', hashsize: 64, entries: ['fd00::/8'] },
          t: { type: 'hash:ip', timeout: 9, counters: true },
          l: { type: 'list:set', entries: [] },
        }),
        processes: fields<object>({
          p: { command: ['sleep', '9'], env: { A: 1 }, cwd: '/tmp', ready: { tcp: 80 }, restart: 'always' },
          q: { command: 'echo $HOME' },
        }),
      }),
      b: fc.constant({ interfaces: { w0: { type: 'wireguard' } } }),
      c: fc.constant({ shares: 'b' }),
      me: fc.constant({
        root: true,
        interfaces: { nic0: { existing: true, addresses: ['10.6.0.1/24'] }, t0: { type: 'tap', bridge: 'docker0' } },
        bridges: { docker0: { existing: true } },
      }),
    }),
    links: any<object>(
      { endpoints: ['b:e1', 'me:cable'] },
      { endpoints: { 'b:e2': '10.0.8.2/24', 'a:br0': { pvid: 5, vlans: [9, '20-22'], fdb: [{ mac: '02:00:00:00:00:09', vlan: 9, sticky: true }], mdb: [{ grp: '239.1.1.1', src: '10.0.0.9', vid: 9 }, { grp: '01:02:03:04:05:06', vid: 5 }] } }, mtu: 1400 }, // prettier-ignore
      { endpoints: ['b:e3', 'a:br1'] },
    ).map((links) => [{ endpoints: ['a:e0', 'b:e0'] }, ...links]),
  })
  test('generated labs', () =>
    fc.assert(
      fc.property(lab, (value) => comesBack('lab.yaml', stringify(value))),
      { numRuns: 15 },
    ))
})
