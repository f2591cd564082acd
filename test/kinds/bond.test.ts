import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { kindOf } from '../../src/kinds/index.ts'
import { diagnose, loadLab } from '../../src/language/load-lab.ts'
import type { IpLink } from '../../src/model/runner.ts'
import { topologyOf } from '../../src/model/topology.ts'
import { makePlan } from '../../src/plan/make-plan.ts'

const lab = (interfaces: string): string => `
name: bonded
namespaces:
  a: { interfaces: { ${interfaces} } }
  b:
links: [{ endpoints: [a:eth0, b:eth0] }, { endpoints: [a:eth1, b:eth1] }]
`
const resources = (interfaces: string) => loadLab({ file: 'lab.yaml', text: lab(interfaces) }).resources
const plan = (from: string, to: string) => {
  const { changes, steps } = makePlan({ lab: 'bonded', live: resources(from), desired: resources(to) })
  return {
    changes: Object.fromEntries(changes.map(({ id, action }) => [id, action])),
    commands: steps.map(({ operation }) =>
      commandOf(operation)
        .argv.join(' ')
        .replace(/^ip link set dev /, ''),
    ),
  }
}
const PORTS = 'eth0: { master: bond0 }, eth1: { master: bond0 }'
const bond = (fields: string, ports = PORTS) => `bond0: { type: bond, ${fields} }, ${ports}`

test('ports join while they are down, and the first of them is chosen when they have', () => {
  const steps = makePlan({ lab: 'bonded', live: new Map(), desired: resources(bond('mode: active-backup, primary: eth1')) }).steps // prettier-ignore
  const said = steps.map(({ operation }) => commandOf(operation).argv.slice(1).join(' '))
  const cable = said.find((line) => line.startsWith('link add name eth0'))
  expect(cable).toMatch(/type veth peer/)
  expect(cable).not.toMatch(/ up /)
  expect(said.filter((line) => line.includes('master')).map((line) => line.replace(/.* dev /, ''))).toEqual([
    'eth0 master bond0',
    'eth1 master bond0',
  ])
  expect(said.at(-1)).toBe('link set dev bond0 type bond primary eth1')
})

test('a mode is changed without ports: they leave and join again, and nothing is made anew', () =>
  expect(
    plan(bond('mode: balance-rr, mac: "02:00:00:00:00:09"'), bond('mode: 802.3ad, mac: "02:00:00:00:00:09"')),
  ).toEqual({
    // prettier-ignore
    changes: { 'a/bond0': 'update' },
    commands: [
      'eth0 nomaster',
      'eth1 nomaster',
      'bond0 down',
      'bond0 address 02:00:00:00:00:09 type bond mode 802.3ad miimon 100',
      'eth0 master bond0',
      'eth1 master bond0',
      'bond0 up',
    ],
  }))

test('delays go before what they are multiples of', () => {
  const commands = (from: string, to: string) => plan(bond(from), bond(to)).commands
  expect(commands('mode: active-backup, miimon: 100, updelay: 200, min_links: 1', 'mode: active-backup')).toEqual([
    'bond0 type bond updelay 0',
    'bond0 type bond miimon 0 min_links 0',
  ])
  expect(commands('mode: active-backup', 'mode: active-backup, miimon: 100, updelay: 200')).toEqual([
    'bond0 type bond miimon 100 updelay 200',
  ])
  expect(commands('mode: active-backup, miimon: 100, downdelay: 200', 'mode: balance-rr').slice(2, 5)).toEqual([
    'bond0 down',
    'bond0 type bond downdelay 0',
    expect.stringMatching(/^bond0 (address \S+ )?type bond .*miimon 0/),
  ])
})

test.each([
  ['updelay: 100, miimon: 50', 'updelay: 0, miimon: 50', ['bond0 type bond updelay 0']],
  ['mode: 802.3ad', 'mode: 802.3ad, lacp_rate: fast', ['bond0 down', 'bond0 type bond lacp_rate fast', 'bond0 up']],
  ['mode: active-backup, primary: eth0', 'mode: active-backup, primary: eth1', ['bond0 type bond primary eth1']],
  ['mode: active-backup, primary: eth0', 'mode: active-backup', ['bond0 type bond primary lo']],
  [
    'arp_interval: 9, arp_ip_target: [10.0.0.1]',
    'miimon: 9',
    ['bond0 type bond miimon 9 arp_interval 0 arp_ip_target '],
  ],
])('%s → %s', (from, to, commands) =>
  expect(plan(bond(from), bond(to))).toEqual({ changes: { 'a/bond0': 'update' }, commands }),
)

test('a port comes and goes without its cable', () => {
  expect(plan(bond('mode: balance-rr'), bond('mode: balance-rr', 'eth0: { master: bond0 }'))).toEqual({
    changes: { 'a/eth1': 'update' },
    commands: ['eth1 nomaster', 'eth1 mtu 1500', 'eth1 up'],
  })
  expect(plan(bond('mode: balance-rr', 'eth0: { master: bond0 }'), bond('mode: balance-rr'))).toEqual({
    changes: { 'a/eth1': 'update' },
    commands: ['eth1 down', 'eth1 master bond0'],
  })
})

