import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TraceJson } from '../../src/views/way-text.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'

const LAB = `
name: traced
namespaces:
  c: { routes: [{ to: default, via: 10.0.1.1 }, { to: default, via: "fd01::1" }] }
  r1:
    forwarding: true
    routes: [{ to: 10.0.3.0/24, via: 10.0.2.2 }, { to: "fd03::/64", via: "fd02::2" }, { to: 10.9.0.0/16, via: 10.0.2.2 }]
    iptables:
      filter:
        FORWARD: ["-s 10.0.1.0/24 -j SORT"]
        SORT:
          - -p icmp -j RETURN
          - -p udp --dport 1000 -j DROP
          - -p tcp --dport 1001 -j REJECT --reject-with tcp-reset
          - -p udp --dport 1002 -j REJECT
      nat:
        PREROUTING: ["-d 10.0.1.1 -p tcp --dport 8080 -j DNAT --to-destination 10.0.3.2:80"]
        POSTROUTING: ["-o eth1 -p tcp --dport 80 -j MASQUERADE"]
  r2:
    forwarding: true
    routes: [{ to: default, via: 10.0.2.1 }, { to: default, via: "fd02::1" }]
    nftables: |
      table inet guard {
        chain forward {
          type filter hook forward priority filter; policy drop;
          tcp dport 1003 reject
          udp dport 1004 drop
          tcp dport 1005 return
          accept
        }
      }
  sw: { bridges: { br0: } }
  s: { routes: [{ to: default, via: 10.0.3.1 }, { to: default, via: "fd03::1" }] }
  idle: {}
links:
  - { endpoints: { c:eth0: [10.0.1.2/24, "fd01::2/64"], r1:eth0: [10.0.1.1/24, "fd01::1/64"] } }
  - { endpoints: { r1:eth1: [10.0.2.1/24, "fd02::1/64"], r2:eth0: [10.0.2.2/24, "fd02::2/64"] } }
  - { endpoints: { r2:eth1: [10.0.3.1/24, "fd03::1/64"], sw:br0: } }
  - { endpoints: { s:eth0: [10.0.3.2/24, "fd03::2/64"], sw:br0: } }
  - { endpoints: { idle:eth0: 10.0.3.9/24, sw:br0: } }
checks: [{ from: c, ping: 10.0.3.2, timeout: 1s }]
`

let world: World
beforeAll(async () => {
  world = await openWorld()
  writeFileSync(join(world.folder, 'lab.yaml'), LAB)
  expect(await world.netlab(['apply', '-y', 'lab.yaml'], { cwd: world.folder })).toMatchObject({ code: 0 })
})
afterAll(() => world.close())

/** Runs `netlab trace … --json`. */
async function trace(...args: string[]): Promise<TraceJson & { code: number }> {
  const { code, stdout, stderr } = await world.netlab(['trace', ...args, '--json'], { cwd: world.folder })
  if (stdout === '') throw new Error(stderr)
  return { code, ...(JSON.parse(stdout) as TraceJson) }
}
const ran = async (...argv: string[]): Promise<void> =>
  void expect(await world.run(['ip', 'netns', 'exec', ...argv])).toMatchObject({ code: 0 })
/** Does something, traces, and undoes it. */
async function during<T>(act: readonly string[], undo: readonly string[], work: () => Promise<T>): Promise<T> {
  await ran(...act)
  try {
    return await work()
  } finally {
    await ran(...undo)
  }
}

test.each(['10.0.3.2', 'fd03::2', 's'])('a ping to %s: both ways, routes, and the bridge', async (to) => {
  const result = await trace('c', to)
  expect(result).toMatchObject({ code: 0, verdict: 'answered', lab: 'traced', reason: 's answered' })
  expect(result.at).toBeUndefined()
  expect(result.hops.map(({ namespace }) => namespace)).toEqual(['c', 'r1', 'r2', 'sw', 's'])
  expect(result.hops.map(({ packet }) => packet.ttl)).toEqual([64, 64, 63, 62, 62])
  expect(result.hops[3]).toMatchObject({ bridge: 'br0', in: 'r2~eth1', out: 's~eth0' })
  expect(result.reply?.kind).toBe('answer')
  expect(result.reply?.hops.map(({ namespace }) => namespace)).toEqual(['s', 'sw', 'r2', 'r1', 'c'])
  expect(result.hops[0]!.route).toMatchObject({ table: 'main', prefix: 'default', dev: 'eth0' })
})

