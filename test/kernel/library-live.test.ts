import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'
import { openUser } from '../support/user.ts'

let world: World
let file: string

beforeAll(async () => {
  world = await openWorld()
  file = join(world.folder, 'two.yaml')
  writeFileSync(
    file,
    `name: two
namespaces: { a: , b: , host: { root: true } }
links:
  - { endpoints: { "a:eth0": 10.8.0.1/24, "b:eth0": 10.8.0.2/24 } }
  - { endpoints: { "a:eth1": 10.8.1.1/24, "host:lab0": 10.8.1.2/24 } }
checks: [{ from: a, ping: b }, { from: host, ping: 10.8.1.1 }]
`,
  )
})
afterAll(() => world.close())

/** The text of a module that uses the lab that is live, and prints what `body` returns. */
const program = (body: string, lab: string, entry = resolve('dist/api.mjs')): string => `
import { lab, UserError } from '${pathToFileURL(entry).href}'
const reaches = async (net, from, to) => (await net.exec(from, ['ping', '-c1', '-W1', to])).code === 0
const answer = await (async () => {
  const net = await lab('${lab}', { fresh: false })
  ${body}
})().catch((error) => error instanceof UserError ? error.diagnostics[0] : error.stack)
process.stdout.write(JSON.stringify(answer))
`

const call = async (body: string): Promise<unknown> => {
  const { stdout, stderr } = await world.run([process.execPath, '--input-type=module', '-e', program(body, file)])
  if (stderr !== '') throw new Error(stderr)
  return JSON.parse(stdout)
}

const plan = async (): Promise<PlanJson> =>
  JSON.parse((await world.netlab(['plan', file, '--json'])).stdout) as PlanJson

test('a lab that is not live is an error that says how to make it so', async () => {
  expect(await call('return net')).toMatchObject({
    code: 'lab-not-live',
    summary: 'lab two is not live',
    detail: expect.stringContaining(`netlab apply ${file} makes it`),
  })
})

describe('a lab that is live', () => {
  beforeAll(async () => expect((await world.netlab(['apply', file, '-y'])).code).toBe(0))
  afterAll(async () => expect((await world.netlab(['destroy', file, '-y'])).code).toBe(0))

  test('is used as one that was built, and stays when it is closed', async () => {
    const answer = await call(`
      const said = [net.name, net.leftOut, (await net.test()).summary, (await net.plan()).changes]
      const cat = await net.spawn('b', ['cat'])
      cat.stdin.end('hello')
      for await (const piece of cat.stdout) said.push(String(piece))
      said.push((await net.trace('a', 'b')).verdict)
      for (const [end, to] of [['b:eth0', '10.8.0.2'], ['host:lab0', '10.8.1.2']]) {
        await net.cut(end)
        said.push(await reaches(net, 'a', to))
        await net.heal()
        said.push(await reaches(net, 'a', to))
      }
      await net.partition(['host'], ['a'])
      const { faults } = await net.plan()
      await net.spawn('a', ['sleep', '4711'])
      await net.close()
      return [...said, faults.map(({ description }) => description)]
    `)
    expect(answer).toEqual([
      ...['two', [], { pass: 2, fail: 0, error: 0 }, [], 'hello', 'answered'],
      ...[false, true, false, true],
      ['partition host a'],
    ])
    expect(await plan()).toMatchObject({ changes: [] })
    expect((await plan()).faults).toBeUndefined()
    expect((await world.run(['pgrep', '-f', '^sleep 4711'])).stdout).toBe('')
  })

  test('keeps nothing of a process that is killed', async () => {
    const name = join(world.folder, 'killed.mjs')
    const body = `await net.cut('a:eth0'); await net.spawn('a', ['sleep', '4712']); setTimeout(() => {}, 1e6); return process.pid`
    writeFileSync(name, program(body, file))
    const [command = '', ...words] = [...world.enter, process.execPath, name]
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [pid] = (await once(child.stdout, 'data')) as [Buffer]
    expect((await plan()).faults?.map(({ description }) => description)).toEqual(['cut a:eth0'])
    await world.run(['kill', '-KILL', String(pid)])
    const left = async () => (await world.run(['pgrep', '-f', '^sleep 4712|[ ]session --live$'])).stdout
    expect(await until(left, (pids) => pids === '', 10)).toBe('')
    expect(await plan()).toMatchObject({ changes: [] })
    expect((await plan()).faults).toBeUndefined()
  })
})

test('an ordinary user has the lab of the sandbox', async () => {
  const user = await openUser()
  try {
    expect((await user.netlab(['apply', 'labs/router.yaml', '-y'])).code).toBe(0)
    const body = `const ok = await reaches(net, 'ns0', 'ns1'); await net.cut('ns0:veth0'); await net.close(); return ok`
    const text = program(body, 'labs/router.yaml', join(user.folder, 'dist/api.mjs'))
    const { stdout, stderr } = await user.run([process.execPath, '--input-type=module', '-e', text])
    expect([stdout, stderr]).toEqual(['true', ''])
    const { changes, faults } = JSON.parse(
      (await user.netlab(['plan', 'labs/router.yaml', '--json'])).stdout,
    ) as PlanJson
    expect([changes, faults]).toEqual([[], undefined])
  } finally {
    await user.close()
  }
})
