import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import { BY_HAND } from '../support/by-hand.ts'
import { openWorld, type World } from '../support/netns.ts'

const h0 = {
  addresses: ['10.0.0.2/24', 'fd00::2/64'],
  mac: '02:00:00:00:ad:02',
  impairments: { rate: '10mbit', burst: '32kb' },
}
/** In the words that `made` has, and in shorter ones. */
const qdiscs = [
  'qdisc add root handle 1: htb default 20 r2q 20',
  'class parent 1: classid 1:10 htb rate 10mbit ceil 20mbit prio 3',
  'class parent 1: classid 1:20 htb rate 1000kbit',
  'qdisc parent 1:10 handle 10: pfifo limit 77',
  'filter parent 1: protocol ip pref 5 u32 match ip dst 10.8.0.0/16 flowid 1:10',
  'qdisc clsact',
  'filter ingress protocol ip pref 7 u32 match ip src 10.66.0.0/16 flowid 1:1',
]
const lab = (more: object = {}) => ({
  name: 'adopt',
  namespaces: {
    r: {
      forwarding: true,
      nexthops: [
        { id: 1, via: '10.0.0.2' },
        { id: 2, blackhole: true },
        { id: 3, via: 'fd00::2' },
        { id: 4, group: [1] },
        { id: 5, group: [1], type: 'resilient', buckets: 4, idle_timer: 60 },
        { id: 6, via: '10.0.0.9', fdb: true },
      ],
      routes: [
        { to: '10.1.0.0/16', nexthop: 1 },
        { to: '10.2.0.0/16', nexthop: 5 },
        { to: '10.3.0.0/16', via: '10.0.0.2', mtu: 1400, advmss: 1300 },
        { to: 'fd01::/64', via: 'fd00::2', metric: 7 },
        { to: '10.4.0.0/16', type: 'unreachable' },
        { to: '10.5.0.0/16', via: '10.0.0.2', encap: 'seg6 mode encap segs fd00::9' },
        { to: '10.6.0.0/16', nexthops: [{ via: '10.0.0.2', weight: 2 }, { via: '10.0.0.3' }] },
        { to: '10.7.0.0/16', via: '10.0.0.2', table: 7, src: '10.0.0.1', onlink: true },
      ],
      rules: [
        { priority: 5, from: '10.0.0.0/8', fwmark: '1/0xff', table: 7 },
        { priority: 6, not: true, to: '10.9.0.0/16', ipproto: 'tcp', dport: '80-90', goto: 9 },
        { priority: 9, nop: true },
        { priority: 9, iif: 'e0', action: 'blackhole', family: 'inet6' },
      ],
      neighbors: [
        { to: '10.0.0.9', lladdr: '02:00:00:00:00:09' },
        { to: '10.0.0.8', proxy: true },
      ],
      ipsets: { good: { type: 'hash:ip', entries: ['10.0.0.5'] } },
      iptables: { filter: { INPUT: ['-m set --match-set good src -j ACCEPT'] } },
      ip6tables: {
        filter: { FORWARD: { policy: 'DROP', rules: ['-s fd00::/64 -p tcp -m tcp --dport 443 -j ACCEPT'] } },
        mangle: { PREROUTING: ['-i e0 -j MARK --set-xmark 0x1/0xff'] },
      },
      ...more,
    },
    h: { nftables: 'table inet f { chain in { type filter hook input priority 0; tcp dport 22 accept; }; }' },
    s: {
      nftables: `table ip g {
  set ports { type inet_service; flags interval; elements = { 80, 443, 8000-8010 }; };
  map whence { type ipv4_addr : verdict; elements = { 10.8.0.2 : accept, 10.8.0.3 : drop }; };
  chain in { type filter hook input priority 0; tcp dport @ports accept; ip saddr vmap @whence; }; }`,
      bridges: { br0: { stp: true, priority: 4096, mac: '02:00:00:00:ad:03', addresses: ['10.8.0.1/24'] } },
      interfaces: {
        vx0: {
          ...{ type: 'vxlan', id: 7, local: '10.8.0.1', remote: '10.8.0.2', mac: '02:00:00:00:ad:06' },
          fdb: [{ mac: '00:00:00:00:00:00', dst: '10.8.0.3' }],
        },
        mv0: { type: 'macvlan', link: 'br0', mode: 'private', mac: '02:00:00:00:ad:07' },
      },
    },
  },
  links: [
    { endpoints: { 'r:e0': { addresses: ['10.0.0.1/24', 'fd00::1/64'], mac: '02:00:00:00:ad:01' }, 'h:e0': h0 } },
    {
      endpoints: {
        's:p0': {
          ...{ bridge: 'br0', isolated: true, cost: 7, mac: '02:00:00:00:ad:04' },
          ...{ fdb: [{ mac: '02:00:00:00:aa:01' }], mdb: [{ grp: '239.1.1.1' }] },
        },
        'h:e1': { mac: '02:00:00:00:ad:05', qdiscs },
      },
    },
  ],
})

