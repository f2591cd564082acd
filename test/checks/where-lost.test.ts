import type { LabIndex, NamespaceIndex } from '../../src/checks/lab-index.ts'
import { decodePacket } from '../../src/checks/packet.ts'
import { topologyOf } from '../../src/model/topology.ts'
import { model } from '../support/resources.ts'
import { whereLost, withoutStrays, type TraceHop } from '../../src/checks/where-lost.ts'

const node = (forwards: boolean, rules = ''): NamespaceIndex => ({
  interfaces: new Map(),
  carriers: new Set(),
  routes: [{ family: 4, address: '10.0.0.0', prefix: 16 }],
  forwards: { 4: forwards, 6: forwards },
  firewall: { 4: rules, 6: '' },
})
const live = topologyOf(
  model()
    .veth('a/eth0', 'r/left')
    .veth('r/other', 'c/eth0')
    .addresses('a/eth0', '10.0.0.2/24')
    .addresses('b/eth0', '10.0.1.2/24').resources,
)
const labIndex = (router: NamespaceIndex): LabIndex => ({
  variables: () => [],
  names: new Map(),
  places: new Map(),
  live,
  desired: live,
  nodes: new Map([
    ['a', node(false)],
    ['r', router],
    ['b', node(false, ':INPUT DROP [0:0]')],
  ]),
})

const hop = (place: string, direction: 'in' | 'out', type: 'request' | 'reply'): TraceHop => {
  const [namespace = '', device = ''] = place.split(':')
  const [source, destination] = type === 'request' ? ['0a000002', '0a000102'] : ['0a000102', '0a000002']
  const bytes = `4500001c0000000040010000${source}${destination}`
  const icmp = type === 'request' ? '0800000000000000' : '0000000000000000'
  const packet = decodePacket(Buffer.from(bytes + icmp, 'hex'), 101)!
  return { namespace, device, packet: { time: 0n, direction, ...packet } }
}
const path = (...hops: [string, 'in' | 'out', ('request' | 'reply')?][]): TraceHop[] =>
  hops.map(([place, direction, type = 'request']) => hop(place, direction, type))

test.each<[string, TraceHop[], NamespaceIndex, string]>([
  ['nothing was sent', [], node(true), 'no packet of it left a'],
  ['a cable', path(['a:eth0', 'out']), node(true), 'last seen leaving a:eth0; never arrived at r:left'],
  [
    'a router that does not forward',
    path(['a:eth0', 'out'], ['r:left', 'in']),
    node(false),
    'arrived at r:left, and was not forwarded: forwarding is off there',
  ],
  [
    'a firewall on the way',
    path(['a:eth0', 'out'], ['r:left', 'in']),
    node(true, ':FORWARD DROP [0:0]'),
    'arrived at r:left, and was not forwarded: the policy of FORWARD is DROP there',
  ],
  [
    'a firewall at the end',
    path(['a:eth0', 'out'], ['r:left', 'in'], ['r:right', 'out'], ['b:eth0', 'in']),
    node(true),
    'arrived at b:eth0, and was not answered: the policy of INPUT is DROP there',
  ],
  [
    'the way back',
    path(['a:eth0', 'out'], ['b:eth0', 'in'], ['b:eth0', 'out', 'reply'], ['r:right', 'in', 'reply']),
    node(true),
    'b answered, but the reply was lost: arrived at r:right, and was not forwarded',
  ],
  [
    'its own firewall',
    path(['a:eth0', 'out'], ['b:eth0', 'out', 'reply'], ['a:eth0', 'in', 'reply']),
    node(true),
    'b answered, and the reply arrived at a:eth0',
  ],
])('%s', (_, hops, router, expected) => {
  expect(whereLost('a', hops, labIndex(router), [])?.replace(/ \(.*/, '')).toBe(expected)
})

test('what has no route', () => {
  const nowhere = { ...node(true, '-A FORWARD -j DROP'), routes: [] }
  const all = (name: string): LabIndex => ({
    ...labIndex(node(true)),
    nodes: new Map([...labIndex(node(true)).nodes, [name, nowhere]]),
  })
  expect(whereLost('a', [], all('a'), [], '10.0.1.2')).toBe('no packet of it left a: a has no route to 10.0.1.2')
  expect(whereLost('a', [hop('b:eth0', 'in', 'request')], all('b'), [])).toMatch(
    /^arrived at b:eth0, and was not answered: b has no route to 10.0.0.2 /,
  )
  expect(whereLost('a', [hop('r:left', 'in', 'request')], all('r'), [])).toMatch(
    /^arrived at r:left, and was not forwarded: r has no route to 10.0.1.2, FORWARD has rules that drop /,
  )
})

test('what a bridge sends everywhere did not go where it was not meant to', () => {
  const seen = [
    hop('a:eth0', 'out', 'request'),
    hop('r:left', 'in', 'request'),
    hop('r:other', 'out', 'request'),
    { ...hop('c:eth0', 'in', 'request'), packet: { ...hop('c:eth0', 'in', 'request').packet, strange: true as const } },
  ]
  const bridge = { ...node(false), carriers: new Set(['left', 'other']), routes: [] }
  const all = labIndex(bridge)
  const left = withoutStrays(seen, all)
  expect(left.map(({ namespace, device }) => `${namespace}:${device}`)).toEqual(['a:eth0', 'r:left'])
  expect(whereLost('a', left, all, [])).toMatch(/^arrived at r:left, and was not forwarded \(/)
})
