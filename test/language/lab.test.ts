import fc from 'fast-check'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { diagnose, loadLab } from '../../src/language/load-lab.ts'
import { UserError } from '../../src/model/diagnostic.ts'
import { writeLab } from '../../src/language/write.ts'
import '../support/seed.ts'

const load = (text: string) => loadLab({ file: 'lab.yaml', text })
const specs = (text: string) => Object.fromEntries([...load(text).resources].map(([id, { spec }]) => [id, spec]))

describe('short forms', () => {
  test('a cable, its addresses and a route whose interface follows from its gateway', () =>
    expect(
      specs(`
namespaces: { a: { routes: [{ to: default, via: 10.0.0.1 }] }, b: { forwarding: true } }
links: [{ endpoints: { a:e0: [10.0.0.2/24, "FD00:0::2/64"], b:e0: 10.0.0.1/24 }, mtu: 1400 }]`),
    ).toEqual({
      a: {},
      b: {},
      'a/lo': { mtu: 65536, up: true },
      'b/lo': { mtu: 65536, up: true },
      'a/e0': { mtu: 1400, up: true, peer: 'b/e0' },
      'b/e0': { mtu: 1400, up: true, peer: 'a/e0' },
      'a/e0/10.0.0.2/24': { dev: 'e0', address: '10.0.0.2/24', family: 4 },
      'a/e0/fd00::2/64': { dev: 'e0', address: 'fd00::2/64', family: 6 },
      'b/e0/10.0.0.1/24': { dev: 'e0', address: '10.0.0.1/24', family: 4 },
      'a/route/default': { to: 'default', family: 4, via: '10.0.0.1', dev: 'e0' },
      'b/sysctl/net.ipv4.ip_forward': { key: 'net.ipv4.ip_forward', value: '1' },
      'b/sysctl/net.ipv6.conf.all.forwarding': { key: 'net.ipv6.conf.all.forwarding', value: '1' },
    }))

  test('a cable into a bridge has a port that keeps its name when links are added or reordered', () => {
    const lab = (links: string[]) =>
      load(`namespaces: { sw: { bridges: { br0: } }, h1: , h2: , averylongname: }\nlinks: [${links.join(', ')}]`)
    const [one, two, long] = ['[h1:eth0, sw:br0]', '[sw:br0, h2:eth0]', '[averylongname:eth0, sw:br0]'].map(
      (ends) => `{ endpoints: ${ends} }`,
    ) as [string, string, string]
    const ports = (links: string[]) =>
      [...lab(links).resources.keys()].filter((id) => id.startsWith('sw/') && id.includes('~')).sort()
    expect(ports([one])).toEqual(['sw/h1~eth0'])
    expect(ports([one, two, long])).toEqual(ports([long, two, one]))
    expect(ports([one, two, long]).every((id) => id.length - 3 <= 15)).toBe(true)
    expect(lab([one]).resources.get('sw/h1~eth0')?.spec).toMatchObject({ master: 'br0', peer: 'h1/eth0' })
  })

  test('the second address of a subnet knows the first', () =>
    expect(specs('namespaces: { a: { interfaces: { lo: [10.0.0.1/24, 10.0.0.2/24] } } }')).toMatchObject({
      'a/lo/10.0.0.2/24': { primary: '10.0.0.1/24' },
    }))

  test('rules get priorities around those that are taken', () =>
    expect(
      Object.keys(
        specs(
          'namespaces: { a: { rules: [{ from: 10.0.0.0/8, table: 7 }, { fwmark: 1/255, table: 7, priority: 1010 }, { to: "fd00::/8", action: prohibit }] } }',
        ),
      ).filter((id) => id.includes('rule')),
    ).toEqual([
      'a/rule/1000 from 10.0.0.0/8 table 7',
      'a/rule/1010 fwmark 0x1/0xff table 7',
      'a/rule6/1020 to fd00::/8 prohibit',
    ]))

  test('the long form means the same', () => {
    const { name, resources } = load(`
namespaces:
  sw: { bridges: { br0: { addresses: [10.0.0.1/24], forward_delay: 4s } }, forwarding: ipv4 }
  h: { interfaces: { v: { type: vxlan, id: 7, remote: 10.0.0.9 } }, routes: [{ to: default, via: 10.0.0.1, metric: 5 }], neighbors: [{ to: 10.0.0.1, lladdr: "02:00:00:00:00:01" }] }
links: [{ endpoints: { h:eth0: 10.0.0.2/24, sw:br0: }, mtu: 1400 }]`)
    const again = load(writeLab(name, resources)).resources
    const plain = (r: typeof resources) =>
      [...r.values()].map(({ id, kind, spec }) => ({ id, kind, spec })).sort((a, b) => (a.id < b.id ? -1 : 1))
    expect(plain(again)).toEqual(plain(resources))
  })
})

