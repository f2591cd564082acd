import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { FaultJson } from '../../src/views/fault-text.ts'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'

/** Two hosts on a switch. */
const LAB = `
name: kept
namespaces:
  a: { interfaces: { eth0: { impairments: { rate: 20mbit } } } }
  b:
  sw: { bridges: { br0: } }
links:
  - { endpoints: { 'a:eth0': 10.0.0.1/24, 'sw:br0': } }
  - { endpoints: { 'b:eth0': 10.0.0.2/24, 'sw:br0': } }
`
/** The same after an edit that concerns what faults have changed. */
const EDITED = LAB.replace('20mbit', '10mbit').replace("sw:br0': } }\n`", "sw:br0': }, mtu: 1400 }\n`")

let world: World
let file: string
beforeAll(async () => {
  world = await openWorld()
  file = join(world.folder, 'kept.yaml')
})
afterAll(() => world.close())

const write = (text: string) => writeFileSync(file, text)
const netlab = async (...args: string[]) => {
  const outcome = await world.netlab(args)
  expect({ args, code: outcome.code, stderr: outcome.stderr }).toMatchObject({ code: 0 })
  return outcome
}
const plan = async (): Promise<PlanJson> => JSON.parse((await netlab('plan', file, '--json')).stdout) as PlanJson
const hears = async (from: string, to: string): Promise<boolean> =>
  (await world.run(['ip', 'netns', 'exec', from, 'ping', '-c1', '-W1', to])).code === 0
const words = (faults: readonly FaultJson[] = []): string[] => faults.map(({ description }) => description)

test('a run that is killed after any of its steps leaves the marks of the faults, and the next brings them back', async () => {
  const FAULTS = ['cut a:eth0', 'impair b:eth0 rate=1mbit']
  let lost = 0
  write(LAB)
  await netlab('apply', file, '-y')
  for (const fault of FAULTS) await netlab(...fault.split(' '))
  for (let n = 1, over = false; !over; n++) {
    write(LAB)
    await netlab('apply', file, '-y')
    write(EDITED)
    over = (await world.netlab(['apply', file, '-y'], { env: { NETLAB_FAULT: `kill:${n}` } })).code === 0
    const { stdout } = await netlab('show', 'kept')
    for (const fault of FAULTS) expect({ n, stdout }).toEqual({ n, stdout: expect.stringContaining(fault) })
    if (stdout.includes('without effect until netlab apply has run')) lost++
    await netlab('apply', file, '-y')
    const { changes, faults } = await plan()
    expect({ n, changes, lifted: faults?.map(({ lifted }) => lifted) }).toEqual({
      ...{ n, changes: [], lifted: [undefined, undefined] },
    })
    expect(words(faults)).toEqual(FAULTS)
    const [carrier, rate] = await Promise.all([
      world.run(['ip', '-n', 'a', 'link', 'show', 'dev', 'eth0']),
      world.run(['tc', '-n', 'b', 'qdisc', 'show', 'dev', 'eth0']),
    ])
    expect([carrier.stdout, rate.stdout]).toEqual([
      expect.stringContaining('NO-CARRIER'),
      expect.stringContaining('rate 1Mbit'),
    ])
  }
  expect(lost).toBeGreaterThan(5)
  await netlab('heal')
  expect(await until(() => hears('a', '10.0.0.2'), Boolean)).toBe(true)
  expect(await plan()).toMatchObject({ changes: [] })
}, 300_000)

test('a fault with an end is ended by the next command that looks when all that should do it is killed', async () => {
  write(LAB)
  await netlab('apply', file, '-y')
  const [command = '', ...rest] = [...world.enter, process.execPath, resolve('dist/netlab.cjs')]
  spawn(command, [...rest, 'cut', 'a:eth0', '--for', '4s'], { stdio: 'ignore' })
  await until(plan, ({ faults }) => faults !== undefined)
  await world.run(['sh', '-c', 'pkill -KILL -f "netlab.cjs guard$"; pkill -KILL -f "netlab.cjs cut a:eth0 --for 4s$"'])
  expect(await hears('a', '10.0.0.2')).toBe(false)
  const said = await until(
    () => netlab('show', 'kept'),
    ({ stderr }) => stderr !== '',
  )
  expect(said.stderr).toContain('The time of this fault is over: cut a:eth0')
  expect((await plan()).faults).toBeUndefined()
  expect(await until(() => hears('a', '10.0.0.2'), Boolean)).toBe(true)
})

test('a watch ends such a fault as soon as its time is over', async () => {
  write(LAB)
  await netlab('apply', file, '-y')
  const [command = '', ...rest] = [...world.enter, process.execPath, resolve('dist/netlab.cjs')]
  const watch = spawn(command, [...rest, 'watch', file, '--json'])
  let said = ''
  watch.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  try {
    spawn(command, [...rest, 'cut', 'a:eth0', '--for', '3s'], { stdio: 'ignore' })
    await until(
      async () => said,
      (text) => text.includes('"cut"'),
    )
    await world.run([
      'sh',
      '-c',
      'pkill -KILL -f "netlab.cjs guard$"; pkill -KILL -f "netlab.cjs cut a:eth0 --for 3s$"',
    ])
    // Without a clock of its own it would look after half a minute.
    expect(await until(() => hears('a', '10.0.0.2'), Boolean, 15)).toBe(true)
    await until(
      async () => said,
      (text) => text.trimEnd().endsWith('"faults":[]}'),
    )
    expect(said.trimEnd().split('\n').at(-1)).toMatch(/"kind":"fault".*"faults":\[\]/)
  } finally {
    watch.kill()
  }
})
