import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import type { RunJson } from '../../src/views/run-json.ts'
import type { ShowJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'

let world: World
let order: string
const file = (): string => join(world.folder, 'lab.yaml')
const write = (namespaces: string): void => writeFileSync(file(), `name: order\nnamespaces:\n${namespaces}`)
const apply = () => world.netlab(['apply', '-y', file()])
const changes = async (): Promise<string[]> => {
  const { stdout } = await world.netlab(['plan', file(), '--json'])
  return (JSON.parse(stdout) as PlanJson).changes.map(({ action, id }) => `${action} ${id}`)
}
const told = async (): Promise<string> => (await world.run(['cat', order])).stdout.trim().replaceAll('\n', ' ')
const alive = async (pattern: string): Promise<number> =>
  Number((await world.run(['pgrep', '-fc', `^${pattern}`])).stdout)
/** The command of a process that notes when it begins, is ready after a while, and ends. */
const noting = (name: string, more = '', ready = `{ file: ${order}.${name} }`) =>
  `command: "trap 'echo -${name} >>${order}; exit' TERM; echo +${name} >>${order}; sleep 0.3; echo ${name} is up >>${order}; touch ${order}.${name}; while :; do sleep 0.05; done", ready: ${ready}${more}`

beforeAll(async () => {
  world = await openWorld()
  order = join(world.folder, 'order')
})
afterEach(async () => {
  await world.netlab(['destroy', '-y', 'order'])
  await world.run(['sh', '-c', `rm -f ${order} ${order}.*`])
})
afterAll(() => world.close())

test('are started when those before them are ready, and stopped before them; the others at the same time', async () => {
  const both = `{ run: "test -e ${order}.three && test -e ${order}.four" }`
  write(`  a:
    processes:
      one: { ${noting('one', ', after: [two, b/three]')} }
      two: { ${noting('two', ', after: b/three')} }
  b: { processes: { three: { ${noting('three', '', both)} }, four: { ${noting('four')} } } }
`)
  expect(await apply()).toMatchObject({ code: 0 })
  expect((await told()).replaceAll(/\S*four( is up)? ?/g, '')).toBe('+three three is up +two two is up +one one is up')
  expect(await changes()).toEqual([])
  await world.run(['rm', order, `${order}.three`])
  await world.netlab(['apply', '-y', file(), '--replace', 'b/process/three'])
  expect(await told()).toBe('-three +three three is up')
  await world.run(['rm', order])
  await world.netlab(['destroy', '-y', file()])
  expect((await told()).replaceAll(/-four ?/g, '').trim()).toBe('-one -two -three')
})

test('one that does not start keeps the network and all others, and the next apply starts it', async () => {
  const lab = (command: string) => `  a:
    interfaces: { lo: 10.1.1.1/32 }
    processes:
      good: { command: [sleep, "800"] }
      bad: { command: "${command}" }
      next: { command: [sleep, "801"], after: bad }
      last: { command: [sleep, "802"], after: [good, next] }
`
  write(lab('echo no licence; exit 3'))
  const { code, stderr } = await apply()
  expect(code).toBe(1)
  expect(stderr).toMatch(/error: a\/process\/bad ended at once, with exit code 3\n {2}--> \S+lab\.yaml:7:7\n/)
  expect(stderr).toContain('It printed:\n    no licence\n')
  expect(stderr).toMatch(
    /error: a\/process\/next was not started, because a\/process\/bad is not ready\n {2}--> \S+:8:7\n/,
  )
  expect(stderr).toContain('error: a/process/last was not started, because a/process/next is not ready\n')
  expect(stderr).toContain('Everything else of lab order is up, and stays: only these 3 do not run.')
  expect(stderr).not.toContain('Rolled back')
  expect(await alive('sleep 80[012]')).toBe(1)
  expect((await world.run(['ip', '-n', 'a', 'addr', 'show', 'lo'])).stdout).toContain('10.1.1.1/32')
  expect(await changes()).toEqual(['create a/process/bad', 'create a/process/next', 'create a/process/last'])
  const json = JSON.parse((await world.netlab(['apply', '-y', '--json', file()])).stdout) as RunJson
  expect(json.result).toMatchObject({ status: 'failed', exit_code: 1, rollback: null })
  expect(json.result.left.map(({ id }) => id)).toEqual(['a/process/bad', 'a/process/next', 'a/process/last'])
  expect(json.error?.diagnostics.map(({ code, line }) => `${code} ${line}`)).toEqual([
    'process-not-started 7',
    'process-not-started 8',
    'process-not-started 9',
  ])
  write(lab('exec sleep 803'))
  expect(await apply()).toMatchObject({ code: 0 })
  expect(await alive('sleep 80[0123]')).toBe(4)
})

test('show tells what each does', async () => {
  write(`  a:
    setup: [ "true" ]
    processes:
      init: { command: "true", once: true }
      web: { command: [sleep, "830"] }
      loop: { command: "sleep 0.3; kill -SEGV $$", restart: always }
      gone: { command: "sleep 0.5; exit 4" }
`)
  await apply()
  const shown = async () => {
    const { stdout } = await world.netlab(['show', file(), '--json'])
    const { resources } = JSON.parse(stdout) as ShowJson
    return new Map(resources.flatMap(({ id, process }) => (process ? [[id, process] as const] : [])))
  }
  const states = await until(
    shown,
    (all) => all.get('a/process/gone')?.state === 'ended' && all.get('a/process/loop')!.restarts! > 0,
  )
  const pid = Number((await world.run(['pgrep', '-f', '^sleep 830'])).stdout)
  expect(states.get('a/process/web')).toEqual({ state: 'running', pid, age: expect.any(Number), restarts: 0 })
  expect(states.get('a/process/web')!.age).toBeLessThan(60)
  expect(states.get('a/process/loop')).toMatchObject({ state: 'running', exit_code: 139 })
  expect(states.get('a/process/gone')).toEqual({ state: 'ended', exit_code: 4 })
  expect([states.get('a/process/init'), states.get('a/setup')]).toEqual([{ state: 'done' }, { state: 'done' }])
  const { stdout } = await world.netlab(['show', 'order'])
  expect(stdout).toMatch(new RegExp(`process web sleep 830 +pid ${pid}, for \\d+ s\n`))
  expect(stdout).toMatch(/process loop .*pid \d+.*, restarted \d+ times?, ended last by SIGSEGV\n/)
  expect(stdout).toMatch(/process gone +ended with exit code 4\n/)
  expect(stdout).toMatch(/process init sh -c true +done\n/)
})

test('a user or a group that does not exist is an error at its line, before anything changes', async () => {
  write(`  a:
    processes:
      one: { command: [sleep, "840"], user: no-such-user }
      two: { command: [sleep, "840"], user: nobody, group: no-such-group }
      three: { command: [sleep, "840"], user: 4711, group: 4711 }
`)
  const { code, stderr } = await apply()
  expect(code).toBe(1)
  expect(stderr).toMatch(/there is no user no-such-user on this machine\n {2}--> \S+:5:45\n/)
  expect(stderr).toMatch(/there is no group no-such-group on this machine\n {2}--> \S+:6:60\n/)
  expect(stderr.match(/there is no/g)).toHaveLength(2)
  expect((await world.run(['ls', '/run/netns'])).stdout).toBe('')
})

test('one that has to be killed is named', async () => {
  write(`  a: { processes: { deaf: { command: "trap '' TERM; while :; do sleep 0.1; done", stop_timeout: 200ms } } }\n`)
  await apply()
  const { code, stderr } = await world.netlab(['destroy', '-y', file()])
  expect(code).toBe(0)
  expect(stderr).toContain(': a/process/deaf did not end within 0.2 s of SIGTERM, and was ended by SIGKILL\n')
})

test('a setup runs once, before the processes and after the network; what it makes is no drift', async () => {
  const lab = (last: string, command = `test -e ${order} && exec sleep 810`) => `  a:
    interfaces: { lo: 10.1.1.1/32 }
    setup:
      - "echo $NETLAB_LAB/$NETLAB_NAMESPACE $NETLAB_DIR $(ip -br addr show lo) >>${order}"
      - [ip, addr, replace, 10.1.1.2/32, dev, lo]
      - ${last}
    processes: { web: { command: "${command}" } }
`
  write(lab('exit 7'))
  const { code, stderr } = await apply()
  expect(code).toBe(1)
  expect(stderr).toMatch(/error: a\/setup failed: command 3 ended with exit code 7\n {2}--> \S+lab\.yaml:8:9\n/)
  expect(stderr).toContain('error: a/process/web was not started, because a/setup is not ready\n')
  await world.run(['ip', '-n', 'a', 'addr', 'del', '10.1.1.2/32', 'dev', 'lo'])
  await world.run(['rm', order])
  write(lab('nft add table t; ip route add 10.7.0.0/16 via 10.1.1.1 dev lo'))
  expect(await apply()).toMatchObject({ code: 0 })
  expect(await told()).toMatch(new RegExp(`^order/a ${world.folder} lo +UNKNOWN.* 10\\.1\\.1\\.1/32 .*$`))
  expect(await changes()).toEqual([])
  await world.run(['pkill', '-f', '^sleep 810'])
  expect(await apply()).toMatchObject({ code: 0 })
  expect(await told()).not.toContain('\n')
  await world.run(['ip', '-n', 'a', 'addr', 'del', '10.1.1.1/32', 'dev', 'lo'])
  write(lab('"true"'))
  expect(await changes()).toEqual(['create a/lo/10.1.1.1/32', 'replace a/setup'])
  expect(await apply()).toMatchObject({ code: 0 })
  expect((await world.run(['wc', '-l', order])).stdout).toMatch(/^2 /)
})

test('what runs once is waited for, and not run again', async () => {
  write(`  a:
    processes:
      init: { command: "sleep 0.3; echo init >>${order}", once: true }
      web: { command: "cat ${order} >>${order}.web; exec sleep 820", after: init }
`)
  expect(await apply()).toMatchObject({ code: 0 })
  expect((await world.run(['cat', `${order}.web`])).stdout).toBe('init\n')
  expect(await changes()).toEqual([])
  await apply()
  expect(await told()).toBe('init')
})
