import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'

/** A rule as a lab has it, and what its id says after the priority. */
const rules: readonly (readonly [object, string])[] = [
  [{ not: true, from: '10.0.0.0/8', table: 7 }, 'from 10.0.0.0/8 not table 7'],
  [{ tos: 16, uidrange: '5-9', table: 7 }, 'tos 0x10 uidrange 5-9 table 7'],
  [{ ipproto: 'tcp', sport: '1024-2048', dport: 80, table: 7 }, 'ipproto 6 sport 1024-2048 dport 80 table 7'],
  [{ tun_id: 5, table: 7 }, 'tun_id 5 table 7'],
  [{ suppress_prefixlength: 0, suppress_ifgroup: 4 }, 'suppress_prefixlength 0 suppress_ifgroup 4 table 254'],
  [{ realms: '1/2', table: 7 }, 'realms 1/2 table 7'],
  [{ realms: 3, table: 7 }, 'realms 3 table 7'],
  [{ goto: 2000 }, 'goto 2000'],
  [{ l3mdev: true }, 'l3mdev'],
  [{ ipproto: 'icmp', action: 'blackhole' }, 'ipproto 1 blackhole'],
  [{ priority: 2000, nop: true }, 'nop'],
]
const ids = rules.flatMap(([rule, id], i) => {
  const priority = (rule as { priority?: number }).priority ?? 1000 + 10 * i
  return [`a/rule/${priority} ${id}`, `a/rule6/${priority} ${id}`].filter(
    (_, six) => six === 0 || !/10\.0|realms/.test(id),
  )
})
const both = rules.flatMap(([rule], i) => {
  const numbered = { priority: 1000 + 10 * i, ...rule }
  return 'from' in rule || 'realms' in rule ? [numbered] : [numbered, { ...numbered, family: 'inet6' }]
})
const lab = { name: 'rules', namespaces: { a: { rules: both } } }

let world: World
let file: string
beforeAll(async () => {
  world = await openWorld()
  file = join(world.folder, 'rules.yaml')
  writeFileSync(file, JSON.stringify(lab))
})
afterAll(() => world.close())

const netlab = async (args: readonly string[], runner = 'netlink'): Promise<string> => {
  const { code, stdout, stderr } = await world.netlab(args, { env: { NETLAB_RUNNER: runner } })
  if (code !== 0) throw new Error(`${args.join(' ')}: ${code}\n${stdout}${stderr}`)
  return stdout
}
const plan = async (path = file, runner?: string): Promise<string[]> =>
  (JSON.parse(await netlab(['plan', path, '--json'], runner)) as PlanJson).changes
    .map(({ action, id }) => `${action} ${id}`)
    .sort()

test('every selector can be said, is seen when it goes, and both runners agree', async () => {
  expect((await plan()).filter((change) => change.includes('/rule'))).toEqual(ids.map((id) => `create ${id}`).sort())
  await netlab(['apply', file, '-y'])
  expect([await plan(), await plan(file, 'ip')]).toEqual([[], []])
  const long = join(world.folder, 'long.yaml')
  writeFileSync(long, await netlab(['show', file, '--desired']))
  expect(await plan(long)).toEqual([])

  const flush = 'for f in -4 -6; do for n in $(seq 1000 10 1090) 2000; do ip -n a $f rule del priority $n; done; done'
  await world.run(['sh', '-c', flush])
  const missing = ids.map((id) => `create ${id}`).sort()
  expect([await plan(), await plan(file, 'ip')]).toEqual([missing, missing])
  await netlab(['apply', file, '-y'], 'ip')
  expect(await plan()).toEqual([])

  const others = [
    '-4 rule add priority 1011 tos 0x10 table 7',
    '-6 rule add priority 5 uidrange 3-3 ipproto 200 table 9',
    '-4 rule del priority 1040',
    '-4 rule add priority 1040 suppress_prefixlength 1 suppress_ifgroup 4 table main',
  ]
  for (const words of others) expect((await world.run(['ip', '-n', 'a', ...words.split(' ')])).stderr).toBe('')
  const drift = [
    'create a/rule/1040 suppress_prefixlength 0 suppress_ifgroup 4 table 254',
    'delete a/rule/1011 tos 0x10 table 7',
    'delete a/rule/1040 suppress_prefixlength 1 suppress_ifgroup 4 table 254',
    'delete a/rule6/5 uidrange 3-3 ipproto 200 table 9',
  ]
  expect([await plan(), await plan(file, 'ip')]).toEqual([drift, drift])
  await netlab(['apply', file, '-y'])
  expect([await plan(), await plan(file, 'ip')]).toEqual([[], []])
})

