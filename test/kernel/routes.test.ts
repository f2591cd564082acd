import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import { routeLines, routesLab } from '../support/drift/routes.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
let file: string
beforeAll(async () => {
  world = await openWorld()
  file = join(world.folder, 'routes.yaml')
})
afterAll(() => world.close())

const write = (more?: readonly object[]): void => writeFileSync(file, JSON.stringify(routesLab(more)))
const netlab = async (args: readonly string[], runner = 'netlink', fault = ''): Promise<string> => {
  const { code, stdout, stderr } = await world.netlab(args, { env: { NETLAB_RUNNER: runner, NETLAB_FAULT: fault } })
  if (code !== 0 && fault === '') throw new Error(`${args.join(' ')}: ${code}\n${stdout}${stderr}`)
  return stdout
}
const apply = (): Promise<string> => netlab(['apply', file, '-y'])
const plan = async (runner?: string): Promise<PlanJson['changes']> =>
  (JSON.parse(await netlab(['plan', file, '--json'], runner)) as PlanJson).changes
const behind = async (): Promise<void> => {
  const input = `${routeLines.join('\n')}\n`
  const { code, stderr } = await world.run(['ip', '-n', 'a', '-batch', '-'], { input })
  expect([code, stderr]).toEqual([0, ''])
}
const listed = async (): Promise<string[]> =>
  (await world.run(['ip', '-n', 'a', '-o', '-N', 'route', 'show', 'table', 'all'])).stdout
    .split('\n')
    .filter((line) => !line.includes('proto 2 '))
    .sort()

test('a rollback puts back what the language has no words for, as it was', async () => {
  write()
  await apply()
  await behind()
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
    { to: '10.209.0.0/24', dev: 'e0', encap: 'seg6 mode encap segs fd00:0::9' },
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
