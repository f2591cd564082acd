import { hostsOf, namesIn, namesOf } from '../../src/model/names.ts'
import type { Resource } from '../../src/model/resource.ts'

const at = (namespace: string, dev: string, address: string) => ({ namespace, dev, address })

test('a name means the first address, IPv4 before IPv6, lo only when there is no other', () => {
  const names = namesOf(
    [
      at('a', 'lo', '10.9.9.9/32'),
      at('a', 'eth0', 'fd00::1/64'),
      at('a', 'eth0', '10.0.0.1/24'),
      at('a', 'eth1', '10.0.1.1/24'),
      at('six', 'eth0', 'fe80::1/64'),
      at('six', 'eth0', 'fd00::2/64'),
      at('loop', 'lo', '10.9.9.8/32'),
    ],
    new Map([
      ['pod', 'a'],
      ['none', 'nowhere'],
    ]),
  )
  expect(Object.fromEntries(names)).toEqual({ a: '10.0.0.1', six: 'fd00::2', loop: '10.9.9.8', pod: '10.0.0.1' })
  expect(hostsOf(names)).toBe('10.0.0.1 a\n10.9.9.8 loop\n10.0.0.1 pod\nfd00::2 six\n')
})

test('from resources, second names included', () => {
  const resources: Resource[] = [
    { id: 'a/eth0/10.0.0.1/24', kind: 'address', namespace: 'a', spec: { dev: 'eth0', address: '10.0.0.1/24' } },
    { id: 'pod', kind: 'share', namespace: 'pod', spec: { of: 'a' } },
  ]
  expect([...namesIn(new Map(resources.map((r) => [r.id, r])))]).toEqual([
    ['a', '10.0.0.1'],
    ['pod', '10.0.0.1'],
  ])
})
