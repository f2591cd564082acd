import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson, ShowJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
let cwd: string
beforeEach(async () => {
  world = await openWorld()
  cwd = join(world.folder, 'project')
  mkdirSync(join(cwd, 'labs'), { recursive: true })
  cpSync('labs/router.yaml', join(cwd, 'labs/router.yaml'))
})
afterEach(() => world.close())

const netlab = (args: readonly string[], more: { input?: string; env?: Record<string, string> } = {}) =>
  world.netlab(args, { cwd, ...more })
const namespaces = async (): Promise<string> => (await world.run(['ls', '/run/netns'])).stdout
/** On a terminal, with somebody who types. */
const typing = (text: string, args: string) =>
  world.run(
    ['script', '-qec', `"${process.execPath}" "${join(process.cwd(), 'dist/netlab.cjs')}" ${args}`, '/dev/null'],
    {
      cwd,
      input: text,
    },
  )

test('the three commands of the README, in a row', async () => {
  // Another file beside it: only what was used last can tell which is meant.
  writeFileSync(join(cwd, 'labs/other.yaml'), 'namespaces: {other: }\n')
  expect((await netlab(['plan'])).code).toBe(1)
  const plan = await netlab(['plan', 'labs/router.yaml'])
  expect(plan).toMatchObject({ code: 0, stderr: '' })
  expect(plan.stdout).toMatch(/Plan: \d+ to add, 0 to change, 0 to destroy\.\n$/)
  const apply = await netlab(['apply', '-y'])
  expect(apply.code).toBe(0)
  expect(apply.stderr).toContain('labs/router.yaml')
  expect((await world.run(['ip', 'netns', 'exec', 'ns0', 'ping', '-c1', '-W2', '192.168.1.2'])).code).toBe(0)
  expect((await netlab(['destroy', '-y'])).code).toBe(0)
  expect(await namespaces()).toBe('')
})

test('exit codes', async () => {
  const code = async (...args: string[]) => (await netlab(args)).code
  expect(await code('plan', 'labs/router.yaml')).toBe(0)
  expect(await code('plan', 'labs/router.yaml', '--detailed-exitcode')).toBe(2)
  expect(await code('apply', 'labs/router.yaml', '-y')).toBe(0)
  expect(await code('plan', 'labs/router.yaml', '--detailed-exitcode')).toBe(0)
  expect(await code('plan', 'labs/none.yaml', '--detailed-exitcode')).toBe(1)
  expect(await code('frobnicate')).toBe(1)
  expect(await code('plan', '--frobnicate')).toBe(1)
})

test('ends quietly when nobody reads on, and sees through what it has begun', async () => {
  const lab = (n: number): string => `namespaces:\n${Array.from({ length: n }, (_, i) => `  n${i}:\n`).join('')}`
  writeFileSync(join(cwd, 'long.yaml'), lab(3000)) // more than a pipe takes
  writeFileSync(join(cwd, 'short.yaml'), lab(99))
  const unread = (command: string) =>
    world.run(
      [
        'bash',
        '-c',
        `"$0" "$1" ${command} | { read line; }; echo $PIPESTATUS`,
        process.execPath,
        join(process.cwd(), 'dist/netlab.cjs'),
      ],
      { cwd },
    )
  expect(await unread('plan long.yaml --full')).toMatchObject({ stdout: '141\n', stderr: '' })
  expect(await unread('plan long.yaml --full --commands 2>&1')).toMatchObject({ stdout: '141\n', stderr: '' })
  expect(await unread('apply -y short.yaml 2>&1')).toMatchObject({ stdout: '0\n', stderr: '' })
  expect((await netlab(['plan', 'short.yaml'])).stdout).toContain('No changes.')
})

test('without a terminal and without -y nothing is done', async () => {
  const { code, stdout, stderr } = await netlab(['apply', 'labs/router.yaml'], { input: 'yes\n' })
  expect(code).toBe(1)
  expect(stdout).toContain('Plan:')
  expect(stderr).toMatch(/no terminal/)
  expect(stderr).toContain('-y')
  expect(await namespaces()).toBe('')
})

