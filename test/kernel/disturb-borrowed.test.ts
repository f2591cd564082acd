import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from '../../src/model/command.ts'
import type { PlanJson } from '../../src/views/json.ts'
import type { WatchJson } from '../../src/views/watch-text.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'
import { openUser, type User } from '../support/user.ts'

/** A router with three neighbours; `spaces` says what these are. */
const lab = (spaces: string): string => `
name: lent
namespaces:
  r: { interfaces: { e1: { impairments: { rate: 50mbit } } } }
  ${spaces}
links:
  - { endpoints: { 'r:e1': 10.0.1.1/24, 'x:eth0': 10.0.1.2/24 } }
  - { endpoints: { 'r:e2': 10.0.2.1/24, 'y:eth0': 10.0.2.2/24 } }
  - { endpoints: { 'r:e3': 10.0.3.1/24, 'z:eth0': 10.0.3.2/24 } }
`

interface Ground {
  readonly lab: string
  readonly netlab: (...args: string[]) => Promise<Outcome>
  /** The namespaces in which faults are set. */
  readonly among: readonly ('x' | 'y' | 'z')[]
}

/** What faults do to a lab, and that nothing is left of them. */
async function disturb({ lab: file, netlab: call, among }: Ground): Promise<void> {
  const netlab = async (...args: string[]): Promise<string> => {
    const outcome = await call(...args, '--lab', file)
    expect({ args, code: outcome.code, stderr: outcome.stderr }).toMatchObject({ code: 0 })
    return outcome.stdout
  }
  const plan = async () => JSON.parse((await call('plan', file, '--json')).stdout) as PlanJson
  const inside = async (namespace: string, ...argv: string[]) =>
    (await call('exec', '--lab', file, namespace, '--', ...argv)).stdout
  const hears = async (from: string, to: string): Promise<boolean> =>
    (await inside(from, 'sh', '-c', `ping -c1 -W1 ${to} >/dev/null && echo yes`)) === 'yes\n'
  const dump = async (namespace: string): Promise<string> =>
    (
      await inside(
        namespace,
        'sh',
        '-c',
        'ip -br link; ip addr show scope global; ip route; tc qdisc; nft list ruleset',
      )
    )
      .replace(/valid_lft.*/g, '')
      .replace(/(qdisc \w+) [0-9a-f]+:/g, '$1')
  const all = async (): Promise<string> => (await Promise.all(['r', 'x', 'y', 'z'].map(dump))).join('\n')

  const subnet = { x: '10.0.1', y: '10.0.2', z: '10.0.3' }
  for (const name of among) expect(await until(() => hears(name, `${subnet[name]}.1`), Boolean)).toBe(true)
  // The kernel acts on new carriers within a second.
  const before = await until(all, (text) => !/@\S+ +UNKNOWN/.test(text))
  for (const name of among) {
    await netlab('cut', `${name}:eth0`)
    expect([name, await hears('r', `${subnet[name]}.2`)]).toEqual([name, false])
    expect(await inside(name, 'ip', 'link', 'show', 'dev', 'eth0')).toContain('NO-CARRIER')
    await netlab('impair', `${name}:eth0`, 'rate=3mbit')
    expect(await inside(name, 'tc', 'qdisc')).toContain('rate 3Mbit')
    await netlab('heal', `${name}:eth0`)
    expect(await until(() => hears('r', `${subnet[name]}.2`), Boolean)).toBe(true)
    await netlab('partition', name, 'r')
    expect([name, await hears(name, `${subnet[name]}.1`)]).toEqual([name, false])
    const { changes, faults } = await plan()
    expect([changes, faults?.map(({ description }) => description)]).toEqual([[], [`partition ${name} r`]])
    await netlab('heal')
  }
  await netlab('cut', ...among)
  await netlab('impair', 'r:e1', 'rate=1mbit', 'to=x')
  await netlab('heal')
  expect(await plan()).toMatchObject({ changes: [] })
  expect(await until(all, (text) => text === before, 10)).toBe(before)
}

describe('as root', () => {
  let world: World
  let file: string
  beforeAll(async () => {
    world = await openWorld()
    file = join(world.folder, 'lent.yaml')
    const script = `ip netns add theirs; unshare -n sh -c 'ip link set lo up; echo $$; exec sleep 1000 >/dev/null 2>&1' &`
    const pid = Number((await world.run(['sh', '-c', script])).stdout)
    writeFileSync(file, lab(`x: { root: true }\n  y: { netns: theirs }\n  z: { pid: ${pid} }`))
    expect(await world.netlab(['apply', file, '-y'])).toMatchObject({ code: 0 })
  })
  afterAll(() => world.close())

  test('faults are set and healed in the machine’s own namespace and in those of others', () =>
    disturb({ lab: file, netlab: (...args) => world.netlab(args), among: ['x', 'y', 'z'] }))

  test('netlab watch tells them as events of their own, and not as drift', async () => {
    const script = `
      "$@" watch ${file} --json >${world.folder}/lines & p=$!
      wait_for() { for i in $(seq 100); do ! grep -q "$1" ${world.folder}/lines || return 0; sleep 0.1; done; }
      wait_for clean
      "$@" cut x:eth0 --lab ${file} >/dev/null
      wait_for 'cut x:eth0'
      "$@" partition r z --lab ${file} >/dev/null
      wait_for 'partition r z'
      "$@" heal --lab ${file} >/dev/null
      wait_for '"faults":\\[\\]'
      kill $p; wait $p
      cat ${world.folder}/lines`
    const { stdout } = await world.run(['sh', '-c', script, 'sh', process.execPath, 'dist/netlab.cjs'])
    const lines = stdout.split('\n').flatMap((line) => (line ? [JSON.parse(line) as WatchJson] : []))
    expect(lines.map(({ kind, faults }) => [kind, faults?.map(({ description }) => description)])).toEqual([
      ['clean', undefined],
      ['fault', ['cut x:eth0']],
      ['fault', ['cut x:eth0', 'partition r z']],
      ['fault', []],
    ])
  })
})

describe('as an ordinary user', () => {
  let user: User
  beforeAll(async () => void (user = await openUser()))
  afterAll(() => user.close())

  test('faults are set and healed in the sandbox', async () => {
    const file = join(user.folder, 'own.yaml')
    writeFileSync(file, lab('x:\n  y:\n  z:'))
    expect(await user.netlab(['apply', file, '-y'])).toMatchObject({ code: 0 })
    await disturb({ lab: file, netlab: (...args) => user.netlab(args), among: ['x'] })
  })
})
