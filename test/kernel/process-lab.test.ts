import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'

let world: World
const file = (): string => join(world.folder, 'lab.yaml')
const netlab = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await world.netlab(args)
  if (code !== 0) throw new Error(`netlab ${args.join(' ')}: ${code}\n${stdout}${stderr}`)
  return stdout
}
const lab = (word = 'one', more = ''): void =>
  writeFileSync(
    file(),
    `
name: apps
namespaces:
  a: {}
  two: {}
  b:
    processes:
      web: { command: "echo $WORD; getent hosts a host; exec sleep 700", env: { WORD: ${word} } }
      db: { command: [node, -e, "require('net').createServer().listen(5432)"], ready: { tcp: 5432 } }${more}
  pod: { shares: b, processes: { side: { command: [sleep, "701"] } } }
  host: { root: true, processes: { out: { command: [sleep, "702"] } } }
links:
  - endpoints: { "a:eth0": [10.0.0.1/24, "fd00::1/64"], "b:eth0": 10.0.0.2/24 }
  - endpoints: { "two:y": 10.0.7.1/24, "b:y": {} }
  - endpoints: { "two:x": 10.0.6.1/24, "b:x": {} }
  - endpoints: { "a:up": 10.1.0.1/24, "host:lab0": 10.1.0.2/24 }
`,
  )
const changes = async (): Promise<string[]> =>
  (JSON.parse(await netlab('plan', file(), '--json')) as PlanJson).changes.map(
    ({ action, id, differences }) => `${action} ${id}${differences.map(({ field }) => ` ${field}`).join('')}`,
  )
const alive = async (pattern: string): Promise<number> =>
  Number((await world.run(['pgrep', '-fc', `^${pattern}`])).stdout)

beforeAll(async () => {
  world = await openWorld()
  lab()
  await netlab('apply', '-y', file())
})
afterAll(() => world.close())

test('a plan right after apply is empty', async () => {
  expect(await changes()).toEqual([])
  const printed = await until(
    () => netlab('logs', 'b/web'),
    (text) => text.includes('host'),
  )
  expect(printed).toMatch(/^one\n10\.0\.0\.1 +a\n10\.1\.0\.2 +host\n$/)
})

test('the names of a home are replaced as a whole, and only when they change: programs read them', async () => {
  const inode = async (cwd: string): Promise<string> =>
    (await world.netlab(['exec', 'b', '--', 'stat', '-c', '%i %y', '/etc/hosts'], { cwd })).stdout
  const ofFile = await inode(world.folder)
  expect(await inode(world.folder)).toBe(ofFile)
  const other = await inode('/')
  expect(other.split(' ')[0]).not.toBe(ofFile.split(' ')[0])
})

