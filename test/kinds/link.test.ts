import { bridge } from '../../src/kinds/links/bridge.ts'
import { kinds } from '../../src/kinds/index.ts'
import { loadLab } from '../../src/language/load-lab.ts'
import type { Dump, IpLink } from '../../src/model/runner.ts'
import { makePlan } from '../../src/plan/make-plan.ts'
import { planJson } from '../../src/views/json.ts'

const commands = (text: string): string[] => {
  const { resources } = loadLab({ file: 'lab.yaml', text: `name: t\n${text}` })
  return planJson(makePlan({ lab: 't', live: new Map(), desired: resources })).steps.map(({ command }) => command)
}
const nothing: Dump = {
  ...{ links: [], addresses: [], routes: [], rules: [], rules6: [], neighbors: [], qdiscs: [] },
  ...{ nsids: new Map(), sysctls: new Map(), conf: new Map(), iptables: '', ip6tables: '', nftables: '' },
}
const place = (all: readonly string[], pattern: RegExp): number => all.findIndex((command) => pattern.test(command))

// Before Linux 6.13 a name must be free in the namespace in which the command runs.
test('a cable is made inside the namespace of one of its ends', () => {
  const all = commands('namespaces: { a: , b: }\nlinks: [{ endpoints: [a:eth0, b:eth0] }]')
  expect(all.filter((command) => command.includes('link add'))).toEqual([
    expect.stringMatching(/^ip -n a link add name eth0 address \S+ mtu 1500 up type veth peer name eth0 netns b /),
  ])
})

test('a device whose name is taken beside its lower device gets it as it moves', () => {
  const link = (name: string) =>
    commands(`namespaces: { host: , c: { interfaces: { ${name}: { type: macvlan, link: host:eth0 } } }, far: }
links: [{ endpoints: [host:eth0, far:eth0] }]`).filter((command) => /macvlan|netns c/.test(command))
  expect(link('eth0')).toEqual([
    expect.stringMatching(/^ip -n host link add link eth0 name nl[0-9a-f]{12} address/),
    expect.stringMatching(/^ip -n host link set dev nl[0-9a-f]{12} netns c name eth0$/),
  ])
  expect(link('eth1')).toEqual([expect.stringMatching(/^ip -n host link add link eth0 name eth1 netns c address/)])
})

test('what stands on a cable is made after it, whatever its other end is a port of, and set up after it', () => {
  const all = commands(`
namespaces: { tag: { interfaces: { v: { type: vlan, link: eth0, id: 7 } } }, sw: { bridges: { br0: } }, zz: }
links: [{ endpoints: [zz:eth0, sw:br0] }, { endpoints: [tag:eth0, sw:br0] }]`)
  const cable = place(all, /link add name tag~eth0 .*peer name eth0 netns tag/)
  expect(cable).toBeGreaterThan(-1)
  expect(place(all, /name v .*type vlan/)).toBeGreaterThan(cable)
  expect(place(all, /set dev v .*up/)).toBeGreaterThan(place(all, /-n tag link set dev eth0 up/))
})

test('the ageing time that a bridge has for the moment, while its spanning tree changes, is not its own', () => {
  const read = (data: object) => bridge.fields['ageing_time']?.read?.({ forward_delay: 1500, ...data }, {} as IpLink)
  expect(read({ stp_state: 1, ageing_time: 3000, topology_change: 1 })).toBeUndefined()
  expect(read({ stp_state: 1, ageing_time: 3000, topology_change: 0 })).toBe(3000)
  expect(read({ stp_state: 1, ageing_time: 5000, topology_change: 1 })).toBe(5000)
  expect(read({ stp_state: 0, ageing_time: 3000, topology_change: 1 })).toBe(3000)
})

test('what modules of tunnels put into every namespace is never planned to be deleted', () => {
  const fallbacks: [string, string][] = [
    ['tunl0', 'ipip'],
    ['sit0', 'sit'],
    ['ip6tnl0', 'ip6tnl'],
    ['gre0', 'gre'],
    ['gretap0', 'gretap'],
    ['erspan0', 'erspan'],
    ['ip6gre0', 'ip6gre'],
    ['ip_vti0', 'vti'],
    ['ip6_vti0', 'vti6'],
  ]
  const links = [...fallbacks, ['gre9', 'gre'] as const, ['sit9', 'sit'] as const].map(
    ([ifname, info_kind], i): IpLink => ({
      ...{ ifindex: i + 2, ifname, flags: ['NOARP'], mtu: 1476, linkinfo: { info_kind, info_data: { ttl: 0 } } },
    }),
  )
  const scope = { namespace: 'a', lab: 't' }
  const found = [...kinds.values()].flatMap((kind) => kind.read({ ...nothing, links }, scope))
  const live = new Map(found.map((r) => [r.id, r]))
  const { changes } = makePlan({ lab: 't', live, desired: new Map() })
  expect(changes.map(({ id, action }) => `${action} ${id}`).sort()).toEqual(['delete a/gre9', 'delete a/sit9'])
})

test('a port stands in for another when both have joined, and again when it was made anew', () => {
  const text = (backup: string, mode = '') => `namespaces: { s: { bridges: { br0: }, interfaces: {
    a: { type: dummy, bridge: br0${backup} }, b: { type: macvlan, link: d, bridge: br0${mode} }, d: { type: dummy } } } }`
  const all = commands(text(', backup_port: b'))
  const chosen = place(all, /set dev a type bridge_slave backup_port b$/)
  expect(chosen).toBeGreaterThan(place(all, /set dev a .*master br0/))
  expect(chosen).toBeGreaterThan(place(all, /set dev b .*master br0/))
  const load = (lab: string) => loadLab({ file: 'lab.yaml', text: `name: t\n${lab}` }).resources
  const steps = (from: string, to: string) =>
    planJson(makePlan({ lab: 't', live: load(from), desired: load(to) })).steps.map(({ command }) => command)
  expect(steps(text(', backup_port: b'), text(''))).toEqual(['ip -n s link set dev a type bridge_slave nobackup_port'])
  const again = steps(text(', backup_port: b'), text(', backup_port: b', ', mode: passthru'))
  expect(again.at(-1)).toBe('ip -n s link set dev a type bridge_slave backup_port b')
})

test.each(['a', 'd', 'x'])('%s is no other port of the bridge', (backup) => {
  const text = `{ name: t, namespaces: { s: { bridges: { br0: }, interfaces: { a: { type: dummy, bridge: br0, backup_port: ${backup} }, d: { type: dummy } } } } }`
  expect(() => loadLab({ file: 'lab.yaml', text })).toThrow(`${backup} is no other port of br0`)
})
