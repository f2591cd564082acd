import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'
import { openUser } from '../support/user.ts'

let world: World
const path = (name: string): string => join(world.folder, name)

beforeAll(async () => {
  world = await openWorld()
  writeFileSync(
    path('three.yaml'),
    `name: three
vars: { last: 2 }
namespaces: { a: , b: , c: , sw: { bridges: { br0: } } }
links:
  - { endpoints: { "a:eth0": 10.8.0.1/24, "sw:br0": } }
  - { endpoints: { "b:eth0": "10.8.0.{last}/24", "sw:br0": } }
  - { endpoints: { "c:eth0": 10.8.0.3/24, "sw:br0": } }
checks: [{ from: a, ping: b }, { from: a, ping: 10.8.0.99, timeout: 1 }]
`,
  )
})
afterAll(() => world.close())

/** The text of a module that imports the package and prints what `body` returns. */
const program = (body: string, entry = resolve('dist/api.mjs')): string => `
import { lab, UserError } from '${pathToFileURL(entry).href}'
const ping = async (net, from, to) => (await net.exec(from, ['ping', '-c1', '-W1', to])).code
const answer = await (async () => { ${body} })()
process.stdout.write(JSON.stringify(answer))
`

/** Runs a program in the world, and returns what it returns. Throws when it prints anything else. */
async function call(body: string): Promise<unknown> {
  writeFileSync(path('program.mjs'), program(body))
  const { code, stdout, stderr } = await world.run([process.execPath, path('program.mjs')], { cwd: world.folder })
  if (code !== 0 || stderr !== '') throw new Error(`${code} ${stdout} ${stderr}`)
  return JSON.parse(stdout)
}

const SESSIONS = 'pgrep -f "^[^ ]*node [^ ]*netlab.cjs session$"'
/** How many sessions there are, as soon as there are so many. */
const sessions = (wanted: number): Promise<number> =>
  until(
    async () => (await world.run(['sh', '-c', SESSIONS])).stdout.split('\n').length - 1,
    (count) => count === wanted,
    5,
  )

test('a lab is up, runs programs, is tested and compared, and leaves nothing', async () => {
  const answer = await call(`
    const net = await lab('three.yaml', { set: { last: 7 } })
    const who = await net.exec('a', ['sh', '-c', 'echo "$WORD"; cat; pwd; exit 4'], { env: { WORD: 'hi' }, input: 'in ', cwd: '/' })
    const reached = await ping(net, 'a', '10.8.0.7')
    const { checks, summary } = await net.test({ only: 'ping b' })
    const clean = await net.plan()
    await net.exec('a', ['ip', 'link', 'set', 'eth0', 'down'])
    const dirty = await net.plan()
    await net.close()
    await net.close()
    const closed = await net.exec('a', ['true']).catch((error) => [error instanceof UserError, error.message])
    return [who, reached, checks.map(({ status }) => status), summary, clean.changes, dirty.changes.map(({ id }) => id), closed]
  `)
  expect(answer).toEqual([
    { code: 4, stdout: 'hi\nin /\n', stderr: '' },
    0,
    ['pass'],
    { pass: 1, fail: 0, error: 0 },
    [],
    ['a/eth0'],
    [true, 'the copy was closed'],
  ])
  expect(await sessions(0)).toBe(0)
  expect((await world.run(['ip', 'netns', 'list'])).stdout).toBe('')
})

test('a program that is started has streams, ends by a signal, and with the lab', async () => {
  const answer = await call(`
    const net = await lab('three.yaml')
    const echo = await net.spawn('a', ['cat'])
    echo.stdin.end('hello')
    let text = ''
    for await (const piece of echo.stdout) text += piece
    const ended = await echo.exited
    const sleeper = await net.spawn('b', ['sleep', '100'])
    const killed = [await sleeper.kill(), await sleeper.exited, await sleeper.kill()]
    const none = await net.spawn('b', ['no-such-program']).then(({ exited }) => exited)
    const left = await net.spawn('c', ['sleep', '100'])
    await net.close()
    const gone = await left.exited.catch(({ name }) => name)
    return [text, ended, killed, none.code, gone]
  `)
  expect(answer).toEqual([
    'hello',
    { code: 0, signal: null },
    [true, { code: null, signal: 'SIGTERM' }, false],
    127,
    'UserError',
  ])
})

test('faults are set and healed', async () => {
  const answer = await call(`
    const net = await lab('three.yaml')
    const said = []
    const both = async () => said.push([await ping(net, 'a', 'b'), await ping(net, 'a', 'c')].map((code) => code === 0))
    await both()
    const [fault] = await net.cut('b:eth0'); await both()
    const way = await net.trace('a', 'b')
    await net.heal('b:eth0'); await both()
    await net.partition(['a', 'b'], ['c']); await both()
    const { faults, changes } = await net.plan()
    await net.heal(); await both()
    const wrong = await net.cut('b:eth7').catch(({ name, diagnostics }) => [name, diagnostics.length])
    await net.close()
    return [said, fault.description, faults.length, changes, wrong, way.verdict]
  `)
  const [open, noB, noC] = [
    [true, true],
    [false, true],
    [true, false],
  ]
  expect(answer).toEqual([[open, noB, open, noC, open], 'cut b:eth0', 1, [], ['UserError', 1], 'lost'])
})

