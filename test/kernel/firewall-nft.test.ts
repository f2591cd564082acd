import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nftablesValue } from '../../src/firewall/rule-files.ts'
import { compareNft } from '../../src/kinds/nftables.ts'
import type { PlanJson } from '../../src/views/json.ts'
import { firewallIn, nftResource, written, type Firewall } from '../support/firewall.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
let fw: Firewall
let count = 0
let ns = ''

beforeAll(async () => {
  world = await openWorld()
  fw = firewallIn(world)
})
afterAll(() => world?.close())
beforeEach(async () => {
  ns = `ns${count++}`
  await fw.sh(undefined, `ip netns add ${ns} && ip -n ${ns} link set dev lo up`)
})

const want = async (text: string) => (await fw.canonical(nftResource(ns, text)))[0]!
const drift = async (text: string) => compareNft((await fw.live(ns, 'nftables'))!.spec, (await want(text)).spec)
const input = (...rules: string[]) =>
  `table inet web {\n chain input {\n  type filter hook input priority filter; policy accept;\n${rules.map((r) => `  ${r}\n`).join('')} }\n}\n`

const everything = `#!/usr/sbin/nft -f
flush ruleset
define web = { 80, 443 }
table inet web {
  comment "all kinds of things"
  counter hits { comment "a counter"; }
  limit slow { rate 5/second; }
  set nets { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.0.1-192.168.0.9 }
  }
  set seen { type ipv4_addr; flags dynamic,timeout; timeout 1m; }
  set pairs { type ipv4_addr . inet_service; elements = { 1.1.1.1 . 80, 2.2.2.2 . 90, 3.3.3.3 . 1 }
  }
  map verdicts { type inet_service : verdict; elements = { 22 : jump own, 80 : drop }
  }
  chain own {
    comment "a chain { of its own"
    ip saddr @nets counter name hits drop
    tcp dport 23 jump {
      ip saddr 1.1.1.1 accept
      drop
    }
    add @seen { ip saddr }
  }
  chain input {
    type filter hook input priority filter; policy drop;
    tcp dport $web counter accept comment "a { brace # handle 7"
    tcp dport vmap @verdicts
    iifname "lo" accept
    ip saddr . tcp dport vmap { 1.1.1.1 . 22 : accept, 2.2.2.2 . 80 : drop }
  }
}
table ip nat2 {
  chain post {
    type nat hook postrouting priority srcnat;
    oif "lo" masquerade
  }
}
add rule inet web own return
`

test('a rule set of all kinds of things is live as it was written', async () => {
  const desired = await want(everything)
  await fw.apply(desired)
  const live = await fw.live(ns, 'nftables')
  expect(compareNft(live!.spec, desired.spec)).toEqual([])
  expect(Object.keys(live!.spec.tables)).toEqual(['inet web', 'ip nat2'])
  expect(live!.spec.tables['inet web'].chains.own.rules).toHaveLength(4)
  expect(compareNft(live!.spec, (await want(nftablesValue(live!.spec))).spec)).toEqual([])
  await fw.execute(fw.emissions(undefined, live))
  expect(await fw.live(ns, 'nftables')).toBeUndefined()
})

test.each([
  ['a service by name', 'tcp dport http accept', 'tcp dport 80 accept'],
  ['the order of a set', 'tcp dport { 80, 22 } accept', 'tcp dport { 22, 80 } accept'],
  ['a network with host bits', 'ip saddr 10.1.2.3/8 drop', 'ip saddr 10.0.0.0/8 drop'],
  ['the case of an IPv6 address', 'ip6 saddr FE80::1 drop', 'ip6 saddr fe80::1 drop'],
])('%s is not a change', async (_, one, other) => {
  await fw.sh(ns, `nft -f - <<'E'\n${input(other)}E`)
  expect(await drift(input(one))).toEqual([])
  expect(await drift(input(one, 'tcp dport 81 drop'))).toHaveLength(1)
})

test('a priority by name is not a change', async () => {
  await fw.sh(ns, `nft -f - <<'E'\n${input().replace('priority filter', 'priority 0')}E`)
  expect(await drift(input())).toEqual([])
})

