import { HERE_NAME } from '../../src/model/place.ts'
import { join } from 'node:path'
import { execa } from 'execa'
import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { process as kind, processId, type ProcessSpec } from '../../src/kinds/process.ts'
import { home as homeKind, type HomeSpec } from '../../src/kinds/home.ts'
import { placed, typed, type Outcome } from '../../src/model/command.ts'
import type { Resource, Resources } from '../../src/model/resource.ts'
import type { LiveProcess } from '../../src/model/runner.ts'
import { BUNDLE } from '../support/bundle.ts'
import { planContext } from '../support/resources.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'

const address: Resource = {
  id: 'ns0/veth0/10.9.0.1/24',
  kind: 'address',
  namespace: 'ns0',
  spec: { dev: 'veth0', address: '10.9.0.1/24' },
}

let world: World
let reader: string
beforeAll(async () => {
  world = await openWorld()
  const entry = `import { processes } from './src/host/local/lab-processes.ts'
    processes('lab').then((found) => process.stdout.write(JSON.stringify(found.processes)))`
  const { stdout } = await execa('esbuild', [...BUNDLE], {
    preferLocal: true,
    input: entry,
    cwd: join(__dirname, '../..'),
  })
  reader = stdout
})
afterAll(() => world.close())
const nodeHome: Resource<HomeSpec> = { id: 'ns1/home', kind: 'home', namespace: 'ns1', spec: { hostname: 'ns1' } }
const keeper = async (): Promise<string> =>
  (await world.run(['sh', '-c', 'grep -lszxF NETLAB_HOME=lab/ns1 /proc/[0-9]*/environ | cut -d/ -f3'])).stdout.trim()
beforeEach(async () => {
  await world.run(['ip', 'netns', 'add', 'ns1'])
  const [made] = homeKind.create(nodeHome, context())
  await world.run(typed(commandOf(made!.operation)))
})
afterEach(async () => {
  await stop('ns1', 'web')
  await world.run(['kill', '-KILL', await keeper()])
  await world.run(['ip', 'netns', 'del', 'ns1'])
})

const resource = (spec: ProcessSpec, root?: true): Resource<ProcessSpec> => ({
  id: processId(root ? 'host' : 'ns1', spec.name),
  kind: 'process',
  namespace: root ? 'host' : 'ns1',
  ...(root && { borrowed: HERE_NAME }),
  spec,
})
const context = (...wanted: Resource[]) => {
  const desired: Resources = new Map([address, ...wanted].map((r) => [r.id, r]))
  return planContext('lab', desired)
}

async function start(spec: Omit<ProcessSpec, 'name'>, root?: true): Promise<Outcome> {
  const [emission] = kind.create(resource({ name: 'web', ...spec }, root), context())
  const command = commandOf(emission!.operation)
  return world.run(command.home ? placed(command, Number(await keeper())) : typed(command))
}

async function stop(
  namespace: string,
  name: string,
  keep = false,
  root?: true,
  spec: Partial<ProcessSpec> = {},
): Promise<Outcome> {
  const r = { ...resource({ name, command: [], ...spec }, root), namespace }
  const [emission] = kind.remove(r, context(...(keep ? [r as Resource] : [])))
  return world.run(typed(commandOf(emission!.operation)))
}

const live = async (): Promise<LiveProcess[]> =>
  JSON.parse((await world.run(['node', '-'], { input: reader })).stdout) as LiveProcess[]
const running = async (pattern: string): Promise<number> =>
  Number((await world.run(['pgrep', '-fc', `^${pattern}`])).stdout)
const done = { code: 0, stdout: '', stderr: '' }

test('is started with its names and environment, found, and stopped without a trace', async () => {
  const script = 'getent hosts ns0; echo "$WORD in $PWD"; ip -br link; exec sleep 601'
  expect(await start({ command: ['sh', '-c', script], env: { WORD: 'a "b" $c' }, cwd: '/usr' })).toEqual(done)
  const [found, ...others] = await live()
  expect(others).toEqual([])
  expect(found).toMatchObject({ namespace: 'ns1', name: 'web', root: false, state: 'running' })
  expect(JSON.parse(found?.spec ?? '')).toEqual({
    name: 'web',
    command: ['sh', '-c', script],
    env: { WORD: 'a "b" $c' },
    cwd: '/usr',
  })
  const log = (await world.run(['cat', '/run/netlab/lab/ns1/web.log'])).stdout
  expect(log).toMatch(/^10\.9\.0\.1 +ns0\na "b" \$c in \/usr\nlo +DOWN/)
  expect((await world.run(['cat', '/etc/hosts'])).stdout).not.toContain('ns0')
  expect(await stop('ns1', 'web')).toEqual(done)
  expect(await live()).toEqual([])
  expect(await running('sleep 601')).toBe(0)
  expect((await world.run(['ls', '/run/netlab'])).stdout).toBe('')
})

