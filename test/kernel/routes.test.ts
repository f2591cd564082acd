import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'

/**
 * What somebody does to one of the lab's routes behind its back: `ip route …` with N for the number of the row, and what of the
 * route has then changed (nothing: the change is the one in the key).
 */
const changed: readonly (readonly [string, ...string[]])[] = [
  ['replace 10.1.N.0/24 via 10.0.0.2 advmss 400 initcwnd 2', 'advmss', 'initcwnd'],
  ['replace 10.1.N.0/24 via 10.0.0.2 window 1000', 'window'],
  ['replace 10.1.N.0/24 via 10.0.0.2 mtu lock 1400', 'mtu'],
  ['replace 10.1.N.0/24 via 10.0.0.2 mtu 1400 rtt 100ms rttvar 50ms ssthresh 10', 'mtu', 'rtt', 'rttvar', 'ssthresh'],
  ['replace 10.1.N.0/24 via 10.0.0.2 cwnd lock 5 reordering 4 hoplimit 9', 'cwnd', 'reordering', 'hoplimit'],
  ['replace 10.1.N.0/24 via 10.0.0.2 initrwnd 4 quickack 1 rto_min 2s', 'rto_min', 'initrwnd', 'quickack'],
  ['replace 10.1.N.0/24 via 10.0.0.2 congctl lock reno features ecn', 'features', 'congctl'],
  ['replace 10.1.N.0/24 via 10.0.0.2 fastopen_no_cookie 1', 'fastopen_no_cookie'],
  ['replace 10.1.N.0/24 via 10.0.0.2 realms 3/4', 'realm'],
  ['replace 10.1.N.0/24 dev e0', 'via'],
  ['replace throw 10.1.N.0/24', 'type', 'via', 'dev'],
  ['replace blackhole 10.1.N.0/24', 'type', 'via', 'dev'],
  ['replace multicast 10.1.N.0/24 dev e0', 'type', 'via'],
  ['replace 10.1.N.0/24 via 10.0.0.2 dev e0 onlink', 'onlink'],
  ['replace 10.1.N.0/24 via 10.0.0.2 src 10.0.0.3', 'src'],
  ['replace 10.1.N.0/24 nhid 10', 'via', 'dev', 'nexthop'],
  ['replace 10.1.N.0/24 nhid 12', 'via', 'dev', 'nexthop'],
  ['replace 10.1.N.0/24 nexthop via 10.0.0.2 weight 2 nexthop via 10.0.0.3 realm 3', 'via', 'dev', 'nexthops'],
  ['replace 10.1.N.0/24 encap seg6 mode encap segs fd00::9 via 10.0.0.2', 'encap'],
  ['replace 10.1.N.0/24 encap ip id 7 dst 10.0.0.9 ttl 4 key via 10.0.0.2', 'encap'],
  ['replace fd00:1:N::/64 via fd00::2 hoplimit 9 advmss 1000', 'advmss', 'hoplimit'],
  ['replace fd00:1:N::/64 via fd00::2 pref high', 'pref'],
  ['replace fd00:1:N::/64 encap seg6 mode inline segs fd00::8,fd00::9 via fd00::2', 'encap'],
  ['replace fd00:1:N::/64 encap seg6local action End.DT6 table 100 dev e0', 'via', 'encap'],
  ['replace fd00:1:N::/64 encap ip6 id 7 dst fd00::9 hoplimit 3 via fd00::2', 'encap'],
  ['replace fd00:1:N::/64 nhid 11', 'via', 'dev', 'nexthop'],
]

