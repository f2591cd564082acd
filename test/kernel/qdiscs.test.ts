import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
let file: string
beforeAll(async () => {
  world = await openWorld()
  file = join(world.folder, 'lab.yaml')
})
afterAll(() => world.close())

const all = [
  'qdisc add root handle 1: htb default 20',
  'tc class add dev eth0 parent 1: classid 1:1 htb rate 20mbit',
  'class add parent 1:1 classid 1:10 htb rate 10mbit ceil 20mbit',
  'class add parent 1:1 classid 1:20 htb rate 5mbit prio 2',
  'qdisc add parent 1:10 handle 10: pfifo limit 50',
  'qdisc add parent 1:20 bfifo limit 15000',
  'filter add parent 1: protocol ip pref 1 u32 match ip dport 80 0xffff flowid 1:10',
  'filter add parent 1: protocol ip pref 1 u32 match ip dport 81 0xffff flowid 1:10',
  'filter add parent 1: protocol ipv6 prio 2 u32 match ip6 dport 80 0xffff flowid 1:20',
  'filter add parent 1: protocol ip pref 3 handle 2: u32 divisor 16',
  'filter add parent 1: protocol ip pref 3 u32 ht 2:5: match ip src 10.9.0.0/16 flowid 1:10',
  'qdisc add clsact',
  'filter add egress protocol ip pref 3 u32 match ip dst 10.0.0.99/32 flowid 1:10',
]

const write = (qdiscs: readonly string[], more = ''): void =>
  writeFileSync(
    file,
    `namespaces: { h1: , h2: }
links:
  - endpoints:
      h1:eth0: ${JSON.stringify({ addresses: ['10.0.0.1/24'], ...(qdiscs.length && { qdiscs }) })}
      h2:eth0: [10.0.0.2/24]
${more}`,
  )
