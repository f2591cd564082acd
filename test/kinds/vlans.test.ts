import { vlans, type VlansSpec } from '../../src/kinds/vlans.ts'
import { diagnose, loadLab } from '../../src/language/load-lab.ts'
import type { Dump } from '../../src/model/runner.ts'
import { makePlan } from '../../src/plan/make-plan.ts'
import { renderCommands } from '../../src/views/plan-text.ts'
import { planJson } from '../../src/views/json.ts'

const lab = (port: string, bridge = '{ vlan_filtering: true }') => `
name: t
namespaces: { h: , sw: { bridges: { br0: ${bridge} } } }
links: [{ endpoints: { h:eth0: , sw:br0: ${port} } }]
`
const load = (text: string) => loadLab({ file: 'lab.yaml', text }).resources
const vlansOf = (text: string) => (load(text).get('sw/h~eth0/vlans')?.spec as VlansSpec | undefined)?.vlans

test('a port has a VLAN without a tag, VLANs with one, or both', () => {
  expect(vlansOf(lab('{ pvid: 10 }'))).toEqual({ 10: 'pvid untagged' })
  expect(vlansOf(lab('{ vlans: [20, 10-12] }'))).toEqual({ 10: '', 11: '', 12: '', 20: '' })
  expect(vlansOf(lab('{ pvid: 10, vlans: [10-11] }'))).toEqual({ 10: 'pvid untagged', 11: '' })
  expect(vlansOf(lab('{ pvid: 1 }'))).toBeUndefined() // as the kernel has it
})

test.each([
  ['{ pvid: 10 }', '{ }', 'the bridge br0 does not look at VLANs'],
  ['{ vlans: [5000-5001] }', '{ vlan_filtering: true }', '"5000-5001" is not a VLAN'],
  ['{ vlans: [20-10] }', '{ vlan_filtering: true }', '"20-10" is not a VLAN'],
  ['{ pvid: 0 }', '{ vlan_filtering: true }', ''],
])('refuses %s at a port of %s', (port, bridge, summary) => {
  expect(() => load(lab(port, bridge))).toThrow(summary)
})

test('says which of the VLANs is none, though there is a pvid as well', () => {
  const diagnostics = diagnose({ file: 'lab.yaml', text: lab('{ pvid: 10, vlans: [20, 20-10] }') })
  expect(diagnostics).toMatchObject([{ summary: '"20-10" is not a VLAN', position: { line: 4, column: 66 } }])
})

test('an interface that is not a port has no VLANs', () => {
  expect(() => load(lab('{ }').replace('h:eth0: ', 'h:eth0: { pvid: 10 }'))).toThrow('h:eth0 is not a port of a bridge')
})

test('only what differs is added and removed', () => {
  const [from, to] = ['{ pvid: 10, vlans: [20, 30] }', '{ pvid: 11, vlans: [10, 30] }'].map((port) => load(lab(port)))
  const commands = renderCommands(planJson(makePlan({ lab: 't', live: from!, desired: to! })))
  expect(commands.split('\n').filter((command) => command.startsWith('bridge '))).toEqual([
    'bridge -n sw vlan del dev h~eth0 vid 20',
    'bridge -n sw vlan add dev h~eth0 vid 10',
    'bridge -n sw vlan add dev h~eth0 vid 11 pvid untagged',
  ])
})

test('what is live is read of bridges that look at VLANs; what every port begins with is nothing', () => {
  const flags = ['PVID', 'Egress Untagged']
  const link = { ifindex: 1, flags: [], mtu: 1500 }
  const dump = (vlan_filtering: number) =>
    ({
      links: [
        { ...link, ifname: 'br0', linkinfo: { info_kind: 'bridge', info_data: { vlan_filtering } } },
        ...['p0', 'p1', 'p2'].map((ifname) => ({ ...link, ifname, master: 'br0' })),
      ],
      vlans: [
        { ifname: 'br0', vlans: [{ vlan: 1, flags }] },
        { ifname: 'p0', vlans: [{ vlan: 1, flags }] },
        {
          ifname: 'p1',
          vlans: [
            { vlan: 7, flags },
            { vlan: 20, vlanEnd: 22 },
          ],
        },
      ],
    }) as unknown as Dump
  const scope = { namespace: 'sw', lab: 't' }
  expect(vlans.read(dump(0), scope)).toEqual([])
  expect(vlans.read(dump(1), scope).map(({ id, spec }) => [id, spec.vlans])).toEqual([
    ['sw/p1/vlans', { 7: 'pvid untagged', 20: '', 21: '', 22: '' }],
    ['sw/p2/vlans', {}],
  ])
})