/** What somebody adds, and the id of what is then to be deleted. */
const added: Readonly<Record<string, string>> = {
  'append 10.1.0.0/24 via 10.0.0.3': '10.1.0.0/24 #2',
  'append throw 10.1.0.0/24': '10.1.0.0/24 #3',
  'add 10.2.0.0/24 tos 0x10 via 10.0.0.2': '10.2.0.0/24 tos 0x10',
  'add 10.2.0.0/24 tos 0x8 via 10.0.0.2': '10.2.0.0/24 tos 0x8',
  'add throw 10.3.0.0/24 metric 7': '10.3.0.0/24 metric 7',
  'add 10.4.0.0/24 nhid 10 table 9': '10.4.0.0/24 table 9',
  'add 10.5.0.0/24 nhid 13': '10.5.0.0/24',
  'add broadcast 10.6.0.255 dev e0': '10.6.0.255/32 table 255',
  'add anycast fd00:6::1 dev e0': 'fd00:6::1/128 table 255',
  'add multicast 239.1.0.0/16 dev e0': '239.1.0.0/16',
  'add fd00:7::/64 from fd00::/64 via fd00::2': 'fd00:7::/64 from fd00::/64',
  'add fd00:8::/64 nhid 11': 'fd00:8::/64',
  'add throw fd00:9::/64': 'fd00:9::/64',
  'add 10.7.0.0/24 encap seg6 mode encap segs fd00::9 dev e0': '10.7.0.0/24',
  'add fd00:a::/64 dev e0 mtu 1400': 'fd00:a::/64',
  'append fd00:a::/64 dev lo': 'fd00:a::/64 #2',
}

const networks = changed.map(([line], n) => (line.includes('fd00:1:') ? `fd00:1:${n}::/64` : `10.1.${n}.0/24`))
const routes = networks.map((to) => ({ to, via: to.includes(':') ? 'fd00::2' : '10.0.0.2' }))
const lab = (more: readonly object[] = []) => ({
  name: 'routes',
  namespaces: { a: { routes: [...routes, ...more] }, b: { forwarding: true } },
  links: [
    { endpoints: { 'a:e0': ['10.0.0.1/24', '10.0.0.3/24', 'fd00::1/64'], 'b:e0': ['10.0.0.2/24', 'fd00::2/64'] } },
  ],
})

let world: World
let file: string
beforeAll(async () => {
  world = await openWorld()
  file = join(world.folder, 'routes.yaml')
})
afterAll(() => world.close())

const write = (more?: readonly object[]): void => writeFileSync(file, JSON.stringify(lab(more)))
const netlab = async (args: readonly string[], runner = 'netlink', fault = ''): Promise<string> => {
  const { code, stdout, stderr } = await world.netlab(args, { env: { NETLAB_RUNNER: runner, NETLAB_FAULT: fault } })
  if (code !== 0 && fault === '') throw new Error(`${args.join(' ')}: ${code}\n${stdout}${stderr}`)
  return stdout
}
const apply = (): Promise<string> => netlab(['apply', file, '-y'])
const plan = async (runner?: string): Promise<PlanJson['changes']> =>
  (JSON.parse(await netlab(['plan', file, '--json'], runner)) as PlanJson).changes
const told = (changes: PlanJson['changes']) =>
  Object.fromEntries(changes.map(({ id, action, differences }) => [id, [action, ...differences.map((d) => d.field)]]))
const behind = async (lines: readonly string[]): Promise<void> => {
  const nexthops = ['id 10 via 10.0.0.2 dev e0', 'id 11 via fd00::2 dev e0', 'id 12 group 10', 'id 13 blackhole']
  const all = [...nexthops.map((words) => `nexthop replace ${words}`), ...lines.map((line) => `route ${line}`)]
  const { code, stderr } = await world.run(['ip', '-n', 'a', '-batch', '-'], { input: `${all.join('\n')}\n` })
  expect([code, stderr]).toEqual([0, ''])
}
const listed = async (): Promise<string[]> =>
  (await world.run(['ip', '-n', 'a', '-o', '-N', 'route', 'show', 'table', 'all'])).stdout
    .split('\n')
    .filter((line) => !line.includes('proto 2 '))
    .sort()

