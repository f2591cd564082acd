import { loadLab } from '../../src/language/load-lab.ts'
import { UserError } from '../../src/model/diagnostic.ts'

/** Two VRFs with the same subnet, a third interface in none, and these routes. */
const lab = (routes: readonly string[], free = '10.0.2.1/24'): string => `
namespaces:
  r:
    interfaces:
      red: { type: vrf, table: 100 }
      blue: { type: vrf, table: 200 }
      e1: { master: red, addresses: [10.0.1.1/24] }
      e2: { master: blue, addresses: [10.0.1.3/24] }
      e3: [${free}]
    routes:
${routes.map((route) => `      - ${route}`).join('\n')}
  a: { forwarding: true }
  b: { forwarding: true }
  c: { forwarding: true }
links:
  - endpoints: { r:e1: , a:eth0: 10.0.1.2/24 }
  - endpoints: { r:e2: , b:eth0: 10.0.1.2/24 }
  - endpoints: { r:e3: , c:eth0: 10.0.2.2/24 }
`
const load = (text: string) => loadLab({ file: 'lab.yaml', text })
const spec = (route: string, free?: string): Record<string, unknown> => {
  const found = [...load(lab([route], free)).resources.values()].filter(({ kind }) => kind === 'route')
  return found[0]?.spec as Record<string, unknown>
}
const refusal = (route: string): unknown => {
  try {
    load(lab([route]))
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return error.diagnostics.map(({ summary, detail, position }) => [summary, detail, position?.line])
  }
  return 'accepted'
}

test.each([
  ['{ to: 172.31.0.0/24, via: 10.0.1.2, table: 200 }', 'e2', 200],
  ['{ to: 172.31.0.0/24, via: 10.0.1.2, table: 100 }', 'e1', 100],
  ['{ to: 172.31.0.0/24, via: 10.0.1.2, vrf: blue }', 'e2', 200],
  ['{ to: 172.31.0.0/24, via: 10.0.1.2, table: blue }', 'e2', 200],
  ['{ to: 172.31.0.0/24, via: 10.0.1.3, vrf: red }', 'e1', 100],
  ['{ to: 172.31.0.0/24, via: 10.0.2.2 }', 'e3', undefined],
  ['{ to: 172.31.0.0/24, via: 10.0.2.2, table: 7 }', 'e3', 7],
  ['{ to: 172.31.0.0/24, via: 10.0.1.2, dev: e2 }', 'e2', undefined],
])('the gateway of %s is at %s', (route, dev, table) => {
  expect(spec(route)['dev']).toBe(dev)
  expect(spec(route)['table']).toBe(table)
})

test('in the main table an interface that is in no VRF is preferred', () =>
  expect(spec('{ to: 172.31.0.0/24, via: 10.0.1.2 }', '10.0.1.4/24')['dev']).toBe('e3'))

test('where several VRFs fit, the file must say which interface', () => {
  const where = '10.0.1.2 is in the subnets of several interfaces of r: e1 (10.0.1.1/24), e2 (10.0.1.3/24)'
  const said = [[where, 'Name the interface with `dev`.', 11]]
  expect(refusal('{ to: 172.31.0.0/24, via: 10.0.1.2 }')).toEqual(said)
  expect(refusal('{ to: 172.31.0.0/24, via: 10.0.1.2, table: 300 }')).toEqual(said)
})

test.each([
  ['{ to: 10.9.0.0/24, via: 10.0.1.3, vrf: blue }', '10.0.1.3 is r’s own address (e2)'],
  ['{ to: 10.9.0.0/24, via: 10.0.2.2, vrf: green }', 'there is no VRF green in r'],
  [
    '{ to: 10.9.0.0/24, via: 10.0.2.2, vrf: red, table: 100 }',
    'the table is that of the VRF: a route has either table or vrf',
  ],
  ['{ to: 10.0.1.0/24, dev: e1, vrf: red }', 'the kernel adds the route to 10.0.1.0/24 itself: e1 has 10.0.1.1/24'],
  ['{ to: "fd00::/64", dev: e3, tos: 16 }', 'an IPv6 route has no tos'],
  ['{ to: 10.9.0.0/24, via: 10.0.2.2, pref: low }', 'an IPv4 route has no pref'],
  ['{ to: 10.9.0.0/24, via: 10.0.2.2, mtu: lock 70000 }', 'mtu is at most 65535'],
  ['{ to: 10.9.0.0/24, via: 10.0.2.2, encap: mpls red }', '"mpls red" is not an encapsulation'],
  [
    '{ to: 10.9.0.0/24, via: 10.0.2.2, encap: "seg6 mode encap segs fd00::1 dev e3" }',
    '"seg6 mode encap segs fd00::1 dev e3" is not an encapsulation',
  ],
  [
    '{ to: 10.9.0.0/24, type: throw, via: 10.0.2.2 }',
    'a throw route discards packets: it cannot have via, dev, encap or nexthops',
  ],
])('%s is refused', (route, text) => expect(refusal(route)).toEqual([expect.arrayContaining([text, 11])]))

test('a scope that the kernel does not keep is left out, with a warning', () => {
  for (const route of [
    '{ to: 10.9.0.0/24, via: 10.0.2.2, scope: nowhere }',
    '{ to: "fd00::/64", dev: e3, scope: link }',
  ]) {
    expect(spec(route)).not.toHaveProperty('scope')
    expect(load(lab([route])).warnings.map(({ detail }) => detail)).toContain('It is left out.')
  }
  expect(spec('{ to: 10.9.0.0/24, type: blackhole, scope: nowhere }')).toHaveProperty('scope', 'nowhere')
})
