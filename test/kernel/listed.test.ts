import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

/** Two hosts on a cable; in h1 runs a process that is ready when it has made the file `ready`. */
function lab(name: string, script: string, h1: object = {}, e0: unknown = '10.0.0.1/24'): string {
  const ready = join(world.folder, `${name}.ready`)
  rmSync(ready, { force: true })
  const command = `${script.replaceAll('READY', `touch ${ready}`)}`
  const file = join(world.folder, `${name}.yaml`)
  writeFileSync(
    file,
    JSON.stringify({
      name,
      namespaces: { h1: { ...h1, processes: { daemon: { command, ready: { file: ready } } } }, h2: {} },
      links: [{ endpoints: { 'h1:e0': e0, 'h2:e0': '10.0.0.2/24' } }],
    }),
  )
  return file
}
const apply = (file: string, ...more: string[]) => world.netlab(['apply', file, '-y', ...more])
const changes = async (file: string) => {
  const { stdout } = await world.netlab(['plan', file, '--json'])
  return (JSON.parse(stdout) as PlanJson).changes.map(({ id, action }) => `${action} ${id}`)
}
const links = async (netns: string): Promise<string> => (await world.run(['ip', '-n', netns, 'link'])).stdout
const destroy = (name: string) => world.netlab(['destroy', name, '-y'])

test('what a process makes while apply runs is told and left, and the next plan lists it', async () => {
  const file = lab(
    'making',
    'ip link add vx9 type vxlan id 9 dstport 4789; ip link set vx9 up; ip addr add 10.9.0.1/24 dev vx9; READY; exec sleep 999',
  )
  const { code, stderr } = await apply(file)
  expect(code).toBe(0)
  // The address of vx9 is part of it.
  const told = stderr.split('\n').filter((line) => line.startsWith('something '))
  expect(told).toEqual(['something in h1 has made vx9 meanwhile; the next plan lists it'])
  expect(stderr).toContain('what the plan listed is done')
  expect(await links('h1')).toContain('vx9')
  expect(await changes(file)).toEqual(['delete h1/vx9', 'delete h1/vx9/10.9.0.1/24'])
  expect((await apply(file, '--target', 'h1/e0')).code).toBe(0)
  expect(await links('h1')).toContain('vx9')
  const second = await apply(file)
  expect([second.code, await changes(file)]).toEqual([0, []])
  expect(second.stderr).toContain('nothing is left to do')
  expect((await destroy('making')).code).toBe(0)
})

test('what a process changes and removes of the lab is told as well', async () => {
  const script = 'ip link set dev e0 mtu 1400; ip addr del 10.0.0.7/24 dev e0; READY; exec sleep 999'
  const write = (): string => lab('moving', script, {}, ['10.0.0.1/24', '10.0.0.7/24'])
  const file = write()
  // Both are listed: they are made again.
  expect(await apply(file)).toMatchObject({ code: 0 })
  expect(await changes(file)).toEqual([])
  write()
  const again = await apply(file, '--replace', 'h1/process/daemon')
  expect(again.code).toBe(0)
  expect(again.stderr).toContain('something in h1 has changed e0 (mtu) meanwhile')
  expect(again.stderr).toContain('something in h1 has removed e0/10.0.0.7/24 meanwhile')
  expect(await changes(file)).toEqual(['update h1/e0', 'create h1/e0/10.0.0.7/24'])
  expect((await destroy('moving')).code).toBe(0)
})

test('what is undone again and again ends apply, which says what, who may do it, and takes back what it did', async () => {
  // Thousands of times a second.
  const undo = `READY; yes 'addr del 10.0.0.5/24 dev e0' | ip -force -batch - 2>/dev/null`
  const file = lab('undoing', undo)
  expect(await apply(file)).toMatchObject({ code: 0 })
  lab('undoing', undo, {}, ['10.0.0.1/24', '10.0.0.5/24'])
  // With programs, so that there is time for it before the second look.
  const slowly = { env: { NETLAB_RUNNER: 'ip' } }
  const { code, stderr } = await world.netlab(['apply', file, '-y'], slowly)
  expect(code).toBe(1)
  expect(stderr).toContain('h1/e0/10.0.0.5/24 was made 3 times, and is gone again')
  expect(stderr).toContain('A process in h1 may do that: daemon (of the lab).')
  expect(stderr).toContain('Rolled back')
  const kept = await world.netlab(['apply', file, '-y', '--no-rollback'], slowly)
  expect([kept.code, kept.stderr]).toEqual([1, expect.stringContaining('What was done is kept (--no-rollback).')])
  const gone = await destroy('undoing')
  expect([gone.code, (await world.run(['ip', 'netns'])).stdout]).toEqual([0, ''])
})

test('a rollback leaves what others have made meanwhile', async () => {
  const more = { bridges: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`br${i}`, {}])) }
  const file = lab('back', 'READY; exec sleep 999')
  expect(await apply(file)).toMatchObject({ code: 0 })
  const late = 'ip link add vx9 type vxlan id 9 dstport 4789; READY; exec sleep 998'
  lab('back', late, { ...more, processes: { daemon: { command: late } } })
  // The bridges are made, set up, and then the process; the last bridge fails.
  const steps = JSON.parse((await world.netlab(['plan', file, '--json'])).stdout) as PlanJson
  writeFileSync(join(world.folder, 'bad'), '')
  const other = world.run([
    'sh',
    '-c',
    'until ip -n h1 link show br0 2>/dev/null; do :; done; ip -n h1 link add vx8 type vxlan id 8 dstport 4790',
  ])
  const { code, stderr } = await world.netlab(['apply', file, '-y'], {
    env: { NETLAB_FAULT: `fail:${steps.steps.length - 1}` },
  })
  await other
  expect([code, stderr]).toEqual([1, expect.stringContaining('Rolled back')])
  const left = await links('h1')
  expect([left.includes('vx8'), left.includes('br0')]).toEqual([true, false])
  expect((await destroy('back')).code).toBe(0)
})
