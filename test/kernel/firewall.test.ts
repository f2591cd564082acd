import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compareIptables } from '../../src/kinds/iptables.ts'
import { firewallIn, written, type Firewall } from '../support/firewall.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
let fw: Firewall

beforeAll(async () => {
  world = await openWorld()
  fw = firewallIn(world)
})
afterAll(() => world?.close())
let count = 0
let ns = ''
beforeEach(async () => {
  ns = `ns${count++}`
  await fw.sh(undefined, `ip netns add ${ns} && ip -n ${ns} link set dev lo up`)
})

const dump = readFileSync(join(__dirname, '../fixtures/docker-isolation.iptables-save'), 'utf8')
const rulesOf = (save: string): string[] => save.split('\n').filter((line) => /^-A|^\*/.test(line))
const byTable = (lines: string[]): string[] => {
  const tables = lines.join('\n').split('*').slice(1)
  return tables.map((t) => t.split('\n').filter(Boolean).join('\n')).sort()
}

const states = 'RELATED,ESTABLISHED'
const nets = ['docker0', 'br-cbd0f56841ce', 'br-9559b3f84d38', 'br-cfcd23a5f04c']
const structured = {
  nat: {
    PREROUTING: [{ match: 'addrtype --dst-type LOCAL', jump: 'DOCKER' }],
    OUTPUT: [{ destination: '!127.0.0.0/8', match: { addrtype: { 'dst-type': 'LOCAL' } }, jump: 'DOCKER' }],
    POSTROUTING: [
      { source: '172.17.0.0/16', out: '!docker0', jump: 'MASQUERADE' },
      { source: '172.19.0.0/16', out: '!br-9559b3f84d38', jump: 'MASQUERADE' },
      { source: '172.21.0.0/16', out: '! br-cfcd23a5f04c', jump: 'MASQUERADE' },
      '-s 172.18.0.0/16 ! -o br-cbd0f56841ce -j MASQUERADE',
    ],
    DOCKER: nets.map((net) => ({ in: net, jump: 'RETURN' })),
  },
  filter: {
    FORWARD: [
      '-j DOCKER-USER',
      '-j DOCKER-ISOLATION-STAGE-1',
      ...nets.flatMap((net) => [
        { out: net, ctstate: states, jump: 'ACCEPT' },
        { out: net, jump: 'DOCKER' },
        { in: net, out: `!${net}`, jump: 'ACCEPT' },
        { in: net, out: net, jump: 'ACCEPT' },
      ]),
    ],
    DOCKER: null,
    'DOCKER-ISOLATION-STAGE-1': [
      ...nets.map((net) => ({ in: net, out: `!${net}`, jump: 'DOCKER-ISOLATION-STAGE-2' })),
      '-j RETURN',
    ],
    'DOCKER-ISOLATION-STAGE-2': [...nets.map((net) => ({ out: net, jump: 'DROP' })), '-j RETURN'],
    'DOCKER-USER': { rules: ['-j RETURN'] },
  },
}

test.each([
  ['restored from its dump', () => written(ns, { restore: 'docker.iptables-save' }, { dump })],
  ['written in fields', () => written(ns, structured)],
])("Docker's rule set, %s, is live rule for rule", async (_, make) => {
  const [desired] = await fw.canonical(make())
  await fw.apply(desired!)
  expect(byTable(rulesOf(await fw.sh(ns, 'iptables-save')))).toEqual(byTable(rulesOf(dump)))
  const live = await fw.live(ns, 'iptables')
  expect(compareIptables(live!.spec, desired!.spec)).toEqual([])
  await fw.execute(fw.emissions(undefined, live))
  expect(await fw.live(ns, 'iptables')).toBeUndefined()
})

