import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DiffJson } from '../../src/views/diff-text.ts'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'
import { openUser } from '../support/user.ts'

const lab = `name: pair
namespaces:
  a: { files: { /etc/word: { content: new } } }
  b: { processes: { web: { command: [sleep, "9191"] } } }
links:
  - endpoints: { "a:eth0": 10.0.0.1/24, "b:eth0": 10.0.0.2/24 }
checks:
  - { from: a, ping: 10.0.0.2 }
  - { name: file, from: a, run: [cat, /etc/word], expect: { stdout: new } }
  - { name: process, from: b, run: [pgrep, -f, "sleep 919[1]"] }
`
/** With another address of b. */
const moved = lab.replace('10.0.0.2/24', '10.0.0.3/24')

describe('plan --test and diff --test', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
    writeFileSync(join(world.folder, 'lab.yaml'), lab)
    writeFileSync(join(world.folder, 'moved.yaml'), moved)
  })
  afterAll(() => world.close())
  const netlab = (...args: string[]) => world.netlab(args, { cwd: world.folder })
  const state = async () =>
    (await world.run(['sh', '-c', 'ip netns list; ip -n a -4 -o addr; ip -n b -4 -o addr; pgrep -f "sleep 919[1]"']))
      .stdout

  test('the checks of what would be there, and nothing live is touched', async () => {
    const none = await state()
    expect(await netlab('plan', '--test')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/to add.*3 passed/s),
    })
    expect(await state()).toBe(none)
    expect((await netlab('apply', '-y')).code).toBe(0)
    const before = await state()
    const { code, stdout } = await netlab('plan', 'moved.yaml', '--test', '--json', '--detailed-exitcode')
    const { changes, tests } = JSON.parse(stdout) as PlanJson
    expect(code).toBe(1)
    expect(changes.map(({ id }) => id)).toContain('b/eth0/10.0.0.3/24')
    expect(tests?.checks.map(({ name, status }) => [name, status])).toEqual([
      ['a ping 10.0.0.2', 'fail'],
      ['file', 'pass'],
      ['process', 'pass'],
    ])
    expect(await netlab('plan', '--test', '--detailed-exitcode')).toMatchObject({ code: 0 })
    expect(await state()).toBe(before)
  })

  test('with --target, in a copy of what is live and the change', async () => {
    await world.run(['ip', '-n', 'b', 'addr', 'del', '10.0.0.2/24', 'dev', 'eth0'])
    await world.run(['ip', '-n', 'b', 'addr', 'add', '10.0.9.4/24', 'dev', 'eth0'])
    const before = await state()
    const mended = ['plan', '--test', '--target', 'b/eth0/10.0.0.2/24']
    expect(await netlab(...mended)).toMatchObject({ code: 0, stdout: expect.stringContaining('3 passed') })
    const { code, stdout } = await netlab('plan', '--test', '--target', 'a', '--no-processes', '--json')
    const { tests } = JSON.parse(stdout) as PlanJson
    expect(code).toBe(1)
    expect(tests?.checks.map(({ status }) => status)).toEqual(['fail', 'pass', 'fail'])
    expect(tests?.left_out).toEqual([{ id: 'b/process/web', reason: '--no-processes', also: [] }])
    expect(await state()).toBe(before)
    expect((await netlab('destroy', '-y', 'pair')).code).toBe(0)
  })

  test('needs a lab file, and no --destroy', async () => {
    expect((await netlab('apply', '-y')).code).toBe(0)
    expect(await netlab('plan', 'pair', '--test')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--test needs a lab file'),
    })
    expect((await netlab('plan', '--destroy', '--test')).stderr).toContain("cannot be used with option '--destroy'")
    expect((await netlab('destroy', '-y', 'pair')).code).toBe(0)
  })

  test('diff: the checks of the second, also from git', async () => {
    const git = (...words: string[]) =>
      world.run(['git', '-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { cwd: world.folder })
    await git('init', '-q')
    await git('add', 'lab.yaml')
    await git('commit', '-qm', 'one')
    writeFileSync(join(world.folder, 'lab.yaml'), moved)
    const wrong = await netlab('diff', 'HEAD:lab.yaml', 'lab.yaml', '--test', '--json')
    writeFileSync(join(world.folder, 'lab.yaml'), lab)
    expect(wrong.code).toBe(1)
    expect((JSON.parse(wrong.stdout) as DiffJson).tests?.summary).toEqual({ pass: 2, fail: 1, error: 0 })
    const right = await netlab('diff', 'moved.yaml', 'HEAD:lab.yaml', '--test', '--detailed-exitcode')
    expect(right).toMatchObject({ code: 2, stdout: expect.stringMatching(/moved\.yaml to HEAD:lab\.yaml.*3 passed/s) })
    const comment = await netlab('diff', 'lab.yaml', 'moved.yaml', '--test', '--format', 'markdown')
    expect(comment).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('**Checks** in a copy of it: 2 passed, 1 failed\n\n- `a ping 10.0.0.2`: '),
    })
    expect(await netlab('diff', 'lab.yaml', '/dev/null', '--test')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--test needs a lab'),
    })
  })
})

test('plan --test and diff --test as an ordinary user', async () => {
  const user = await openUser()
  try {
    writeFileSync(join(user.folder, 'lab.yaml'), lab)
    writeFileSync(join(user.folder, 'moved.yaml'), moved)
    const holders = async () => (await user.outside(['pgrep', '-f', 'netlab-(sandbo|apar)[xt]'])).stdout
    const before = await holders()
    expect(await user.netlab(['plan', '--test'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('3 passed'),
    })
    expect(await user.netlab(['diff', 'moved.yaml', 'lab.yaml', '--test'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('3 passed'),
    })
    expect(await holders()).toBe(before)
  } finally {
    await user.close()
  }
})