test('one that died is not there, and its log is', async () => {
  await start({ command: ['sleep', '602'] })
  await world.run(['pkill', '-f', '^sleep 602'])
  expect(await until(live, ([found]) => found?.state === 'ended')).toEqual([
    { namespace: 'ns1', name: 'web', root: false, state: 'ended' },
  ])
  expect((await world.run(['cat', '/run/netlab/lab/ns1/web.log'])).stdout).toMatch(
    /netlab: ended with exit code 143\n$/,
  )
})

test('what a killed supervisor leaves is a stray, and goes too', async () => {
  await start({ command: ['sleep', '603'] })
  await world.run(['pkill', '-KILL', '-of', 'restart=.* sleep 603$'])
  expect(await live()).toEqual([{ namespace: 'ns1', name: 'web', root: false, state: 'stray' }])
  expect(await stop('ns1', 'web')).toEqual(done)
  expect(await running('sleep 603')).toBe(0)
})

test('what has lost its environment, its session and its parents is still the process, wherever it went', async () => {
  const log = '/run/netlab/lab/ns1/web.log'
  const script = `setsid env -i sh -c 'sleep 610 & unshare --net sleep 610 & unshare --mount sleep 610 &'; exec sleep 610`
  const all = () =>
    until(
      () => running('sleep 610'),
      (count) => count === 4,
    )
  for (const lost of [[], ['rm', log]]) {
    expect(await start({ command: ['sh', '-c', script] })).toEqual(done)
    expect(await all()).toBe(4)
    await world.run(['pkill', '-KILL', '-of', 'restart='])
    await world.run(['pkill', '-KILL', '-of', '^sleep 610'])
    if (lost.length) await world.run(lost)
    const found = await live()
    const name = lost.length ? expect.stringMatching(/^#[0-9a-f]{8}$/) : 'web'
    expect(found).toMatchObject([{ namespace: 'ns1', name, root: false, state: 'stray' }])
    expect(await stop('ns1', found[0]!.name)).toEqual(done)
    expect(await running('sleep 610')).toBe(0)
  }
})

test('children that hide their environment, leave the session or ignore TERM are stopped; others are not', async () => {
  const other = world.run(['sh', '-c', 'sleep 2.5; echo alive'])
  const script = `env -i sleep 604 & setsid sleep 604 & (trap '' TERM; env -i sleep 604; sleep 604) & exec sleep 604`
  expect(await start({ command: ['sh', '-c', script] })).toEqual(done)
  expect(
    await until(
      () => running('sleep 604'),
      (count) => count === 4,
    ),
  ).toBe(4)
  expect(await stop('ns1', 'web', true)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\n\d+\n$/),
    stderr: '',
  })
  expect(await running('sleep 604')).toBe(0)
  expect((await world.run(['ls', '/run/netlab/lab/ns1'])).stdout).toBe('web.log\n')
  expect((await other).stdout).toBe('alive\n')
})

test('a namespace deleted under it makes it a stray', async () => {
  await start({ command: ['sleep', '605'] })
  await world.run(['ip', 'netns', 'del', 'ns1'])
  expect(await live()).toEqual([{ namespace: 'ns1', name: 'web', root: false, state: 'stray' }])
  expect(await stop('ns1', 'web')).toEqual(done)
  expect(await live()).toEqual([])
  expect(await running('sleep 605')).toBe(0)
})

