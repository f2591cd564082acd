import { isLink, topologyOf } from '../../src/model/topology.ts'
import { model, router } from '../support/resources.ts'

/** h1 and h2 are cables into br0 of sw; h3 is one into br1 of the same namespace. */
const switched = () =>
  model()
    .namespace('sw')
    .link('sw/br0', 'bridge')
    .link('sw/br1', 'bridge')
    .namespace('h1')
    .veth('h1/eth0', 'sw/h1~eth0')
    .namespace('h2')
    .veth('h2/eth0', 'sw/h2~eth0')
    .namespace('h3')
    .veth('h3/eth0', 'sw/h3~eth0')
    .link('sw/h1~eth0', 'veth', { peer: 'h1/eth0', master: 'br0' })
    .link('sw/h2~eth0', 'veth', { peer: 'h2/eth0', master: 'br0' })
    .link('sw/h3~eth0', 'veth', { peer: 'h3/eth0', master: 'br1' })
    .addresses('h1/eth0', '10.0.0.1/24', 'fd00::1/64')
    .addresses('h2/eth0', '10.0.0.2/24')
    .addresses('h3/eth0', '10.0.0.1/24')
    .addresses('sw/br0', '10.0.0.9/24')

const ids = (list: readonly { readonly id: string }[]): string[] => list.map(({ id }) => id)

test('a segment is what cables and bridges join', () => {
  const { segment } = topologyOf(switched().resources)
  expect(segment('h1/eth0')).toBe(segment('h2/eth0'))
  expect(segment('h1/eth0')).toBe(segment('sw/br0'))
  expect(segment('h1/eth0')).not.toBe(segment('h3/eth0'))
  const routed = topologyOf(router().resources)
  expect(routed.segment('ns0/veth0')).toBe(routed.segment('ns-router/veth0'))
  expect(routed.segment('ns0/veth0')).not.toBe(routed.segment('ns-router/veth1'))
})

test('a VRF is a master, and joins nobody', () => {
  const lab = model().namespace('r').link('r/red', 'vrf', { table: 10 })
  lab.link('r/a', 'ifb', { master: 'red' }).link('r/b', 'ifb', { master: 'red' })
  const { segment, ports, master } = topologyOf(lab.resources)
  expect(ids(ports('r/red'))).toEqual(['r/a', 'r/b'])
  expect(master('r/a')?.kind).toBe('vrf')
  expect(segment('r/a')).not.toBe(segment('r/b'))
})

test('interfaces, ports and what stands on an interface, by namespace', () => {
  const lab = switched().route('h1', { family: 4, to: 'default', nexthops: [{ via: '10.0.0.9', dev: 'eth0' }] })
  const { links, ports, on, within, master } = topologyOf(lab.resources)
  expect(ids(links('h1'))).toEqual(['h1/lo', 'h1/eth0'])
  expect(ids(ports('sw/br0'))).toEqual(['sw/h1~eth0', 'sw/h2~eth0'])
  expect(ids(on('h1/eth0'))).toEqual(['h1/eth0/10.0.0.1/24', 'h1/eth0/fd00::1/64', 'h1/route/default'])
  expect(on('h2/lo')).toEqual([])
  expect(ids(within('h3'))).toEqual(['h3', 'h3/lo', 'h3/eth0', 'h3/eth0/10.0.0.1/24'])
  expect(master('h1/eth0')).toBeUndefined()
  expect([...lab.resources.values()].filter(isLink).length).toBe(12)
})

test('everybody who has an address', () => {
  const { holders } = topologyOf(switched().resources)
  expect(holders('10.0.0.1')).toEqual([
    { namespace: 'h1', link: 'h1/eth0' },
    { namespace: 'h3', link: 'h3/eth0' },
  ])
  expect(holders('fd00::1')).toEqual([{ namespace: 'h1', link: 'h1/eth0' }])
  expect(holders('10.0.0.77')).toEqual([])
})

test('the other end of a cable, and what stands on a lower device, in whatever namespace', () => {
  const lab = switched()
    .link('h1/v10', 'vlan', { link: 'h1/eth0' })
    .link('h2/m0', 'macvlan', { link: 'h1/eth0' })
    .link('h2/far', 'veth', { peer: '?/#7' })
  const { peer, uppers } = topologyOf(lab.resources)
  expect(peer('h1/eth0')?.id).toBe('sw/h1~eth0')
  expect(peer('sw/br0')).toBeUndefined()
  expect(peer('h2/far')).toBeUndefined()
  expect(ids(uppers('h1/eth0'))).toEqual(['h1/v10', 'h2/m0'])
  expect(uppers('h2/eth0')).toEqual([])
})

test('the resources of a kind, in their order', () => {
  const { ofKind } = topologyOf(switched().resources)
  expect(ids(ofKind('bridge'))).toEqual(['sw/br0', 'sw/br1'])
  expect(ofKind('route')).toEqual([])
})

test('an index is made when it is first asked for', () => {
  const lab = model().namespace('a')
  const { links } = topologyOf(lab.resources)
  lab.link('a/eth0', 'ifb')
  expect(ids(links('a'))).toEqual(['a/lo', 'a/eth0'])
})
