import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { ChecksJson } from '../../src/views/check-results.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'

let world: World
const file = (): string => join(world.folder, 'lab.yaml')
const write = (checks: string): void =>
  writeFileSync(
    file(),
    `name: opts
vars: { last: 2 }
namespaces: { a: , b: }
links: [{ endpoints: { "a:eth0": 10.8.0.1/24, "b:eth0": "10.8.0.{last}/24" } }]
checks: [${checks}]
`,
  )

beforeAll(async () => {
  world = await openWorld()
  write('')
  const { code, stderr } = await world.netlab(['apply', '-y', file()])
  if (code !== 0) throw new Error(stderr)
})
afterAll(() => world.close())

/** Starts `netlab test`, and collects what it prints. */
function start(...args: string[]) {
  const [program = '', ...words] = [
    ...world.enter,
    process.execPath,
    resolve('dist/netlab.cjs'),
    'test',
    file(),
    ...args,
  ]
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] })
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (printed[name] += text))
  return { child, printed }
}

test('results are printed as they come, while others are tried', async () => {
  write('{ from: a, run: [sleep, 3] }, { from: a, ping: b }')
  const { child, printed } = start()
  await until(
    () => Promise.resolve(printed.stdout),
    (text) => text.includes('ping'),
  )
  expect(printed.stdout).toMatch(/^✓ a ping b +10\.8\.0\.2 answered.*\n$/)
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(printed.stdout).toMatch(/\n✓ a run sleep 3 .*\n\n2 passed/)
})

test('--only chooses by name, as text or as a pattern', async () => {
  write('{ from: a, ping: b }, { from: b, ping: a }, { from: a, ping: b, name: "third (x)" }')
  const names = async (only: string): Promise<string[]> => {
    const { stdout } = await world.netlab(['test', file(), '--json', '--only', only])
    return (JSON.parse(stdout) as ChecksJson).checks.map(({ name }) => name)
  }
  expect(await names('ping a')).toEqual(['b ping a'])
  expect(await names('(x')).toEqual(['third (x)'])
  expect(await names('/^a|^T/i')).toEqual(['a ping b', 'third (x)'])
  const { code, stderr } = await world.netlab(['test', file(), '--only', 'nothing'])
  expect([code, stderr]).toEqual([1, expect.stringContaining('the name of no check fits --only nothing')])
})

test('--fail-fast begins no check after a failure', async () => {
  write('{ from: a, ping: b }, { from: a, run: ["false"] }, { from: a, run: [touch, /run/never] }')
  const { code, stdout } = await world.netlab(['test', file(), '--fail-fast'])
  expect(code).toBe(1)
  expect(stdout).toMatch(/1 passed, 1 failed, 1 left out/)
  expect((await world.run(['ls', '/run/never'])).code).not.toBe(0)
  expect((await world.netlab(['test', file()])).stdout).toMatch(/2 passed, 1 failed \(/)
})

test('--watch runs again when a file changes or Enter is typed, and ends with Ctrl-C', async () => {
  write('{ from: a, ping: b }')
  const { child, printed } = start('--watch')
  const waits = (times: number) =>
    until(
      () => Promise.resolve(printed.stderr.split('Waiting for a change').length - 1),
      (count) => count === times,
    )
  expect(await waits(1)).toBe(1)
  write('{ from: b, ping: a }')
  expect(await waits(2)).toBe(2)
  child.stdin.write('\n')
  expect(await waits(3)).toBe(3)
  write('{ from: c, ping: a }')
  expect(await waits(4)).toBe(4)
  expect(printed.stdout.match(/^✓ . ping ./gm)).toEqual(['✓ a ping b', '✓ b ping a', '✓ b ping a'])
  expect(printed.stderr).toMatch(/no namespace c/)
  child.kill('SIGINT')
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  expect(code === 130 || signal === 'SIGINT').toBe(true)
})
