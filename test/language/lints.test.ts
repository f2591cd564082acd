import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { diagnose } from '../../src/language/load-lab.ts'
import { lints } from '../../src/language/lints/lints.ts'
import { codes } from '../../src/model/diagnostic-codes.ts'

const folder = resolve('labs')
const of = (text: string, more = {}): string[] =>
  diagnose({
    ...{ file: 'labs/lab.yaml', text, ...more },
    readBeside: (path) => readFileSync(resolve(folder, path), 'utf8'),
  }).map(({ severity, code, position, summary }) => `${severity} ${code} ${position?.line}: ${summary}`)
const named = (text: string): string[] => of(text).map((line) => line.split(' ')[1] ?? '')

describe.each(lints.map((lint) => [lint.name, lint] as const))('%s', (name, { wrong, right, why }) => {
  test('its example has this warning and no other, the other one has none', () => {
    expect(named(wrong)).toEqual([name])
    expect(of(wrong)[0]).toMatch(/^warning/)
    expect(of(right)).toEqual([])
    expect(why).toMatch(/\.$/)
    expect(Object.keys(codes)).toContain(name)
  })
  test('a comment at the head of the file silences it, and --no-lint does', () => {
    expect(of(`# netlab-ignore: ${name}\n${wrong}`)).toEqual([])
    expect(of(wrong, { lint: false })).toEqual([])
  })
})

test('labs, and those of recorded dumps, have no warnings of lints unless they are right', () => {
  const files = [
    ...readdirSync('labs').map((file) => `labs/${file}`),
    ...readdirSync('test/fixtures/dumps').map((entry) => `test/fixtures/dumps/${entry}/lab.yaml`),
  ].filter((file) => file.endsWith('.yaml') && existsSync(file))
  expect(files.length).toBeGreaterThan(35)
  expect(files.flatMap((file) => of(readFileSync(file, 'utf8')).map((line) => `${file} ${line}`))).toEqual([
    'test/fixtures/dumps/kinds/lab.yaml warning unreachable-chain 31: no rule jumps to the chain LOGGED',
  ])
})

describe('comments', () => {
  const cable = (above: string, at: string, head = ''): string[] =>
    of(
      `${head}namespaces: { a: , b: }\nlinks:\n  - endpoints:\n${above}      a:e0: 10.0.0.1/24\n      b:e0: 10.0.0.1/24${at}\n`,
    )
  test.each([
    ['on the line', '', ' # netlab-ignore: address-twice'],
    ['with others', '', ' # why not # netlab-ignore: mtu-differs, address-twice'],
  ])('%s', (_, above, at) => expect(cable(above, at)).toEqual([]))
  test('on the lines above, as long as they are comments', () => {
    const text = (above: string): string =>
      `namespaces: { a: , b: }\nlinks:\n  - endpoints:\n      a:e0: 10.0.0.1/24\n${above}      b:e0: 10.0.0.1/24\n`
    expect(of(text('      # netlab-ignore: address-twice\n      # as it was\n'))).toEqual([])
    expect(of(text('      # netlab-ignore: address-twice\n\n'))).toHaveLength(1)
  })
  test('on another line: not', () => {
    expect(cable('      # netlab-ignore: address-twice\n', '')).toHaveLength(1)
  })
  test('after the head of the file: not for the whole file', () => {
    const text =
      'namespaces: { a: , b: }\n# netlab-ignore: address-twice\nlinks:\n  - endpoints: { a:e0: 10.0.0.1/24, b:e0: 10.0.0.1/24 }'
    expect(of(text)).toHaveLength(1)
    expect(of(`# a lab\n\n${text.replace('lab\n\n', '')}`)).toHaveLength(1)
  })
  test('an unknown name is said, with the likely one', () => {
    const text = '# netlab-ignore: adress-twice, mtu-differs\nnamespaces: { a: }'
    const [found, ...more] = diagnose({ file: 'lab.yaml', text })
    expect(more).toEqual([])
    expect(found).toMatchObject({
      ...{ code: 'unknown-lint', severity: 'warning', position: { line: 1, column: 18, length: 12 } },
      detail: 'Did you mean "address-twice"?',
    })
  })
  test('an error is not silenced', () => {
    expect(of('# netlab-ignore: unknown-reference\nnamespaces: { a: { shares: b } }')[0]).toMatch(/^error/)
  })
})