test('netlab diff shows no other spelling of a rule as a change, and says when it cannot tell', async () => {
  const lab = (name: string, nft: string, ...rules: string[]): string => {
    const file = join(world.folder, name)
    const namespaces = { a: { nftables: nft, iptables: { filter: { INPUT: rules } } }, b: {} }
    writeFileSync(file, JSON.stringify({ name: 'spelled', namespaces, links: [{ endpoints: ['a:eth0', 'b:eth0'] }] }))
    return file
  }
  const first = lab('first.yaml', `define p = 80\n${input('tcp dport $p drop', 'iif "eth0" ip saddr { 10.0.0.1, 10.0.0.2 } accept')}`, '-p tcp --dport 80 -j DROP', '-s 10.0.0.9/255.255.255.0 -j DROP') // prettier-ignore
  const nft = input('tcp dport http drop', 'iif eth0 ip saddr { 10.0.0.2, 10.0.0.1 } accept').replace('filter;', '0;')
  const same = lab('same.yaml', nft, '-p tcp -m tcp --dport http -j DROP', '-s 10.0.0.0/24 -j DROP')
  const other = lab('other.yaml', nft.replace('http', '81'), '-p tcp --dport http -j DROP', '-s 10.0.0.0/24 -j DROP')
  const wrong = lab('wrong.yaml', nft.replace('http', 'nonsense'), '-p tcp --dport 80 -j DROP')
  expect(await world.netlab(['diff', first, same, '--detailed-exitcode'])).toMatchObject({ code: 0, stderr: '' })
  const { changes } = JSON.parse((await world.netlab(['diff', first, other, '--json'])).stdout) as PlanJson
  expect(changes).toMatchObject([
    {
      id: 'a/nftables',
      differences: [{ field: 'inet web/input', from: 'tcp dport 80 drop', to: 'tcp dport 81 drop' }],
    },
  ])
  expect((await world.netlab(['diff', first, wrong])).stderr).toContain('Rules are compared as they are written')
})

const port = (n: number) => `udp dport ${n} counter accept`
const counters = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    [...(await fw.sh(ns, 'nft list ruleset')).matchAll(/udp dport (\d+) counter packets (\d+)/g)].map(([, d, p]) => [
      d,
      p,
    ]),
  )
const send = () => fw.sh(ns, `bash -c 'for p in 1 2 3; do for i in $(seq $p); do echo x > /dev/udp/127.0.0.1/$p; done; done' 2>/dev/null`) // prettier-ignore

test.each([
  ['inserted', [1, 2, 9, 3], [{ to: port(9), at: { to: 3 } }], [1, 2, 3]],
  ['appended', [1, 2, 3, 9], [{ to: port(9), at: { to: 4 } }], [1, 2, 3]],
  ['removed', [1, 3], [{ from: port(2), at: { from: 2 } }], [1, 3]],
  [
    'replaced',
    [1, 8, 7, 3],
    [
      { from: port(2), to: port(8), at: { from: 2, to: 2 } },
      { to: port(7), at: { to: 3 } },
    ],
    [1, 3],
  ],
  ['moved', [3, 1, 2], [{ from: port(3), to: port(3), at: { from: 3, to: 1 } }], [1, 2]],
])(
  'a rule is %s: exactly that, by its handle, and the counters of the others stay',
  async (_, ports, expected, untouched) => {
    await fw.apply(await want(input(...[1, 2, 3].map(port))))
    await send()
    expect(await counters()).toEqual({ 1: '1', 2: '2', 3: '3' })
    const text = input(...ports.map(port))
    expect(await fw.apply(await want(text))).toEqual(expected.map((d) => ({ field: 'inet web/input', ...d })))
    const after = await counters()
    for (const n of untouched) expect(after[n]).toBe(String(n))
    expect(await drift(text)).toEqual([])
  },
)

test('chains, policies, sets and elements change in place, around rules that keep their counters', async () => {
  const text = (set: string, policy: string, extra: string, jump: string) =>
    `table inet web {\n set s { type ipv4_addr; flags interval; elements = { ${set} }\n }\n${extra}
 map m { type inet_service : verdict; elements = { 22 : ${jump}, 80 : drop }\n }
 chain input {\n type filter hook input priority filter; policy ${policy};\n ${[1, 2, 3].map(port).join('\n')}\n ip saddr @s drop\n }\n}\n`
  await fw.apply(await want(text('10.0.0.0/8, 1.1.1.1', 'accept', ' chain old {\n drop\n }', 'jump old')))
  await send()
  const next = text(
    '10.0.0.0/8, 1.1.1.1-1.1.1.4',
    'drop',
    ' chain new {\n accept\n }\n set t { type ipv6_addr; elements = { fe80::, fe80::1 }\n }',
    'jump new',
  )
  const differences = await fw.apply(await want(next))
  expect(differences.filter(({ note }) => note)).toEqual([])
  expect(differences).toContainEqual({ field: 'inet web/input/policy', from: 'accept', to: 'drop' })
  expect(differences).toContainEqual({ field: 'inet web/set s/elements', from: '1.1.1.1' })
  expect(await counters()).toEqual({ 1: '1', 2: '2', 3: '3' })
  expect(await drift(next)).toEqual([])
})