let world: World
let file: string
beforeEach(async () => {
  world = await openWorld()
  file = join(world.folder, 'lab.yaml')
  writeFileSync(file, JSON.stringify(lab()))
  expect(await world.run(['sh', '-e'], { input: BY_HAND })).toMatchObject({ code: 0, stderr: '' })
})
afterEach(() => world.close())

const changes = async (args: readonly string[], runner = 'netlink'): Promise<string[]> => {
  const env = { NETLAB_RUNNER: runner }
  const { code, stdout, stderr } = await world.netlab(['plan', file, '--json', ...args], { env })
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')])
  return (JSON.parse(stdout) as PlanJson).changes.flatMap(({ id, action, differences }) =>
    differences.length ? differences.map(({ field }) => `${id} ${field}`) : [`${id} ${action}`],
  )
}
/**
 * What does not change by itself: multicast MAC addresses of interfaces come when duplicate address detection ends, and a bridge
 * learns addresses and groups.
 */
const listed = async (): Promise<string> => {
  const each = `
echo "@ $n"; ip -n $n -o link show dev lo; ip -n $n nexthop; ip -n $n route show table all proto boot; ip -n $n rule; ip -n $n -6 rule
bridge -n $n -d mdb | grep permanent; bridge -n $n fdb | grep -v '^33:33' | grep 'static\\|permanent'; tc -n $n qdisc; ip netns exec $n sh -c 'nft -s list ruleset; ipset save; sysctl net.ipv4.ip_forward'
ip -n $n -d link show type bridge_slave | grep -o 'isolated \\w*'`
  return (await world.run(['sh'], { input: `for n in r h s; do ${each}; done` })).stdout
}

test('what somebody has made by hand is adopted as it is, and is the lab’s from then on', async () => {
  for (const runner of ['netlink', 'ip']) expect(await changes(['--adopt'], runner)).toEqual([])
  expect((await world.netlab(['apply', file, '-y', '--adopt'])).code).toBe(0)
  for (const runner of ['netlink', 'ip']) expect(await changes([], runner)).toEqual([])
  await world.run(['ip', '-n', 'r', 'route', 'del', '10.6.0.0/16'])
  expect(await changes([])).toEqual(['r/route/10.6.0.0/16 create'])
  expect((await world.netlab(['destroy', file, '-y'])).code).toBe(0)
})

