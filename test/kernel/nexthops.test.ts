import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'

const base = [
  { id: 20, group: [1, { id: 2, weight: 3 }] },
  { id: 1, via: '10.0.0.2' },
  { id: 2, via: '10.0.0.3', onlink: true },
  { id: 3, blackhole: true },
  { id: 4, dev: 'e0' },
  { id: 5, via: 'fd00::2' },
  { id: 7, via: 'fd00::4', encap: 'seg6 mode encap segs fd00::9' },
  { id: 8, blackhole: true, family: 'inet6' },
  { id: 9, dev: 'e0', family: 'inet6' },
  { id: 10, via: '10.0.0.3', encap: 'ip id 77 dst 10.0.0.9' },
  { id: 22, group: [1, 2], type: 'resilient', buckets: 8, idle_timer: 60, unbalanced_timer: 300 },
  { id: 30, via: '10.0.0.8', fdb: true },
  { id: 31, via: '10.0.0.9', fdb: true },
  { id: 32, group: [30, 31], fdb: true },
]
const routes = [
  ['10.5.0.0/16', 20],
  ['10.6.0.0/16', 3],
  ['10.7.0.0/16', 22],
  ['10.8.0.0/16', 5],
  ['fd05::/64', 5],
  ['fd06::/64', 8],
  ['fd07::/64', 9],
  ['10.9.0.0/16', 4],
  ['default', 7],
].map(([to, nexthop]) => ({ to, nexthop, ...(nexthop === 20 && { mtu: 1300 }) }))
const lab = (nexthops: readonly object[] = base, more: readonly object[] = routes, nhid = 32) => ({
  name: 'nexthops',
  namespaces: {
    r: {
      nexthops,
      routes: more,
      interfaces: { vx0: { type: 'vxlan', id: 5, local: '10.0.0.1', fdb: [{ mac: '02:00:00:00:00:09', nhid }] } },
    },
    h: {},
  },
  links: [
    { endpoints: { 'h:e0': ['10.0.0.2/24', '10.0.0.3/24', 'fd00::2/64'], 'r:e0': ['10.0.0.1/24', 'fd00::1/64'] } },
  ],
})

let world: World
let file: string
beforeAll(async () => {
  world = await openWorld()
  file = join(world.folder, 'lab.yaml')
})
afterAll(() => world.close())

const write = (value: object): void => writeFileSync(file, JSON.stringify(value))
const netlab = async (args: readonly string[], runner = 'netlink'): Promise<string> => {
  const { code, stdout, stderr } = await world.netlab(args, { env: { NETLAB_RUNNER: runner } })
  if (code !== 0) throw new Error(`${args.join(' ')}: ${code}\n${stdout}${stderr}`)
  return stdout
}
const apply = (runner?: string): Promise<string> => netlab(['apply', file, '-y'], runner)
const document = async (runner?: string): Promise<PlanJson> =>
  JSON.parse(await netlab(['plan', file, '--json'], runner)) as PlanJson
const plan = async (runner?: string): Promise<string[]> =>
  (await document(runner)).changes
    .map(({ id, action, differences }) => [`${action} ${id}`, ...differences.map((d) => d.field)].join(' '))
    .sort()
const hand = async (...lines: readonly string[]): Promise<void> => {
  const { code, stderr } = await world.run(['ip', '-n', 'r', '-batch', '-'], { input: `${lines.join('\n')}\n` })
  expect([code, stderr]).toEqual([0, ''])
}

