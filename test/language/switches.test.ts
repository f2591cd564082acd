import { diagnose, loadLab, type Lab } from '../../src/language/load-lab.ts'

const MACHINES = 'machines: { left: { ssh: l }, right: { ssh: r }, third: { ssh: t } }\n'
const load = (text: string): Lab => loadLab({ file: 'lab.yaml', text: MACHINES + text })
/** What the names of interfaces are joined to, as `h1/eth0 sw/h1~eth0`, each once. */
const cables = ({ resources }: Lab): string[] =>
  [...resources.values()].flatMap(({ id, spec }) =>
    id < String(spec['peer'] ?? '') ? [`${id} ${String(spec['peer'])}`] : [],
  )
const machines = ({ namespaces }: Lab): Record<string, string | undefined> =>
  Object.fromEntries([...namespaces].map(([name, { machine }]) => [name, machine]))
const spec = ({ resources }: Lab, id: string): unknown => resources.get(id)?.spec

const SWITCH = `
namespaces:
  sw:
    machine: [left, right, third]
    bridges: { br0: { addresses: [10.0.0.254/24], mac: "02:00:00:00:00:01", priority: 4096 } }
    routes: [{ to: default, via: 10.0.0.1 }]
  h1: { machine: left }
  h2: { machine: right }
  h3: { machine: third }
  h4:
links:
`

test('a switch on several machines has a piece on each, and these are joined', () => {
  const lab = load(`${SWITCH}
  - endpoints: ["h1:eth0", "sw:br0"]
  - endpoints: { "h[2..4]:eth0": "10.0.0.{i}/24", "sw:br0": }
`)
  expect(machines(lab)).toEqual({
    ...{ sw: 'left', 'sw.right': 'right', 'sw.third': 'third' },
    ...{ h1: 'left', h2: 'right', h3: 'third', h4: undefined },
  })
  expect(cables(lab)).toEqual([
    'h1/eth0 sw/h1~eth0',
    'h2/eth0 sw.right/h2~eth0',
    'h3/eth0 sw.third/h3~eth0',
    'h4/eth0 sw/h4~eth0',
    'sw.right/sw~br0 sw/sw.right~br0',
    'sw.third/sw~br0 sw/sw.third~br0',
    'sw.right/sw.third~br0 sw.third/sw.right~br0',
  ])
  const ports = [...lab.resources.values()].filter(({ spec }) => spec['master'] === 'br0')
  expect(ports.filter(({ spec }) => spec['isolated']).map(({ id }) => id)).toEqual([
    ...['sw/sw.right~br0', 'sw.right/sw~br0', 'sw/sw.third~br0', 'sw.third/sw~br0'],
    ...['sw.right/sw.third~br0', 'sw.third/sw.right~br0'],
  ])
  expect(spec(lab, 'sw/br0')).toMatchObject({ priority: 4096, mac: '02:00:00:00:00:01' })
  expect(spec(lab, 'sw.third/br0')).toEqual({ up: true, priority: 4096 })
  const others = [...lab.resources.values()].filter(
    ({ namespace, kind }) => /^sw\./.test(namespace) && !['veth', 'loopback'].includes(kind),
  )
  expect(others.map(({ id }) => id)).toEqual(['sw.right', 'sw.third', 'sw.right/br0', 'sw.third/br0'])
})

test('a list of one machine is that machine', () => {
  const lab = load('namespaces: { sw: { machine: [right], bridges: { br0: { stp: true } } } }')
  expect([machines(lab), [...lab.resources.keys()]]).toEqual([{ sw: 'right' }, ['sw', 'sw/lo', 'sw/br0']])
})

