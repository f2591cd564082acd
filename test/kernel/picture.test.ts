import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

test('the picture of a terminal in README is what the commands print', async () =>
  expect(await world.run([process.execPath, 'scripts/terminal.mjs', '--check'])).toMatchObject({ code: 0, stderr: '' }))