test('what nftables cannot change in place loads the table anew, and the plan says so', async () => {
  const text = (type: string) =>
    `table inet web {\n set s { type ${type}; }\n chain input {\n type filter hook input priority 0;\n accept\n }\n}\n`
  await fw.apply(await want(text('ipv4_addr')))
  const differences = await fw.apply(await want(text('ipv6_addr')))
  expect(differences).toEqual([
    expect.objectContaining({ field: 'inet web/set s', note: expect.stringMatching(/loaded anew/) as string }),
  ])
  expect(await drift(text('ipv6_addr'))).toEqual([])
})

test('a chain at another hook, or with another comment, is made anew, and the other chains go on counting', async () => {
  const text = (hook: string, comment: string) => `table inet web {
 chain own {\n counter accept\n }
 chain early {\n ${comment}\n type filter hook ${hook}; policy accept;\n udp dport 9 jump own\n }
 chain input {\n type filter hook input priority filter; policy accept;\n ${[1, 2, 3].map(port).join('\n')}\n }\n}\n`
  await fw.apply(await want(text('prerouting priority raw', '')))
  await send()
  for (const [hook, comment] of [
    ['prerouting priority raw - 5', ''],
    ['input priority raw - 5', ''],
    ['input priority raw - 5', 'comment "b"'],
  ] as const) {
    // prettier-ignore
    const next = text(hook, comment)
    const differences = await fw.apply(await want(next))
    expect(differences).toEqual([
      expect.objectContaining({ field: expect.stringMatching(/^inet web\/early\/(hook|comment)$/) as string, note: expect.stringMatching(/the chain is loaded anew/) as string }), // prettier-ignore
    ])
    expect(await counters()).toEqual({ 1: '1', 2: '2', 3: '3' })
    expect(await drift(next)).toEqual([])
  }
})

const aliens = `add counter inet web xc
add quota inet web xq { over 1 mbytes ; }
add limit inet web xl { rate 1/second ; }
add ct helper inet web xh { type "ftp" protocol tcp ; }
add ct timeout inet web xo { protocol tcp ; l3proto ip ; policy = { established: 5 } ; }
add ct expectation inet web xe { protocol tcp ; dport 5 ; timeout 5s ; size 5 ; l3proto ip ; }
add synproxy inet web xy { mss 1460 ; wscale 5 ; }
add chain inet web x1
add chain inet web x2
add map inet web xm { type ipv4_addr : counter ; }
add element inet web xm { 1.2.3.4 : "xc" }
add map inet web xv { type ipv4_addr : verdict ; }
add element inet web xv { 1.2.3.4 : jump x2 }
add set inet web xs { type ipv6_addr ; flags interval ; elements = { fe80::/10 } ; }
add rule inet web x1 ip6 saddr @xs jump x2
add rule inet web x1 ip saddr vmap @xv
add rule inet web x1 quota name "xq" drop
add rule inet web own ct helper set "xh"
add rule inet web own jump x1
add element inet web nets { 203.0.113.0/24 }
delete element inet web verdicts { 22 }
add element inet web verdicts { 22 : jump x1, 443 : goto x2 }
add table arp x
add chain arp x c { type filter hook output priority 0 ; policy drop ; }
add chain ip nat2 c { type filter hook output priority 0 ; }`

test('what was put in by hand goes in place, whatever refers to what', async () => {
  const desired = await want(everything)
  await fw.apply(desired)
  const before = await fw.live(ns, 'nftables')
  await fw.sh(ns, `nft -f - <<'E'\n${aliens}\nE`)
  const differences = await fw.apply(desired)
  expect([differences.length, differences.filter(({ note }) => note)]).toEqual([24, []])
  const after = await fw.live(ns, 'nftables')
  expect(compareNft(after!.spec, desired.spec)).toEqual([])
  expect(after!.spec.tables['inet web'].chains).toEqual(before!.spec.tables['inet web'].chains)
})

const added = `add set ip filter s { type ipv4_addr ; elements = { 192.0.2.1 } ; }
add counter ip filter c
add chain ip filter mine { type filter hook input priority 5 ; }
add rule ip filter mine ip saddr @s counter name "c" drop`

