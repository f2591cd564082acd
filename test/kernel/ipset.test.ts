import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world?.close())

interface PlanJson {
  readonly changes: readonly {
    id: string
    action: string
    differences: { field: string; from?: unknown; to?: unknown }[]
  }[]
}

let lab = 0
/** A lab of one namespace, which is removed afterwards. */
function open(name = `fw${lab++}`) {
  const file = join(world.folder, `${name}.yaml`)
  const write = (...lines: string[]): void =>
    writeFileSync(file, `name: ${name}\nnamespaces:\n  ${name}:\n    ${lines.join('\n    ')}\n`)
  const netlab = async (command: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await world.netlab([command, ...args, file])
    if (code !== 0) throw new Error(stderr)
    return stdout
  }
  const sh = async (script: string): Promise<string> => {
    const { code, stdout, stderr } = await world.run(['ip', 'netns', 'exec', name, 'sh', '-c', script])
    if (code !== 0) throw new Error(`${script}: ${stderr}`)
    return stdout
  }
  return {
    write,
    sh,
    apply: () => netlab('apply', '-y'),
    changes: async (runner = 'netlink') => {
      const { code, stdout, stderr } = await world.netlab(['plan', '--json', file], { env: { NETLAB_RUNNER: runner } })
      if (code !== 0) throw new Error(stderr)
      return (JSON.parse(stdout) as PlanJson).changes.map(({ id, action, differences }) => [
        `${action} ${id.slice(name.length + 1)}`,
        ...differences.map(({ field, from, to }) => `${field}: ${String(from)} → ${String(to)}`),
      ])
    },
    refused: async () => {
      const { code, stderr } = await world.netlab(['plan', file])
      expect(code).toBe(1)
      return stderr.replaceAll(file, 'LAB')
    },
    save: async () => (await sh('ipset save -sorted')).replace(/ (initval|bucketsize|hashsize) \S+/g, '').trim().split('\n'), // prettier-ignore
  }
}

const sets = [
  'ipsets:',
  '  all: { type: list:set, entries: [bad, guests] }',
  '  bad: { type: hash:net, comment: true, entries: [\'10.1.2.3/8 comment "a b"\', 192.168.7.1] }',
  '  guests: { type: hash:ip, timeout: 300, entries: [10.9.9.1-10.9.9.2, 10.9.9.9 timeout 0] }',
  '  seen: { type: hash:ip, counters: true }',
]
const rules = [
  'iptables:',
  '  filter:',
  '    INPUT:',
  '      - -p tcp -j ACCEPT',
  '      - -m set --match-set bad src -j DROP',
  '      - -m set ! --match-set all src -j SET --add-set seen src',
]

test('sets are made before the rules that name them, both runners see them, and what they hold is compared', async () => {
  const { write, apply, changes, save, sh } = open()
  write(...sets, ...rules)
  await apply()
  expect(await changes()).toEqual([])
  expect(await changes('ip')).toEqual([])
  const made = await save()
  expect(made).toEqual(
    expect.arrayContaining(['add bad 10.0.0.0/8 comment "a b"', 'add guests 10.9.9.9 timeout 0', 'add all guests']),
  )
  expect(made.filter((line) => line.startsWith('add guests'))).toHaveLength(3)

  await sh('ipset add seen 10.77.0.1; ipset del guests 10.9.9.1')
  expect(await changes()).toEqual([])
  await sh('ipset del bad 192.168.7.1; ipset add bad 10.66.0.0/16; ipset add -exist bad 10.0.0.0/8 comment "other"')
  await sh('ipset create alien hash:ip; ipset add guests 10.9.9.10 timeout 0; ipset del all guests')
  const drift = [
    ['update ipset/bad', 'entries: 10.0.0.0/8 comment "other" → 10.0.0.0/8 comment "a b"', 'entries: 10.66.0.0/16 → undefined', 'entries: undefined → 192.168.7.1'], // prettier-ignore
    ['update ipset/guests', 'entries: 10.9.9.10 timeout 0 → undefined'],
    ['update ipset/all', 'entries: undefined → guests'],
    ['delete ipset/alien'],
  ]
  expect(await changes()).toEqual(drift)
  expect(await changes('ip')).toEqual(drift)
  await apply()
  const repaired = await save()
  expect(repaired.filter((line) => !/ seen | guests 10.9.9.[12]/.test(line))).toEqual(
    made.filter((line) => !/ seen | guests 10.9.9.[12]/.test(line)),
  )
  expect(repaired).toContain('add seen 10.77.0.1 packets 0 bytes 0')
})

