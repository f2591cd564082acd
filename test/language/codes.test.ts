import { execFileSync } from 'node:child_process'
import { diagnose } from '../../src/language/load-lab.ts'
import { codes, type Code } from '../../src/model/diagnostic-codes.ts'

const beside = (path: string): string => {
  throw new Error(`no such file: ${path}`)
}
const codesOf = (text: string): Code[] =>
  diagnose({ file: 'lab.yaml', text, readBeside: beside }).map(({ code }) => code)

const two = (a: string, b: string, more = ''): string =>
  `{ namespaces: { a: { ${more} }, b: }, links: [{ endpoints: { "a:e0": ${a}, "b:e0": ${b} } }] }`

test.each<[Code, string]>([
  ['address-twice', two('10.0.0.1/24', '10.0.0.1/24')],
  ['bad-check', 'namespaces: { a: }\nchecks: [{ from: a }]'],
  ['bad-link-end', 'namespaces: { a: }\nlinks: [{ endpoints: [a:lo, a:e1] }]'],
  ['bad-name', 'namespaces: { -a: }'],
  ['bad-port', 'namespaces: { a: { bridges: { br0: }, interfaces: { lo: { bridge: br0 } } } }'],
  ['bad-range', 'namespaces: { "a[1..100000]": , "b[1..100000]": }'],
  ['bad-rule-set', 'namespaces: { a: { nftables: "include x" } }'],
  ['bad-set', 'namespaces: { a: { iptables: { filter: { INPUT: ["-m set --match-set s src -j DROP"] } } } }'],
  ['bad-value', two('10.0.0.1/24', '10.0.0/24')],
  ['family-mismatch', 'namespaces: { a: { rules: [{ from: 10.0.0.0/8, to: "fd00::/8", table: 7 }] } }'],
  [
    'gateway-down',
    'namespaces: { a: { interfaces: { d: { type: dummy, up: false, addresses: [10.0.0.1/24] } }, routes: [{ to: default, via: 10.0.0.9 }] } }',
  ],
  [
    'given-twice',
    'namespaces: { a: { rules: [{ from: 10.0.0.0/8, table: 7, priority: 9 }, { from: 10.0.0.0/8, table: 7, priority: 9 }] } }',
  ],
  ['host-bits', two('10.0.0.1/24', '10.0.0.2/24', 'routes: [{ to: 10.1.0.1/16, via: 10.0.0.2 }]')],
  ['impairment', 'namespaces: { a: , b: }\nlinks: [{ endpoints: [a:e0, b:e0], impairments: { jitter: 1ms } }]'],
  ['ipv6-off', two('"fd00::1/64"', '"fd00::2/64"', 'sysctls: { net.ipv6.conf.all.disable_ipv6: 1 }')],
  ['kernel-makes-it', two('10.0.0.1/24', '10.0.0.2/24', 'routes: [{ to: 10.0.0.0/24, dev: e0 }]')],
  ['missing-field', 'namespaces: { a: { interfaces: { v: { type: vlan, link: lo } } } }'],
  ['mtu-differs', 'namespaces: { a: { interfaces: { e0: { mtu: 1400 } } }, b: }\nlinks: [{ endpoints: [a:e0, b:e0] }]'],
  ['mtu-too-large', two('10.0.0.1/24', '10.0.0.2/24', 'interfaces: { v: { type: vlan, id: 7, link: e0, mtu: 1501 } }')],
  ['network-address', two('10.0.0.0/24', '10.0.0.2/24')],
  ['no-bridge', 'namespaces: { a: { interfaces: { d: { type: dummy, vlans: [10] } } } }'],
  ['no-prefix-length', two('10.0.0.1', '10.0.0.2/24')],
  ['no-subnet', two('10.0.0.1/24', '10.0.0.2/24', 'routes: [{ to: default, via: 10.7.0.2 }]')],
  ['not-forwarding', two('10.0.0.1/24', '10.0.0.2/24', 'routes: [{ to: 10.1.0.0/16, via: 10.0.0.2 }]')],
  ['not-the-labs', 'namespaces: { a: { sysctls: { kernel.panic: 1 } } }'],
  [
    'out-of-range',
    'namespaces: { a: , b: }\nlinks: [{ endpoints: { "a:e0": "fd00::1/64", "b:e0": "fd00::2/64" }, mtu: 1000 }]',
  ],
  ['own-address', two('10.0.0.1/24', '10.0.0.2/24', 'routes: [{ to: default, via: 10.0.0.1 }]')],
  ['reserved', 'namespaces: { m: { root: true, interfaces: { d: { type: dummy, group: 7 } } } }'],
  ['second-name', 'namespaces: { a: , b: { shares: a, forwarding: true } }'],
  ['senseless-field', 'namespaces: { a: { rules: [{ from: 10.0.0.0/8, table: 7, action: prohibit }] } }'],
  ['unknown-lint', '# netlab-ignore: nothing\nnamespaces: { a: }'],
  ['unknown-gateway', two('10.0.0.1/24', '10.0.0.2/24', 'routes: [{ to: default, via: 10.0.0.9 }]')],
  ['unknown-reference', 'namespaces: { a: }\nlinks: [{ endpoints: [a:e0, c:e0] }]'],
  ['unreadable-file', 'namespaces: { a: { iptables: { restore: nowhere } } }'],
  ['wrong-shape', 'namespaces: { a: { frobnicate: 1 } }'],
  ['yaml-syntax', 'namespaces: {'],
])('%s', (code, text) => {
  expect(codesOf(text)).toContain(code)
})

test('every code is given somewhere', () => {
  const uses = execFileSync('grep', [
    '-rhoE',
    "'[a-z0-9]+(-[a-z0-9]+)*'",
    'src',
    '--exclude=diagnostic-codes.ts',
    '--exclude=lint-codes.ts',
    '--exclude=lender-codes.ts',
  ])
  const used = new Set(uses.toString().replaceAll("'", '').split('\n'))
  expect(Object.keys(codes).filter((code) => !used.has(code))).toEqual([])
})