test('iptables’ own tables are not nftables’ resources', async () => {
  await fw.sh(
    ns,
    'iptables -A FORWARD -j DROP; iptables -t nat -A POSTROUTING -j MASQUERADE; ip6tables -A INPUT -j DROP',
  )
  expect(await fw.live(ns, 'nftables')).toBeUndefined()
  await fw.sh(ns, `nft add table ip other; nft add table inet nat`)
  expect(Object.keys((await fw.live(ns, 'nftables'))!.spec.tables)).toEqual(['ip other', 'inet nat'])
})

test('what nft adds to iptables’ own table is nftables’, and goes without the rest', async () => {
  const [desired] = await fw.canonical(written(ns, { filter: { FORWARD: ['-j DROP'] } }))
  await fw.apply(desired!)
  await fw.sh(ns, `nft -f - <<'E'\n${added}\nE`)
  expect((await fw.live(ns, 'iptables'))!.spec).toEqual(desired!.spec)
  const more = await fw.live(ns, 'nftables')
  expect(Object.keys(more!.spec.tables['ip filter'].objects)).toEqual(['counter c', 'set s'])
  expect(Object.keys(more!.spec.tables['ip filter'].chains)).toEqual(['mine'])
  await fw.execute(fw.emissions(undefined, more))
  expect((await fw.live(ns, 'iptables'))!.spec).toEqual(desired!.spec)
  expect(await fw.live(ns, 'nftables')).toBeUndefined()
})

test('a rule of iptables’ table that only nft understands is in the way, and goes with it before iptables’ rules are loaded', async () => {
  const [desired] = await fw.canonical(written(ns, { filter: { FORWARD: ['-j DROP'] } }))
  await fw.apply(desired!)
  await fw.sh(ns, 'nft add rule ip filter FORWARD ct state new drop')
  expect(await fw.live(ns, 'iptables')).toBeUndefined()
  const obstacle = fw.emissions(undefined, await fw.live(ns, 'nftables'))
  expect(obstacle.map(({ stage }) => stage)).toEqual(['delete rules'])
  await fw.execute(obstacle)
  await fw.apply(desired!)
  expect((await fw.live(ns, 'iptables'))!.spec).toEqual(desired!.spec)
  expect(await fw.live(ns, 'nftables')).toBeUndefined()
})

test('rules that refer to interfaces by index are checked although the interfaces do not exist yet', async () => {
  const link = (name: string) => ({ id: `${ns}/${name}`, kind: 'veth', namespace: ns, spec: { up: true } })
  const text = `table inet web {\n chain c {\n iif "lan" accept\n oif wan drop\n }\n}
table netdev n {\n chain i {\n type filter hook ingress device "third~x" priority 0;\n }
 chain both {\n type filter hook ingress devices = { lan, "third~x" } priority 1;\n }\n}\n`
  const [desired] = (await fw.canonical(nftResource(ns, text), ...['lan', 'wan', 'third~x'].map(link))).filter(({ kind }) => kind === 'nftables') // prettier-ignore
  await fw.sh(ns, 'ip link add lan type veth peer name wan; ip link add third~x type veth peer name x')
  await fw.apply(desired!)
  expect(compareNft((await fw.live(ns, 'nftables'))!.spec, desired!.spec)).toEqual([])
  expect(desired!.spec.tables['inet web'].chains.c.rules).toEqual(['iif "lan" accept', 'oif "wan" drop'])
})

test('a rule with a block of its own is loaded with its table, and removed like any other', async () => {
  const block = (n: number) => `tcp dport ${n} jump {\n ip saddr 1.1.1.1 accept\n drop\n }`
  await fw.apply(await want(input(port(1), block(2), port(3))))
  const inserted = await fw.apply(await want(input(port(1), block(4), port(3), block(2))))
  expect(inserted.map(({ note }) => note)).toEqual([
    expect.stringMatching(/loaded anew/),
    expect.stringMatching(/loaded anew/),
  ])
  expect(await drift(input(port(1), block(4), port(3), block(2)))).toEqual([])
  const removed = await fw.apply(await want(input(port(1), port(3), block(2))))
  expect(removed.map(({ note }) => note)).toEqual([undefined])
  const chain = `table inet web {\n chain fresh {\n ${block(9)}\n }\n}\n`
  expect(
    (await fw.apply(await want(`${input(port(1), port(3), block(2))}${chain}`))).filter(({ note }) => note),
  ).toEqual([])
  expect(await drift(`${input(port(1), port(3), block(2))}${chain}`)).toEqual([])
})