test('what cannot be changed in place is made anew below the rules that name it, and other rules go on counting', async () => {
  const { write, apply, changes, save, sh } = open()
  write(...sets, ...rules)
  await apply()
  await sh(
    'printf "*filter\\n[7:700] -A OUTPUT -p udp\\nCOMMIT\\n" | iptables-restore -c -n; iptables -R INPUT 1 -p tcp -j ACCEPT -c 5 500',
  )
  const edited = (from: string | RegExp, to: string): string[] =>
    [...sets, ...rules, '    OUTPUT: [-p udp]'].map((line) => line.replace(from, to))
  const saved = async (): Promise<string[]> => (await sh('iptables-save -c')).split('\n').filter((line) => line.startsWith('[')) // prettier-ignore
  const before = await saved()
  expect(before).toContain('[5:500] -A INPUT -p tcp -j ACCEPT')

  write(...edited('comment: true', 'comment: true, maxelem: 9'))
  expect(await changes()).toEqual([['update ipset/bad', 'maxelem: 65536 → 9']])
  await apply()
  write(...edited(/bad: .*/, 'bad: { type: hash:ip, entries: [10.3.3.3] }'))
  expect((await changes()).map(([first]) => first)).toEqual(['update ipset/bad'])
  await apply()
  expect(await changes()).toEqual([])
  expect(await save()).toEqual(expect.arrayContaining(['create bad hash:ip family inet maxelem 65536', 'add bad 10.3.3.3', 'add all bad'])) // prettier-ignore
  expect(await saved()).toEqual(before)

  write(
    ...edited(/bad: .*/, 'bad: { type: hash:ip, family: inet6 }').map((line) => line.replace('bad src', 'guests src')),
  )
  await apply()
  expect(await changes()).toEqual([])
  expect((await saved()).slice(0, 2)).toEqual(['[5:500] -A INPUT -p tcp -j ACCEPT', '[0:0] -A INPUT -m set --match-set guests src -j DROP']) // prettier-ignore

  write('iptables: { filter: { INPUT: [-p tcp -j ACCEPT], OUTPUT: [-p udp] } }')
  await apply()
  expect([await save(), await saved()]).toEqual([
    [''],
    ['[5:500] -A INPUT -p tcp -j ACCEPT', '[7:700] -A OUTPUT -p udp'],
  ])
})

test('a failed apply puts the sets back', async () => {
  const { write, apply, save } = open()
  write(...sets, ...rules)
  await apply()
  const before = (await save()).filter((line) => !line.includes('guests 10.9.9.'))
  write(
    ...sets.map((line) =>
      line.replace('192.168.7.1', '172.16.0.0/12').replace(/^ {2}seen: .*/, '  new: { type: bitmap:port, range: 1-9 }'),
    ),
    ...rules.map((line) => line.replace('--add-set seen', '--add-set guests')),
    'files: { /etc/hostname/x: { content: a } }', // which is no folder
  )
  await expect(apply()).rejects.toThrow(/Rolled back: the network is as it was/)
  expect((await save()).filter((line) => !line.includes('guests 10.9.9.'))).toEqual(before)
})

/**
 * Sets of every type: what `ipset create NAME TYPE` takes, entries as people write them, the key of one that is removed by hand,
 * one that is added, and one with other options, as a lab has it and as it is changed by hand.
 */