const netlab = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await world.netlab(args)
  if (code !== 0) throw new Error(`netlab ${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}
const plan = async (...options: string[]): Promise<PlanJson> =>
  JSON.parse(await netlab('plan', file, '--json', ...options)) as PlanJson
const apply = () => netlab('apply', file, '-y')
const tc = (words: string) => world.run(['tc', '-n', 'h1', ...words.split(' ')])
const commands = async (): Promise<string[]> => (await plan()).steps.map(({ command }) => command)
const listed = ({ changes }: PlanJson): string[] =>
  changes.flatMap(({ id, action, differences }) => {
    const name = id.replace('h1/eth0/', '')
    return action === 'update'
      ? differences.map(({ field, from, to }) => `${name} ${field} ${String(from)} ${String(to)}`)
      : [`${name} ${action}`]
  })

test('is made, and both runners read it as it was written', async () => {
  write(all)
  await apply()
  for (const NETLAB_RUNNER of ['ip', 'netlink'])
    expect((await world.netlab(['plan', file, '--detailed-exitcode'], { env: { NETLAB_RUNNER } })).code).toBe(0)
  const shown = await netlab('show', '--desired', file)
  expect(shown).toContain('class parent 1:1 classid 1:10 htb rate 10mbit ceil 20mbit')
  writeFileSync(file, shown)
  expect((await plan()).changes).toEqual([])
})

test.each([
  [
    'class change dev eth0 parent 1:1 classid 1:10 htb rate 12mbit ceil 20mbit',
    ['class/1:10 quantum 150000 125000', 'class/1:10 rate 12Mbit 10Mbit', 'class/1:10 burst 1597b/1 1600b/1'],
  ],
  ['class add dev eth0 parent 1:1 classid 1:30 htb rate 1mbit', ['class/1:30 delete']],
  ['qdisc change dev eth0 parent 1:10 handle 10: pfifo limit 60', ['qdisc/1:10 limit 60p 50p']],
  ['qdisc del dev eth0 parent 1:20', ['qdisc/1:20 create']],
  [
    'filter del dev eth0 parent 1: protocol ip pref 1 handle 800::800 u32',
    ['filter/1: protocol ip pref 1 u32 ::800 create'],
  ],
  [
    'filter replace dev eth0 parent 1: protocol ip pref 1 handle 800::801 u32 match ip dport 81 0xffff flowid 1:20',
    ['filter/1: protocol ip pref 1 u32 ::801 flowid 1:20 1:10'],
  ],
  [
    'filter add dev eth0 parent 1: protocol ip pref 9 u32 match u32 0 0 flowid 1:20',
    ['filter/1: protocol ip pref 9 u32 ::800 delete'],
  ],
  ['filter del dev eth0 egress', ['filter/egress protocol ip pref 3 u32 ::800 create']],
  ['qdisc del dev eth0 clsact', ['qdisc/clsact create', 'filter/egress protocol ip pref 3 u32 ::800 create']],
  [
    'filter del dev eth0 parent 1: protocol ip pref 3 handle 2:5:800 u32',
    ['filter/1: protocol ip pref 3 u32 2:5:800 create'],
  ],
])('what somebody does is seen as that, and taken back: %s', async (words, changes) => {
  const { code, stderr } = await tc(words)
  expect([code, stderr.replace(/^Warning.*/, '').trim()]).toEqual([0, ''])
  expect(listed(await plan())).toEqual(changes)
  await apply()
  expect((await plan()).changes).toEqual([])
})

test('one rate and one filter are changed in place', async () => {
  const handles = async () => (await tc('qdisc show dev eth0')).stdout
  const before = await handles()
  write(
    all.map((line) =>
      line.replace('rate 5mbit', 'rate 6mbit').replace('dport 81 0xffff flowid 1:10', 'dport 81 0xffff flowid 1:20'),
    ),
  )
  expect(await commands()).toEqual([
    'tc -n h1 class change dev eth0 parent 1:1 classid 1:20 htb rate 6mbit prio 2',
    expect.stringMatching(
      /^tc -n h1 filter replace dev eth0 parent 1: protocol ip pref 1 handle 80\w::801 u32 match ip dport 81 0xffff flowid 1:20$/,
    ),
  ])
  await apply()
  expect((await plan()).changes).toEqual([])
  expect(await handles()).toBe(before)
})

test('a class goes with its filters, and a filter that goes elsewhere is made anew', async () => {
  write(
    all
      .filter((line) => !/classid 1:10|parent 1:10/.test(line))
      .map((line) => line.replace(/flowid 1:10/, 'flowid 1:20')),
  )
  await apply()
  expect((await plan()).changes).toEqual([])
  write(all)
  await apply()
  expect((await plan()).changes).toEqual([])
})

test('a preference may become one of another protocol', async () => {
  write(all.map((line) => line.replace('ipv6 prio 2 u32 match ip6 dport 80', 'ip prio 2 u32 match ip dport 90')))
  await apply()
  expect((await plan()).changes).toEqual([])
  write(all)
  await apply()
  expect((await plan()).changes).toEqual([])
})

test('what the kernel cannot change is made anew, with all that is below', async () => {
  write(all.map((line) => line.replace('default 20', 'default 10')))
  const { changes } = await plan()
  expect(changes[0]).toMatchObject({
    id: 'h1/eth0/qdisc',
    action: 'replace',
    differences: [{ field: 'default', from: '0x20', to: '0x10', forces: 'the kernel does not change a htb' }],
  })
  expect(changes.filter(({ action }) => action !== 'replace')).toEqual([])
  expect(changes.map(({ id }) => id)).not.toContain('h1/eth0/qdisc/clsact')
  await apply()
  expect((await plan()).changes).toEqual([])
})

test('impairments take its place, and it theirs', async () => {
  writeFileSync(
    file,
    `namespaces: { h1: , h2: }
links:
  - endpoints: { "h1:eth0": { addresses: [10.0.0.1/24], impairments: { rate: 10mbit } }, "h2:eth0": 10.0.0.2/24 }
`,
  )
  expect((await plan()).changes.find(({ id }) => id === 'h1/eth0/qdisc')).toMatchObject({
    action: 'replace',
    differences: [{ field: 'kind', from: 'htb', to: 'tbf' }],
  })
  await apply()
  expect((await plan()).changes).toEqual([])
  for (const qdiscs of [['qdisc root handle 1: tbf rate 1mbit burst 5kb limit 10kb'], all]) {
    write(qdiscs)
    await apply()
    expect((await plan()).changes).toEqual([])
  }
})

test('a failure in the middle puts back what was there, also what nobody has written down', async () => {
  await tc('class change dev eth0 parent 1:1 classid 1:10 htb rate 3mbit ceil 4mbit')
  const before = (await tc('-d class show dev eth0')).stdout + (await tc('-d filter show dev eth0')).stdout
  write([])
  const steps = (await plan()).steps.length
  const count = steps + 1
  expect(count).toBeGreaterThan(2)
  write(['qdisc root handle 1: htb default 30', ...all.slice(1)])
  const { code } = await world.netlab(['apply', file, '-y'], { env: { NETLAB_FAULT: 'fail:6' } })
  expect(code).toBe(1)
  const sorted = (text: string) =>
    text
      .replaceAll(/fh 80\w/g, 'fh 800')
      .replaceAll(/ht 80\w/g, 'ht 800')
      .split('\n')
      .sort()
  expect(sorted((await tc('-d class show dev eth0')).stdout + (await tc('-d filter show dev eth0')).stdout)).toEqual(
    sorted(before),
  )
})

test('goes when the lab does not want it any more, and with the lab', async () => {
  write(all)
  await apply()
  write([])
  expect(await commands()).toEqual(['tc -n h1 qdisc del dev eth0 root', 'tc -n h1 qdisc del dev eth0 clsact'])
  await apply()
  expect((await tc('qdisc show dev eth0')).stdout).toMatch(/^qdisc noqueue/)
  write(all)
  await apply()
  await netlab('destroy', file, '-y')
})

test('what tc refuses is refused at its line, before anything is changed', async () => {
  write([
    ...all.slice(0, 4),
    'qdisc parent 1:99 pfifo',
    'filter parent 1: pref 1 u32 match ip dport http 0xffff flowid 1:10',
  ])
  const { code, stderr } = await world.netlab(['plan', file])
  expect(code).toBe(1)
  expect(stderr).toMatch(/error: tc refuses this in h1: .*\n.*lab\.yaml:4/)
})
