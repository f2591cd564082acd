import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
  expect(text).toMatch(/^\{"netlab_plan":1,/)

  const evil = join(world.folder, 'evil')
  const more = {
    change: 'a',
    stage: 'create links',
    wave: 9,
    operation: { do: 'run', place: {}, argv: ['touch', evil] },
  }
  const plan = JSON.parse(text) as { plan: { steps: unknown[] } }
  plan.plan.steps.push(more)
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