test.each(['netlink', 'ip'])('what is changed by hand is planned as that, and repaired: %s', async (runner) => {
  write(lab())
  await apply(runner)
  expect(await plan(runner)).toEqual([])
  const long = join(world.folder, 'long.yaml')
  writeFileSync(long, await netlab(['show', file, '--desired']))
  expect(JSON.parse(await netlab(['plan', long, '--json']))).toMatchObject({ changes: [] })

  await hand(
    'nexthop replace id 1 via 10.0.0.9 dev e0',
    'nexthop replace id 5 via fd00::8 dev e0 onlink',
    'nexthop replace id 20 group 2/1',
    'nexthop replace id 22 group 1/2,7 type resilient idle_timer 5 unbalanced_timer 9',
    'nexthop replace id 7 encap seg6 mode encap segs fd00::8 via fd00::4 dev e0',
    'nexthop replace id 10 encap ip id 78 dst 10.0.0.9 via 10.0.0.3 dev e0',
    'nexthop replace id 31 via 10.0.0.99 fdb',
    'nexthop add id 99 via 10.0.0.2 dev e0',
    'nexthop add id 98 group 99',
    'route add 10.99.0.0/16 nhid 98',
    'route replace 10.9.0.0/16 nhid 99',
    'route replace fd07::/64 via fd00::2 dev e0',
    // A daemon's is nobody's drift.
    'nexthop add id 97 via 10.0.0.2 dev e0 proto zebra',
  )
  expect(await plan(runner)).toEqual([
    'delete r/nexthop/98',
    'delete r/nexthop/99',
    'delete r/route/10.99.0.0/16',
    'update r/nexthop/1 via',
    'update r/nexthop/10 encap',
    'update r/nexthop/20 group',
    'update r/nexthop/22 group idle_timer unbalanced_timer',
    'update r/nexthop/31 via',
    'update r/nexthop/5 via onlink',
    'update r/nexthop/7 encap',
    'update r/route/10.9.0.0/16 nexthop',
    'update r/route/fd07::/64 via dev nexthop',
  ])
  await apply(runner)
  expect(await plan(runner)).toEqual([])

  await hand('nexthop del id 2', 'nexthop del id 32', 'nexthop del id 8', 'nexthop del id 3')
  expect((await world.run(['ip', '-n', 'r', '-6', 'nexthop', 'add', 'id', '3', 'blackhole'])).code).toBe(0)
  expect(await plan(runner)).toEqual([
    'create r/nexthop/2',
    'create r/nexthop/32',
    'create r/nexthop/8',
    'create r/route/10.6.0.0/16',
    'create r/route/fd06::/64',
    'create r/vx0/fdb/02:00:00:00:00:09 nhid 32',
    'replace r/nexthop/3 family',
    'update r/nexthop/20 group',
    'update r/nexthop/22 group',
  ])
  await apply(runner)
  expect(await plan(runner)).toEqual([])

  // The kernel removes the nexthops of an interface that is down, and what goes by way of them.
  await hand('link set dev e0 down')
  expect((await plan(runner)).filter((change) => /nexthop\/(1|20)$|e0 up|10\.5/.test(change))).toEqual([
    'create r/nexthop/1',
    'create r/nexthop/20',
    'create r/route/10.5.0.0/16',
    'update r/e0 up',
  ])
  await apply(runner)
  expect(await plan(runner)).toEqual([])
  await netlab(['destroy', file, '-y'], runner)
})

test.each(['netlink', 'ip'])('a changed lab changes them in place where the kernel can: %s', async (runner) => {
  write(lab())
  await apply(runner)
  const without = (...ids: readonly number[]) => base.filter(({ id }) => !ids.includes(id))
  // Routes and entries go over to others before the old ones are removed.
  write(
    lab(
      [
        ...without(1, 2, 4, 20, 32),
        { id: 41, via: '10.0.0.3' },
        { id: 20, group: [41] },
        { id: 33, group: [31], fdb: true },
      ].map((n) => (n.id === 22 ? { ...n, group: [41] } : n)),
      routes.map((route) => (route.nexthop === 4 ? { ...route, nexthop: 41 } : route)),
      33,
    ),
  )
  expect(await plan(runner)).toEqual([
    'create r/nexthop/33',
    'create r/nexthop/41',
    'create r/vx0/fdb/02:00:00:00:00:09 nhid 33',
    'delete r/nexthop/1',
    'delete r/nexthop/2',
    'delete r/nexthop/32',
    'delete r/nexthop/4',
    'delete r/vx0/fdb/02:00:00:00:00:09 nhid 32',
    'update r/nexthop/20 group',
    'update r/nexthop/22 group',
    'update r/route/10.9.0.0/16 nexthop',
  ])
  await apply(runner)
  expect(await plan(runner)).toEqual([])

  // What the kernel cannot change is made anew, with what goes with it.
  write(
    lab([
      ...without(3, 20, 22),
      { id: 3, via: '10.0.0.2' },
      { id: 20, via: '10.0.0.3' },
      { id: 22, group: [1, 2], type: 'resilient', buckets: 16 },
    ]),
  )
  const { changes } = await document(runner)
  const replaced = changes.filter(({ action }) => action === 'replace').map(({ id, lost_with }) => [id, lost_with])
  expect(replaced).toEqual([
    ['r/nexthop/3', undefined],
    ['r/nexthop/20', undefined],
    ['r/nexthop/22', undefined],
    ['r/route/10.5.0.0/16', 'r/nexthop/20'],
    ['r/route/10.6.0.0/16', 'r/nexthop/3'],
    ['r/route/10.7.0.0/16', 'r/nexthop/22'],
  ])
  await apply(runner)
  expect(await plan(runner)).toEqual([])
  await netlab(['destroy', file, '-y'], runner)
})

test('nexthops of a namespace that others made are adopted', async () => {
  write(lab())
  await apply()
  await world.run(['ip', '-n', 'r', 'link', 'set', 'dev', 'lo', 'alias', 'somebody'])
  const { stdout, code } = await world.netlab(['plan', file, '--adopt', '--json'])
  expect([code, (JSON.parse(stdout) as PlanJson).changes]).toEqual([0, []])
  await netlab(['apply', file, '-y', '--adopt'])
})

test('a rollback puts back nexthops that others have changed', async () => {
  write(lab())
  await apply()
  await hand('nexthop replace id 20 group 2', 'nexthop add id 99 group 1', 'route add 10.99.0.0/16 nhid 99')
  const before = await plan()
  for (const n of [1, 2])
    for (const runner of ['netlink', 'ip']) {
      const env = { NETLAB_FAULT: `fail:${n}`, NETLAB_RUNNER: runner }
      expect((await world.netlab(['apply', file, '-y'], { env })).stderr).toContain('Rolled back')
      expect(await plan(runner)).toEqual(before)
    }
})