test('rules of iptables and nft, in order, with their chains, places and lines', async () => {
  const { hops } = await trace('c', '10.0.3.2')
  expect(hops[1]!.rules).toMatchObject([
    { table: 'ip nat', chain: 'PREROUTING', text: 'policy accept' },
    {
      table: 'ip filter',
      chain: 'FORWARD',
      number: 1,
      text: '-s 10.0.1.0/24 -j SORT',
      verdict: 'jump SORT',
      source: expect.stringMatching(/lab.yaml:10$/) as string,
    },
    {
      table: 'ip filter',
      chain: 'SORT',
      number: 1,
      text: '-p icmp -j RETURN',
      verdict: 'return',
      source: expect.stringMatching(/lab.yaml:12$/) as string,
    },
    { table: 'ip filter', chain: 'FORWARD', text: 'policy accept', verdict: 'accept' },
    { table: 'ip nat', chain: 'POSTROUTING', text: 'policy accept' },
  ])
  expect(hops[2]!.rules).toMatchObject([
    { table: 'inet guard', chain: 'forward', number: 4, text: 'accept', verdict: 'accept', hook: 'forward' },
  ])
})

test.each([
  ['dropped', '--udp', 1000, 'r1', 'r1 dropped it by rule 2 of SORT (ip filter): -p udp -m udp --dport 1000 -j DROP'],
  [
    'refused',
    '--tcp',
    1001,
    'r1',
    'r1 rejected it by rule 3 of SORT (ip filter): -p tcp -m tcp --dport 1001 -j REJECT --reject-with tcp-reset',
  ],
  [
    'refused',
    '--udp',
    1002,
    'r1',
    /^r1 rejected it by rule 4 of SORT .*; r1 sent back: port unreachable for 10.0.3.2$/,
  ],
  [
    'refused',
    '--tcp',
    1003,
    'r2',
    /^r2 rejected it by rule 1 of forward \(inet guard\): tcp dport 1003 reject.*port unreachable for 10.0.3.2$/,
  ],
  ['dropped', '--udp', 1004, 'r2', 'r2 dropped it by rule 2 of forward (inet guard): udp dport 1004 drop'],
  ['dropped', '--tcp', 1005, 'r2', 'r2 dropped it by the policy drop of forward (inet guard)'],
  ['refused', '--tcp', 9, 's', 'nobody listens at port 9 of s'],
  ['refused', '--udp', 9, 's', 'nobody listens at port 9 of s; s sent back: port unreachable for 10.0.3.2'],
] as const)('%s: %s to port %s, in %s', async (verdict, option, port, namespace, reason) => {
  const result = await trace('c', `s:${port}`, option)
  expect(result).toMatchObject({ code: 1, verdict, at: { namespace } })
  expect(result.reason).toEqual(typeof reason === 'string' ? reason : expect.stringMatching(reason))
})