test('in the machine’s own namespace', async () => {
  expect(await start({ command: ['sleep', '606'] }, true)).toEqual(done)
  expect(await live()).toMatchObject([{ namespace: 'host', name: 'web', root: true, state: 'running' }])
  expect(await stop('host', 'web', false, true)).toEqual(done)
  expect(await live()).toEqual([])
  const script = 'setsid env -i sleep 611 & exec sleep 614'
  expect(await start({ command: ['sh', '-c', script] }, true)).toEqual(done)
  await world.run(['pkill', '-KILL', '-of', 'restart='])
  await world.run(['pkill', '-KILL', '-f', '^sleep 614'])
  await world.run(['rm', '/run/netlab/lab/host/web.log'])
  const [left] = await live()
  expect(left).toMatchObject({ namespace: 'host', name: expect.stringMatching(/^#/), root: true, state: 'stray' })
  expect(await stop('host', left!.name, false, true)).toEqual(done)
  expect(await running('sleep 611')).toBe(0)
})

describe('ready', () => {
  const server = (port: number) => [
    'node',
    '-e',
    `setTimeout(() => require('net').createServer().listen(${port}, () => console.log('up')), 300)`,
  ]

  test('waits until something listens', async () => {
    expect(await start({ command: server(81), ready: { tcp: 81 } })).toEqual(done)
    expect((await world.run(['cat', '/run/netlab/lab/ns1/web.log'])).stdout).toBe('up\n')
    expect((await start({ command: server(81), ready: { tcp: 81 } })).stderr).toContain('listens on TCP port 81')
  })

  test('waits for a file', async () => {
    const file = join(world.folder, 'a file')
    const script = 'sleep 0.3; : >"$0"; exec sleep 607'
    expect(await start({ command: ['sh', '-c', script, file], ready: { file } })).toEqual(done)
    expect((await world.run(['test', '-e', file])).code).toBe(0)
  })

  test('says why it never came up', async () => {
    const failed = await start({ command: ['sh', '-c', 'echo no config; exit 3'], ready: { tcp: 81 } })
    expect(failed.code).toBe(1)
    expect(failed.stderr).toBe('ended before it was ready, with exit code 3\nIt printed:\n  no config\n')
    expect((await start({ command: ['sh', '-c', 'kill -SEGV $$'] })).stderr).toMatch(/^ended at once, by SIGSEGV\n/)
    expect((await start({ command: ['echo', 'done'] })).stderr).toMatch(
      /^ended at once, with exit code 0\nIt printed:\n {2}done\nA process of a lab runs from apply to destroy/,
    )
    const missing = await start({ command: ['no-such-program'] })
    expect(missing.code).toBe(1)
    expect(missing.stderr).toContain('no-such-program')
    expect(missing.stderr).not.toContain('no config')
    const nowhere = await start({ command: ['sleep', '608'], cwd: '/no/such' })
    expect(nowhere.code).toBe(1)
    expect(nowhere.stderr).toContain('/no/such')
  })

  test('gives up', async () => {
    const { code, stderr } = await start({ command: ['sleep', '609'], ready: { tcp: 81, timeout: 0.5 } })
    expect(code).toBe(1)
    expect(stderr).toBe('was not ready within 0.50 s: nothing listens on TCP port 81\n')
    expect(await running('sleep 609')).toBe(0)
    const command = ['sh', '-c', 'exit 3']
    const again = await start({ command, ready: { file: '/nowhere', timeout: 2 }, restart: 'always' })
    expect(again.stderr).toMatch(/: there is no file \/nowhere; it ended [23] times, at last with exit code 3\n$/)
    const loop = await start({ command, ready: { timeout: 2 }, restart: 'always' })
    expect(loop.stderr).toMatch(/^keeps ending: [23] times within 2 s, at last with exit code 3\n$/)
    expect(await live()).toMatchObject([{ state: 'ended' }])
  })

  test('is all of its conditions, in what was printed since the start, from a program in its namespace', async () => {
    const file = join(world.folder, 'beside')
    const udp = `require('dgram').createSocket('udp4').bind(82, () => setTimeout(() => console.log('Now UP'), 300))`
    const run = ['sh', '-c', 'echo "$NETLAB_LAB/$NETLAB_NAMESPACE $(ip -br link)" >"$0"; test -s "$0"', file]
    const ready = { udp: 82, log: '/^now up$/i', run }
    expect(await start({ command: ['node', '-e', udp], ready })).toEqual(done)
    expect((await world.run(['cat', file])).stdout).toMatch(/^lab\/ns1 lo +DOWN +\S+ <LOOPBACK> *\n$/)
    await stop('ns1', 'web', true)
    const silent = await start({ command: ['sleep', '615'], ready: { log: '/UP/', timeout: 0.2 } })
    expect(silent.stderr).toBe('was not ready within 0.20 s: it has not printed what ready.log says\n')
    const failing = ['sh', '-c', 'echo not yet >&2; exit 4']
    const late = await start({ command: ['sleep', '615'], ready: { run: failing, timeout: 0.2 } })
    // A slow machine may be running it once more when the time is over.
    const ended = /^was not ready within 0\.20 s: its command (ended with exit code 4|did not end): not yet\n$/
    expect(late.stderr).toMatch(ended)
    const hanging = await start({ command: ['sleep', '615'], ready: { run: ['sleep', '616'], timeout: 0.2 } })
    expect(hanging.stderr).toBe('was not ready within 0.20 s: its command did not end\n')
    expect(await running('sleep 61[56]')).toBe(0)
  })
})

test('runs as a user with the groups of a login', async () => {
  const command = ['sh', '-c', 'id; echo "$HOME $USER"; exec sleep 617']
  const said = async () => (await world.run(['tail', '-n', '2', '/run/netlab/lab/ns1/web.log'])).stdout
  expect(await start({ command, user: 'nobody' })).toEqual(done)
  expect(await said()).toBe('uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)\n/nonexistent nobody\n')
  expect(await live()).toMatchObject([{ state: 'running' }])
  await stop('ns1', 'web')
  expect(await running('sleep 617')).toBe(0)
  expect(await start({ command, user: '4711', group: 'daemon' })).toEqual(done)
  expect(await said()).toBe('uid=4711 gid=1(daemon) groups=1(daemon)\n/ 4711\n')
  await stop('ns1', 'web')
  expect((await start({ command, user: 'no-such' })).stderr).toBe('cannot start: there is no user no-such\n')
  expect((await start({ command, group: 'no-such' })).stderr).toBe('cannot start: there is no group no-such\n')
})

test('ends by the signal that it asks for, and its supervisor does not start it again', async () => {
  const file = join(world.folder, 'signals')
  const script = `trap 'echo int >>"$0"; exit 0' INT; trap 'echo term >>"$0"' TERM; while :; do sleep 0.1; done`
  const spec = { command: ['sh', '-c', script, file], stop: 'SIGINT', restart: 'always' as const }
  expect(await start(spec)).toEqual(done)
  expect(await stop('ns1', 'web', false, undefined, spec)).toEqual(done)
  expect((await world.run(['cat', file])).stdout).toBe('int\n')
  const begun = Date.now()
  const deaf = { command: ['sh', '-c', `trap '' TERM; while :; do sleep 0.1; done`], stop_timeout: 0.3 }
  await start(deaf)
  expect((await stop('ns1', 'web', false, undefined, deaf)).stdout).toMatch(/^\d+\n/)
  expect(Date.now() - begun).toBeLessThan(2000)
})

test('what runs once stays as a sleeping process that says it is done', async () => {
  const script = 'echo run; sleep 0.4; ls /no-such >/dev/null 2>&1; exit $0'
  expect(await start({ command: ['sh', '-c', script, '0'], once: true })).toEqual(done)
  expect(await live()).toMatchObject([{ name: 'web', state: 'running', done: true }])
  expect(await stop('ns1', 'web')).toEqual(done)
  expect(await live()).toEqual([])
  expect((await start({ command: ['sh', '-c', script, '3'], once: true })).stderr).toBe(
    'ended with exit code 3\nIt printed:\n  run\n',
  )
  const long = await start({ command: ['sleep', '618'], once: true, ready: { timeout: 0.3 } })
  expect(long.stderr).toBe('was not ready within 0.30 s: it still runs\n')
  expect(await running('sleep 618')).toBe(0)
})

test('restarts when asked to, and not otherwise', async () => {
  const count = async (): Promise<number> =>
    Number((await world.run(['grep', '-c', '^run', '/run/netlab/lab/ns1/web.log'])).stdout)
  await start({ command: ['sh', '-c', 'echo run; sleep 0.2; exit 1'], restart: 'on-failure' })
  expect(await until(count, (runs) => runs > 1)).toBeGreaterThan(1)
  expect(await live()).toMatchObject([{ state: 'running' }])
  await stop('ns1', 'web')
  await start({ command: ['sh', '-c', 'echo run; sleep 0.2'], restart: 'on-failure' })
  expect(await until(live, ([found]) => found?.state === 'ended')).toMatchObject([{ state: 'ended' }])
  expect(await count()).toBe(1)
})