const types: readonly [type: string, settings: string, entries: readonly string[], removed: string, added: string, changed?: [string, string]][] = [
  ['hash:ip', 'maxelem: 1000', ['10.0.0.1', '10.0.0.4/30', '10.0.1.1-10.0.1.2'], '10.0.0.5', '10.9.9.9'],
  ['hash:ip', 'netmask: 24, timeout: 0', ['10.0.0.7', '10.0.1.1'], '10.0.1.0', '10.9.9.0 timeout 0'],
  ['hash:ip', 'family: inet6, forceadd: true, hashsize: 64', ['2001:DB8::1', 'fe80:0::1'], 'fe80::1', '2001:db8::9'],
  ['hash:net', 'counters: true, comment: true, skbinfo: true', ['10.0.0.0/8', '10.1.2.3/16 nomatch', '192.0.2.1 comment "a b" skbmark 0x10/0xff skbprio 1:10 skbqueue 5'], '10.0.0.0/8', '10.9.0.0/16', ['192.0.2.1 comment "a b" skbmark 0x10/0xff skbprio 1:10 skbqueue 5', '192.0.2.1 comment "c" skbmark 0x20']],
  ['hash:net', 'comment: true', ['10.0.0.0/8', '10.1.0.0/16 nomatch', '10.2.0.0/16 comment "timeout 5, packets 3"'], '10.2.0.0/16', '10.9.0.0/16', ['10.1.0.0/16 nomatch', '10.1.0.0/16']],
  ['hash:net,net', '', ['10.0.0.0/8,192.0.2.0/24', '10.0.0.1,10.0.0.2 nomatch'], '10.0.0.1,10.0.0.2', '10.9.0.0/16,10.8.0.0/16'],
  ['hash:ip,port', '', ['10.0.0.1,tcp:80', '10.0.0.1,udp:53-55', '10.0.0.1,icmp:echo-request', '10.0.0.2,47:0', '10.0.0.3,8080', '10.0.0.4,tcp:http'], '10.0.0.2,gre:0', '10.0.0.9,udp:9'],
  ['hash:ip,port', 'family: inet6', ['2001:db8::1,tcp:80', '2001:db8::1,icmpv6:128/0'], '2001:db8::1,ipv6-icmp:echo-request', '2001:db8::9,udp:9'],
  ['hash:ip,port,ip', '', ['10.0.0.1,tcp:80,192.0.2.1', '10.0.0.1,tcp:81,192.0.2.1'], '10.0.0.1,tcp:80,192.0.2.1', '10.0.0.1,tcp:9,192.0.2.1'],
  ['hash:ip,port,net', '', ['10.0.0.1,tcp:80,192.0.2.0/24 nomatch', '10.0.0.1,tcp:80,192.0.0.0/16'], '10.0.0.1,tcp:80,192.0.2.0/24', '10.0.0.1,tcp:9,192.0.2.1'],
  ['hash:ip,mark', 'markmask: "0xff"', ['10.0.0.1,0x1ff', '10.0.0.2,5'], '10.0.0.2,0x00000005', '10.0.0.9,0x00000009'],
  ['hash:net,port', '', ['10.0.0.0/8,tcp:1-3'], '10.0.0.0/8,tcp:2', '10.0.0.0/8,udp:9'],
  ['hash:net,port,net', '', ['10.0.0.0/8,tcp:80,192.0.2.0/24'], '10.0.0.0/8,tcp:80,192.0.2.0/24', '10.0.0.0/8,tcp:9,192.0.2.0/24'],
  ['hash:net,iface', '', ['10.0.0.0/8,eth0', '10.1.0.0/16,physdev:eth1', '10.2.0.0/16,eth wildcard', '10.3.0.0/16,eth0 nomatch'], '10.1.0.0/16,physdev:eth1', '10.9.0.0/16,eth9', ['10.2.0.0/16,eth wildcard', '10.2.0.0/16,eth']],
  ['hash:mac', '', ['02:00:5e:10:00:0a', '02:00:5E:10:00:02'], '02:00:5E:10:00:0A', '02:00:5E:10:00:09'],
  ['hash:ip,mac', '', ['10.0.0.1,02:00:5e:10:00:01', '10.0.0.2,02:00:5e:10:00:01'], '10.0.0.1,02:00:5E:10:00:01', '10.0.0.9,02:00:5E:10:00:09'],
  ['bitmap:ip', 'range: 10.0.0.0/24', ['10.0.0.1-10.0.0.3', '10.0.0.9'], '10.0.0.2', '10.0.0.77'],
  ['bitmap:ip', 'range: 10.0.0.0-10.0.1.255, netmask: 30', ['10.0.0.1', '10.0.0.9'], '10.0.0.0', '10.0.0.12'],
  ['bitmap:ip,mac', 'range: 10.0.0.0/24', ['10.0.0.1,02:00:5e:10:00:0a', '10.0.0.2'], '10.0.0.2', '10.0.0.7,02:00:5E:10:00:09'],
  ['bitmap:port', 'range: 0-1023', ['22', '80-82', 'https'], '443', '99'],
  ['list:set', 'size: 4, comment: true', ['s0', 's1 comment "the second"', 's2'], 's2', 's3', ['s1 comment "the second"', 's1 comment "other"']],
] // prettier-ignore

