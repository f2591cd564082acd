import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChecksJson } from '../../src/views/check-results.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const file = (): string => join(world.folder, 'within.yaml')
const link = (state: 'up' | 'down'): Promise<unknown> =>
  world.run(['ip', '-n', 'b', 'link', 'set', 'dev', 'eth0', state])
/** Does it when the checks have been tried for a while. */
const soon = async (work: () => Promise<unknown>): Promise<void> => {
  await world.run(['sh', '-c', 'until pgrep -f "[c]js test"; do sleep 0.1; done; sleep 4'])
  await work()
}

async function run(checks: readonly string[], ...more: string[]) {
  writeFileSync(
    file(),
    `name: within
namespaces: { a: , b: }
links: [{ endpoints: { "a:eth0": 10.8.0.1/24, "b:eth0": 10.8.0.2/24 } }]
checks: [${checks.join(',\n  ')}]
`,
  )
  const begun = Date.now()
  const { code, stdout, stderr } = await world.netlab(['test', file(), '--json', ...more])
  if (stdout === '') throw new Error(stderr)
  return { code, checks: (JSON.parse(stdout) as ChecksJson).checks, seconds: (Date.now() - begun) / 1000 }
}

beforeAll(async () => {
  await run([]).catch(() => {})
  const { code, stderr } = await world.netlab(['apply', '-y', file()])
  if (code !== 0) throw new Error(stderr)
})

test('what does not hold yet is tried until it does, and commands as well', async () => {
  await link('down')
  const [{ checks, code, seconds }] = await Promise.all([
    run([
      '{ from: a, ping: b, timeout: 1, within: 20s }',
      '{ from: a, tcp: "b:80", to: "b:80", timeout: 1, within: 20, observe: [{ at: "a:eth0", dport: 80 }] }',
      `{ from: a, run: "echo x >>${world.folder}/tries; test $(wc -l <${world.folder}/tries) -ge 3", within: 20s }`,
      '{ from: a, ping: 10.8.0.1 }',
    ]),
    soon(() => link('up')),
  ])
  expect({ code, checks }).toMatchObject({ code: 0 })
  expect(seconds).toBeLessThan(18)
  const [ping, tcp, command, plain] = checks
  for (const check of [ping, tcp]) {
    expect(check?.tries).toBeGreaterThan(1)
    expect(check?.duration_ms).toBeGreaterThan(1000)
    expect(check?.detail).toMatch(/^.* \(\d+ tries in [\d.]+ s\)/)
  }
  expect(command).toMatchObject({ tries: 3, detail: expect.stringMatching(/^exit code 0 \(3 tries in [\d.]+ s\)$/) })
  expect(plain).not.toHaveProperty('tries')
}, 60_000)

test('what must fail is tried until it does', async () => {
  const [{ checks }] = await Promise.all([
    run([
      '{ from: a, ping: b, expect: fail, within: 20s }',
      '{ from: a, run: [ping, -c1, -W1, b], expect: fail, within: 20s }',
    ]),
    soon(() => link('down')),
  ])
  await link('up')
  expect(checks).toMatchObject([{ status: 'pass' }, { status: 'pass' }])
  expect(checks[0]?.tries).toBeGreaterThan(1)
}, 60_000)

test('a check that cannot be tried ends with 3, unless another failed', async () => {
  const untried = '{ from: a, run: [no-such-program] }'
  expect((await run([untried, '{ from: a, run: ["true"] }'])).code).toBe(3)
  expect((await run([untried, '{ from: a, run: ["false"] }'])).code).toBe(1)
})

test('what never holds ends in time, side by side, and the report carries it', async () => {
  const never = Array.from({ length: 20 }, (_, i) => `{ from: a, tcp: "b:${i + 1}", within: 2s, name: never ${i} }`)
  const report = join(world.folder, 'report.xml')
  const { checks, seconds } = await run(
    [...never, '{ from: a, run: [no-such-program], within: 20s }'],
    '--junit',
    report,
  )
  expect(seconds).toBeLessThan(15)
  for (const check of checks.slice(0, -1)) {
    expect(check).toMatchObject({ status: 'fail', expected: expect.stringMatching(/answers, within 2 s$/) })
    expect(check.tries).toBeGreaterThan(1)
    expect(check.duration_ms).toBeGreaterThan(1500)
    expect(check.duration_ms).toBeLessThan(6000)
  }
  // No later try would find it.
  expect(checks.at(-1)).toMatchObject({ status: 'error', tries: 1 })
  const { stdout } = await world.run(['cat', report])
  expect(stdout).toContain('tries: 1</error>')
}, 60_000)

test('an address that is handed out meanwhile is what a name means', async () => {
  const late = join(world.folder, 'late.yaml')
  writeFileSync(
    late,
    `name: late
namespaces: { c: , d: }
links: [{ endpoints: { "c:eth0": {}, "d:eth0": 10.9.0.2/24 } }]
checks: [{ from: d, ping: c, within: 20s }]
`,
  )
  expect(await world.netlab(['apply', '-y', late])).toMatchObject({ code: 0 })
  const address = 'ip -n c addr add 10.9.0.7/24 dev eth0 valid_lft 600 preferred_lft 600'.split(' ')
  const [{ code, stdout }] = await Promise.all([world.netlab(['test', late]), soon(() => world.run(address))])
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('10.9.0.7 answered') })
  expect((await world.netlab(['destroy', '-y', late])).code).toBe(0)
}, 60_000)