test('an error of the lab file has its position, and a namespace that does not exist is one too', async () => {
  writeFileSync(path('wrong.yaml'), 'namespaces:\n  a: { colour: red }\n')
  const answer = await call(`
    const wrong = await lab('wrong.yaml').catch((error) => [error instanceof UserError, error.diagnostics[0].position])
    const none = await lab('none.yaml').catch((error) => [error instanceof UserError, error.diagnostics[0].code])
    const net = await lab('three.yaml')
    const where = await net.exec('d', ['true']).catch(({ message }) => message)
    await net[Symbol.asyncDispose]()
    return [wrong, none, where]
  `)
  expect(answer).toEqual([
    [true, { file: 'wrong.yaml', line: 2, column: 8, length: 6 }],
    [true, 'no-lab-file'],
    'lab three has no namespace d',
  ])
  expect(await sessions(0)).toBe(0)
})

test('eight at once do not meet, and the thread that calls stays in its namespace', async () => {
  const answer = await call(`
    const { readlinkSync } = await import('node:fs')
    const ns = () => readlinkSync('/proc/thread-self/ns/net') + readlinkSync('/proc/thread-self/ns/mnt')
    const before = [ns(), process.listenerCount('exit'), process.listenerCount('SIGINT')]
    const nets = await Promise.all(Array.from({ length: 8 }, () => lab('three.yaml')))
    await nets[0].cut('b:eth0')
    const codes = await Promise.all(nets.map((net) => ping(net, 'a', 'b')))
    await Promise.all(nets.map((net) => net.close()))
    return [codes.map((code) => code === 0), before, [ns(), process.listenerCount('exit'), process.listenerCount('SIGINT')]]
  `)
  const [reached, before, after] = answer as unknown[]
  expect(reached).toEqual([false, ...Array<boolean>(7).fill(true)])
  expect(after).toEqual(before)
}, 60_000)

test('a second lab is in a copy that was ready, and as it would be in a new one', async () => {
  const answer = await call(`
    const { execFileSync } = await import('node:child_process')
    const { setTimeout: sleep } = await import('node:timers/promises')
    const sessions = () => execFileSync('sh', ['-c', '${SESSIONS}; true'], { encoding: 'utf8' }).split('\\n').slice(0, -1)
    const some = async (count) => {
      for (let i = 0; i < 500 && sessions().length !== count; i++) await sleep(10)
      return sessions()
    }
    const first = await lab('three.yaml')
    await some(2)
    await first.close()
    const [spare, ...others] = await some(1)
    await (await lab('three.yaml')).close()
    const isUsed = !(await some(1)).includes(spare)
    process.env.WORD = 'new'
    process.chdir('/')
    const third = await lab('${path('three.yaml')}')
    const { stdout } = await third.exec('a', ['sh', '-c', 'echo $WORD; pwd'])
    await third.close()
    return [others, isUsed, stdout, (await some(1)).length]
  `)
  expect(answer).toEqual([[], true, 'new\n/\n', 1])
  expect(await sessions(0)).toBe(0)
})

test('when the process is killed, nothing is left', async () => {
  const text = program(
    `const net = await lab('${path('three.yaml')}'); await net.spawn('a', ['sleep', '77']); return 'up'`,
  )
  writeFileSync(path('killed.mjs'), text)
  const [command = '', ...words] = [...world.enter, process.execPath, path('killed.mjs')]
  const child = spawn(command, words, { cwd: world.folder, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const pid = (await world.run(['pgrep', '-o', '-f', `${process.execPath} ${path('killed.mjs')}`])).stdout.trim()
  await world.run(['kill', '-KILL', pid])
  const left = async () => (await world.run(['sh', '-c', 'pgrep -f "sleep [7]7|[n]etlab.cjs session"'])).stdout
  expect(await until(left, (pids) => pids === '', 5)).toBe('')
})

test('it is the same for an ordinary user', async () => {
  const user = await openUser()
  try {
    const body = `const net = await lab('labs/router.yaml'); const codes = [await ping(net, 'ns0', 'ns1')]; await net.close(); return codes`
    const text = program(body, join(user.folder, 'dist/api.mjs'))
    const { stdout, stderr } = await user.run([process.execPath, '--input-type=module', '-e', text])
    expect([stdout, stderr]).toEqual(['[0]', ''])
  } finally {
    await user.close()
  }
})
