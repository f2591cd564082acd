import type { LabIndex } from '../../src/checks/lab-index.ts'
import { topologyOf } from '../../src/model/topology.ts'
import { hopsOf } from '../../src/walk/hops.ts'
import type { Role } from '../../src/walk/needles.ts'
import type { Sighting, Sights } from '../../src/walk/sights.ts'

// a:eth0 ── r:a, and two cables: r:b ── b:eth0, r:c ── b:eth1. r masquerades with random ports.
const devices = { a: ['eth0'], r: ['a', 'b', 'c'], b: ['eth0', 'eth1'] } as const
const peers = [
  ['a/eth0', 'r/a'],
  ['r/b', 'b/eth0'],
  ['r/c', 'b/eth1'],
].flatMap(([one = '', other = '']) => [[one, other] as const, [other, one] as const])
const labIndex = {
  live: topologyOf(
    new Map(peers.map(([id, peer]) => [id, { id, kind: 'veth', namespace: id.charAt(0), spec: { peer } }])),
  ),
  nodes: new Map(
    Object.entries(devices).map(([name, all]) => [name, { interfaces: new Map(all.entries()), carriers: new Set() }]),
  ),
} as unknown as LabIndex

/** An opening of IPv6 (or its answer) with a flow label, seen at these places; beyond r it has this port. */
const seen = (role: Role, label: number, port: number, ...places: string[]): Sighting[] =>
  places.map((place): Sighting => {
    const [namespace = '', device = '', direction = ''] = place.split(' ')
    const sport = /^a|^r a/.test(place) ? 1000 : port
    const bytes = Buffer.alloc(40)
    bytes.writeUInt32BE(0x60000000 + label)
    bytes[8] = sport & 255
    return {
      ...{ namespace, direction: direction as 'in' | 'out', role, strange: false, time: 0n },
      ifindex: (devices[namespace as keyof typeof devices] as readonly string[]).indexOf(device),
      packet: { protocol: 'tcp', source: 'fd00::1', destination: 'fd00::2', sport, dport: 80, bytes },
    }
  })
const way = (role: Role, ...sightings: Sighting[][]): string[] =>
  hopsOf(
    role,
    { flow: { protocol: 'tcp' }, sightings: sightings.flat(), steps: new Map() } as unknown as Sights,
    labIndex,
  )
    .flatMap(({ points }) => points)
    .map(({ namespace, device, direction, packet }) => `${namespace} ${device} ${direction} ${packet.sport}`)

const [first, other] = [
  ['a eth0 out', 'r a in', 'r b out', 'b eth0 in'],
  ['a eth0 out', 'r a in', 'r c out', 'b eth1 in'],
] as const

test('an opening that is sent again, to another next hop and from another port, has the way of the first', () => {
  const expected = ['a eth0 out 1000', 'r a in 1000', 'r b out 2001', 'b eth0 in 2001']
  expect(way('request', seen('request', 1, 2001, ...first), seen('request', 2, 2002, ...other))).toEqual(expected)
})

test('… unless the first was lost', () => {
  const lost = first.slice(0, 2)
  const expected = ['a eth0 out 1000', 'r a in 1000', 'r c out 2002', 'b eth1 in 2002']
  expect(way('request', seen('request', 1, 2001, ...lost), seen('request', 2, 2002, ...other))).toEqual(expected)
})

test('its answer is that to the first', () => {
  const back = ['b eth0 out', 'r b in', 'r a out', 'a eth0 in']
  const expected = ['b eth0 out 2001', 'r b in 2001', 'r a out 1000', 'a eth0 in 1000']
  expect(way('reply', seen('reply', 1, 2001, ...back), seen('reply', 2, 2002, ...back))).toEqual(expected)
})
