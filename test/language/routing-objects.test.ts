import { diagnose } from '../../src/language/load-lab.ts'

const errors = (more: string): string[] =>
  diagnose({
    file: 'lab.yaml',
    text: `
namespaces:
  a: { ${more} }
  b: {}
links: [{ endpoints: { a:e0: [10.0.0.1/24, "fd00::1/64"], b:e0: 10.0.0.2/24 } }]
`,
  }).map(({ summary }) => summary)

describe('routes of MPLS', () => {
  const mpls = (route: string): string[] => errors(`sysctls: { net.mpls.platform_labels: 1000 }, routes: [${route}]`)
  test.each([
    ['{ to: 100, family: mpls, as: 200/201, via: 10.0.0.2 }', []],
    ['{ to: 100, family: mpls, dev: lo, ttl_propagate: true }', []],
    ['{ to: 100, family: mpls, nexthops: [{ as: 5, via: 10.0.0.2 }, { via: "fd00::2" }] }', []],
    ['{ to: 100, via: 10.0.0.2 }', ['"100" is not a network']],
    ['{ to: 10.0.0.0/8, family: mpls, via: 10.0.0.2 }', ['"10.0.0.0/8" is not a label']],
    ['{ to: 15, family: mpls, via: 10.0.0.2 }', ['"15" is not a label']],
    ['{ to: 1000, family: mpls, via: 10.0.0.2 }', ['the label must be below net.mpls.platform_labels, which is 1000 in a']], // prettier-ignore
    ['{ to: 100, family: mpls }', ['the route of the label 100 has neither via nor dev']],
    ['{ to: 100, family: mpls, as: 3, via: 10.0.0.2 }', ['3 is not a label that can be sent']],
    ['{ to: 100, family: mpls, via: 10.0.0.2, metric: 7 }', ['an MPLS route cannot have metric']],
    ['{ to: 100, family: mpls, via: 10.9.9.9 }', ['10.9.9.9 is not in any subnet of a']],
    ['{ to: 10.9.0.0/16, via: 10.0.0.2, as: 100 }', ['an IPv4 route has no as']],
  ])('%s: %j', (route, expected) => expect(mpls(route)).toEqual(expected))

  test('need a kernel that keeps labels', () =>
    expect(errors('routes: [{ to: 100, family: mpls, dev: lo }]')).toEqual([
      'the label must be below net.mpls.platform_labels, which is 0 in a',
    ]))
})

test.each([
  ['{ to: 10.9.0.255/32, type: broadcast, dev: e0 }', []],
  ['{ to: "fd09::1/128", type: anycast, dev: e0 }', []],
  ['{ to: 239.0.0.0/8, type: multicast, dev: e0 }', []],
])('the type of a route: %s: %j', (route, expected) => expect(errors(`routes: [${route}]`)).toEqual(expected))

describe('nexthops', () => {
  const nexthops = (entries: string, route = ''): string[] => errors(`nexthops: [${entries}], routes: [${route}]`)
  const one = '{ id: 1, via: 10.0.0.2 }'
  const fdb = '{ id: 3, via: 10.0.0.9, fdb: true }'
  test.each([
    [`${one}, { id: 2, group: [1] }`, '{ to: default, nexthop: 2 }', []],
    ['{ id: 1 }', '', ['the nexthop 1 has none of via, dev, blackhole and group']],
    ['{ id: 1, fdb: true }', '', ['the nexthop 1 has neither via nor group']],
    ['{ id: 1, via: 10.9.0.2 }', '', ['10.9.0.2 is not in any subnet of a']],
    ['{ id: 1, dev: e0, blackhole: true }', '', ['a blackhole discards packets: blackhole and dev exclude each other']],
    ['{ id: 1, dev: e0, buckets: 4 }', '', ['only a resilient group has buckets']],
    [`${one}, { id: 2, group: [1], type: resilient }`, '', ['a resilient group needs buckets']],
    [`${one}, { id: 2, group: [9] }`, '', ['there is no nexthop 9 here']],
    [`${one}, { id: 2, group: [1, 1] }`, '', ['the group names the nexthop 1 twice']],
    [`${one}, { id: 2, group: [1] }, { id: 4, group: [2] }`, '', ['the nexthop 2 is a group itself']],
    [`${one}, { id: 2, blackhole: true }, { id: 4, group: [1, 2] }`, '', ['the blackhole 2 cannot be one of several']],
    [`${fdb}, { id: 2, group: [3] }`, '', ['the nexthop 3 is for forwarding entries, and the group is not']],
    [one, '{ to: default, nexthop: 7 }', ['there is no nexthop 7 in a']],
    [one, '{ to: default, nexthop: 1, via: 10.0.0.2 }', ['with nexthop, a route cannot have via']],
    [one, '{ to: "fd09::/64", nexthop: 1 }', ['an IPv6 route cannot use the IPv4 nexthop 1']],
    [fdb, '{ to: default, nexthop: 3 }', ['the nexthop 3 is for forwarding entries']],
  ])('%s %s: %j', (entries, route, expected) => expect(nexthops(entries, route)).toEqual(expected))

  test('need an interface whose other end is up', () =>
    expect(
      diagnose({
        file: 'lab.yaml',
        text: 'namespaces: { a: { nexthops: [{ id: 1, dev: e0 }] }, b: {} }\nlinks: [{ endpoints: { a:e0: , b:e0: { up: false } } }]',
      }).map(({ summary }) => summary),
    ).toEqual(['the nexthop goes through e0, whose other end (b:e0) is down']))
})

test('an IPv4 address of length 0 reaches no gateway', () => {
  const said = (address: string, via: string): string[] =>
    diagnose({
      file: 'lab.yaml',
      text: `namespaces: { a: { routes: [{ to: "${via.includes(':') ? 'fd09::/16' : '10.9.0.0/16'}", via: "${via}" }] }, b: }
links: [{ endpoints: { a:e0: "${address}", b:e0: } }]`,
    }).flatMap(({ severity, summary }) => (severity === 'error' ? [summary] : []))
  expect(said('10.5.0.1/0', '10.5.0.2')).toEqual(['10.5.0.2 is not in any subnet of a'])
  expect(said('10.5.0.1/1', '10.5.0.2')).toEqual([])
  expect(said('fd00::1/0', 'fd00::2')).toEqual([])
})

describe('rules with one priority', () => {
  const rules = (...all: string[]): string[] => errors(`rules: [${all.join(', ')}]`)
  const wide = '{ priority: 9, table: 7 }'
  const narrow = '{ priority: 9, from: 10.0.0.0/8, table: 7 }'
  const refused = ['the kernel considers this rule a duplicate of the one on line 3 and refuses it']
  test.each([
    [[wide, narrow], []],
    [[narrow, wide], refused],
    [[narrow, '{ priority: 8, table: 7 }'], []],
    [[narrow, '{ priority: 9, from: 10.0.0.0/8, not: true, table: 7 }'], refused],
    [['{ priority: 9, goto: 10 }', '{ priority: 9, goto: 11 }', '{ priority: 10, nop: true }', '{ priority: 11, nop: true }'], refused], // prettier-ignore
    [[narrow, narrow], ['a/rule/9 from 10.0.0.0/8 table 7 is already declared (line 3)']],
    [['{ priority: 32766, table: main }'], ['the kernel adds this rule to every namespace']],
    [['{ priority: 32766, table: main, tos: 16 }'], []],
    [['{ priority: 32767, table: default, family: inet6 }'], []],
  ])('%j: %j', (all, expected) => expect(rules(...all)).toEqual(expected))
})