test('on a terminal it asks', async () => {
  const no = await typing('n\n', 'apply labs/router.yaml')
  expect(no.stdout).toContain('Nothing was changed.')
  expect(no.code).toBe(1)
  expect(await namespaces()).toBe('')
  const yes = await typing('y\n', 'apply labs/router.yaml')
  expect(yes.code).toBe(0)
  expect(yes.stdout).toContain('\u001b[')
  expect((await namespaces()).split('\n')).toContain('ns-router')
})

test('what a lab can be named by', async () => {
  const text = 'name: piped\nnamespaces: {p: }\n'
  expect((await netlab(['apply', '-', '-y'], { input: text })).code).toBe(0)
  expect(await namespaces()).toBe('p\n')
  const again = await netlab(['plan', '-', '--json'], { input: text })
  expect(JSON.parse(again.stdout)).toMatchObject({ lab: 'piped', changes: [] })
  expect((await netlab(['show', 'p'])).stdout).toContain('p')
  expect((await netlab(['destroy', 'piped', '-y'])).code).toBe(0)

  expect((await netlab(['apply', 'labs', '-y'])).code).toBe(0)
  rmSync(join(cwd, 'labs'), { recursive: true })
  expect(JSON.parse((await netlab(['list', '--json'])).stdout)).toMatchObject({
    format_version: '1.0',
    labs: [{ name: 'router', namespaces: expect.arrayContaining(['ns0', 'ns1', 'ns-router']) as string[] }],
  })
  expect((await netlab(['show', 'router'])).stdout).toContain('ns-router')
  expect((await netlab(['destroy', 'router', '-y'])).code).toBe(0)
  expect(await namespaces()).toBe('')
  const unknown = await netlab(['destroy', 'router', '-y'])
  expect(unknown).toMatchObject({ code: 1, stdout: '' })
  expect(unknown.stderr).toContain('router')
  expect(JSON.parse((await netlab(['list', '--json'])).stdout)).toEqual({
    format_version: '1.0',
    labs: [],
    elsewhere: [],
  })
})

test.each([
  ['--lock-timeout', 'long', 'is not a duration'],
  ['--revert-after', '0', 'at once'],
  ['--revert-after', '600h', 'is too long'], // to a timer it is none at all
])('%s %s is refused, and nothing is changed', async (option, duration, words) => {
  const { code, stdout, stderr } = await netlab(['apply', 'labs/router.yaml', '-y', option, duration])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(`${option} ${duration}`)
  expect(stderr).toContain(words)
  expect(await namespaces()).toBe('')
})

test('what is not UTF-8 is pointed at', async () => {
  writeFileSync(join(cwd, 'latin1.yaml'), Buffer.from('namespaces: { a: }\ndescription: caf\xe9 \u20ac\n', 'latin1'))
  const { code, stderr } = await netlab(['validate', 'latin1.yaml'])
  expect(code).toBe(1)
  expect(stderr).toContain('the file is not UTF-8\n  --> latin1.yaml:2:17\n')
})

test('the expansion is a lab that is not a change, and show is what is live', async () => {
  await netlab(['apply', 'labs/router.yaml', '-y'])
  const { stdout } = await netlab(['show', 'labs/router.yaml', '--desired'])
  expect(JSON.parse((await netlab(['plan', '-', '--json'], { input: stdout })).stdout)).toMatchObject({
    changes: [],
    steps: [],
  })
  const one = JSON.parse((await netlab(['show', 'ns0', '--json'])).stdout) as ShowJson
  expect(one).toMatchObject({ format_version: '1.0', lab: 'router' })
  expect(new Set(one.resources.map(({ namespace }) => namespace))).toEqual(new Set(['ns0']))
  const all = JSON.parse((await netlab(['show', 'router', '--json'])).stdout) as ShowJson
  expect(all.resources.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['ns0/veth0/192.168.0.2/24', 'ns0/route/192.168.1.0/24', 'ns-router/veth1']),
  )
  expect((await netlab(['show', 'nothing-of-this-name'])).code).toBe(1)
})