test.each([
  ['a service by name', '-p tcp --dport http -j ACCEPT', '-p tcp -m tcp --dport 80 -j ACCEPT'],
  ['a mask and host bits', '-s 10.1.2.3/255.255.0.0 -j ACCEPT', '-s 10.1.0.0/16 -j ACCEPT'],
  ['a host without /32', '-s 10.0.0.1 -j DROP', '-s 10.0.0.1/32 -j DROP'],
  [
    'states in another order',
    '-m state --state ESTABLISHED,RELATED -j ACCEPT',
    '-m state --state RELATED,ESTABLISHED -j ACCEPT',
  ],
  ['an ICMP type by name', '-p icmp --icmp-type echo-request -j ACCEPT', '-p icmp -m icmp --icmp-type 8 -j ACCEPT'],
  ['what REJECT says by default', '-j REJECT', '-j REJECT --reject-with icmp-port-unreachable'],
  ['--syn', '-p tcp --syn -j DROP', '-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP'],
  [
    'a rate in another unit',
    '-m limit --limit 120/minute --limit-burst 5 -j ACCEPT',
    '-m limit --limit 2/sec -j ACCEPT',
  ],
  ['quotes in a comment', `-m comment --comment 'it is mine' -j ACCEPT`, `-m comment --comment "it is mine" -j ACCEPT`],
  ['options in another order', '-j ACCEPT -o b -i a', '-i a -o b -j ACCEPT'],
  ['long options', '--source 10.0.0.0/8 --jump ACCEPT', '-s 10.0.0.0/8 -j ACCEPT'],
])('%s is not a change', async (_, one, other) => {
  const [desired] = await fw.canonical(written(ns, { filter: { FORWARD: [one] } }))
  await fw.sh(ns, `iptables -A FORWARD ${other}`)
  const live = await fw.live(ns, 'iptables')
  expect(compareIptables(live!.spec, desired!.spec)).toEqual([])
})

test('the case of an IPv6 address is not a change', async () => {
  const [desired] = await fw.canonical(
    written(ns, { filter: { INPUT: ['-s 2001:DB8:0:0::1 -j DROP'] } }, { kind: 'ip6tables' }),
  )
  await fw.apply(desired!)
  expect(desired!.spec.tables.filter.INPUT.rules).toEqual(['-s 2001:db8::1/128 -j DROP'])
  expect(compareIptables((await fw.live(ns, 'ip6tables'))!.spec, desired!.spec)).toEqual([])
})

const port = (n: number) => `-p udp --dport ${n} -j ACCEPT`
const canon = (n: number) => `-p udp -m udp --dport ${n} -j ACCEPT`
const counters = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    [...(await fw.sh(ns, 'iptables-save -c')).matchAll(/^\[(\d+):\d+\] -A INPUT .*--dport (\d+)/gm)].map(([, p, d]) => [
      d,
      p,
    ]),
  )

test.each([
  ['inserted', [1, 2, 9, 3], [{ to: canon(9), at: { to: 3 } }], [1, 2, 3]],
  ['appended', [1, 2, 3, 9], [{ to: canon(9), at: { to: 4 } }], [1, 2, 3]],
  ['removed', [1, 3], [{ from: canon(2), at: { from: 2 } }], [1, 3]],
  ['replaced', [1, 8, 3], [{ from: canon(2), to: canon(8), at: { from: 2, to: 2 } }], [1, 3]],
  ['moved', [3, 1, 2], [{ from: canon(3), to: canon(3), at: { from: 3, to: 1 } }], [1, 2]],
])('a rule is %s: exactly that, and the counters of the others stay', async (_, ports, expected, untouched) => {
  const want = async (list: number[]) => (await fw.canonical(written(ns, { filter: { INPUT: list.map(port) } })))[0]!
  await fw.apply(await want([1, 2, 3]))
  await fw.sh(
    ns,
    `bash -c 'for p in 1 2 3; do for i in $(seq $p); do echo x > /dev/udp/127.0.0.1/$p; done; done' 2>/dev/null`,
  )
  const before = await counters()
  expect(before).toEqual({ 1: '1', 2: '2', 3: '3' })
  const desired = await want(ports)
  expect(await fw.apply(desired)).toEqual(expected.map((difference) => ({ field: 'filter/INPUT', ...difference })))
  const after = await counters()
  for (const n of untouched) expect(after[n]).toBe(before[n])
  const live = await fw.live(ns, 'iptables')
  expect(compareIptables(live!.spec, desired.spec)).toEqual([])
  expect(Object.keys(live!.spec.tables.filter).length).toBe(1)
  expect(live!.spec.tables.filter.INPUT.rules).toEqual(ports.map(canon))
})