describe('what is wrong is said at its place', () => {
  const base = 'namespaces:\n  a: {}\n  b: {}\n'
  const cable = 'links:\n  - endpoints: { a:e0: 10.0.0.1/24, b:e0: 10.0.0.2/24 }\n'
  const check = (text: string): string => `${base}${cable}checks:\n  - { from: a, ${text} }`
  test.each([
    ['YAML', 'a: [1', /not closed/, 1, 4],
    ['a list', '- a', /a lab file is a map/, 1, 1],
    [
      'true in quotes',
      'namespaces:\n  a: { forwarding: "true" }',
      /found text "true" Write true without quotes/,
      2,
      20,
    ],
    [
      'a number in quotes',
      `${base}links: [{ endpoints: [a:e0, b:e0], mtu: "1400" }]`,
      /Write 1400 without quotes/,
      4,
      41,
    ],
    ['text that is not a number', `${base}links: [{ endpoints: [a:e0, b:e0], mtu: "01" }]`, /found text "01" $/, 4, 41],
    [
      'two cables, perhaps to a bridge',
      'namespaces: { a: , sw: { bridges: { br0: } } }\nlinks: [{ endpoints: [a:e0, sw:br1] }, { endpoints: [a:e1, sw:br1] }]',
      /already the end of another link.*Did you mean the bridge "br0"/,
      2,
      60,
    ],
    [
      'two cables, and no bridge',
      `${base}links: [{ endpoints: [a:e0, b:br1] }, { endpoints: [a:e1, b:br1] }]`,
      /declare br1 under namespaces.b.bridges if it is a bridge/,
      4,
      59,
    ],
    ['nothing', '', /a lab file is a map/, 1, 1],
    [
      'a rule that YAML takes for a map',
      `namespaces:\n  a:\n    iptables:\n      filter:\n        INPUT:\n          - -j LOG --log-prefix "in: x"`,
      /put the whole text in quotes/,
      6,
      13,
    ],
    [
      'a mistake in a rule',
      'namespaces:\n  a: { iptables: { filter: { INPUT: [{ match: { "a b": {} } }] } } }',
      /is not well-formed.*Any other match/s,
      2,
      47,
    ],
    [
      'a policy',
      'namespaces:\n  a: { iptables: { filter: { INPUT: { policy: DORP } } } }',
      /expected ACCEPT, DROP.*Did you mean "DROP"/s,
      2,
      47,
    ],
    [
      'a short word unlike all',
      'namespaces: { a: { interfaces: { g: { type: ppp } } } }',
      /found text "ppp"(?!.*Did you mean)/s,
      1,
      45,
    ],
    ['an unknown field', `${base}lniks: []`, /unknown field "lniks".*Did you mean "links"/s, 4, 1],
    ['an unknown setting', 'namespaces:\n  a:\n    interface: {}', /Did you mean "interfaces"/, 3, 5],
    ['a wrong type', 'namespaces:\n  a: { forwarding: maybe }', /expected true, false, ipv4, ipv6/, 2, 20],
    ['a namespace name', 'namespaces:\n  ../x: {}', /cannot be the name of a namespace/, 2, 3],
    ['an option as a name', 'namespaces:\n  -rf: {}', /cannot be the name of a namespace/, 2, 3],
    [
      'an interface name that is too long',
      `${base}links: [{ endpoints: [a:averyveryverylongname, b:e0] }]`,
      /at most 15/,
      4,
      23,
    ],
    [
      'an address',
      `${base}${cable.replace('10.0.0.1/24', '10.0.0.300/24')}`,
      /not an address with a prefix length/,
      5,
      24,
    ],
    [
      'an unknown namespace',
      `${base}${cable.replace('b:e0', 'bb:e0')}`,
      /there is no namespace bb.*Did you mean "b"/s,
      5,
      37,
    ],
    ['three ends', `${base}links:\n  - endpoints: [a:e0, b:e0, b:e1]`, /a link has two ends/, 5, 16],
    [
      'an interface used twice',
      `${base}${cable}  - endpoints: [a:e0, b:e1]`,
      /a:e0 is already the end of another link \(line 5\)/,
      6,
      17,
    ],
    [
      'a gateway on no subnet',
      `namespaces:\n  a: { routes: [{ to: default, via: 9.9.9.9 }] }\n  b: {}\n${cable}`,
      /9.9.9.9 is not in any subnet of a.*10.0.0.0\/24 \(e0\)/s,
      2,
      37,
    ],
    [
      'host bits in a route',
      `namespaces:\n  a: { routes: [{ to: 10.9.0.1/16, dev: e0 }] }\n  b: {}\n${cable}`,
      /host bits set: the network is 10.9.0.0\/16/,
      2,
      23,
    ],
    [
      'a MAC address',
      `namespaces:\n  a: { interfaces: { e0: { mac: zz } } }\n  b: {}\n${cable}`,
      /not a MAC address/,
      2,
      33,
    ],
    ['an MTU', `namespaces:\n  a: { interfaces: { e0: { mtu: 12 } } }\n  b: {}\n${cable}`, /too small/, 2, 33],
    [
      'shares in a circle',
      'namespaces:\n  a: { shares: b }\n  b: { shares: a }',
      /The chain is circular: a → b → a/,
      2,
      16,
    ],
    [
      'a bridge that is none',
      `namespaces:\n  a: { interfaces: { e0: { bridge: br9 } } }\n  b: {}\n${cable}`,
      /there is no bridge br9 in a/,
      2,
      36,
    ],
    [
      'an address on a port',
      `namespaces:\n  a: {}\n  b: { bridges: { br0: } }\nlinks: [{ endpoints: { a:e0: , b:br0: 10.0.0.1/24 } }]`,
      /A port has no addresses/,
      4,
      39,
    ],
    ['a sysctl of the machine', 'namespaces:\n  a: { sysctls: { net.core.rmem_max: 1 } }', /the whole machine/, 2, 19],
    [
      'a sysctl that smuggles a line',
      'namespaces:\n  a: { sysctls: { net.ipv4.tcp_ecn: "1\\nx" } }',
      /one line/,
      2,
      37,
    ],
    ['a check that goes nowhere', `${base}checks:\n  - { from: a, ping: zz }`, /there is no namespace zz/, 5, 22],
    ['a check of nothing', `${base}checks:\n  - { from: a }`, /has nothing to run/, 5, 5],
    [
      'a listener for pings',
      check('ping: b, to: "b:1"'),
      /to has no effect with ping.*nothing needs to listen/s,
      7,
      25,
    ],
    ['a size of commands', check('run: x, mtu: 1400'), /mtu has no effect with run.*ping -M do/s, 7, 24],
    ['a size of connections', check('tcp: "b:1", mtu: 1400'), /mtu has no effect with tcp/, 7, 28],
    ['an exit code of pings', check('ping: b, expect: { exit: 0 }'), /expected only of a command/, 7, 33],
    ['a pattern with a flag', check('run: x, expect: { stdout: "/(/i" }'), /is not a pattern/, 7, 42],
    [
      'a name that nobody has in a packet',
      check('ping: b, observe: { at: "a:e0", source: bb }'),
      /there is no namespace bb.*Did you mean "b"/s,
      7,
      56,
    ],
    ['no address in a packet', check('ping: b, observe: { at: "a:e0", source: 10.0.0.0/33 }'), /not an address/, 7, 56],
    [
      'ports of ICMP',
      check('run: x, observe: { at: "a:e0", protocol: icmp, dport: 80 }'),
      /dport has no effect with icmp.*no ports/s,
      7,
      63,
    ],
    [
      'any packet of a command',
      check('run: x, observe: [{ at: "a:e0", present: false }]'),
      /describes the packet.*any packet would match/s,
      7,
      34,
    ],
  ])('%s', (_, text, words, line, column) => {
    const [first] = diagnose({ file: 'lab.yaml', text }).filter(({ severity }) => severity === 'error')
    expect(`${first?.summary} ${first?.detail ?? ''}`).toMatch(words)
    expect(first?.position).toMatchObject({ file: 'lab.yaml', line, column })
    expect(() => load(text)).toThrow(UserError)
  })

  test.each([
    'run: x, to: "b:80", count: 3, observe: { at: "b:e0", dport: 80 }',
    'run: x, expect: { exit: 1 }, observe: [{ at: "b:e0", source: a, present: false }, { at: "a:e0", protocol: icmp }]',
    'ping: b, count: 2, mtu: 1400, observe: { at: "b:e0", source: a, destination: 10.0.0.0/8 }',
    'udp: "b:53", to: "b:53", count: 2, expect: fail, observe: { at: "b:e0", source: "fd00::1", present: false }',
  ])('a check may say: %s', (text) => expect(diagnose({ file: 'l', text: check(text) })).toEqual([]))

  test('the same address in two VLANs of a switch is nobody’s mistake', () => {
    const text = (filtering: boolean): string =>
      `namespaces:\n  a: {}\n  b: {}\n  sw: { bridges: { br0: { vlan_filtering: ${filtering} } } }\n` +
      'links:\n  - endpoints: { a:e0: 10.0.0.1/24, sw:br0: }\n  - endpoints: { b:e0: 10.0.0.1/24, sw:br0: }\n'
    expect(diagnose({ file: 'l', text: text(true) })).toEqual([])
    expect(diagnose({ file: 'l', text: text(false) })).toMatchObject([{ summary: expect.stringContaining('already') }])
  })

  test.each(['net.ipv4.//.//.kernel.core_pattern', 'net/ipv4/../../kernel/core_pattern', 'net.ipv4./x', 'net.ipv4.x/'])(
    'a sysctl that climbs out of its folder: %s',
    (key) =>
      expect(diagnose({ file: 'l', text: `namespaces: { a: { sysctls: { ${key}: 1 } } }` })).toMatchObject([
        { summary: `"${key}" is not a setting of the network`, position: { line: 1, column: 31 } },
      ]),
  )

  test.each([
    ['a second document', 'namespaces: { a: }\n---\nnamespaces: { b: }', /second document/, 2, 1],
    ['the same key', 'namespaces:\n  a:\n  a: {}', /the map already has this key/, 3, 3],
    ['the same key, once as a number', 'namespaces:\n  1:\n  "1": {}', /the map already has this key/, 3, 3],
    ['a set', 'namespaces: !!set { a, b }', /begins a tag/, 1, 13],
    ['a tag', 'namespaces:\n  a: !secret { forwarding: true }', /begins a tag/, 2, 6],
    ['a tab', 'namespaces:\n\ta: {}', /tab/, 2, 1],
    ['an alias of nothing', 'namespaces:\n  a: *b', /no anchor &b/, 2, 6],
    ['a NUL', 'namespaces: { a: , b: }\nchecks: [{ from: a, run: [echo, "a\\0"] }]', /NUL/, 2, 33],
    ['a merge key with nothing to merge', 'namespaces:\n  a: { <<: b }', /<< merges a map/, 2, 12],
    ['a deep file', `namespaces: ${'['.repeat(20000)}`, /nested too deeply/, 1, undefined],
  ])('nothing is read and then ignored: %s', (_, text, words, line, column) => {
    const found = diagnose({ file: 'l', text })
    expect(found).toHaveLength(1)
    expect(`${found[0]?.summary} ${found[0]?.detail ?? ''}`).toMatch(words)
    expect(found[0]?.position).toMatchObject({ line, ...(column !== undefined && { column }) })
  })

  const one = (settings: string) => `namespaces: { a: { interfaces: { d0: { type: dummy, ${settings} } } } }`
  test.each([
    ['no address', one('addresses: [0.0.0.0/8]'), /no address at all/],
    ['a multicast address', one('addresses: [224.0.0.5/24]'), /multicast/],
    ['IPv6 on a small MTU', one('mtu: 1000, addresses: ["fd00::1/64"]'), /MTU of 1000.*1280/],
    [
      'IPv6 where it is off',
      one('addresses: ["fd00::1/64"]').replace('} } }', '} }, sysctls: { net.ipv6.conf.all.disable_ipv6: 1 } }'),
      /IPv6 is off on d0/,
    ],
    [
      'a bridge that believes for too short',
      'namespaces: { a: { bridges: { b: { max_age: 4s } } } }',
      /4 s is not within 6 s and 40 s/,
    ],
    [
      'a VXLAN between two families',
      'namespaces: { a: { interfaces: { v: { type: vxlan, id: 5, local: 10.0.0.1, remote: "fd00::1" } } } }',
      /10.0.0.1 and fd00::1 are of different families/,
    ],
    ['a VRF without a table', 'namespaces: { a: { interfaces: { v: { type: vrf } } } }', /a vrf needs table/],
    [
      'a bridge that listens for too short',
      'namespaces: { a: { bridges: { b: { stp: true, forward_delay: 4 } } } }',
      /2 s at least/,
    ],
    [
      'the mark of ownership',
      'namespaces: { a: { interfaces: { lo: { alias: mine } } } }',
      /netlab uses .* to mark what it owns/,
    ],
    ['a mark of ownership', one('alias: "netlab:lab"'), /netlab uses .* to mark what it owns/],
    ['ARP where there is none', 'namespaces: { a: { interfaces: { lo: { arp: true } } } }', /has no arp/],
    ['the address of nobody', one('mac: "00:00:00:00:00:00"'), /not an interface’s address/],
    ['a link that ends in lo', 'namespaces: { a: , b: }\nlinks: [{ endpoints: [a:lo, b:e0] }]', /cannot end in lo/],
    [
      'a type at the end of a link',
      'namespaces: { a: , b: }\nlinks: [{ endpoints: { a:e0: { type: dummy }, b:e0: } }]',
      /it cannot have a type/,
    ],
    [
      'a port of two',
      one('bridge: br0, master: br0').replace('interfaces', 'bridges: { br0: }, interfaces'),
      /is a port of br0 already/,
    ],
    [
      'a bridge in a bridge',
      'namespaces: { a: { bridges: { br0: , br1: { master: br0 } } } }',
      /a bridge cannot be a port of a bridge/,
    ],
    [
      'interfaces on each other',
      'namespaces: { a: { interfaces: { m0: { type: macvlan, link: m1 }, m1: { type: macvlan, link: m0 } } } }',
      /is its own lower device/,
    ],
    [
      'a macvlan on a port of a bridge',
      one('bridge: br0').replace('interfaces: {', 'bridges: { br0: }, interfaces: { m0: { type: macvlan, link: d0 },'),
      /a:d0 hands its frames to br0 already/,
    ],
    [
      'a macvtap and an ipvlan on one device',
      one('').replace(
        'interfaces: {',
        'interfaces: { m0: { type: macvtap, link: d0 }, m1: { type: ipvlan, link: d0 },',
      ),
      /a:d0 hands its frames to a:m0 \(macvtap\) already/,
    ],
    [
      'an interface of the machine',
      'namespaces: { a: { root: true, interfaces: { eth0: { mtu: 1400 } } } }',
      /would belong to the machine/,
    ],
    [
      'a route that the kernel makes itself',
      one('addresses: [10.0.0.1/24]').replace('interfaces', 'routes: [{ to: 10.0.0.0/24, dev: d0 }], interfaces'),
      /the kernel adds the route to 10\.0\.0\.0\/24 itself: d0 has 10\.0\.0\.1\/24/,
    ],
    [
      'a rule for a mark of 0',
      'namespaces: { a: { rules: [{ fwmark: 0, table: 7 }] } }',
      /a mark of 0 as no mark.*0\/0xffffffff/,
    ],
    [
      'onlink of nothing',
      one('').replace('interfaces', 'routes: [{ to: 10.0.0.0/8, dev: d0, onlink: true }], interfaces'),
      /applies to a gateway/,
    ],
    [
      'IPv6 by way of IPv4',
      one('addresses: [10.0.0.1/24]').replace('interfaces', 'routes: [{ to: "fd00::/8", via: 10.0.0.2 }], interfaces'),
      /cannot have the gateway 10.0.0.2/,
    ],
    [
      'a rule of both families',
      'namespaces: { a: { rules: [{ from: 10.0.0.0/8, family: inet6, table: 7 }] } }',
      /are not of inet6/,
    ],
    [
      'a sysctl of an interface that is not there',
      one('').replace('interfaces', 'sysctls: { net.ipv4.conf.d1.rp_filter: 1 }, interfaces'),
      /no interface d1 in a.*"d0"/,
    ],
    [
      'a sysctl of what is not an interface',
      'namespaces: { a: { sysctls: { net.ipv4.conf.nftables.rp_filter: 1 }, nftables: "table inet t { }" } }',
      /no interface nftables in a/,
    ],
  ])('what the kernel would refuse, or forget: %s', (_, text, words) => {
    const [first] = diagnose({ file: 'l', text })
    expect(`${first?.summary} ${first?.detail ?? ''}`).toMatch(words)
    expect(first?.severity).toBe('error')
  })

  test('keys are names as they are written', () =>
    expect([...load('namespaces: { on: , 1.0: , 007: , null: , true: }').namespaces.keys()]).toEqual([
      ...['on', '1.0', '007', 'null', 'true'],
    ]))

  test('anchors and merge keys', () =>
    expect(specs('namespaces: { a: &a { forwarding: ipv4 }, b: { <<: *a }, c: *a }')).toMatchObject({
      'b/sysctl/net.ipv4.ip_forward': { value: '1' },
      'c/sysctl/net.ipv4.ip_forward': { value: '1' },
    }))

  test.each([
    ['another name', '{ endpoints: [a:e0, sw:wan] }', ''],
    ['an address', '{ endpoints: { a:e0: , sw:br1: 10.0.0.1/24 } }', ''],
    ['declared', '{ endpoints: [a:e0, sw:br1] }', ', interfaces: { br1: { mac: "02:00:00:00:00:01" } }'],
    ['a lower device', '{ endpoints: [a:e0, sw:br1] }', ', interfaces: { v7: { type: vlan, id: 7, link: br1 } }'],
  ])('no bridge is meant: %s', (_, link, more) =>
    expect(
      diagnose({
        file: 'l',
        text: `namespaces: { a: , sw: { bridges: { br0: , lan: }${more} } }\nlinks: [${link}]`,
      }),
    ).toEqual([]),
  )

  test('rates in bits, and none, are no cause for a warning', () =>
    expect(
      ['10mbit', '0bps', '1000'].flatMap((rate) =>
        diagnose({ file: 'l', text: `${base}links: [{ endpoints: [a:e0, b:e0], impairments: { rate: ${rate} } }]` }),
      ),
    ).toEqual([]))

  test('thousands of values of the wrong form are told without delay', () => {
    const values = Array.from({ length: 5000 }, (_, i) => `e${i}: 5`).join(', ')
    const started = process.cpuUsage() // what other processes of the machine take does not count
    expect(diagnose({ file: 'l', text: `namespaces: { a: { interfaces: { ${values} } } }` })).toHaveLength(5000)
    const { user, system } = process.cpuUsage(started)
    expect((user + system) / 1000).toBeLessThan(10_000)
  })

  test('several at once', () =>
    expect(
      diagnose({
        file: 'l',
        text: `${base}links:\n  - endpoints: [a:e0, x:e0]\n  - endpoints: [y:e0, b:e0]\nchecks: [{ from: q, ping: a }]`,
      }).map(({ position }) => position?.line),
    ).toEqual([5, 6, 7]))

  test.each([
    [
      'forwarding forgotten',
      `namespaces:\n  a: { routes: [{ to: 10.9.0.0/16, via: 10.0.0.2 }] }\n  b: {}\n${cable}`,
      /b \(10.0.0.2\) does not forward/,
    ],
    [
      'a gateway that nobody has',
      `namespaces:\n  a: { routes: [{ to: 10.9.0.0/16, via: 10.0.0.9 }] }\n  b: {}\n${cable}`,
      /no host on this segment has the address 10.0.0.9/,
    ],
    ['an address twice', `${base}${cable.replace('10.0.0.2', '10.0.0.1')}`, /already on this segment/],
    ['the network itself', `${base}${cable.replace('10.0.0.2', '10.0.0.0')}`, /the address of the network itself/],
    [
      'bytes that look like bits',
      `${base}links: [{ endpoints: [a:e0, b:e0], impairments: { rate: 1.5MBps } }]`,
      /^1.5MBps is in bytes per second, as in tc: 12mbit$/,
    ],
    [
      'almost the name of a bridge',
      'namespaces: { a: , sw: { bridges: { br0: } } }\nlinks: [{ endpoints: [a:e0, sw:br1], mtu: 1400 }]',
      /^sw:br1 is not a bridge/,
    ],
    ['ends that disagree', `${base}links: [{ endpoints: { a:e0: { mtu: 1400 }, b:e0: } }]`, /different MTUs/],
  ])('a warning: %s', (_, text, words) => {
    const found = diagnose({ file: 'lab.yaml', text })
    expect(found.map(({ severity }) => severity)).toEqual(['warning'])
    expect(found[0]?.summary).toMatch(words)
  })
})

