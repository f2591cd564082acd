import { symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { BUNDLE } from '../support/bundle.ts'
import type { FaultReport, FaultTask } from '../support/fault-driver.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'

/** Three hosts on one switch, the first with a declared rate, and a cable between two of them, with routes. */
const LAB = `
name: ft
namespaces:
  a: { interfaces: { eth0: { addresses: [10.0.0.1/24, "fd00::1/64"], impairments: { rate: 20mbit } } }, routes: [{ to: 10.9.0.0/16, dev: far }, { to: 'fd09::/64', dev: far }] }
  b: { interfaces: { eth0: { addresses: [10.0.0.2/24, "fd00::2/64"] } } }
  c: { interfaces: { eth0: { addresses: [10.0.0.3/24, "fd00::3/64"] } } }
  sw: { bridges: { br0: {} } }
links:
  - endpoints: [a:eth0, sw:br0]
  - endpoints: [b:eth0, sw:br0]
  - endpoints: [c:eth0, sw:br0]
  - endpoints: { 'a:far': [10.1.0.1/24, 'fd01::1/64'], 'b:far': [10.1.0.2/24, 'fd01::2/64'] }
`

let world: World
let lab: string

beforeAll(async () => {
  world = await openWorld()
  lab = join(world.folder, 'ft.yaml')
  writeFileSync(lab, LAB)
  expect((await world.netlab(['apply', lab, '-y'])).code).toBe(0)
  // Duplicate address detection changes what a dump shows.
  expect(await until(dump, (text) => !text.includes('tentative'))).not.toContain('tentative')
})
afterAll(() => world.close())
afterEach(() => netlab('heal', '--lab', lab))

const netlab = async (...args: string[]) => {
  const outcome = await world.netlab(args)
  expect({ args, code: outcome.code, stderr: outcome.stderr }).toMatchObject({ code: 0 })
  return outcome.stdout
}
const hears = async (from: string, to: string): Promise<boolean> =>
  (await world.run(['ip', 'netns', 'exec', from, 'ping', '-c1', '-W1', to])).code === 0
const flags = async (namespace: string, device: string): Promise<string[]> => {
  const { stdout } = await world.run(['ip', '-n', namespace, '-j', 'link', 'show', 'dev', device])
  return (JSON.parse(stdout) as { flags: string[] }[])[0]?.flags ?? []
}
/** Everything that a fault could leave behind, without counters and times. */
const dump = async (): Promise<string> => {
  const parts = await Promise.all(
    ['a', 'b', 'c', 'sw'].map(async (name) => {
      const script = `ip -d link; ip addr; ip route show table all; ip -6 route show table all; tc qdisc; nft list ruleset; for d in $(ls /sys/class/net); do tc filter show dev $d; tc class show dev $d; done`
      const { stdout } = await world.run(['ip', 'netns', 'exec', name, 'sh', '-c', script])
      return stdout
        .replace(/state (UP|UNKNOWN)/g, 'state')
        .replace(/_timer +[\d.]+/g, '_timer')
        .replace(/((qdisc|class) \w+) [0-9a-f]+:.*parent.*|(?<=qdisc \w+) [0-9a-f]+:/g, '$1')
    }),
  )
  return parts.join('\n')
}
const plan = async () =>
  JSON.parse(await netlab('plan', lab, '--json')) as { changes: unknown[]; faults?: { description: string }[] }

test('a cut cable has no carrier at either end, loses no address and no route, and is no drift', async () => {
  const before = await dump()
  expect(await hears('a', '10.0.0.2')).toBe(true)
  await netlab('cut', 'a:eth0')
  expect(await hears('a', '10.0.0.2')).toBe(false)
  expect(await flags('a', 'eth0')).toContain('NO-CARRIER')
  expect(await flags('sw', 'a~eth0')).toContain('NO-CARRIER')
  const { changes, faults } = await plan()
  expect(changes).toEqual([])
  expect(faults?.map(({ description }) => description)).toEqual(['cut a:eth0'])
  expect(await netlab('show', 'ft')).toContain('cut a:eth0')
  await netlab('heal', 'sw:a~eth0')
  expect(await until(() => hears('a', '10.0.0.2'), Boolean)).toBe(true)
  expect(await dump()).toBe(before)
})

test('one way only', async () => {
  await netlab('cut', 'a:eth0', '--one-way')
  expect(await hears('a', '10.0.0.2')).toBe(false)
  expect(await flags('a', 'eth0')).not.toContain('NO-CARRIER')
  const { stdout } = await world.run(['ip', 'netns', 'exec', 'a', 'nft', 'list', 'ruleset'])
  expect(stdout).toBe('')
})

test('groups do not hear each other, and everybody hears who is in none', async () => {
  await netlab('partition', 'a', 'c')
  expect(await hears('a', '10.0.0.3')).toBe(false)
  expect(await hears('c', 'fd00::1')).toBe(false)
  expect(await hears('b', '10.0.0.1')).toBe(true)
  expect(await hears('b', '10.0.0.3')).toBe(true)
  await netlab('heal', 'c')
  expect(await hears('a', '10.0.0.3')).toBe(true)
})

test('a declared impairment comes back as it was, and the last fault wins', async () => {
  const before = await dump()
  const rates = async () =>
    (await world.run(['tc', '-n', 'a', 'qdisc', 'show', 'dev', 'eth0'])).stdout.match(/rate \w+/g)
  await netlab('impair', 'a:eth0', 'rate=1mbit')
  expect(await rates()).toEqual(['rate 1Mbit'])
  await netlab('impair', 'a:eth0', 'rate=2mbit', 'to=c')
  expect((await rates())?.sort()).toEqual(['rate 1Mbit', 'rate 2Mbit'])
  expect((await plan()).changes).toEqual([])
  await netlab('impair', 'a:eth0', 'rate=3mbit')
  expect(await rates()).toEqual(['rate 3Mbit', 'rate 3Mbit'])
  await netlab('heal')
  expect(await dump()).toBe(before)
})

test('apply keeps faults and repairs what is drift; --heal ends them', async () => {
  await netlab('cut', 'a:eth0')
  await netlab('impair', 'b:eth0', 'rate=1mbit')
  await world.run(['ip', '-n', 'b', 'link', 'set', 'eth0', 'mtu', '1400'])
  await world.run(['ip', '-n', 'a', 'addr', 'add', '10.7.0.1/24', 'dev', 'eth0'])
  const { stdout, stderr } = await world.netlab(['apply', lab, '-y'])
  expect(stdout).toMatch(/mtu: 1400 → 1500/)
  expect(stderr).toContain('This fault stays: cut a:eth0')
  expect(await hears('a', '10.0.0.2')).toBe(false)
  const { changes, faults } = await plan()
  expect([changes, faults?.length]).toEqual([[], 2])
  await netlab('apply', lab, '-y', '--heal')
  expect(await until(() => hears('a', '10.0.0.2'), Boolean)).toBe(true)
  expect((await plan()).faults).toBeUndefined()
})

test('what somebody changes on an impaired interface is drift', async () => {
  await netlab('impair', 'b:eth0', 'rate=1mbit')
  await world.run(['tc', '-n', 'b', 'qdisc', 'replace', 'dev', 'eth0', 'root', 'pfifo', 'limit', '7'])
  expect((await plan()).changes).toMatchObject([{ id: 'b/eth0/qdisc', action: 'delete' }])
})

test('a fault ends when its time is over, and when the process that set it is killed', async () => {
  await netlab('cut', 'a:eth0', '--for', '1s')
  expect((await plan()).faults).toBeUndefined()
  await world.run([
    'sh',
    '-c',
    '"$@" & sleep 2; kill -9 $!',
    'sh',
    process.execPath,
    'dist/netlab.cjs',
    'cut',
    'a:eth0',
    '--for',
    '60s',
  ])
  expect(
    await until(
      async () => (await plan()).faults,
      (faults) => faults === undefined,
    ),
  ).toBeUndefined()
  expect(await hears('a', '10.0.0.2')).toBe(true)
})

test('errors say what there is', async () => {
  const errorOf = async (...args: string[]) => (await world.netlab(args)).stderr
  expect(await errorOf('cut', 'a:eth9')).toContain('a has no interface eth9')
  expect(await errorOf('cut', 'x')).toContain('there is no namespace x of a lab')
  expect(await errorOf('impair', 'a:eth0', 'delay=fast')).toContain('"fast" is not a time such as 20ms')
  expect(await errorOf('impair', 'a:eth0', 'lag=1s')).toContain('there is no impairment lag')
  expect(await errorOf('partition', 'a')).toContain('two groups or more')
  expect(await errorOf('heal', '12345678')).toContain('there is no fault 12345678')
})

test('whatever is cut, impaired and partitioned, in any order: no drift meanwhile, and afterwards all is as it began', async () => {
  const driver = join(world.folder, 'driver.cjs')
  const checkout = resolve(__dirname, '../..')
  symlinkSync(join(checkout, 'node_modules'), join(world.folder, 'node_modules'))
  const entry = join(checkout, 'test/support/fault-driver.ts')
  await execa('esbuild', [entry, ...BUNDLE, `--outfile=${driver}`], {
    preferLocal: true,
  })
  const task: FaultTask = {
    lab: 'ft',
    namespaces: ['a', 'b', 'c', 'sw'],
    targets: ['a:eth0', 'b:eth0', 'c:eth0', 'sw:a~eth0', 'sw:b~eth0', 'a:far', 'b:far'],
    seed: Number(process.env['NETLAB_SEED'] ?? 1),
    sequences: Number(process.env['NETLAB_SEQUENCES'] ?? 60),
  }
  const { stdout, stderr } = await world.run([process.execPath, driver], { input: JSON.stringify(task), timeout: 300 })
  expect(stderr).toBe('')
  const { wrong, set, median } = JSON.parse(stdout) as FaultReport
  expect(wrong).toEqual([])
  expect(set).toBeGreaterThan(task.sequences)
  expect(median.cut).toBeLessThan(100)
  if (process.env['NETLAB_SEQUENCES']) process.stderr.write(`${JSON.stringify(median)}\n`)
}, 300_000)

describe('timelines', () => {
  const file = () => join(world.folder, 'flap.yaml')
  beforeAll(() =>
    writeFileSync(
      file(),
      `${LAB.trimEnd()}
faults:
  flap:
    - { at: 200ms, cut: a:eth0, for: 600ms }
    - { at: 900ms, partition: [a, c] }
  long:
    - { at: 0s, cut: a:eth0 }
    - { at: 60s, heal: all }
checks:
  - { name: survives, from: b, ping: a, during: flap, within: 5s }
  - { name: does not, from: a, ping: 10.0.0.3, during: long, timeout: 1s }
  - { name: a command, from: a, run: 'sleep 1; ! ping -c 1 -W 1 10.0.0.2', during: long }
`,
    ),
  )

  test('netlab fault runs one, and everything is healed when it is over', async () => {
    const { events, seed } = JSON.parse(await netlab('fault', 'flap', '--lab', file(), '--json')) as {
      events: { at: number; description: string }[]
      seed: number
    }
    expect(seed).toBe(1)
    expect(events.map(({ description }) => description)).toEqual(['cut a:eth0', 'heal cut a:eth0', 'partition a c'])
    for (const [i, at] of [0.2, 0.8, 0.9].entries()) expect(events[i]!.at).toBeGreaterThanOrEqual(at)
    expect((await plan()).faults).toBeUndefined()
    expect((await world.netlab(['fault', 'none', '--lab', file()])).stderr).toContain('lab ft has no faults none')
  })

  test('checks are made while one runs', async () => {
    const { stdout, code } = await world.netlab(['test', file(), '--json'], { timeout: 100 })
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string }[] }
    expect(checks.map(({ name, status }) => `${name}: ${status}`)).toEqual([
      'survives: pass',
      'does not: fail',
      'a command: pass',
    ])
    expect(code).toBe(1)
    expect((await plan()).faults).toBeUndefined()
  }, 100_000)
})
