import { existsSync, readdirSync } from 'node:fs'
import { openWorld, type World } from '../support/netns.ts'

const templates = readdirSync('templates').map((file) => file.replace(/\.yaml$/, ''))
/** What programs of other packages a template starts. */
const programs: Readonly<Record<string, string>> = { frr: '/usr/lib/frr/ospfd' }
const startable = (name: string): boolean => existsSync(programs[name] ?? '/')

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())
const netlab = (...args: string[]) => world.netlab(args, { cwd: world.folder })

test.each(templates.filter(startable))('%s: written, applied, its checks hold, taken away', async (name) => {
  const file = `${name}.yaml`
  expect(await netlab('init', name)).toMatchObject({ code: 0 })
  expect(await netlab('apply', file, '-y')).toMatchObject({ code: 0 })
  expect(await netlab('test', file)).toMatchObject({ code: 0, stdout: expect.stringMatching(/\n\d+ passed/) as string })
  expect(await netlab('plan', file, '--detailed-exitcode')).toMatchObject({ code: 0 })
  expect(await netlab('destroy', file, '-y')).toMatchObject({ code: 0 })
  expect((await world.run(['ls', '/run/netns'])).stdout).toBe('')
})

const unstartable = templates.filter((name) => !startable(name))
unstartable.forEach((name) =>
  test(`${name}: says which program is missing`, async () => {
    await netlab('init', name)
    const { code, stderr } = await netlab('apply', `${name}.yaml`, '-y')
    expect(code).toBe(1)
    expect(stderr).toMatch(/this machine has no user frr|frr\/zebra: not found/)
    await netlab('destroy', `${name}.yaml`, '-y')
    expect((await world.run(['ls', '/run/netns'])).stdout).toBe('')
  }),
)
