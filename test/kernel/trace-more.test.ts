import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TraceJson } from '../../src/views/way-text.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'

/** c – r1 ═ two cables ═ r2 – s, with a tunnel over the first cable; t is behind the tunnel. */
const LAB = `
name: more
namespaces:
  c: { routes: [{ to: default, via: 10.0.1.1 }, { to: default, via: "fd01::1" }] }
  r1:
    forwarding: true
    interfaces:
      vx: { type: vxlan, id: 7, link: a, local: 10.0.2.1, remote: 10.0.2.2, dstport: 4789, mtu: 1400, addresses: [10.0.9.1/24] }
    routes:
      - { to: 10.0.3.0/24, nexthops: [{ via: 10.0.2.2 }, { via: 10.0.4.2 }] }
      - { to: "fd03::/64", via: "fd02::2" }
      - { to: 10.0.8.0/24, via: 10.0.9.2 }
    iptables:
      filter:
        FORWARD: ["-p udp --dport 53 -d 10.0.1.2 -j DROP", "-p udp --dport 1002 -j REJECT"]
        OUTPUT: ["-p udp --dport 4789 -m length --length 1400: -j DROP", "-p icmp --icmp-type port-unreachable -j DROP"]
      nat:
        PREROUTING: ["-p udp --dport 5353 -j DNAT --to-destination 10.0.1.2:53"]
        POSTROUTING: ["-s 10.0.1.0/24 -d 10.0.8.2 -p udp -j MASQUERADE --to-ports 2000-2001"]
  r2:
    forwarding: true
    bridges: { none: ["fd07::1/64"] }
    interfaces:
      vx: { type: vxlan, id: 7, link: a, local: 10.0.2.2, remote: 10.0.2.1, dstport: 4789, mtu: 1400, addresses: [10.0.9.2/24] }
    routes: [{ to: 10.0.1.0/24, via: 10.0.2.1 }, { to: "fd01::/64", via: "fd02::1" }]
    nftables: |
      table inet guard {
        chain forward {
          type filter hook forward priority filter; policy accept;
          udp dport 1000 drop
        }
      }
  s: { routes: [{ to: default, via: 10.0.3.1 }, { to: default, via: "fd03::1" }] }
  sw:
    bridges: { br:  }
    nftables: |
      table bridge wall {
        chain forward {
          type filter hook forward priority filter; policy accept;
          udp dport 1001 drop
        }
      }
  t:
    routes: [{ to: default, via: 10.0.8.1 }]
    processes:
      echo:
        command: [node, -e, "const on = (port, what) => { const s = require('dgram').createSocket('udp4'); s.on('message', (m, to) => s.send(what ?? m, to.port, to.address)).bind(port) }; on(53, 'yes'); on(55)"]
        ready: { udp: 53 }
links:
  - { endpoints: { c:eth0: [10.0.1.2/24, "fd01::2/64"], r1:c: [10.0.1.1/24, "fd01::1/64"] } }
  - { endpoints: { r1:a: [10.0.2.1/24, "fd02::1/64"], r2:a: [10.0.2.2/24, "fd02::2/64"] } }
  - { endpoints: { r1:b: 10.0.4.1/24, r2:b: 10.0.4.2/24 } }
  - { endpoints: { r2:s: [10.0.3.1/24, "fd03::1/64"], sw:br: }, mtu: 1300 }
  - { endpoints: { s:eth0: [10.0.3.2/24, "fd03::2/64"], sw:br: }, mtu: 1300 }
  - { endpoints: { t:eth0: [10.0.8.2/24, 10.0.8.3/24], r2:t: 10.0.8.1/24 } }
`

let world: World
beforeAll(async () => {
  world = await openWorld()
  writeFileSync(join(world.folder, 'lab.yaml'), LAB)
  expect(await world.netlab(['apply', '-y', 'lab.yaml'], { cwd: world.folder })).toMatchObject({ code: 0 })
  const arrives = async () => (await trace('c', 's')).verdict
  expect(await until(arrives, (verdict) => verdict === 'answered')).toBe('answered')
})
afterAll(() => world.close())

/** Runs `netlab trace … --json`. */
async function trace(...args: string[]): Promise<TraceJson> {
  const { stdout, stderr } = await world.netlab(['trace', ...args, '--json'], { cwd: world.folder })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as TraceJson
}
const ran = async (...argv: string[]): Promise<void> =>
  void expect(await world.run(['ip', 'netns', 'exec', ...argv])).toMatchObject({ code: 0 })

