import type { LabIndex } from '../../src/checks/lab-index.ts'
import type { Packet } from '../../src/checks/packet.ts'
import { topologyOf } from '../../src/model/topology.ts'
import { pointsOf } from '../../src/walk/points.ts'
import type { Sighting } from '../../src/walk/sights.ts'

// a:eth0 ── r:a, r:b ── b:eth0, and r masquerades with random ports.
const devices = { a: ['eth0'], r: ['a', 'b'], b: ['eth0'] } as const
const peers = { 'a/eth0': 'r/a', 'r/a': 'a/eth0', 'r/b': 'b/eth0', 'b/eth0': 'r/b' }
const labIndex = {
  live: topologyOf(
    new Map(
      Object.entries(peers).map(([id, peer]) => [id, { id, kind: 'veth', namespace: id.charAt(0), spec: { peer } }]),
    ),
  ),
  nodes: new Map(
    Object.entries(devices).map(([name, all]) => [name, { interfaces: new Map(all.entries()), carriers: new Set() }]),
  ),
} as unknown as LabIndex

/** An opening that is seen at these places on its way from a to b, with the port that r gives it. */
function opening(port: number): Sighting[] {
  return ['a eth0 out', 'r a in', 'r b out', 'b eth0 in'].map((place, i): Sighting => {
    const [namespace = '', device = '', direction = ''] = place.split(' ')
    const isMoved = i > 1
    const packet: Omit<Packet, 'time'> = {
      ...{ protocol: 'tcp', source: isMoved ? '10.0.1.1' : '10.0.0.1', destination: '10.0.1.2', dport: 80 },
      ...{ sport: isMoved ? port : 1000, bytes: Buffer.from([0x45, isMoved ? port & 255 : 0, 0, 0, 0, 0, 0, 0, 64]) },
    }
    const ifindex = (devices[namespace as keyof typeof devices] as readonly string[]).indexOf(device)
    return {
      ...{ namespace, ifindex, direction: direction as 'in' | 'out' },
      role: 'request',
      strange: false,
      time: 0n,
      packet,
    }
  })
}

test('an opening that is sent again, and translated to another port, has the way of the first one', () => {
  const points = pointsOf('request', [...opening(2001), ...opening(2002)], labIndex)
  expect(points.map(({ namespace, device, packet }) => `${namespace}:${device} ${packet.sport}`)).toEqual([
    'a:eth0 1000',
    'r:a 1000',
    'r:b 2001',
    'b:eth0 2001',
  ])
})
