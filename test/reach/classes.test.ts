import { alikeHosts } from '../../src/reach/alike.ts'
import { askByClasses, type Question } from '../../src/reach/ask-classes.ts'
import type { Reachable } from '../../src/model/reach-pair.ts'
import type { Dump } from '../../src/model/runner.ts'

const all = [0, 1, 2, 3, 4, 5]

/** Asks by classes, with these pairs not reached; returns what was asked and what was found. */
async function ask(classes: number[][], blocked: (from: number, to: number) => boolean) {
  const asked: Question[] = []
  const found = await askByClasses(classes, all, all, async (questions) => {
    asked.push(...questions)
    return questions.map(([from, to]) => (blocked(from, to) ? 'no answer' : undefined))
  })
  return { asked, found }
}

test('every host of a class takes part in both directions, and the others are like them', async () => {
  const { asked, found } = await ask(
    [
      [0, 1, 2, 3],
      [4, 5],
    ],
    (from, to) => from < 4 && to >= 4,
  )
  expect(found).toHaveLength(30)
  for (const { from, to, answer } of found) expect(answer === undefined).toBe(!(from < 4 && to >= 4))
  expect(asked.length).toBeLessThan(20)
  for (const host of all) {
    expect(asked.some(([from]) => from === host)).toBe(true)
    expect(asked.some(([, to]) => to === host)).toBe(true)
  }
  for (const { from, to, like } of found)
    expect(like === undefined).toBe(asked.some(([a, b]) => a === from && b === to))
})

test('where one answer differs, every pair of the two classes is asked', async () => {
  const { found } = await ask([all], (from) => from === 2)
  expect(found.every(({ like }) => like === undefined)).toBe(true)
  expect(found.filter(({ answer }) => answer !== undefined)).toHaveLength(5)
})

/** A host with an interface that is cabled to a bridge of sw; and sw. */
const base = {
  neighbors: [],
  qdiscs: [],
  rules: [],
  rules6: [],
  sysctls: new Map(),
  conf: new Map(),
  iptables: '',
  ip6tables: '',
  nftables: '',
}
function dumps(change: Partial<Record<string, Partial<Dump>>> = {}): Map<string, Dump> {
  const hosts = [1, 2, 3].map((i): [string, Dump] => [
    `h${i}`,
    {
      ...base,
      links: [
        {
          ifindex: 2,
          ifname: 'eth0',
          flags: ['UP'],
          mtu: 1500,
          address: `02:00:00:00:00:0${i}`,
          link_index: i,
          link_netnsid: 0,
        },
      ],
      addresses: [{ ifname: 'eth0', addr_info: [{ family: 'inet', local: `10.0.0.${i}`, prefixlen: 24 }] }],
      routes: [{ dst: '10.0.0.0/24', dev: 'eth0', prefsrc: `10.0.0.${i}` }],
      nsids: new Map([[0, 'sw']]),
      ...change[`h${i}`],
    },
  ])
  const ports = [1, 2, 3].map((i) => ({
    ...{ ifindex: i, ifname: `p${i}`, flags: ['UP'], mtu: 1500, master: 'br0' },
    linkinfo: { info_kind: 'veth', info_slave_kind: 'bridge', info_slave_data: { no: `0x${i}`, state: 'forwarding' } },
  }))
  const sw = { ...base, links: ports, addresses: [], routes: [], nsids: new Map(), ...change['sw'] }
  return new Map([...hosts, ['sw', sw]])
}
const HOSTS = [1, 2, 3].map((i): Reachable => ({ name: `h${i}`, netns: `h${i}`, address: `10.0.0.${i}` }))
const classes = (change?: Partial<Record<string, Partial<Dump>>>): number[][] => alikeHosts(HOSTS, dumps(change))

test('hosts that differ in their own name and address are alike', () => {
  expect(classes()).toEqual([[0, 1, 2]])
  expect(classes({ sw: { iptables: '-A FORWARD -s 10.0.0.0/24 -j DROP' } })).toEqual([[0, 1, 2]])
  expect(classes({ h2: { iptables: '-A INPUT -d 10.0.0.2/32 -j DROP' } })).toEqual([[0, 2], [1]])
})

test.each([
  ['a rule that names an address', { sw: { iptables: '-A FORWARD -s 10.0.0.2/32 -j DROP' } }],
  ['a network that has some of them', { sw: { nftables: 'ip saddr 10.0.0.2/31 drop' } }],
  ['a rule that names a port', { sw: { nftables: 'iifname "p2" drop' } }],
  ['a route', { h1: { routes: [{ dst: '10.0.0.2', type: '6' }] } }],
  ['a setting of an interface', { h2: { conf: new Map([['eth0', { 'ipv4.rp_filter': '1' }]]) } }],
] as [string, Partial<Record<string, Partial<Dump>>>][])('%s tells them apart', (_, change) => {
  const found = classes(change)
  expect(found.find((members) => members.includes(1))).not.toEqual([0, 1, 2])
  expect(found.length).toBeGreaterThan(1)
})

test.each([
  ['chance', { sw: { iptables: '-A FORWARD -m statistic --mode random --probability 0.5 -j DROP' } }],
  ['a range', { sw: { nftables: 'ip saddr 10.0.0.1-10.0.0.2 drop' } }],
  ['a limit', { sw: { nftables: 'icmp type echo-request limit rate 1/second accept' } }],
  ['a mask', { sw: { iptables: '-A FORWARD -s 0.0.0.1/0.0.0.1 -j DROP' } }],
  ['losses', { sw: { qdiscs: [{ kind: 'netem', handle: '1:', dev: 'p1' }] } }],
  ['several next hops', { sw: { routes: [{ dst: 'default', nexthops: [] }] } }],
] as [string, Partial<Record<string, Partial<Dump>>>][])('where %s decides, no host is like another', (_, change) => {
  expect(classes(change)).toEqual([[0], [1], [2]])
})
