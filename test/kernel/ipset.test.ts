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
    'processes: { broken: { command: ["false"], ready: { tcp: 9 } } }',
  )
  await expect(apply()).rejects.toThrow(/Rolled back: the network is as it was/)
  expect((await save()).filter((line) => !line.includes('guests 10.9.9.'))).toEqual(before)
})

test.each([
  [
    'an entry',
    ['ipsets:', '  bad:', '    type: hash:ip', '    entries:', '      - 10.0.0.1', '      - nowhere'],
    /ipset refuses this[^]*LAB:9:13/,
  ],
  ['a setting', ['ipsets: { bad: { type: hash:ip, size: 8 } }'], /ipset refuses this[^]*`size'[^]*LAB:4:/],
])('%s that ipset refuses is an error at its line', async (_, lines, message) => {
  const { write, refused } = open()
  write(...lines)
  expect(await refused()).toMatch(message)
})