test.each([
  ['10.0.3.2', '1300', 'answered', {}],
  ['10.0.3.2', '1301', 'lost', { namespace: 'r2', interface: expect.any(String) as string, mtu: 1300 }],
  ['fd03::2', '1301', 'lost', { namespace: 'r2', interface: 'a', mtu: 1300 }],
  ['10.0.8.2', '1401', 'lost', { namespace: 'r1', interface: 'c', mtu: 1400 }],
  ['10.0.3.2', '1501', 'lost', { namespace: 'c', interface: 'eth0', mtu: 1500 }],
])('a packet to %s of %s bytes: %s', async (to, size, verdict, at) => {
  const way = await trace('c', to, '--size', size)
  expect(way).toMatchObject({ verdict, ...(verdict === 'lost' && { at }) })
  if (verdict === 'lost') expect(way.reason).toMatch(/too big/)
})

test('an answer in fragments, which another way back makes of it', async () => {
  await ran('r1', 'ip', 'address', 'add', 'fd04::1/64', 'dev', 'b', 'nodad')
  await ran('r2', 'ip', 'address', 'add', 'fd04::2/64', 'dev', 'b', 'nodad')
  await ran('r1', 'ip', 'route', 'add', 'fd07::/64', 'via', 'fd02::2')
  await ran('r1', 'ip', 'route', 'add', '10.0.7.0/24', 'via', '10.0.2.2')
  await ran('r2', 'ip', 'address', 'add', '10.0.7.1/24', 'dev', 'none')
  await ran('r2', 'ip', 'route', 'replace', 'fd01::/64', 'via', 'fd04::1', 'mtu', '1280')
  await ran('r2', 'ip', 'route', 'replace', '10.0.1.0/24', 'via', '10.0.4.1', 'mtu', '1280')
  for (const to of ['fd07::1', '10.0.7.1']) {
    const { verdict, reply } = await trace('c', to, '--size', '1400')
    expect([to, verdict, reply?.hops.map(({ namespace }) => namespace)]).toEqual([to, 'answered', ['r2', 'r1', 'c']])
  }
  await ran('r2', 'ip', 'route', 'replace', 'fd01::/64', 'via', 'fd02::1')
  await ran('r2', 'ip', 'route', 'replace', '10.0.1.0/24', 'via', '10.0.2.1')
})

test('sizes that cannot be', async () => {
  const code = async (...args: string[]) => (await world.netlab(['trace', 'c', ...args], { cwd: world.folder })).stderr
  expect(await code('s:80', '--tcp', '--size', '100')).toContain('--size')
  expect(await code('s', '--size', '12')).toContain('Between 44 and 65535 bytes')
  expect(await code('s', '--size', 'big')).toContain('Between 44 and 65535 bytes')
})

test('a rule of nft has its line, a table of bridges is met, several next hops are told', async () => {
  const [nft, bridge] = [await trace('c', 's:1000', '--udp'), await trace('c', 's:1001', '--udp')]
  const line = LAB.split('\n').findIndex((text) => text.includes('udp dport 1000 drop')) + 1
  expect(nft).toMatchObject({ verdict: 'dropped', at: { namespace: 'r2', rule: { text: 'udp dport 1000 drop' } } })
  expect(nft.at?.rule?.source).toMatch(new RegExp(`lab.yaml:${line}$`))
  expect(bridge).toMatchObject({
    verdict: 'dropped',
    at: { namespace: 'sw', rule: { table: 'bridge wall', number: 1 } },
  })
  const r1 = bridge.hops.find(({ namespace }) => namespace === 'r1')
  expect(r1?.route?.nexthops).toEqual(['via 10.0.2.2 dev a', 'via 10.0.4.2 dev b'])
  expect(['a', 'b']).toContain(r1?.out)
})

test('in a tunnel: what carries the packet, its route and its rules', async () => {
  const through = await trace('r1', '10.0.8.2')
  expect([through.verdict, through.reason]).toEqual(['answered', expect.anything()])
  expect(through.hops[0]).toMatchObject({
    route: { prefix: '10.0.8.0/24', dev: 'vx' },
    carrier_route: { prefix: '10.0.2.0/24', dev: 'a' },
    interfaces: [{ interface: 'vx' }, { interface: 'a', carried_by: { destination: '10.0.2.2', dport: 4789 } }],
  })
  const rules = through.hops[0]?.rules.filter(({ chain }) => chain === 'OUTPUT')
  expect(rules?.map(({ chain, carrier }) => [chain, carrier])).toEqual([
    ['OUTPUT', undefined],
    ['OUTPUT', true],
  ])
  expect(await trace('r1', '10.0.8.2', '--size', '1400')).toMatchObject({
    verdict: 'dropped',
    at: { namespace: 'r1', rule: { chain: 'OUTPUT', number: 1 } },
  })
})