test('a bond whose address is that of a port which leaves gets that of another', () => {
  const [from, to] = [bond('mode: balance-rr'), bond('mode: balance-rr', 'eth1: { master: bond0 }')]
  const macs: Record<string, string> = { 'a/bond0': '02:00:00:00:00:01', 'a/eth0': '02:00:00:00:00:01', 'a/eth1': '02:00:00:00:00:02' } // prettier-ignore
  const live = new Map(
    [...resources(from)].map(([id, r]) => [id, macs[id] ? { ...r, spec: { ...r.spec, mac: macs[id] } } : r]),
  )
  const { steps } = makePlan({ lab: 'bonded', live, desired: resources(to) })
  expect(steps.map(({ operation }) => commandOf(operation).argv.join(' '))).toContain(
    'ip link set dev bond0 address 02:00:00:00:00:02',
  )
  const gone = (ids: readonly string[]) => kindOf('bond').afterLosing?.(live.get('a/bond0')!, (id) => ids.includes(id), topologyOf(live)).spec // prettier-ignore
  expect(gone([])).toMatchObject({ mac: '02:00:00:00:00:01' })
  expect(gone(['a/eth0'])).toMatchObject({ usualMac: '02:00:00:00:00:02' })
  expect(gone(['a/eth1'])?.['usualMac']).toBeUndefined()
  expect(gone(['a/eth0', 'a/eth1'])?.['mac']).toBeUndefined()
})

test('a bond that goes leaves its ports down: they are set up', () =>
  expect(plan(bond('mode: balance-rr'), 'lo: [10.9.9.9/32]').commands).toEqual(
    expect.arrayContaining(['ip link del dev bond0', 'eth0 up', 'eth1 up']),
  ))

test.each([
  ['bond0: { type: bond, lacp_rate: fast }', /lacp_rate needs mode: 802.3ad/],
  ['bond0: { type: bond, updelay: 100 }', /updelay needs miimon/],
  ['bond0: { type: bond, miimon: 100, updelay: 150 }', /not a multiple of miimon/],
  ['bond0: { type: bond, arp_interval: 9 }', /needs arp_ip_target/],
  ['bond0: { type: bond, arp_interval: 9, arp_ip_target: ["fd00::1"] }', /is not an IPv4 address/],
  ['bond0: { type: bond, mode: active-backup, primary: eth0 }', /eth0 is not a port of bond0/],
  ['bond0: { type: bond }, eth0: { master: bond0, addresses: [10.0.0.1/24] }', /cannot have addresses/],
  ['bond0: { type: bond, mtu: 1400 }, eth0: { master: bond0, mtu: 1500 }', /has the MTU of bond0, which is 1400/],
  ['bond0: { type: bond }, b1: { type: bond, master: bond0 }', /a bond cannot be a port of a bond/],
  ['bond0: { type: bond }, g0: { type: gre, remote: 10.0.0.1, master: bond0 }', /without Ethernet headers/],
])('%s is refused', (interfaces, why) => {
  const found = diagnose({ file: 'lab.yaml', text: lab(interfaces) })
  expect(found.map(({ summary, detail }) => `${summary} ${String(detail)}`)).toEqual([expect.stringMatching(why)])
})

test('the address of a port is its own, and that of the bond is one of theirs', () => {
  const slave = (perm_hwaddr: string) => ({ info_kind: 'veth', info_slave_kind: 'bond', info_slave_data: { perm_hwaddr } }) // prettier-ignore
  const link = (ifname: string, more: Partial<IpLink>): IpLink => ({ ifindex: 2, ifname, flags: ['MULTICAST', 'UP'], mtu: 1500, address: '02:00:00:00:00:01', ...more }) // prettier-ignore
  const links = [
    link('bond0', { linkinfo: { info_kind: 'bond', info_data: { mode: 'balance-rr', arp_validate: null } } }),
    link('eth0', { master: 'bond0', linkinfo: slave('02:00:00:00:00:01') }),
    link('eth1', { master: 'bond0', linkinfo: slave('02:00:00:00:00:02') }),
  ]
  const read = (kind: string) => kindOf(kind).read({ links: [...links] } as never, { lab: 't', namespace: 'a' })
  expect(read('veth').map(({ spec }) => spec['mac'])).toEqual(['02:00:00:00:00:01', '02:00:00:00:00:02'])
  expect(read('bond')[0]?.spec).toEqual({ mtu: 1500, mac: '02:00:00:00:00:01', up: true })
  links[0] = { ...links[0]!, address: '02:00:00:00:00:77' }
  expect(read('bond')[0]?.spec).toMatchObject({ mac: '02:00:00:00:00:77', usualMac: '02:00:00:00:00:01' })
})

test('a port gets another address of its own while it is none', () => {
  const [before, after] = ['02:00:00:00:00:01', '02:00:00:00:00:02']
  const port = (mac: string, more = '') => `eth0: { master: bond0, mac: "${mac}" }, eth1: { master: bond0${more} }`
  const from = (mac: string, bondMac?: string) => {
    const live = new Map(resources(bond('mode: balance-rr', port(mac))))
    const made = live.get('a/bond0')
    if (made && bondMac !== undefined) live.set('a/bond0', { ...made, spec: { ...made.spec, mac: bondMac } })
    const { steps } = makePlan({ lab: 'bonded', live, desired: resources(bond('mode: balance-rr', port(after))) })
    return steps.map(({ operation }) => commandOf(operation).argv.slice(4).join(' '))
  }
  const again = ['eth0 nomaster', `eth0 address ${after}`, 'eth0 master bond0']
  expect(from(before)).toEqual(again)
  expect(from(before, '02:00:00:00:00:09')).toEqual(again)
  // The bond has its port's address, and keeps the old one.
  expect(from(before, before)).toEqual([...again, `bond0 address ${after}`])
})