test('sets of every type are drift to the entry, and repaired in place', async () => {
  const { write, apply, changes, save, sh } = open()
  const refused = await Promise.all(
    types.map(async ([type, settings]) => {
      const range = /range: ([^,]+)/.exec(settings)?.[1]
      const { stderr } = await world.run(['unshare', '-n', 'ipset', 'create', 'x', type, ...(range ? ['range', range] : [])]) // prettier-ignore
      return stderr.includes('set type not supported')
    }),
  )
  const known = types.flatMap((one, i) => (refused[i] ? [] : [[`s${i}`, one] as const]))
  expect(known.length).toBeGreaterThan(14)
  const line = ([name, [type, settings, entries]]: (typeof known)[number]) => `  ${name}: { type: "${type}", ${settings ? `${settings}, ` : ''}entries: ${JSON.stringify(entries)} }` // prettier-ignore
  write('ipsets:', ...known.map(line))
  await apply()
  for (const runner of ['netlink', 'ip']) expect(await changes(runner)).toEqual([])
  const made = await save()

  const commands = known.flatMap(([name, [, , , removed, added, changed]]) => [
    `del ${name} ${removed}`,
    ...(changed ? [`del ${name} ${changed[1].split(' ')[0]}`, `add ${name} ${changed[1]}`] : []), // prettier-ignore
    `add ${name} ${added}`,
  ])
  await sh(`ipset restore <<'E'\n${commands.join('\n')}\nE`)
  const drift = await changes()
  expect(await changes('ip')).toEqual(drift)
  const expected = known.map(([name, [, , , removed, added, changed]]) => [
    `update ipset/${name}`,
    ...[...(changed ? [`entries: ${changed[1]} → ${changed[0]}`] : []), `entries: ${added} → undefined`].sort(),
    expect.stringContaining(`entries: undefined → ${removed}`) as unknown,
  ])
  expect(drift.map(([id, ...rest]) => [id, ...rest.slice(0, -1).sort(), rest.at(-1)])).toEqual(expected)
  await apply()
  expect(await save()).toEqual(made)
}, 60_000)

test.each([
  [
    'an entry',
    ['ipsets:', '  bad:', '    type: hash:ip', '    entries:', '      - 10.0.0.1', '      - nowhere'],
    /ipset refuses this[^]*LAB:9:13/,
  ],
  [
    'a part of an entry',
    ['ipsets:', '  good: { type: hash:ip }', '  bad: { type: "hash:ip,port", entries: ["10.0.0.1,sctp:http"] }'],
    /ipset refuses this[^]*'http'[^]*LAB:6:47/,
  ],
  ['a setting', ['ipsets: { bad: { type: hash:ip, size: 8 } }'], /ipset refuses this[^]*`size'[^]*LAB:4:/],
])('%s that ipset refuses is an error at its line', async (_, lines, message) => {
  const { write, refused } = open()
  write(...lines)
  expect(await refused()).toMatch(message)
})