test('the answer to a datagram, in a tunnel', async () => {
  const { verdict, reply } = await trace('r1', '10.0.8.2:53', '--udp')
  expect(verdict).toBe('answered')
  expect(reply?.hops.at(-1)?.interfaces).toMatchObject([
    { interface: 'a', carried_by: { dport: 4789 } },
    { interface: 'vx' },
  ])
})

test('an answer from another address than the one that was asked', async () => {
  expect(await trace('r1', '10.0.8.3:53', '--udp')).toMatchObject({
    verdict: 'lost',
    reason: 't answered, but r1 does not take an answer from 10.0.8.2:53: it asked 10.0.8.3:53',
  })
})

test('the answer to a datagram whose ports are translated: who answered, and as much of the way as it can be known on', async () => {
  const [other, same] = [await trace('c', '10.0.8.2:53', '--udp'), await trace('c', '10.0.8.2:55', '--udp')]
  for (const way of [other, same]) expect(way).toMatchObject({ verdict: 'answered', reason: 't answered' })
  expect(other.reply?.hops.map(({ namespace, unknown }) => [namespace, unknown])).toEqual([
    ['r1', 'from where the answer came: its ports are translated here'],
    ['c', undefined],
  ])
  expect(same.hops.map(({ namespace }) => namespace)).toEqual(['c', 'r1', 'r2', 't'])
  expect(same.reply?.hops.map(({ namespace }) => namespace)).toEqual(['t', 'r2', 'r1', 'c'])
})

test('routes that refuse a packet where it is made, also when a mark leads it there', async () => {
  await ran('c', 'ip', 'rule', 'add', 'fwmark', '7', 'prohibit')
  await ran(
    'c',
    'iptables',
    '-t',
    'mangle',
    '-A',
    'OUTPUT',
    '-p',
    'udp',
    '--dport',
    '77',
    '-j',
    'MARK',
    '--set-mark',
    '7',
  )
  expect(await trace('c', 's:77', '--udp')).toMatchObject({
    verdict: 'lost',
    reason: 'a route of c prohibits 10.0.3.2: its route was looked up again with the mark 0x7',
  })
  await ran('c', 'ip', 'route', 'add', 'unreachable', '10.66.0.0/16')
  expect((await trace('c', '10.66.0.1:80', '--tcp')).reason).toBe('a route of c says that 10.66.0.1 is unreachable')
  await ran('c', 'sh', '-c', 'iptables -t nat -A OUTPUT -p udp --dport 78 -j DNAT --to-destination 10.66.0.1:79')
  expect((await trace('c', 's:78', '--udp')).reason).toMatch(
    /^a route of c says that 10.66.0.1 is unreachable: its route was looked up again after rule 1 of OUTPUT \(ip nat\): -p udp/,
  )
  await ran('c', 'iptables', '-t', 'nat', '-F', 'OUTPUT')
  await ran('c', 'ip', 'route', 'del', 'unreachable', '10.66.0.0/16')
  await ran('c', 'ip', 'rule', 'del', 'fwmark', '7', 'prohibit')
  await ran('c', 'iptables', '-t', 'mangle', '-F', 'OUTPUT')
})

test('routers that refuse a packet: rules for sources do not lead their errors, and IPv6 may refuse without forwarding', async () => {
  await ran('r1', 'ip', 'rule', 'add', 'from', '10.0.1.0/24', 'table', '100')
  await ran('r1', 'ip', 'route', 'add', '10.0.1.0/24', 'via', '10.0.2.2', 'table', '100')
  const { reason, reply } = await trace('c', '10.66.0.1')
  expect(reason).toBe('r1 has no route to 10.66.0.1; r1 sent back: network unreachable for 10.66.0.1')
  expect(reply?.hops[0]).toMatchObject({ namespace: 'r1', out: 'c', route: { table: 'main', dev: 'c' } })
  await ran('r1', 'ip', 'rule', 'del', 'from', '10.0.1.0/24', 'table', '100')
  await ran('r1', 'ip', 'route', 'add', 'unreachable', 'fd66::/64')
  await ran('r1', 'sysctl', '-qw', 'net.ipv6.conf.all.forwarding=0')
  expect((await trace('c', 'fd66::1')).reason).toMatch(/^a route of r1 says that fd66::1 is unreachable; r1 sent back/)
  await ran('r1', 'sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1')
})

test('an error that is lost itself, and a redirect that the kernel sends meanwhile', async () => {
  const rejected = await trace('c', 's:1002', '--udp')
  expect(rejected.reason).toMatch(/; r1 reports: port unreachable, and the report was lost: r1 dropped it by rule 2/)
  expect(await trace('c', 's:5353', '--udp')).toMatchObject({
    verdict: 'dropped',
    at: { namespace: 'r1', hook: 'forward', rule: { number: 1 } },
  })
})

