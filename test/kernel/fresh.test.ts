import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChecksJson } from '../../src/views/check-results.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'
import { openUser, type User } from '../support/user.ts'

const lab = `name: twin
namespaces:
  a: {}
  b:
    files: { /etc/word: word.txt }
    processes: { web: { command: [sleep, "8737"] } }
links:
  - endpoints: { "a:eth0": 10.0.0.1/24, "b:eth0": 10.0.0.2/24 }
checks:
  - { from: a, ping: b }
  - { name: file, from: b, run: [cat, /etc/word], expect: { stdout: from the file } }
  - { name: process, from: b, run: [pgrep, -f, "sleep 873[7]"] }
`

describe('test --fresh', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
    writeFileSync(join(world.folder, 'twin.yaml'), lab)
    writeFileSync(join(world.folder, 'word.txt'), 'from the file')
  })
  afterAll(() => world.close())

  const at = () => ({ cwd: world.folder })
  /** The processes and network namespaces of the world, without those of the question itself. */
  const everything = async (): Promise<string> =>
    (
      await world.run([
        'sh',
        '-c',
        'ls /run/netns; pgrep -f "sleep 873[7]|netlab-apar[t]|sessio[n]"; readlink /proc/[0-9]*/ns/net | sort -u | wc -l',
      ])
    ).stdout

  test('beside a live lab of the same name, which it leaves alone; and nothing is left', async () => {
    await world.run(['ip', 'netns', 'add', 'theirs'])
    const before = await everything()
    const fresh = await world.netlab(['test', '--fresh', 'twin.yaml'], at())
    expect(fresh).toMatchObject({ code: 0, stdout: expect.stringContaining('3 passed') })
    expect(await everything()).toBe(before)
    expect((await world.netlab(['apply', '-y', 'twin.yaml'], at())).code).toBe(0)
    await world.run(['ip', 'netns', 'exec', 'a', 'ip', 'link', 'set', 'eth0', 'down'])
    expect((await world.netlab(['test', '--fresh', 'twin.yaml'], at())).code).toBe(0)
    expect((await world.netlab(['test', 'twin.yaml'], at())).code).toBe(1)
    expect((await world.netlab(['destroy', '-y', 'twin.yaml'], at())).code).toBe(0)
    expect(await everything()).toBe(before)
  })

  test('from standard input, a revision in git, and without the processes', async () => {
    const input = lab.replace('from the file', 'from the')
    expect((await world.netlab(['test', '--fresh', '-'], { ...at(), input })).code).toBe(0)
    const git = (...words: string[]) => world.run(['git', '-c', 'user.name=a', '-c', 'user.email=a@b', ...words], at())
    await git('init', '-q')
    await git('add', 'twin.yaml', 'word.txt')
    await git('commit', '-qm', 'one')
    writeFileSync(join(world.folder, 'word.txt'), 'something else')
    expect((await world.netlab(['test', '--fresh', 'HEAD:twin.yaml'], at())).code).toBe(0)
    const { code, stdout } = await world.netlab(['test', '--fresh', 'twin.yaml', '--no-processes', '--json'], at())
    writeFileSync(join(world.folder, 'word.txt'), 'from the file')
    expect(code).toBe(1)
    const { checks, left_out } = JSON.parse(stdout) as ChecksJson
    expect(checks.map(({ status }) => status)).toEqual(['pass', 'fail', 'fail'])
    expect(left_out).toEqual([{ id: 'b/process/web', reason: '--no-processes', also: [] }])
  })

  test('names what a copy cannot have, and leaves it out', async () => {
    await world.run(['ip', 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up1'])
    writeFileSync(
      join(world.folder, 'uplink.yaml'),
      `namespaces:
  host:
    root: true
    interfaces: { up0: { existing: true, addresses: [192.0.2.1/24] } }
  other: { netns: theirs }
  h: { routes: [{ to: default, via: 10.1.0.1 }] }
links:
  - endpoints: { 'host:toh': 10.1.0.1/24, 'h:eth0': 10.1.0.2/24 }
  - endpoints: { 'other:eth0': 10.2.0.1/24, 'h:eth1': 10.2.0.2/24 }
checks:
  - { from: h, ping: 10.1.0.1 }
  - { from: h, ping: other }
  - { from: h, ping: 192.0.2.1 }
`,
    )
    const before = await everything()
    const { code, stderr, stdout } = await world.netlab(['test', '--fresh', 'uplink.yaml'], at())
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        'Not in the copy: other (it is namespace theirs, somebody else’s), and so other/eth0 and 3 more.\n' +
        'Not in the copy: host/up0 (it is the machine’s own), and so host/up0/192.0.2.1/24.\n' +
        'Not in the copy: h ping other (the check needs what was left out).\n' +
        'Not in the copy: h ping 192.0.2.1 (the check needs what was left out).\n',
    })
    expect(stdout).toContain('1 passed')
    expect(await everything()).toBe(before)
    const json = await world.netlab(['test', '--fresh', 'uplink.yaml', '--json'], at())
    expect((JSON.parse(json.stdout) as ChecksJson).left_out?.map(({ id }) => id)).toEqual([
      'other',
      'host/up0',
      'h ping other',
      'h ping 192.0.2.1',
    ])
    await world.run(['ip', 'link', 'del', 'up0'])
  })

  test('exit codes, and errors with their places', async () => {
    const codes: number[] = []
    for (const check of ['{ from: a, ping: 10.9.9.9, timeout: 0.3 }', '{ from: a, run: [no-such-program] }']) {
      writeFileSync(join(world.folder, 'one.yaml'), `namespaces: { a: {} }\nchecks: [${check}]\n`)
      codes.push((await world.netlab(['test', '--fresh', 'one.yaml'], at())).code)
    }
    expect(codes).toEqual([1, 3])
    writeFileSync(join(world.folder, 'one.yaml'), 'namespaces: { a: {} }\n')
    const none = await world.netlab(['test', '--fresh', 'one.yaml'], at())
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'one has no checks.\n' })
    for (const [text, where] of [
      ['namespaces: { a: { process: 1 } }\n', 'one.yaml:1:'],
      ['namespaces:\n  a:\n    processes: { p: "false" }\n', 'one.yaml:3:'],
    ] as const) {
      writeFileSync(join(world.folder, 'one.yaml'), text)
      const { code, stderr } = await world.netlab(['test', '--fresh', 'one.yaml'], at())
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`--> ${where}`) })
      const { stdout } = await world.netlab(['test', '--fresh', 'one.yaml', '--json'], at())
      expect(JSON.parse(stdout)).toMatchObject({ error: { diagnostics: [{ severity: 'error' }] } })
    }
  })

  test('a session is only in a throw-away sandbox', async () => {
    const { code, stderr } = await world.netlab(['session'], { input: '{"id":1,"do":"test","input":{}}\n' })
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('only in a throw-away sandbox') })
  })

  test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)('%s in the middle leaves nothing', async (signal) => {
    const before = await everything()
    writeFileSync(
      join(world.folder, 'long.yaml'),
      lab.replace('cat, /etc/word], expect: { stdout: from the file }', 'sleep, "8738"], timeout: 60'),
    )
    const netlab = [process.execPath, join(process.cwd(), 'dist/netlab.cjs'), 'test', '--fresh', 'long.yaml']
    const [enter = '', ...rest] = [...world.enter, 'env', '-C', world.folder, 'setsid', '-w', ...netlab]
    const child = spawn(enter, rest, { stdio: 'ignore' })
    const sleeper = async () => (await world.run(['pgrep', '-f', 'sleep 873[8]$'])).stdout
    expect(await until(sleeper, (pids) => pids !== '')).not.toBe('')
    await world.run(['pkill', `-${signal}`, '-f', '^\\S*node \\S+ test --fresh long.yam[l]'])
    expect(await until(sleeper, (pids) => pids === '')).toBe('')
    expect(await until(everything, (now) => now === before)).toBe(before)
    child.kill()
  })
})

