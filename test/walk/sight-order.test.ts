import type { LabIndex } from '../../src/checks/lab-index.ts'
import type { Resource } from '../../src/model/resource.ts'
import { topologyOf } from '../../src/model/topology.ts'
import { inOrder } from '../../src/walk/sight-order.ts'
import type { Sighting } from '../../src/walk/sights.ts'

// a, r and b are on a machine each: a:eth0 ── r:a, r:b ── b:eth0.
const cables = [
  ['a/eth0', 'r/a'],
  ['r/b', 'b/eth0'],
] as const
const resources = cables.flatMap(([one, other]) =>
  [
    [one, other],
    [other, one],
  ].map(([id = '', peer = '']): [string, Resource] => [
    id,
    { id, kind: 'veth', namespace: id.charAt(0), spec: { peer } },
  ]),
)
const interfaces = { a: ['eth0'], r: ['a', 'b'], b: ['eth0'] }
const labIndex = {
  live: topologyOf(new Map(resources)),
  nodes: new Map(
    Object.entries(interfaces).map(([name, devices]) => [name, { interfaces: new Map([...devices.entries()]) }]),
  ),
} as unknown as LabIndex

/** A packet at an interface, in the cable with these bytes, at a time in true nanoseconds. */
const sighting = (at: string, direction: 'in' | 'out', bytes: string, time: number): Sighting => {
  const [namespace = '', device = ''] = at.split(':')
  const ifindex = interfaces[namespace as keyof typeof interfaces].indexOf(device)
  return { namespace, ifindex, direction, time: BigInt(time), packet: { bytes: Buffer.from(bytes) } } as Sighting
}

// A request from a to b and its answer; b has sent something before, and gets the request twice.
const truth = [
  sighting('b:eth0', 'out', 'early', 1),
  sighting('a:eth0', 'out', 'request 64', 2),
  sighting('r:a', 'in', 'request 64', 3),
  sighting('r:b', 'in', 'early', 4),
  sighting('r:b', 'out', 'request 63', 5),
  sighting('b:eth0', 'in', 'request 63', 6),
  sighting('b:eth0', 'out', 'answer 64', 7),
  sighting('r:b', 'in', 'answer 64', 8),
  sighting('r:b', 'out', 'request 63', 9),
  sighting('b:eth0', 'in', 'request 63', 10),
  sighting('r:a', 'out', 'answer 63', 11),
  sighting('a:eth0', 'in', 'answer 63', 12),
]

test.each([
  [0, 0, 0],
  [0, 1000, -1000],
  [500, -3, 0],
  [-7, 4, 9000],
])('what machines have seen comes into order whatever their clocks say (%d, %d, %d)', (...skews) => {
  const lists = ['a', 'r', 'b'].map((machine, i) =>
    truth
      .filter(({ namespace }) => namespace === machine)
      .map((one) => ({ ...one, time: one.time + BigInt(skews[i] ?? 0) })),
  )
  const words = ({ namespace, direction, packet }: Sighting): string =>
    `${namespace} ${direction} ${packet.bytes.toString()}`
  const order = inOrder(lists, labIndex).map(words)
  expect([...order].sort()).toEqual(truth.map(words).sort())
  for (const [i, list] of lists.entries())
    expect(order.filter((text) => text.startsWith('arb'.charAt(i)))).toEqual(list.map(words))
  const places = (text: string): number[] => order.flatMap((one, at) => (one === text ? [at] : []))
  for (const [left, arrived] of [
    ['a out request 64', 'r in request 64'],
    ['r out request 63', 'b in request 63'],
    ['b out answer 64', 'r in answer 64'],
    ['r out answer 63', 'a in answer 63'],
    ['b out early', 'r in early'],
  ] as const)
    for (const [i, at] of places(arrived).entries()) expect(places(left)[i]).toBeLessThan(at)
})

test('what nobody saw leave stops nothing', () => {
  const lost = sighting('r:a', 'in', 'request 64', 5)
  const reply = sighting('a:eth0', 'in', 'never sent', 3)
  expect(inOrder([[reply], [lost]], labIndex)).toEqual([reply, lost])
})
