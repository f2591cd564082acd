import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from '../../src/model/command.ts'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const lab = (settings: string): string => `
name: tuned
namespaces: { a: {}, b: {} }
links:
  - endpoints: { a:e0: ${settings}, b:e0: 10.0.0.2/24 }
`
const first = '{ addresses: [10.0.0.1/24], queues: 3, channels: { rx: 2 }, offload: { tx: false, gro: true } }'
const use = (settings: string): void => writeFileSync(join(world.folder, 'tuned.yaml'), lab(settings))
let env: Record<string, string> = {}
const netlab = (command: string, ...more: string[]): Promise<Outcome> =>
  world.netlab([command, join(world.folder, 'tuned.yaml'), ...more], { env })
const sh = async (line: string): Promise<void> => {
  const { code, stderr } = await world.run(['sh', '-ec', line])
  expect({ code, stderr }).toMatchObject({ code: 0 })
}
async function differences(...more: string[]): Promise<unknown> {
  const { stdout } = await netlab('plan', '--json', ...more)
  return Object.fromEntries(
    (JSON.parse(stdout) as PlanJson).changes.map(({ id, action, differences }) => [
      id,
      differences?.length ? differences.map(({ field, from, to }) => [field, from, to]) : action,
    ]),
  )
}
const apply = async (): Promise<void> => expect(await netlab('apply', '-y')).toMatchObject({ code: 0 })

test.each(['ip', 'netlink'])('offloads and channels that were changed by hand are put back (%s)', async (runner) => {
  env = { NETLAB_RUNNER: runner }
  use(first)
  await apply()
  expect(await differences()).toEqual({})
  await sh('ip netns exec a ethtool -K e0 tx on gro off >&2; ip netns exec a ethtool -L e0 rx 3')
  expect(await differences()).toEqual({
    'a/e0/ethtool': [
      ['offload tx-checksumming', true, false],
      ['offload generic-receive-offload', false, true],
      ['channels rx', 3, 2],
    ],
  })
  await apply()
  expect(await differences()).toEqual({})
  use(first.replace('queues: 3', 'queues: 4'))
  expect(await differences()).toMatchObject({ 'a/e0': [['queues', 3, 4]] })
  await apply()
  expect(await differences()).toEqual({})
  use('{ addresses: [10.0.0.1/24] }')
  expect(await differences()).toEqual({})
  await netlab('destroy', '-y')
  env = {}
})

test('what a driver never changes is refused: by the plan, or by the step that makes the interface', async () => {
  use('{ offload: { lro: true } }')
  const made = await netlab('apply', '-y')
  expect(made.code).toBe(1)
  expect(made.stderr).toContain('a/e0/ethtool cannot have large-receive-offload on')
  expect(made.stderr).toContain('Rolled back')
  use('10.0.0.1/24')
  await apply()
  use('{ addresses: [10.0.0.1/24], offload: { lro: true, nonsense: true } }')
  const planned = await netlab('plan')
  expect(planned.code).toBe(1)
  expect(planned.stderr).toContain('large-receive-offload of a:e0 is always off')
  expect(planned.stderr).toContain('a:e0 has no offload nonsense')
  await netlab('destroy', '-y')
})

test('a failed apply puts offloads back', async () => {
  use('{ addresses: [10.0.0.1/24], offload: { tx: true } }')
  await apply()
  use('{ addresses: [10.0.0.1/24], offload: { tx: false }, channels: { rx: 4000 } }')
  const failed = await netlab('apply', '-y')
  expect(failed.code).toBe(1)
  expect(failed.stderr).toContain('requested channel count exceeds maximum')
  expect(failed.stderr).toContain('Rolled back')
  use('{ addresses: [10.0.0.1/24], offload: { tx: true } }')
  expect(await differences()).toEqual({})
  await netlab('destroy', '-y')
})

test('namespaces that somebody made are adopted with their offloads and queues', async () => {
  await sh(
    'ip netns add a; ip netns add b; ip -n a link set lo up; ip -n b link set lo up; ip -n a link add e0 numtxqueues 3 numrxqueues 3 type veth peer name e0 netns b; ip netns exec a ethtool -K e0 tx off >&2',
  )
  use(first)
  const found = (await differences('--adopt')) as Record<string, unknown>
  expect(found['a/e0/ethtool']).toEqual([
    ['offload generic-receive-offload', false, true],
    ['channels rx', 3, 2],
  ])
  expect(JSON.stringify(found['a/e0'])).not.toContain('queues')
})

test('contradictions are errors of the lab', async () => {
  use(
    '{ queues: 2, channels: { rx: 3 }, offload: { tx: false, tso: true, gro: true, generic-receive-offload: false } }',
  )
  const { code, stderr } = await netlab('validate')
  expect(code).toBe(1)
  expect(stderr).toContain('e0 has only 2 queues')
  expect(stderr).toContain('the kernel turns tso off when tx is off')
  expect(stderr).toContain('generic-receive-offload is already set')
})