test.each(['netlink', 'ip'])(
  'a rule put in by hand goes without one of the lab that has more than it: %s',
  async (runner) => {
    const path = join(world.folder, 'more.yaml')
    const own = [
      { priority: 1000, fwmark: 1, from: '10.0.0.0/8', table: 7 },
      { priority: 1000, tos: 16, table: 8 },
      { priority: 1000, from: '10.0.0.0/8', ipproto: 'tcp', table: 7 },
      { priority: 1000, from: 'fd00::/8', iif: 'lo', table: 7 },
    ]
    writeFileSync(path, JSON.stringify({ name: 'more', namespaces: { b: { rules: own } } }))
    await netlab(['apply', path, '-y'], runner)
    const listed = async (): Promise<string> =>
      (await world.run(['sh', '-c', 'ip -n b rule; ip -n b -6 rule'])).stdout.replaceAll(/ +/g, ' ')
    const before = await listed()
    for (const words of [
      '-4 rule add from 10.0.0.0/8',
      '-4 rule add from 10.0.0.0/8 tos 0x8',
      '-6 rule add from fd00::/8',
    ])
      expect((await world.run(['ip', '-n', 'b', ...words.split(' '), 'priority', '1000', 'table', '7'])).stderr).toBe(
        '',
      )
    expect(await plan(path, runner)).toEqual([
      'delete b/rule/1000 from 10.0.0.0/8 table 7',
      'delete b/rule/1000 from 10.0.0.0/8 tos 0x8 table 7',
      'delete b/rule6/1000 from fd00::/8 table 7',
    ])
    await netlab(['apply', path, '-y'], runner)
    expect(await plan(path, runner)).toEqual([])
    expect(await listed()).toBe(before)
    await netlab(['destroy', path, '-y'], runner)
  },
)

test('a rule comes back that the kernel would take for one of the lab’s with more selectors', async () => {
  const path = join(world.folder, 'wide.yaml')
  const own = [{}, { tos: 16 }, { from: '10.0.0.0/8' }, { from: '10.0.0.0/8', tos: 16 }]
  const rules = own.map((more) => ({ priority: 1000, ...more, table: 7 }))
  const last = { priority: 32767, family: 'inet6', table: 'default' }
  writeFileSync(path, JSON.stringify({ name: 'wide', namespaces: { w: { rules: [...rules, last] } } }))
  for (const runner of ['netlink', 'ip']) {
    await netlab(['apply', path, '-y'], runner)
    expect(await plan(path, runner)).toEqual([])
    const by = ['-4 rule del priority 1000', '-4 rule del priority 1000', '-6 rule del priority 32767']
    for (const words of by) expect((await world.run(['ip', '-n', 'w', ...words.split(' ')])).stderr).toBe('')
    expect(await plan(path, runner)).toEqual([
      'create w/rule/1000 table 7',
      'create w/rule/1000 tos 0x10 table 7',
      'create w/rule6/32767 table 253',
    ])
    await netlab(['apply', path, '-y'], runner)
    expect(await plan(path, runner)).toEqual([])
    await netlab(['destroy', path, '-y'], runner)
  }
})

test('in the machine’s own namespace a rule of others stays, though it has all that the lab’s has', async () => {
  const path = join(world.folder, 'root.yaml')
  const own = [{ priority: 1000, from: '10.0.0.0/8', table: 7 }]
  const theirs = 'ip rule add priority 1000 from 10.0.0.0/8 tos 0x10 table 7'
  for (const runner of ['netlink', 'ip']) {
    await world.run(theirs.split(' '))
    writeFileSync(path, JSON.stringify({ name: 'root', namespaces: { host: { root: true, rules: own } } }))
    await netlab(['apply', path, '-y'], runner)
    await netlab(['destroy', path, '-y'], runner)
    expect((await world.run(['ip', 'rule'])).stdout).toMatch(/tos 0x10|tos lowdelay/)
    expect((await world.run(theirs.replace('add', 'del').split(' '))).code).toBe(0)
    expect((await world.run(['ip', 'rule'])).stdout).not.toContain('1000:')
  }
})