test('colours only where they are wanted', async () => {
  const plan = `plan labs/router.yaml`
  expect((await typing('', plan)).stdout).toContain('\u001b[')
  expect((await typing('', `${plan} --no-color`)).stdout).not.toContain('\u001b[')
  expect((await netlab(plan.split(' '))).stdout).not.toContain('\u001b[')
  const { stdout } = await world.run(
    [
      'env',
      'NO_COLOR=1',
      'script',
      '-qec',
      `"${process.execPath}" "${join(process.cwd(), 'dist/netlab.cjs')}" ${plan}`,
      '/dev/null',
    ],
    { cwd },
  )
  expect(stdout).not.toContain('\u001b[')
})

test('--target and --replace', async () => {
  const id = 'ns0/veth0/192.168.0.2/24'
  await netlab(['apply', 'labs/router.yaml', '-y', '--target', id])
  expect((await namespaces()).split('\n').filter(Boolean).sort()).toEqual(['ns-router', 'ns0'])
  await netlab(['apply', 'labs/router.yaml', '-y'])
  const replaced = JSON.parse(
    (await netlab(['plan', 'labs/router.yaml', '--replace', id, '--json'])).stdout,
  ) as PlanJson
  expect(replaced.changes.map((c) => [c.id, c.action])).toEqual(
    [
      ['ns0/route/192.168.1.0/24', 'replace'],
      [id, 'replace'],
    ].sort(
      (a, b) => replaced.changes.findIndex((c) => c.id === a[0]) - replaced.changes.findIndex((c) => c.id === b[0]),
    ),
  )
  expect((await netlab(['apply', 'labs/router.yaml', '--replace', id, '-y'])).code).toBe(0)
  const unknown = await netlab(['plan', 'labs/router.yaml', '--target', 'ns0/nothing'])
  expect(unknown.code).toBe(1)
  expect(unknown.stderr).toContain('ns0/nothing')
})

test.each(['router.yaml', '08-isolation.yaml', '14-pods.yaml'])(
  'the commands of %s, typed by hand, make the lab',
  async (lab) => {
    const { stdout } = await netlab(['plan', join(process.cwd(), 'labs', lab), '--commands'])
    const called = `netlab() { '${process.execPath}' '${join(process.cwd(), 'dist/netlab.cjs')}' "$@"; }\n${stdout}`
    const typed = await world.run(['sh', '-e'], { input: called, cwd })
    expect(typed).toMatchObject({ code: 0, stderr: '' })
    const plan = await netlab(['plan', join(process.cwd(), 'labs', lab), '--json'])
    expect(JSON.parse(plan.stdout)).toMatchObject({ changes: [], steps: [] })
  },
)

test.each(['ip', 'netlink'])('NETLAB_RUNNER=%s', async (runner) => {
  const env = { NETLAB_RUNNER: runner }
  expect((await netlab(['apply', 'labs/router.yaml', '-y'], { env })).code).toBe(0)
  const plan = await netlab(['plan', 'labs/router.yaml', '--json'], { env })
  expect(JSON.parse(plan.stdout)).toMatchObject({ changes: [] })
  expect((await netlab(['destroy', 'labs/router.yaml', '-y'], { env })).code).toBe(0)
  expect(await namespaces()).toBe('')
})

// So many are made by two threads, before they have names, and read beside what is still being done.
test.each(['unlimited', '256'])('a lab of 420 hosts, with as many files open as %s', async (files) => {
  const address = (i: number): string => `10.0.${i >> 8}.${i & 255}`
  const hosts = Array.from({ length: 420 }, (_, i) => `      h${i + 1}:eth0: ${address(i + 1)}/16`)
  writeFileSync(
    join(cwd, 'labs/many.yaml'),
    `
namespaces:
  sw:
    bridges: { br0: 10.0.9.1/16 }
    iptables: { filter: { INPUT: ["-p tcp --dport 23 -j DROP"] } }
  h[1..420]:
    routes: [{ to: default, via: 10.0.9.1 }]
links:
${hosts.map((host) => `  - endpoints:\n${host}\n      sw:br0:`).join('\n')}
`,
  )
  const limited = files === 'unlimited' ? '' : `ulimit -n ${files}; `
  const run = (...args: string[]) =>
    world.run(
      ['sh', '-c', `${limited}exec "$0" "$@"`, process.execPath, join(process.cwd(), 'dist/netlab.cjs'), ...args],
      { cwd },
    )
  expect(await run('apply', 'labs/many.yaml', '-y')).toMatchObject({ code: 0 })
  expect((await run('plan', 'labs/many.yaml')).stdout).toContain('No changes.')
  expect((await world.run(['ip', 'netns', 'exec', 'h1', 'ping', '-c1', '-W2', address(420)])).code).toBe(0)
  expect(await run('destroy', 'labs/many.yaml', '-y')).toMatchObject({ code: 0 })
  expect(await namespaces()).toBe('')
})