test('that nobody listens is known also where the kernel sends no error, because it limits them', async () => {
  await ran('s', 'sysctl', '-qw', 'net.ipv4.icmp_ratelimit=1000000')
  expect(await trace('c', 's:9', '--udp')).toMatchObject({
    verdict: 'arrived',
    reason: expect.stringMatching(/^it arrived at s:\S+, and nobody answered: nobody listens at port 9$/),
  })
  await ran('s', 'sysctl', '-qw', 'net.ipv4.icmp_ratelimit=1000')
})

test('neighbours of IPv6: no carrier, and rules that drop the question or the answer', async () => {
  expect(await trace('r2', 'fd07::2')).toMatchObject({ reason: 'r2:none has no carrier: none of its ports is up' })
  const [advert, solicit] = ['icmpv6 type nd-neighbor-advert', 'icmpv6 type nd-neighbor-solicit']
  const cases = [
    ['s', 'fd03::1', 's', 'input', advert, /^fd03::1 answered, and s has a rule or a filter that drops/],
    ['r1', 'fd02::2', 'r2', 'input', solicit, /^r2:a has fd02::2, and did not answer .*: r2 has a rule or a filter/],
  ] as const
  for (const [from, to, namespace, hook, match, reason] of cases) {
    await ran(
      namespace,
      'nft',
      `table ip6 deaf { chain deaf { type filter hook ${hook} priority 0; ${match} drop; }; }`,
    )
    await ran(from, 'sh', '-c', 'for i in $(ls /sys/class/net); do ip -6 neigh flush dev $i; done')
    expect(await trace(from, to)).toMatchObject({ verdict: 'lost', reason: expect.stringMatching(reason) as string })
    await ran(namespace, 'nft', 'delete table ip6 deaf')
  }
})

test('two traces at the same time: one of them sees no rules, and says so', async () => {
  const ways = await Promise.all([trace('c', 's'), trace('c', 's')])
  const told = ways.map(({ hops }) => hops.flatMap(({ unknown }) => unknown ?? []))
  for (const text of told.flat()) expect(text).toBe('its rules: another trace is running there')
  expect(told.flat().length).toBeGreaterThan(0)
  expect(ways.map(({ verdict, reason }) => `${verdict}: ${reason}`)).toEqual([
    'answered: s answered',
    'answered: s answered',
  ])
})

test('the reverse path filter', async () => {
  await ran('r2', 'sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1')
  await ran('r2', 'ip', 'route', 'del', '10.0.1.0/24')
  expect(await trace('c', 's')).toMatchObject({
    verdict: 'lost',
    reason: expect.stringMatching(/^the reverse path filter of r2 dropped it/) as string,
    at: { namespace: 'r2', hook: 'routing' },
  })
  await ran('r2', 'ip', 'route', 'add', '10.0.1.0/24', 'via', '10.0.2.1')
  await ran('r2', 'sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0')
})

test('beside a flood on the same way it sees its own packet only, and no rule counts more than that', async () => {
  const flood = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('10.0.3.2', 9))
print('ready', flush=True)
while True:
    try: s.send(b'x' * 36)
    except OSError: pass
`
  const chain =
    'chain forward { type filter hook forward priority 10; icmp type { echo-request, echo-reply } counter; }'
  await ran('r2', 'nft', `table ip tally { ${chain}; }`)
  const [enter = '', ...rest] = [...world.enter, 'ip', 'netns', 'exec', 'c', 'python3', '-c', flood]
  const child = spawn(enter, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((done) => child.stdout.once('data', done))
  const way = await trace('c', 's')
  child.kill('SIGKILL')
  const { stdout } = await world.run(['ip', 'netns', 'exec', 'r2', 'nft', 'list', 'table', 'ip', 'tally'])
  await ran('r2', 'nft', 'delete', 'table', 'ip', 'tally')
  expect(way).toMatchObject({ verdict: 'answered' })
  expect(way.hops.map(({ namespace }) => namespace)).toEqual(['c', 'r1', 'r2', 'sw', 's'])
  expect(way.hops.flatMap(({ unknown }) => unknown ?? [])).toEqual([])
  expect(stdout).toContain('counter packets 2 ')
})

test('a port that STP has not opened yet', async () => {
  // Ports that forward already go on when STP begins: the bridge starts again.
  await ran('sw', 'ip', 'link', 'set', 'dev', 'br', 'type', 'bridge', 'forward_delay', '3000', 'stp_state', '1')
  for (const state of ['down', 'up']) await ran('sw', 'ip', 'link', 'set', 'dev', 'br', state)
  expect(await trace('c', 's')).toMatchObject({
    verdict: 'lost',
    reason: 'the port sw:r2~s of br is listening, and not forwarding',
    at: { namespace: 'sw', interface: 'r2~s' },
  })
})
