import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ShowJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => (world = await openWorld()))
afterAll(() => world.close())

test('a saved plan is done as it is, and one that was changed ends with a plain error', async () => {
  const lab = join(world.folder, 'lab.yaml')
  const file = join(world.folder, 'plan')
  writeFileSync(lab, 'name: s\nnamespaces: { a: { processes: { p: { command: [sleep, "4803"] } } } }\n')
  expect((await world.netlab(['plan', lab, '--out', file])).code).toBe(0)
  const text = readFileSync(file, 'utf8')
  expect(text).toMatch(/^\{"netlab_plan":2,/)

  const evil = join(world.folder, 'evil')
  const more = {
    change: 'a',
    stage: 'create links',
    wave: 9,
    operation: { do: 'run', place: {}, argv: ['touch', evil] },
  }
  const plan = JSON.parse(text) as { parts: { here: { plan: { steps: unknown[] } } } }
  plan.parts.here.plan.steps.push(more)
  writeFileSync(file, JSON.stringify(plan))
  const { code, stdout, stderr } = await world.netlab(['apply', file, '--json'])
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.not.stringMatching(/bug in netlab|^ +at /m) })
  expect(JSON.parse(stdout)).toMatchObject({ error: { diagnostics: [{ code: 'bad-plan-file' }] } })
  expect(existsSync(evil)).toBe(false)
  expect((await world.run(['ls', '/run/netns'])).stdout).toBe('')

  writeFileSync(file, text)
  expect((await world.netlab(['apply', file])).code).toBe(0)
  expect((await world.netlab(['plan', lab])).stdout).toContain('No changes.')
})

test('a saved plan has the values of --set and the files that are included', async () => {
  const [lab, base, file] = ['set.yaml', 'base.yaml', 'set.plan'].map((name) => join(world.folder, name)) as [
    string,
    string,
    string,
  ]
  const link = '{ "h{i}:e0": "10.0.{i}.1/24", "r:e{i}": "10.0.{i}.2/24" }'
  writeFileSync(base, 'namespaces: { "h[1..hosts]": { forwarding: true } }\n')
  writeFileSync(
    lab,
    `name: st\ninclude: [base.yaml]\nvars: { hosts: 1 }\nnamespaces: { r: }\nlinks:\n  - endpoints: ${link.replace('h{i}', 'h[1..hosts]')}\n`,
  )
  expect((await world.netlab(['plan', lab, '--set', 'hosts=2', '--out', file])).code).toBe(0)
  // What is done is what was planned, whatever the files say now.
  writeFileSync(base, 'namespaces: { "h[1..hosts]": }\n')
  writeFileSync(lab, 'name: st\nnamespaces: { other: }\n')
  expect((await world.netlab(['apply', file, '--set', 'hosts=3'])).stderr).toContain('--set cannot change a saved plan')
  const applied = await world.netlab(['apply', file])
  expect(applied).toMatchObject({ code: 0 })
  const { resources } = JSON.parse((await world.netlab(['show', 'st', '--json'])).stdout) as ShowJson
  const found = resources.flatMap(({ id, kind }) => (kind === 'namespace' || kind === 'address' ? [id] : []))
  expect(found.sort()).toEqual([
    ...['h1', 'h1/e0/10.0.1.1/24', 'h2', 'h2/e0/10.0.2.1/24'],
    ...['r', 'r/e1/10.0.1.2/24', 'r/e2/10.0.2.2/24'],
  ])
  expect((await world.run(['ip', 'netns', 'exec', 'h2', 'sysctl', '-n', 'net.ipv4.ip_forward'])).stdout).toBe('1\n')
  // It cannot be done twice: the network is another one now.
  expect((await world.netlab(['apply', file])).code).toBe(1)
  await world.netlab(['destroy', 'st', '-y'])
})
