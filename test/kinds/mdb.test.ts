import { mdb } from '../../src/kinds/mdb.ts'
import { withListed } from '../../src/observe/others.ts'
import { diagnose } from '../../src/language/load-lab.ts'
import type { Dump } from '../../src/model/runner.ts'

const errors = (entry: string, bridge = '{}', at = 'sw:br0'): string[] =>
  diagnose({
    file: 'lab.yaml',
    text: `
namespaces: { sw: { bridges: { br0: ${bridge} } }, a: , b: }
links: [{ endpoints: { a:e0: , ${at}: { mdb: [${entry}] } } }]
`,
  }).map(({ summary }) => summary)

test.each([
  ['{ grp: 239.1.1.1, src: 10.0.0.9, vid: 7 }', '{}', []],
  ['{ grp: FF05::0:5 }', '{}', []],
  ['{ grp: "01:02:03:04:05:06" }', '{}', []],
  ['{ grp: 10.0.0.1 }', '{}', ['"10.0.0.1" is not a group']],
  ['{ grp: "02:02:03:04:05:06" }', '{}', ['"02:02:03:04:05:06" is not a group']],
  ['{ grp: 224.0.0.5 }', '{}', ['224.0.0.5 is always flooded']],
  ['{ grp: 239.1.1.1, src: fd00::1 }', '{}', ['fd00::1 is not a source of 239.1.1.1']],
  ['{ grp: "01:02:03:04:05:06", src: 10.0.0.1 }', '{}', ['a group with a MAC address has no sources']],
  ['{ grp: 239.1.1.1, src: 239.0.0.1 }', '{}', ['"239.0.0.1" is not an address of a source']],
  ['{ grp: 239.1.1.1 }', '{ mcast_snooping: false }', ['sw:br0 has mcast_snooping: false']],
  ['{ grp: 239.1.1.1 }', '{ up: false }', ['sw:br0 is down']],
  ['{ grp: 239.1.1.1 }', '{ vlan_filtering: true }', ['the entry for 239.1.1.1 needs vid, its VLAN']],
])('%s at a port of a bridge %s: %j', (entry, bridge, expected) => expect(errors(entry, bridge)).toEqual(expected))

test('what is not a port of a bridge has no groups', () =>
  expect(errors('{ grp: 239.1.1.1 }', '{}', 'b:e1')).toEqual(['b:e1 is not a port of a bridge']))

test('a bridge itself can have only what it does not forget', () => {
  const own = (grp: string): string[] =>
    diagnose({ file: 'lab.yaml', text: `namespaces: { sw: { bridges: { br0: { mdb: [{ grp: "${grp}" }] } } } }` }).map(
      ({ summary }) => summary,
    )
  expect(own('01:00:5e:00:00:77')).toEqual([])
  expect(own('239.1.1.1')).toEqual(['an entry for 239.1.1.1 at sw:br0 itself would not last'])
})

test('what a daemon keeps and what the kernel copies is none; what is joined counts where the lab wants it', () => {
  const entry = { dev: 'br0', port: 'p0', grp: '239.1.1.1', state: 'permanent', protocol: 'static', flags: [] }
  const all = [
    entry,
    { ...entry, grp: '239.1.1.2', state: 'temp' },
    { ...entry, grp: '239.1.1.3', protocol: 'zebra' },
    { ...entry, grp: '239.1.1.4', flags: ['added_by_star_ex'] },
    { ...entry, grp: '239.1.1.5', dev: 'vx0' },
  ]
  const links = [
    { ifname: 'br0', linkinfo: { info_kind: 'bridge' } },
    { ifname: 'vx0', linkinfo: { info_kind: 'vxlan' } },
  ]
  const found = mdb.read({ links, mdb: all } as unknown as Dump, { namespace: 'sw', lab: 'l' })
  expect(found).toEqual([
    expect.objectContaining({ id: 'sw/p0/mdb/239.1.1.1' }),
    expect.objectContaining({ id: 'sw/p0/mdb/239.1.1.2', others: true, passing: true }),
  ])
  expect(mdb.compare(found[1]!.spec, { ...found[1]!.spec, temp: undefined } as never)).toHaveLength(1)
  const live = { resources: new Map(), others: new Map(found.slice(1).map((r) => [r.id, r] as const)) }
  expect(withListed(live, new Map()).others.size).toBe(0)
  expect([...withListed(live, live.others).resources.keys()]).toEqual(['sw/p0/mdb/239.1.1.2'])
})