test('whatever is changed of a route is seen by both runners as that, and repaired', async () => {
  write()
  await apply()
  expect(await plan()).toEqual([])
  await behind([...changed.map(([line], n) => line.replace('N', String(n))), ...Object.keys(added)])
  const expected = {
    ...Object.fromEntries(
      changed.map(([, ...fields], n) => [
        `a/route/${networks[n]}`,
        [expect.stringMatching(/update|replace/), ...fields],
      ]),
    ),
    ...Object.fromEntries(Object.values(added).map((id) => [`a/route/${id}`, ['delete']])),
    ...Object.fromEntries([10, 11, 12, 13].map((id) => [`a/nexthop/${id}`, ['delete']])),
  }
  const sorted = (found: Record<string, unknown[]>) =>
    Object.fromEntries(Object.entries(found).map(([id, [action, ...fields]]) => [id, [action, ...fields.sort()]]))
  const seen = await plan()
  expect(sorted(told(seen))).toEqual(sorted(expected))
  expect(await plan('ip')).toEqual(seen)
  await apply()
  expect(await plan()).toEqual([])
  expect(await plan('ip')).toEqual([])
})

test('a rollback puts back what the language has no words for, as it was', async () => {
  write()
  await apply()
  await behind([...changed.map(([line], n) => line.replace('N', String(n))), ...Object.keys(added)])
  const before = await listed()
  const steps = JSON.parse(await netlab(['plan', file, '--json'])) as PlanJson
  for (const n of [1, Math.ceil(steps.steps.length / 2), steps.steps.length])
    for (const runner of ['netlink', 'ip']) {
      const { stderr } = await world.netlab(['apply', file, '-y'], {
        env: { NETLAB_FAULT: `fail:${n}`, NETLAB_RUNNER: runner },
      })
      expect(stderr).toContain('Rolled back')
      expect(await listed()).toEqual(before)
    }
  await apply()
  expect(await plan()).toEqual([])
})

test('a route has every setting that the kernel has, in a form that a second lab file can say', async () => {
  write([
    {
      ...{ to: '10.8.0.0/24', via: '10.0.0.2', mtu: 'lock 1400', window: 900, rtt: '1s', rttvar: '50ms', ssthresh: 9 },
      ...{ cwnd: 'lock 5', advmss: 400, reordering: 4, hoplimit: 9, initcwnd: 3, features: 'ecn', rto_min: '1s' },
      ...{ initrwnd: 4, quickack: 1, congctl: 'reno', fastopen_no_cookie: 1, realm: '3/4', tos: 16 },
    },
    { to: '10.9.0.0/24', dev: 'e0', encap: 'seg6 mode encap segs fd00:0::9' },
    { to: '10.10.0.0/24', via: '10.0.0.2', encap: 'ip dst 10.0.0.9 id 0x7 ttl 4' },
    { to: 'fd00:9::/64', via: 'fd00::2', pref: 'low', from: 'fd00:0::/64', encap: 'ip6 dst fd00:0::9' },
    { to: '10.11.0.0/24', type: 'throw', table: 7 },
    { to: '10.12.0.0/24', type: 'blackhole', scope: 'nowhere' },
    { to: '10.13.0.0/24', dev: 'e0', scope: 'nowhere' },
    { to: 'fd00:10::/64', dev: 'e0', scope: 'link' },
    {
      to: '10.14.0.0/24',
      nexthops: [
        { via: '10.0.0.2', realm: 5, weight: 2 },
        { via: '10.0.0.2', encap: 'seg6 mode encap segs fd00::9' },
      ],
    },
  ])
  await apply()
  expect(await plan()).toEqual([])
  expect(await plan('ip')).toEqual([])
  const long = join(world.folder, 'long.yaml')
  writeFileSync(long, await netlab(['show', file, '--desired']))
  expect(JSON.parse(await netlab(['plan', long, '--json']))).toMatchObject({ changes: [] })
  await netlab(['destroy', file, '-y'], 'ip')
})