test('two such switches meet on a machine that both have', () => {
  const lab = load(`
namespaces:
  a: { machine: [left, right], bridges: { br0: } }
  b: { machine: [third, right], bridges: { br0: } }
  c: { machine: [third], bridges: { br0: } }
links: [{ endpoints: ["a:br0", "b:br0"] }, { endpoints: ["a:br0", "c:br0"] }, { endpoints: ["b:eth0", "c:br0"] }]
`)
  expect(cables(lab)).toContain('a.right/b.right~br0 b.right/a.right~br0')
  expect(cables(lab)).toContain('a/c~br0 c/a~br0')
  expect(cables(lab)).toContain('b/eth0 c/b~eth0')
})

test('namespaces that can be anywhere get its pieces in turn, and keep them when more follow', () => {
  const lab = (hosts: number): Lab =>
    load(`
place: auto
namespaces:
  sw: { machine: [left, right], bridges: { br0: , br1: } }
  far: { machine: third }
  here: { root: true }
  h[1..${hosts}]:
links:
  - { endpoints: ["far:eth0", "sw:br0"] }
  - { endpoints: ["here:to-sw", "sw:br0"] }
  - { endpoints: ["h[1..${hosts}]:eth0", "sw:br0"] }
  - { endpoints: ["h[1..${hosts}]:eth1", "sw:br1"] }
`)
  expect(cables(lab(3)).slice(0, 8)).toEqual([
    'far/eth0 sw/far~eth0',
    'here/to-sw sw/here~to-sw',
    'h1/eth0 sw/h1~eth0',
    'h2/eth0 sw.right/h2~eth0',
    'h3/eth0 sw/h3~eth0',
    'h1/eth1 sw/h1~eth1',
    'h2/eth1 sw.right/h2~eth1',
    'h3/eth1 sw/h3~eth1',
  ])
  expect(cables(lab(5))).toEqual(expect.arrayContaining(cables(lab(3))))
})

test('the links of its pieces carry its VLANs, and have the MTU that all its ports have', () => {
  const lab = (mtu: string): Lab =>
    load(`
namespaces:
  sw:
    machine: [left, right]
    bridges: { br0: { vlan_filtering: true, vlans: [7] } }
    interfaces: { d0: { type: dummy, bridge: br0, pvid: 20${mtu} } }
  h: { machine: right }
links: [{ endpoints: { "h:eth0": , "sw:br0": { vlans: [10-12, 20] } }, mtu: 4000 }]
`)
  expect(spec(lab(''), 'sw.right/sw~br0/vlans')).toEqual({
    ...{ port: 'sw~br0', bridge: 'br0' },
    vlans: { 1: '', 7: '', 10: '', 11: '', 12: '', 20: '' },
  })
  expect(spec(lab(''), 'sw.right/sw~br0')).toMatchObject({ mtu: 1500 })
  expect(spec(lab(', mtu: 3000'), 'sw.right/sw~br0')).toMatchObject({ mtu: 4000 })
})

describe('with EVPN', () => {
  const lab = (more = ''): Lab =>
    load(`
namespaces:
  one: { machine: [left, right], evpn: true, bridges: { br0: } }
  sw:
    machine: [left, right, third]
    evpn: true
    bridges: { br0: { addresses: [10.0.0.254/24] }, br1: }
    interfaces: { d0: { type: dummy } }
    files: { /etc/motd: { content: hi } }
    private: [/srv/own]
  h: { machine: right }
links: [{ endpoints: { "h:eth0": , "sw:br1": }${more} }]
`)

  test('its pieces have FRR, addresses on the links between them, and VXLANs in place of these at the bridges', () => {
    const { resources, assumedMtus } = lab()
    expect(cables(lab()).at(-1)).toBe('sw.right/to-third sw.third/to-right')
    expect(spec(lab(), 'sw.third/to-right/169.254.1.5 peer 169.254.1.4/32')).toMatchObject({ remote: '169.254.1.4' })
    const ofThird = [...resources.values()].filter(({ namespace }) => namespace === 'sw.third')
    expect(ofThird.filter(({ spec }) => spec['master']).map(({ id, spec }) => [id, spec])).toEqual(
      ['br0', 'br1'].map((master, i) => [
        `sw.third/vxlan${i + 2}`,
        expect.objectContaining({
          master,
          id: i + 2,
          local: '169.254.1.5',
          learning: false,
          others: 'keep',
          mtu: 1500,
        }),
      ]),
    )
    expect(spec(lab(), 'sw.third/to-right')).toMatchObject({ mtu: 1550 })
    expect(assumedMtus).toContain('sw.third/to-right')
    for (const namespace of ['sw', 'sw.third'])
      for (const name of ['zebra', 'bgpd', 'configure', 'join'])
        expect(resources.get(`${namespace}/process/${name}`)).toBeDefined()
    for (const own of ['d0', 'br0/10.0.0.254/24']) {
      expect(resources.get(`sw/${own}`)).toBeDefined()
      expect(resources.get(`sw.third/${own}`)).toBeUndefined()
    }
  })

  test('its links have room for the MTU that the file says', () => {
    expect(spec(lab(', mtu: 3000'), 'sw/to-right')).toMatchObject({ mtu: 3050 })
    expect(spec(lab(', mtu: 3000'), 'sw/vxlan3')).toMatchObject({ mtu: 3000 })
    expect(spec(lab(', mtu: 3000'), 'sw/vxlan2')).toMatchObject({ mtu: 1500 })
  })
})