describe('as an ordinary user', () => {
  let user: User
  beforeAll(async () => {
    user = await openUser()
  })
  afterAll(() => user.close())

  test('test --fresh needs no sandbox of the user, and leaves none', async () => {
    writeFileSync(join(user.folder, 'twin.yaml'), lab)
    writeFileSync(join(user.folder, 'word.txt'), 'from the file')
    const left = async () => (await user.outside(['pgrep', '-f', 'netlab-(sandbo|apar)[xt]'])).stdout
    const before = await left()
    const { code, stdout, stderr } = await user.netlab(['test', '--fresh', 'twin.yaml'])
    expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: '', stdout: expect.stringContaining('3 passed') })
    expect(await left()).toBe(before)
  })

  test('beside a live lab of the same name in the sandbox', async () => {
    expect((await user.netlab(['apply', '-y', 'twin.yaml'])).code).toBe(0)
    expect((await user.netlab(['exec', 'a', '--', 'ip', 'link', 'set', 'eth0', 'down'])).code).toBe(0)
    expect((await user.netlab(['test', '--fresh', 'twin.yaml'])).code).toBe(0)
    expect((await user.netlab(['test', 'twin.yaml'])).code).toBe(1)
    expect((await user.netlab(['destroy', '-y', 'twin.yaml'])).code).toBe(0)
  })
})