test('a listener answers, and addresses are rewritten both ways', async () => {
  const server = "require('net').createServer((s) => s.end()).listen(80, () => console.log('ready'))"
  const [enter = '', ...rest] = [...world.enter, 'ip', 'netns', 'exec', 's', process.execPath, '-e', server]
  const child = spawn(enter, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((done) => child.stdout.once('data', done))
  const result = await trace('c', '10.0.1.1:8080', '--tcp')
  child.kill()
  expect(result).toMatchObject({ code: 0, verdict: 'answered' })
  expect(result.hops[1]!.rewrites).toEqual([
    { hook: 'prerouting', field: 'destination', before: '10.0.1.1', after: '10.0.3.2' },
    { hook: 'prerouting', field: 'dport', before: '8080', after: '80' },
    { hook: 'postrouting', field: 'source', before: '10.0.1.2', after: '10.0.2.1' },
  ])
  expect(result.hops[1]!.route).toMatchObject({ prefix: '10.0.3.0/24', via: '10.0.2.2', dev: 'eth1' })
  expect(result.reply?.hops.at(-2)).toMatchObject({ namespace: 'r1', in: 'eth1', out: 'eth0' })
  expect(result.reply?.hops.at(-2)?.rewrites.map(({ field, after }) => `${field} ${after}`)).toEqual([
    'destination 10.0.1.2',
    'source 10.0.1.1',
    'sport 8080',
  ])
})

test.each<[string, string, string, string, string, RegExp]>([
  [
    'no route',
    'r2 ip route del default',
    'r2 ip route add default via 10.0.2.1',
    '10.7.0.1',
    'lost',
    /^r1 has no route to 10.7.0.1/,
  ],
  [
    'no route at the sender',
    'c ip route del default',
    'c ip route add default via 10.0.1.1',
    's',
    'lost',
    /^c has no route to 10.0.3.2$/,
  ],
  [
    'forwarding',
    'r1 sysctl -qw net.ipv4.ip_forward=0',
    'r1 sysctl -qw net.ipv4.ip_forward=1',
    's',
    'lost',
    /^forwarding is off in r1$/,
  ],
  [
    'the reverse path filter',
    'r2 sysctl -qw net.ipv4.conf.all.rp_filter=1',
    'r2 sysctl -qw net.ipv4.conf.all.rp_filter=0',
    's',
    'answered',
    /^s answered$/,
  ],
  ['nobody has the address', 'r1 true', 'r1 true', '10.0.3.77', 'lost', /^nobody at r2:eth1 has 10.0.3.77/],
  [
    'an interface that is down',
    'idle ip link set eth0 down',
    'idle ip link set eth0 up',
    'idle',
    'lost',
    /^(idle:eth0 has 10.0.3.9, and did not answer r2:eth1: it|the bridge sw:br0 finds nobody .*; idle:eth0) is down/,
  ],
  [
    'no route back',
    's ip route del default',
    's ip route add default via 10.0.3.1',
    's',
    'arrived',
    /^it arrived at s:eth0, but s has no route back to 10.0.1.2$/,
  ],
  [
    'a loop',
    'r1 true',
    'r1 true',
    '10.9.0.1',
    'lost',
    /^its time to live ended in r[12]; r[12] sent back: time to live exceeded for 10.9.0.1$/,
  ],
  [
    'a route that prohibits',
    'r1 ip route add prohibit 10.8.0.0/16',
    'r1 ip route del prohibit 10.8.0.0/16',
    '10.8.0.1',
    'lost',
    /prohibit/,
  ],
  [
    'a route that discards',
    'r1 ip route add blackhole 10.8.0.0/16',
    'r1 ip route del blackhole 10.8.0.0/16',
    '10.8.0.1',
    'lost',
    /blackhole/,
  ],
])('%s', async (_, act, undo, to, verdict, reason) => {
  const result = await during(act.split(' '), undo.split(' '), () => trace('c', to))
  expect(result).toMatchObject({ verdict, reason: expect.stringMatching(reason) as string })
})

test('the rule of policy routing that chose the table', async () => {
  const ways = (how: string) => [
    'r1',
    'sh',
    '-c',
    `ip rule ${how} pref 40 from 10.0.1.0/24 uidrange 7-7 lookup 99
     ip rule ${how} pref 50 ipproto udp dport 5000-5001 lookup 100; ip route ${how} 10.0.3.0/24 via 10.0.2.2 table 100`,
  ]
  const routeOf = async (to: string) =>
    (await trace('c', to, '--udp')).hops.find((hop) => hop.namespace === 'r1')?.route
  const found = await during(ways('add'), ways('del'), async () => [await routeOf('s:5000'), await routeOf('s:4999')])
  expect(found).toMatchObject([{ table: '100', rule: '50: ipproto udp dport 5000-5001 lookup 100' }, { table: 'main' }])
  expect(found[1]).not.toHaveProperty('rule')
})

test('in a new copy of the file, the way is that of the file, and the drift that parts them is named', async () => {
  const noRoute = ['r1', 'ip', 'route', 'del', '10.0.3.0/24']
  const back = ['r1', 'ip', 'route', 'add', '10.0.3.0/24', 'via', '10.0.2.2']
  const [live, fresh, both] = await during(noRoute, back, async () => [
    await trace('c', 's'),
    await trace('c', 's', '--fresh', '--lab', 'lab.yaml'),
    await trace('c', 's', '--compare', '--lab', 'lab.yaml'),
  ])
  expect([live?.verdict, fresh?.verdict, both?.verdict]).toEqual(['lost', 'answered', 'lost'])
  const drift = [{ action: 'create', id: 'r1/route/10.0.3.0/24' }]
  expect(both?.compared).toMatchObject({ fresh: { verdict: 'answered' }, parts_in: 'r1', drift })
  const same = await trace('c', 's', '--compare', '--lab', 'lab.yaml')
  expect(same).toMatchObject({ verdict: 'answered', compared: { drift: [] } })
  expect(same.compared).not.toHaveProperty('parts_in')
})

test('where nothing else explains the end, the faults are named that somebody has set', async () => {
  await world.netlab(['cut', 'c:eth0'], { cwd: world.folder })
  expect(await trace('c', 's')).toMatchObject({
    verdict: 'lost',
    reason: expect.stringMatching(/is unknown; somebody has set faults: cut c:eth0$/) as string,
  })
  const { stdout } = await world.netlab(['test', 'lab.yaml'], { cwd: world.folder })
  expect(stdout).toContain('somebody has set faults: cut c:eth0')
  await world.netlab(['heal'], { cwd: world.folder })
})

test('isolated ports', async () => {
  const set = (how: string) => [
    'sw',
    'sh',
    '-c',
    `for p in s~eth0 r2~eth1; do bridge link set dev $p isolated ${how}; done`,
  ]
  await trace('c', 's') // so that the neighbours know each other
  const { verdict, reason, at } = await during(set('on'), set('off'), () => trace('c', 's'))
  expect({ verdict, reason }).toEqual({ verdict: 'lost', reason: 'sw:r2~eth1 and sw:s~eth0 are isolated ports of br0' })
  expect(at).toEqual({ namespace: 'sw', interface: 'r2~eth1' })
})

test('while it waits no plan calls its table drift, and nothing stays when it is killed', async () => {
  const lab = join(world.folder, 'lab.yaml')
  const argv = [process.execPath, join(process.cwd(), 'dist/netlab.cjs'), 'trace', '--lab', lab, 'c', '10.0.3.88']
  const [enter = '', ...rest] = [...world.enter, ...argv]
  const child = spawn(enter, rest, { stdio: 'ignore' })
  const tables = async (): Promise<string> =>
    (await world.run(['ip', 'netns', 'exec', 'r2', 'nft', 'list', 'tables'])).stdout
  expect(await until(tables, (text) => text.includes('netlab-trace'))).toContain('netlab-trace')
  expect(await world.netlab(['plan', lab, '--detailed-exitcode'])).toMatchObject({ code: 0 })
  child.kill('SIGKILL')
  expect(await until(tables, (text) => !text.includes('netlab-trace'), 10)).toBe('table inet guard\n')
})

test('what cannot be traced', async () => {
  const cannot = (...args: string[]) => world.netlab(['trace', ...args], { cwd: world.folder })
  expect(await cannot('c', 'nowhere')).toMatchObject({ code: 3, stderr: expect.stringContaining('nowhere') as string })
  expect(await cannot('nowhere', 's')).toMatchObject({ code: 1, stderr: expect.stringContaining('nowhere') as string })
  expect(await cannot('c', 's:80')).toMatchObject({ code: 1, stderr: expect.stringContaining('--tcp') as string })
})