/** Two segments with a router between them. */
const sides = (one: string, two: string, router = '', more = ''): string => `
namespaces:
  r: { forwarding: true, ${router} }
  a: { ${more} }
  b:
links:
  - endpoints: { r:e0: ${one}, a:e0: }
  - endpoints: { r:e1: ${two}, b:e0: }`

describe('what is meant is not a mistake', () => {
  test.each([
    ['point-to-point subnets', sides('10.0.0.0/31', '10.0.0.0/31')],
    ['unnumbered interfaces', sides('10.0.0.1/32', '10.0.0.1/32')],
    [
      'peers',
      sides(
        '{ addresses: [{ address: 10.0.0.1/24, peer: 10.0.0.2 }] }',
        '{ addresses: [{ address: 10.0.0.1/24, peer: 10.0.0.3 }] }',
      ),
    ],
    [
      'VRFs',
      sides(
        '{ addresses: [10.0.0.1/24], master: one }',
        '{ addresses: [10.0.0.1/24], master: two }',
        'interfaces: { one: { type: vrf, table: 1 }, two: { type: vrf, table: 2 } }',
      ),
    ],
    ['routing rules', sides('10.0.0.1/24', '10.0.0.254/24', 'rules: [{ iif: e0, table: 7 }]')],
    ['proxy ARP', sides('10.0.0.1/24', '10.0.0.254/24', 'sysctls: { net.ipv4.conf.all.proxy_arp: 1 }')],
    ['routes to devices', sides('10.0.0.1/24', '10.0.0.254/24', 'routes: [{ to: 10.0.0.128/25, dev: e1 }]')],
    ['a metric', sides('10.0.0.1/24', '{ addresses: [{ address: 10.0.0.254/24, metric: 50 }] }')],
    [
      'no route of the prefix',
      sides('10.0.0.1/24', '{ addresses: [{ address: 10.0.0.254/24, noprefixroute: true }] }'),
    ],
    ['a host, which is not a router', sides('10.0.0.1/24', '10.0.0.254/24').replace('forwarding: true, ', '')],
    ['subnets within each other', sides('10.0.0.1/8', '10.0.1.1/24')],
    ['link-local addresses', sides('"fe80::1/64"', '"fe80::2/64"')],
    [
      'anycast: one address in several segments',
      `${sides('10.0.0.1/24', '10.0.1.1/24').replaceAll(/([ab]:e0): /g, '$1: { addresses: [192.0.2.1/32] }')}`,
    ],
    ['the state of others', sides('10.0.0.1/24', '10.0.0.254/24', 'others: keep')],
  ])('two interfaces in one subnet: %s', (_, text) => expect(of(text)).toEqual([]))

  const loop = (one: string, two = '', more = ''): string => `
namespaces:
  s: { bridges: { b0: { ${one} } } }
  t: { bridges: { b0: { ${two} } }${more} }
links:
  - endpoints: [s:b0, t:b0]
  - endpoints: { s:b0: , t:b0: }`
  test.each([
    ['STP', loop('stp: true')],
    ['STP at the other', loop('', 'stp: true')],
    ['VLANs', loop('vlan_filtering: true')],
    ['an end that is down', loop('').replace('t:b0: }', 't:b0: { up: false } }')],
    ['isolated ports', loop('').replace('t:b0: }', 't:b0: { isolated: true } }')],
    [
      'rules for bridges',
      loop('', '', ', nftables: "table bridge t { chain c { type filter hook forward priority 0; drop; } }"'),
    ],
    ['a bridge that is down', loop('up: false')],
  ])('a loop of bridges: %s', (_, text) => expect(named(text)).toEqual([]))
  test('a loop of three, and one bridge connected to itself', () => {
    const three = 'namespaces: { "s[1..3]": { bridges: { b0: } } }\nlinks:\n'
    const ring = ['s1:b0, s2:b0', 's2:b0, s3:b0', 's3:b0, s1:b0'].map((ends) => `  - endpoints: [${ends}]\n`)
    expect(named(three + ring.slice(1).join(''))).toEqual([])
    expect(of(three + ring.join(''))).toEqual([expect.stringMatching(/^warning bridge-loop 5: .*s1:b0 and s3:b0/)])
    expect(
      named(
        'namespaces: { s: { bridges: { b0: }, interfaces: { x: { bridge: b0 }, y: { bridge: b0 } } } }\nlinks: [{ endpoints: [s:x, s:y] }]',
      ),
    ).toEqual(['bridge-loop'])
  })

  const way = (r: string, web: string, check = 'ping: web'): string => `
namespaces: { a: { routes: [{ to: default, via: 10.0.0.1 }] }, r: { forwarding: true, ${r} }, web: { ${web} } }
links:
  - endpoints: { a:eth0: 10.0.0.2/24, r:eth0: 10.0.0.1/24 }
  - endpoints: { r:eth1: 10.0.1.1/24, web:eth0: 10.0.1.2/24 }
checks: [{ from: a, ${check} }]`
  test.each([
    ['one that is to fail', way('', '', 'ping: web, expect: fail')],
    ['a command', way('', '', 'run: "ping web"')],
    ['translation', way('iptables: { nat: { POSTROUTING: [-o eth1 -j MASQUERADE] } }', '')],
    [
      'translation of nftables',
      way('nftables: "table ip t { chain c { type nat hook postrouting priority 100; masquerade; } }"', ''),
    ],
    ['routing rules', way('', 'rules: [{ from: all, table: 7, priority: 7 }]')],
    ['programs that may add routes', way('', 'processes: { dhcp: { command: [dhclient] } }')],
    ['the state of others', way('', 'others: keep')],
    ['several ways', way('', 'routes: [{ to: 10.0.0.0/24, nexthops: [{ via: 10.0.1.1 }, { dev: eth0 }] }]')],
    ['a nexthop object', way('', 'nexthops: [{ id: 1, via: 10.0.1.1 }], routes: [{ to: 10.0.0.0/24, nexthop: 1 }]')],
  ])('a check without a route: %s', (_, text) => expect(named(text)).toEqual([]))
  test.each([
    ['the way back', way('', ''), /check-without-route.*web has no route for its answer to 10.0.0.2/],
    ['of TCP', way('', '', 'tcp: web:80, to: web:80'), /web has no route for its answer to 10.0.0.2/],
    ['to an address', way('', '', 'ping: 10.0.1.2'), /web has no route for its answer to 10.0.0.2/],
    ['from the start', way('', '', 'ping: "fd00::1"'), /a has no route to fd00::1/],
    ['on the way', way('', '', 'ping: 192.0.2.1'), /r has no route to 192.0.2.1/],
  ])('a check without a route is found: %s', (_, text, words) =>
    expect(of(text)).toEqual([expect.stringMatching(words)]),
  )
  test('a router that forwards only IPv4, and a check that needs IPv6', () => {
    const text = `
namespaces:
  a: { nexthops: [{ id: 1, via: "fd00::1" }], routes: [{ to: default, via: 10.0.0.1 }, { to: "fd01::/64", dev: eth0 }] }
  r: { forwarding: ipv4 }
  web: { routes: [{ to: default, via: 10.0.1.1 }, { to: "fd00::/64", via: "fd01::1" }] }
links:
  - endpoints: { a:eth0: [10.0.0.2/24, "fd00::2/64"], r:eth0: [10.0.0.1/24, "fd00::1/64"] }
  - endpoints: { r:eth1: [10.0.1.1/24, "fd01::1/64"], web:eth0: [10.0.1.2/24, "fd01::2/64"] }
checks: [{ from: a, ping: web }, { from: web, ping: "fd00::2" }]`
    expect(of(text)).toEqual([expect.stringMatching(/not-forwarding.*r \(fd01::1\) does not forward/)])
  })

  const rules = (chains: string): string[] => of(`namespaces: { a: { iptables: { filter: { ${chains} } } } }`)
  test.each([
    ['an extension', 'INPUT: [-j NFLOG --nflog-group 1]'],
    ['a target with options, then a rule', 'INPUT: [-j LOG --log-prefix "in ", -j DROP]'],
    ['conditions after the verdict', 'INPUT: [-j ACCEPT -p tcp, -j DROP]'],
    ['an empty chain', 'INPUT: [-j DROP], KEPT: []'],
    ['a chain that goes on', 'INPUT: [-g ONE], ONE: [-j TWO], TWO: [-p udp -j RETURN]'],
  ])('rules of iptables: %s', (_, chains) => expect(rules(chains)).toEqual([]))
  test.each([
    [
      'a comment is not a condition',
      'INPUT: [-m comment --comment "it is -j X" -j DROP, -p tcp -j ACCEPT]',
      /unreachable-rule/,
    ],
    ['goto does not come back', 'INPUT: [-g ONE, -j DROP], ONE: [-p tcp -j DROP]', /unreachable-rule/],
    ['a chain of another table', 'INPUT: [-j docker-user]', /unknown-chain.*INPUT jumps to docker-user/],
  ])('rules of iptables are found: %s', (_, chains, words) =>
    expect(rules(chains)).toEqual([expect.stringMatching(words)]),
  )

  const nft = (text: string): string[] => of(`namespaces:\n  a:\n    nftables: |\n${text.replace(/^/gm, '      ')}\n`)
  const base = 'type filter hook input priority 0; policy accept;'
  test.each([
    [
      'maps that jump',
      `table ip t {\n map m { type inet_service : verdict; elements = { 80 : jump web } }\n chain web { accept }\n chain c { ${base} tcp dport vmap @m }\n}`,
    ],
    ['commands', 'add table ip t\nadd chain ip t web\nadd rule ip t web accept\nadd rule ip t web drop'],
    ['variables', `define x = 1\ntable ip t { chain c { ${base}\n accept\n drop\n} }`],
    [
      'a verdict map',
      `table ip t { chain one { drop; }\n chain c { ${base} ip protocol vmap { tcp : jump one, udp : accept } } }`,
    ],
    ['a chain within a rule', `table ip t { chain c { ${base}\n tcp dport 80 jump { accept; }\n drop\n} }`],
    ['words in quotes', `table ip t { chain c { ${base}\n log prefix "jump x"\n drop\n} }`],
  ])('rules of nftables: %s', (_, text) => expect(nft(text)).toEqual([]))
  test.each([
    [
      'a chain',
      `table ip t {\n chain web { accept }\n chain c { ${base} }\n}`,
      /unreachable-chain 5: no rule jumps to the chain web/,
    ],
    ['a jump', `table ip t {\n chain c { ${base}\n  tcp dport 80 jump wbe\n }\n}`, /unknown-chain 6: c jumps to wbe/],
    [
      'a rule',
      `table ip t {\n chain c { ${base}\n  counter log prefix "x: " drop\n  tcp dport 80 accept\n }\n}`,
      /unreachable-rule 7: no packet/,
    ],
  ])('rules of nftables are found: %s', (_, text, words) => expect(nft(text)).toEqual([expect.stringMatching(words)]))
})