describe('exec', () => {
  test('knows the names of the lab, by name of namespace, share and root', async () => {
    for (const [namespace, ...options] of [['a'], ['pod'], ['host', '--lab', file()]] as const) {
      const argv = ['exec', ...options, namespace, '--', 'getent', 'ahostsv4', 'a', 'b', 'pod', 'host']
      const { code, stdout } = await world.netlab(argv)
      expect(stdout.match(/\S+ +STREAM/g)).toEqual(
        ['10.0.0.1', '10.0.0.2', '10.0.0.2', '10.1.0.2'].map((address) => `${address.padEnd(15)} STREAM`),
      )
      expect(code).toBe(0)
    }
    expect((await world.netlab(['exec', 'a', '--', 'ping', '-c1', '-W2', 'b'])).code).toBe(0)
    expect((await world.run(['getent', 'hosts', 'a'])).code).not.toBe(0)
  })

  test('means by a name what the file lists first, and without the file the first interface', async () => {
    const hosts = async (cwd: string, ...options: string[]): Promise<string> =>
      (await world.netlab(['exec', ...options, 'b', '--', 'getent', 'ahostsv4', 'two'], { cwd })).stdout.split(
        ' ',
      )[0] ?? ''
    expect(await hosts('/', '--lab', file())).toBe('10.0.7.1')
    expect(await hosts(world.folder)).toBe('10.0.7.1')
    expect(await hosts('/')).toBe('10.0.6.1')
  })

  test('keeps exit codes, input, output, folder and signals', async () => {
    expect(await world.netlab(['exec', 'a', 'sh', '-c', 'cat; pwd; echo e >&2; exit 7'], { input: 'in ' })).toEqual({
      code: 7,
      stdout: `in ${process.cwd()}\n`,
      stderr: 'e\n',
    })
    expect((await world.netlab(['exec', 'a', '--', 'sh', '-c', 'kill -TERM $$'])).code).toBe(143)
    expect((await world.netlab(['exec', 'a', '--', 'no-such-program'])).code).toBe(127)
    const slow = world.netlab(['exec', 'a', '--', 'sh', '-c', `trap 'kill $!; exit 5' TERM; sleep 703 & wait`])
    while ((await alive('sleep 703')) === 0) await new Promise((done) => setTimeout(done, 50))
    await world.run(['pkill', '-TERM', '-f', '^[^ ]*node [^ ]*cjs exec'])
    expect((await slow).code).toBe(5)
  })

  test('says which lab, namespace and folder it is for, as to processes', async () => {
    const told = async (...options: string[]): Promise<string> =>
      (await netlab('exec', ...options, 'sh', '-c', 'echo $NETLAB_LAB $NETLAB_NAMESPACE $NETLAB_DIR')).trim()
    expect(await told('--lab', file(), 'pod')).toBe(`apps pod ${world.folder}`)
    expect(await told('--lab', file(), 'host')).toBe(`apps host ${world.folder}`)
    const elsewhere = await world.netlab(['exec', 'a', '--', 'env'], { cwd: '/' })
    expect(elsewhere.stdout.match(/^NETLAB_.*/gm)?.sort()).toEqual(['NETLAB_LAB=apps', 'NETLAB_NAMESPACE=a'])
    const { stdout } = await world.run([
      'sh',
      '-c',
      `tr '\\0' '\\n' </proc/$(pgrep -f '^sleep 702')/environ | grep NETLAB_`,
    ])
    expect(stdout.split('\n').sort()).toEqual([
      '',
      `NETLAB_DIR=${world.folder}`,
      'NETLAB_LAB=apps',
      'NETLAB_NAMESPACE=host',
      'NETLAB_PROCESS=apps/host/out',
    ])
  })

  test('shows the interfaces of the namespace, and leaves no mounts', async () => {
    const { stdout: before } = await world.run(['cat', '/proc/self/mounts'])
    expect(await netlab('exec', 'b', '--', 'ls', '/sys/class/net')).toMatch(/eth0/)
    expect((await world.run(['cat', '/proc/self/mounts'])).stdout).toBe(before)
  })

  test('works without /etc/hosts', async () => {
    const script = `mount -t tmpfs none /etc && node dist/netlab.cjs exec a -- cat /etc/hosts; ls -A /etc`
    const { stdout } = await world.run(['unshare', '-m', 'sh', '-c', script])
    expect(stdout).toBe(
      '127.0.0.1 localhost\n::1 localhost\n10.0.0.1 a\n10.0.0.2 b\n10.1.0.2 host\n10.0.0.2 pod\n10.0.7.1 two\n',
    )
  })

  test('suggests what may be meant', async () => {
    expect(await world.netlab(['exec', 'pdo', '--', 'true'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Did you mean pod?'),
    })
  })
})

test('what died is started, and nothing else', async () => {
  await world.run(['pkill', '-f', '^sleep 701'])
  expect(await until(changes, (found) => found.length > 0)).toEqual(['create pod/process/side'])
  await netlab('apply', '-y', file())
  expect(await alive('sleep 701')).toBe(1)
  expect(await changes()).toEqual([])
})

test('a changed environment restarts that process and no other', async () => {
  const { stdout: before } = await world.run(['pgrep', '-f', '^sleep 702'])
  lab('two')
  expect(await changes()).toEqual(['replace b/process/web env.WORD'])
  await netlab('apply', '-y', file())
  expect(await changes()).toEqual([])
  expect(await alive('sleep 700')).toBe(1)
  expect((await world.run(['pgrep', '-f', '^sleep 702'])).stdout).toBe(before)
  expect(await netlab('logs', 'b/web', file())).toMatch(/^one[^]*two/)
})

test('a namespace deleted under its processes comes back with them', async () => {
  await world.run(['ip', 'netns', 'del', 'pod'])
  await world.run(['ip', 'netns', 'del', 'b'])
  expect(await changes()).toEqual(expect.arrayContaining(['create b', 'replace b/process/db state']))
  await netlab('apply', '-y', file())
  expect(await changes()).toEqual([])
  expect(await alive('sleep 70[01]')).toBe(2)
})

test('a process that does not come up fails the apply with its own words', async () => {
  lab('two', `\n      bad: { command: "echo no such config >&2; exit 9", ready: { tcp: 1 } }`)
  const { code, stderr } = await world.netlab(['apply', '-y', file()])
  expect(code).toBe(1)
  expect(stderr).toContain('error: b/process/bad ended before it was ready, with exit code 9\n')
  expect(stderr).toMatch(/--> \S+lab\.yaml:10:7\n/)
  expect(stderr).toContain('\n  It printed:\n    no such config\n')
  expect(stderr).not.toContain('Starts a process')
  expect(stderr).not.toContain('Rolled back')
  lab('two')
  expect(await changes()).toEqual([])
})

test('a process that ends before everything is verified fails the apply, too', async () => {
  lab(
    'two',
    `\n      brief: { command: "echo no licence; sleep 0.4; exit 9" }
      slow: { command: "sleep 1; : >${world.folder}/slow; exec sleep 704", ready: { file: ${world.folder}/slow } }`,
  )
  const { code, stderr } = await world.netlab(['apply', '-y', file()])
  expect(code).toBe(1)
  expect(stderr).toMatch(/error: b\/process\/brief ended soon after it was started\n {2}--> \S+lab\.yaml:10:7\n/)
  expect(stderr).toContain('  It printed:\n    no licence\n    netlab: ended with exit code 9\n')
  expect(stderr).toContain('only b/process/brief does not run.')
  await world.run(['rm', '-f', `${world.folder}/slow`])
  lab('two')
  await netlab('apply', '-y', file())
  expect(await changes()).toEqual([])
})

test('one that is taken out of the file is stopped', async () => {
  writeFileSync(join(world.folder, 'less.yaml'), (await world.run(['grep', '-v', ' web:', file()])).stdout)
  await netlab('apply', '-y', join(world.folder, 'less.yaml'))
  expect(await alive('sleep 700')).toBe(0)
  await netlab('apply', '-y', file())
})

describe('logs', () => {
  test('follows until the log is removed', async () => {
    const log = '/run/netlab/apps/host/out.log'
    const seen = join(world.folder, 'seen')
    const says = async (line: string): Promise<boolean> => (await world.run(['grep', '-qx', line, seen])).code === 0
    const following = world.run([
      ...['sh', '-c', 'exec "$0" "$1" logs -f host/out >"$2"', process.execPath],
      ...[join(process.cwd(), 'dist/netlab.cjs'), seen],
    ])
    for (const line of ['more', 'and more']) {
      await world.run(['sh', '-c', 'echo "$0" >>"$1"', line, log])
      expect(await until(() => says(line), Boolean)).toBe(true)
    }
    await world.run(['rm', log])
    expect((await following).code).toBe(0)
  })

  test('is followed as long as somebody reads', async () => {
    const cli = [process.execPath, join(process.cwd(), 'dist/netlab.cjs')]
    const reading = world.run(['sh', '-c', '"$0" "$1" logs -f b/web | { read line; echo "$line"; }', ...cli])
    await world.run([
      'sh',
      '-c',
      'sleep 0.5; echo one >>"$0"; sleep 0.5; echo two >>"$0"',
      '/run/netlab/apps/b/web.log',
    ])
    expect(await reading).toMatchObject({ code: 0 })
  })

  test('of a whole lab name the process in each line', async () => {
    await world.run(['sh', '-c', 'printf "all of\\nit" >>/run/netlab/apps/b/db.log'])
    const text = await netlab('logs', 'apps')
    expect(text).toMatch(/^b\/web +\| one$/m)
    expect(text).toMatch(/^b\/db +\| all of\nb\/db +\| it$/m)
    expect(await netlab('logs', file())).toBe(text)
    const seen = join(world.folder, 'all')
    const command = [process.execPath, join(process.cwd(), 'dist/netlab.cjs'), seen]
    const following = world.run(['sh', '-c', 'exec timeout 20 "$0" "$1" logs -f apps >"$2"', ...command])
    await until(async () => (await world.run(['grep', '-c', 'one', seen])).code === 0, Boolean)
    await world.run(['sh', '-c', 'echo last words >>/run/netlab/apps/b/web.log'])
    const line = async () => (await world.run(['grep', '-qE', '^b/web +[|] last words$', seen])).code === 0
    expect(await until(line, Boolean)).toBe(true)
    await world.run(['pkill', '-f', 'cjs logs -f apps'])
    await following
  })

  test('says what there is', async () => {
    const { code, stderr } = await world.netlab(['logs', 'b/wbe'])
    expect(code).toBe(1)
    expect(stderr).toContain('b/web of lab apps')
    expect((await world.netlab(['logs', '../x'])).code).toBe(1)
  })
})

test('destroy leaves no process, file or mount, by the name of the lab alone', async () => {
  await world.run(['pkill', '-f', '^sleep 700'])
  await netlab('destroy', '-y', 'apps')
  expect(await alive('(sleep 70|node -e)')).toBe(0)
  expect((await world.run(['find', '/run', '-mindepth', '1'])).stdout).not.toMatch(/netlab/)
  expect((await world.run(['ls', '/run/netns'])).stdout).toBe('')
  expect(await netlab('list')).toBe('No lab is live here.\n')
})