describe('whatever comes', () => {
  const never = (text: string): void => {
    try {
      load(text)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
    }
  }
  test('an alias bomb is refused', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefghi'.split('').map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(', ')}]`),
    ]
    expect(() => load(bomb.join('\n'))).toThrow(UserError)
  })
  test('any text', () => fc.assert(fc.property(fc.string({ unit: 'binary' }), never), { numRuns: 300 }))
  test('any value, in the place of any part', () => {
    const names = fc.constantFrom(
      'a',
      'b',
      '__proto__',
      'constructor',
      'toString',
      '-rf',
      '../x',
      'e0',
      '',
      'x y',
      '%d',
    )
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, true, 1, -1, 1e9, '10.0.0.1/24', 'a:e0', 'default', '\0', '!x'),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(
          fc.oneof(
            names,
            fc.constantFrom(
              'routes',
              'interfaces',
              'bridges',
              'type',
              'link',
              'via',
              'to',
              'endpoints',
              'from',
              'ping',
            ),
          ),
          tie('any'),
          { maxKeys: 4 },
        ),
      ),
    })).any
    const lab = fc.record(
      { namespaces: fc.dictionary(names, value, { maxKeys: 3 }), links: value, checks: value },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(lab, (l) => never(JSON.stringify(l))),
      { numRuns: 500 },
    )
  })
})