test('what differs of it is listed, and what an adoption that fails has done is taken back', async () => {
  const by = `
ip -n r nexthop replace id 1 via 10.0.0.3 dev e0
ip -n r route replace 10.3.0.0/16 via 10.0.0.2 mtu 1300 advmss 1300
ip -n r rule del priority 5; ip -n r rule add priority 5 from 10.0.0.0/16 table 7
ip netns exec r ipset add good 10.0.0.6
ip -n s link set dev p0 type bridge_slave isolated off
bridge -n s mdb add dev br0 port p0 grp 239.1.1.2 permanent
tc -n h qdisc change dev e0 root tbf rate 20mbit burst 32kb limit 96356
ip -n h link set dev lo alias mine
`
  expect(await world.run(['sh', '-e'], { input: by })).toMatchObject({ code: 0, stderr: '' })
  const expected = [
    'r/nexthop/1 via',
    'r/ipset/good entries',
    'r/route/10.3.0.0/16 mtu',
    'r/rule/5 from 10.0.0.0/16 table 7 delete',
    'r/rule/5 from 10.0.0.0/8 fwmark 0x1/0xff table 7 create',
    'h/e0/qdisc rate',
    's/p0 isolated',
    's/p0/mdb/239.1.1.2 delete',
  ].sort()
  for (const runner of ['netlink', 'ip']) expect((await changes(['--adopt'], runner)).sort()).toEqual(expected)
  const before = await listed()
  const { steps } = JSON.parse((await world.netlab(['plan', file, '--json', '--adopt'])).stdout) as PlanJson
  for (const [step, runner] of [
    [1, 'ip'],
    [Math.ceil(steps.length / 2), 'netlink'],
    [steps.length, 'ip'],
  ] as const) {
    // prettier-ignore
    const env = { NETLAB_FAULT: `fail:${step}`, NETLAB_RUNNER: runner }
    const { stderr } = await world.netlab(['apply', file, '-y', '--adopt'], { env })
    expect(stderr).toContain('Rolled back')
    expect(await listed()).toBe(before)
  }
  expect((await world.netlab(['apply', file, '-y', '--adopt'])).code).toBe(0)
  expect(await changes([])).toEqual([])
})

test('of the machine no interface is taken over that something of others depends on, nor half a cable', async () => {
  // A cable to a namespace without a name stands for the machine’s network card.
  const machine = `
unshare --net sleep 600 >/dev/null 2>&1 & until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
ip link add br0 type bridge; ip addr add 192.0.2.10/24 dev br0; ip link set br0 up
ip link add card type veth peer name x netns $!; ip link set card master br0 up
ip link add br1 type bridge; ip link add m1 link br1 type macvlan; ip link add br2 type bridge
ip link add v1 type veth peer name v2; ip link add w1 type veth peer name w2`
  expect(await world.run(['sh', '-e'], { input: machine })).toMatchObject({ code: 0, stderr: '' })
  const { stdout: text } = await world.netlab(['import', '--root'])
  for (const words of ['br0: { existing: true }', 'card: { existing: true }']) expect(text).toContain(words)
  expect(text).toContain('# Not managed: address 192.0.2.10/24 of br0')
  expect(text).not.toMatch(/br[12]: \{ existing/)
  const planned = async (here: object, links: object[] = []): Promise<string> => {
    writeFileSync(file, JSON.stringify({ namespaces: { me: { root: true, ...here } }, links }))
    const { code, stdout, stderr } = await world.netlab(['plan', file, '--adopt'])
    return code === 0 ? stdout : stderr
  }
  const bridges = { br0: {}, br1: {}, br2: {} }
  const refused = await planned({ bridges }, [{ endpoints: ['me:v1', 'me:w1'] }])
  expect(refused).toContain('interface me/br0 cannot be adopted: card depends on it and is not the lab’s')
  expect(refused).toContain('interface me/br1 cannot be adopted: m1 depends on it and is not the lab’s')
  expect(refused).toContain('interface me/v1 cannot be adopted: its other end is me:v2')
  expect(refused).not.toContain('me/br2')
  const whole = { bridges: { br1: {}, br2: {} }, interfaces: { m1: { type: 'macvlan', link: 'br1' } } }
  const taken = await planned(whole, [{ endpoints: ['me:v1', 'me:v2'] }])
  for (const name of ['br1', 'br2', 'm1', 'v1', 'v2']) expect(taken).toContain(`> me/${name} is taken over as it is`)
})
