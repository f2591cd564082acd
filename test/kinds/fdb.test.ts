import { fdb } from '../../src/kinds/fdb.ts'
import { diagnose } from '../../src/language/load-lab.ts'
import type { Dump } from '../../src/model/runner.ts'

const entry = (mac: string, vlan?: number) => ({
  mac,
  ifname: 'p0',
  master: 'br0',
  state: 'static',
  flags: [],
  ...(vlan !== undefined && { vlan }),
})
const read = (...entries: readonly object[]): string[] =>
  fdb.read({ links: [], fdb: entries } as unknown as Dump, { namespace: 'sw', lab: 'l' }).map(({ id }) => id)

test('an entry without a VLAN is the kernel’s in each VLAN of its port, and no drift there', () => {
  const [one, other] = ['02:00:00:00:00:07', '02:00:00:00:00:08']
  expect(read(entry(one), entry(one, 1), entry(one, 10), entry(other, 10))).toEqual([
    `sw/p0/fdb/${one}`,
    `sw/p0/fdb/${other} vlan 10`,
  ])
})

test('an entry in one VLAN of an address that is in all is an error', () => {
  const text = `
namespaces: { sw: { bridges: { br0: { vlan_filtering: true } } }, a: }
links:
  - endpoints:
      a:e0:
      sw:br0: { fdb: [{ mac: "02:00:00:00:00:0A" }, { mac: "02:00:00:00:00:0a", vlan: 10 }] }
`
  expect(diagnose({ file: 'lab.yaml', text }).map(({ summary }) => summary)).toEqual([
    '02:00:00:00:00:0a already has an entry in every VLAN',
  ])
})

test('the entry that stands for the remote of a VXLAN is none, also by way of a lower device', () => {
  const links = [{ ifname: 'vx0', linkinfo: { info_kind: 'vxlan', info_data: { remote: '192.0.2.1' } } }]
  const to = (dst: string) => ({ mac: '00:00:00:00:00:00', ifname: 'vx0', dst, viaIf: 'eth0', state: 'permanent' })
  const found = fdb.read({ links, fdb: [to('192.0.2.1'), to('192.0.2.2')] } as unknown as Dump, {
    namespace: 'h',
    lab: 'l',
  })
  expect(found.map(({ id }) => id)).toEqual(['h/vx0/fdb/00:00:00:00:00:00 dst 192.0.2.2 via eth0'])
})