test('a VLAN on MACsec has room for its tag less than that', () => {
  const on = (link: string): string => `v: { type: vlan, link: ${link}, id: 5 }, s: { type: macsec, link: e0 }`
  for (const [link, mtu] of [
    ['e0', 1500],
    ['s', 1464],
  ] as const)
    expect(
      specs(`namespaces: { a: { interfaces: { ${on(link)} } }, b: }\nlinks: [{ endpoints: ["a:e0", "b:e0"] }]`),
    ).toMatchObject({ 'a/v': { mtu } })
})

test('what stands beside `endpoints` is of both ends', () => {
  const ends = '{ endpoints: ["a:e", "b:e"], up: false, mtu: 1400 }'
  expect(specs(`namespaces: { a: , b: }\nlinks: [${ends}]`)).toMatchObject({
    'a/e': { up: false, mtu: 1400 },
    'b/e': { up: false, mtu: 1400 },
  })
})

test('an empty `iptables:` is an empty rule set', () => {
  expect(specs('namespaces: { a: { iptables: , ip6tables: } }')).toEqual(specs('namespaces: { a: { iptables: {} } }'))
})

test('every field of docs/language.md whose value is a map has a table', () => {
  const text = readFileSync('docs/language.md', 'utf8')
  const titles = [...text.matchAll(/^### (.*)$/gm)].map(([, title]) => title)
  const fields = [...text.matchAll(/^\| `(\w+)` \| [^|]*\(below\)/gm)].map(([, name]) => name)
  expect(fields).toContain('nexthops')
  expect(fields.filter((name) => !titles.includes(name))).toEqual([])
})

test('docs/language.md is what the schema says', () => {
  execFileSync(process.execPath, ['scripts/docs.mjs', '--check'])
})