test('nothing of a lab reaches the terminal as a command, with colours or without', async () => {
  const lab = String.raw`namespaces: { a: { processes: { p: { command: [sleep, "9\e[31m\u202e"] } } } }`
  writeFileSync(join(cwd, 'raw.yaml'), lab)
  const raw = /[\u202e\u0080-\u009f]|\u001b\[31m\u202e/
  for (const env of [{}, { FORCE_COLOR: '1' }] as Record<string, string>[]) {
    for (const args of [['plan'], ['plan', '--json'], ['plan', '--commands'], ['show', '--desired']]) {
      const { stdout, code } = await netlab([...args, 'raw.yaml'], { env })
      expect(stdout).not.toMatch(raw)
      expect(stdout).toContain('\\u202e')
      expect(code).toBe(0)
    }
    const { stderr } = await netlab(['plan', 'no\u202efile.yaml'], { env })
    expect(stderr).toContain('no\\u202efile.yaml')
    expect(stderr.includes('\u001b[')).toBe('FORCE_COLOR' in env)
  }
  // What show writes is the same lab.
  writeFileSync(join(cwd, 'again.yaml'), (await netlab(['show', '--desired', 'raw.yaml'])).stdout)
  const commands = async (file: string): Promise<string> => (await netlab(['plan', '--json', file])).stdout
  expect(await commands('again.yaml')).toBe(await commands('raw.yaml'))
})

test('what is wrong with an option names the help of its command', async () => {
  expect((await netlab(['plan', '--frobnicate'])).stderr).toContain('(netlab plan --help lists')
  expect((await netlab(['frobnicate'])).stderr).toContain('netlab --help lists')
})

test.each(['plan', 'apply', 'test', 'show'])(
  '%s --json says in its document what is wrong with the file',
  async (command) => {
    const path = join(world.folder, 'wrong.yaml')
    writeFileSync(path, 'name: wrong\nnamespaces: { a: { bridge: {} } }\n')
    const { code, stdout } = await world.netlab([command, path, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      format_version: '1.0',
      error: { diagnostics: [{ severity: 'error', file: path, line: 2 }] },
    })
  },
)

test('Ctrl-D at the question changes nothing, and says so', async () => {
  const answer = await typing('\x04', 'apply labs/router.yaml')
  expect(answer).toMatchObject({ code: 1, stdout: expect.stringContaining('Nothing was changed.') })
  expect(answer.stdout).not.toContain('bug')
  expect(await namespaces()).toBe('')
})

test('a folder without lab files: what to name instead', async () => {
  const { code, stderr } = await world.netlab(['validate', '/etc'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/\/etc is a directory with no lab files\n {2}A lab file ends in .yaml or .yml/)
})

test('of many errors the first hundred are shown, and how many more there are', async () => {
  const file = join(world.folder, 'many.yaml')
  writeFileSync(
    file,
    `namespaces: { a: }\nlinks:\n${Array.from({ length: 250 }, (_, i) => `  - endpoints: [a:e${i}, x${i}:e0]\n`).join('')}`,
  )
  const { code, stderr } = await world.netlab(['validate', file])
  expect(code).toBe(1)
  expect(stderr.match(/^error: /gm)).toHaveLength(100)
  expect(stderr).toMatch(/150 more are not shown\.\nnot valid: .* \(250 errors\)\n$/)
})
