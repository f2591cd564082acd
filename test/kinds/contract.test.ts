import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { kinds, kindOf } from '../../src/kinds/index.ts'
import { loadLab } from '../../src/language/load-lab.ts'
import { stages } from '../../src/model/change.ts'
import type { Resource } from '../../src/model/resource.ts'

/** A lab that has something of every kind that a lab file can ask for. */
const { resources } = loadLab({
  file: 'lab.yaml',
  text: `
name: contract
namespaces:
  a:
    interfaces:
      lo: [10.255.0.1/32]
      e0: { impairments: { rate: 10mbit } }
      d0: { type: dummy }
      x0: { type: vxlan, id: 1, remote: 10.0.0.9, fdb: [{ mac: "00:00:00:00:00:00", dst: 10.0.0.8 }] }
      m0: { type: macvlan, link: e0 }
      i0: { type: ipvlan, link: e1 }
      v0: { type: vlan, link: e0, id: 10 }
      f0: { type: ifb }
      t0: { type: tap }
      r0: { type: vrf, table: 10 }
      w0: { type: wireguard }
    bridges: { br0: { vlan_filtering: true } }
    routes: [{ to: 10.9.0.0/16, via: 10.0.0.2 }]
    rules: [{ from: 10.0.0.0/8, table: 7 }]
    neighbors: [{ to: 10.0.0.7, lladdr: "02:00:00:00:00:07" }]
    sysctls: { net.ipv4.tcp_ecn: 1 }
    iptables: { filter: { INPUT: ["-j ACCEPT"] } }
    ip6tables: { filter: { INPUT: ["-j ACCEPT"] } }
    nftables: "table inet t { }"
    ipsets: { s: { type: hash:net, entries: [10.0.0.0/8] }, l: { type: list:set, entries: [s] } }
    processes: { p: { command: [sleep, "9"] } }
  b: {}
  c: { shares: b }
  me: { root: true, interfaces: { nic0: { existing: true } } }
links:
  - endpoints: { a:e0: 10.0.0.1/24, b:e0: 10.0.0.2/24 }
  - endpoints: [a:e1, b:e1]
  - endpoints: { b:e2: , a:br0: { vlans: [10] } }
`,
})
const all = [...resources.values()]
const context = { lab: 'contract', live: resources, desired: resources, goes: () => false, lost: () => false }

test('the lab has something of every kind but those that nobody can ask for', () =>
  expect([...kinds.keys()].filter((name) => !all.some(({ kind }) => kind === name))).toEqual(['device', 'hook']))

describe.each([...kinds.keys()].filter((name) => name !== 'device' && name !== 'hook'))('%s', (name) => {
  const kind = kindOf(name)
  const own = all.filter((r) => r.kind === name)
  const each = (check: (r: Resource) => void) => own.forEach(check)

  test('is no different from itself', () => each(({ spec }) => expect(kind.compare(spec, spec)).toEqual([])))

  test('is described in one line', () => each(({ spec }) => expect(kind.describe(spec)).toMatch(/^.*$/)))

  test('needs what is there, and itself never', () =>
    each((r) => {
      const needs = kind.needs(r)
      expect(needs.filter((id) => !resources.has(id))).toEqual([])
      expect(needs).not.toContain(r.id)
    }))

  test('goes with its namespace', () => {
    if (name === 'namespace' || name === 'share') return
    each((r) => expect(kind.lostWith(r, resources)).toContain(r.namespace))
  })

  test('asks for commands of known stages, with whole words as arguments', () =>
    each((r) => {
      const emitted = [...kind.create(r, context), ...kind.remove(r, context)]
      for (const { stage, operation } of emitted) {
        const command = commandOf(operation)
        expect(stages.map((s) => s.name)).toContain(stage)
        expect(command.argv.length).toBeGreaterThan(1)
        expect(command.argv.every((word) => typeof word === 'string' && !word.includes('undefined'))).toBe(true)
      }
      // lo comes with its namespace, the machine's own is there, a cable is asked for by its first end, and nft has not read its text yet.
      if (!['loopback', 'existing', 'nftables'].includes(name) && !(name === 'veth' && r.id > String(r.spec['peer'])))
        expect(emitted).not.toEqual([])
    }))
})