test.each([
  ['sw: { machine: [nope, left], bridges: { br0: } }', '3:19 there is no machine nope'],
  ['sw: { machine: [left, nope], bridges: { br0: } }', '3:25 there is no machine nope'],
  ['sw: { machine: [left, left], bridges: { br0: } }', '3:25 left is in this list already'],
  ['sw: { machine: [left, right] }', '3:18 sw is on several machines, and has no bridges'],
  [
    'sw: { machine: [left, right], bridges: { br0: }, root: true }',
    '3:52 sw is on several machines, so it has no root',
  ],
  ['sw: { machine: [left, right], bridges: { br0: }, pid: 1 }', '3:52 sw is on several machines, so it has no pid'],
  [
    'sw: { machine: [left, right], bridges: { br0: { stp: true } } }',
    '3:56 br0 is on several machines, so it cannot use STP',
  ],
  [
    'sw: { machine: [left, right], bridges: { br0: }, interfaces: { d: { type: dummy, bridge: br0, isolated: true } } }',
    '3:107 br0 is on several machines, so its ports cannot be isolated',
  ],
  ['sw: { machine: [left, right], bridges: { br0: } }\n  sw.right: {}', '4:3 sw.right is what sw is called on right'],
  ['sw: { machine: left, bridges: { br0: }, evpn: true }', '3:43 evpn is for a switch on several machines'],
  [
    'sw: { machine: [left, right], evpn: true, bridges: { br0: { vlan_filtering: true } } }',
    '3:79 br0 is joined by EVPN, so it cannot filter VLANs',
  ],
  [
    'sw: { machine: [left, right], evpn: true, bridges: { br0: }, processes: { zebra: { command: x } } }',
    '3:77 sw has zebra for evpn',
  ],
  ['sw: { machine: [left, right], bridges: { br0: { hello_time: 99s } } }', '3:63 99 s is not within 1 s and 10 s'],
  [
    `${'s'.repeat(60)}: { machine: [left, right], bridges: { br0: } }`,
    `3:83 "${'s'.repeat(60)}.right" cannot be the name of a namespace`,
  ],
  [
    'sw: { machine: [left, right], bridges: { br0: } }\n  h: { machine: right }\nlinks: [{ endpoints: { "h:e": , "sw:br0": { addresses: [10.0.0.1/24] } } }]',
    '5:56 sw.right:br0 is a bridge, so this end is a port of the bridge',
  ],
])('what is wrong is said once, where it is written: %s', (text, expected) => {
  const found = diagnose({ file: 'lab.yaml', text: `${MACHINES}namespaces:\n  ${text}\n` })
  expect(found.map(({ summary, position }) => `${position?.line}:${position?.column} ${summary}`)).toEqual([expected])
})
