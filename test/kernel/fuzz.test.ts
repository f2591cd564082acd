import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { damagedLab } from '../support/damage.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const labs = readdirSync('labs')
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => readFileSync(join('labs', file), 'utf8'))
/** Without the state of podman, which it makes when it is asked for a container. */
const everything =
  'ip netns list; ip -d -o link; ip -o addr; ip route show table all; nft list ruleset; find /run | grep -v "^/run/\\(libpod\\|containers\\)"'
const machine = async (): Promise<string> => (await world.run(['sh', '-c', everything])).stdout

test('a plan of a damaged lab is a plan or an error of the user’s, and changes nothing', async () => {
  const file = join(world.folder, 'lab.yaml')
  const before = await machine()
  const codes = new Set<number>()
  for (let seed = 1; seed <= 30; seed++) {
    writeFileSync(file, damagedLab(labs, seed))
    const { code, stderr } = await world.netlab(['plan', file])
    codes.add(code)
    expect({ seed, stderr }).toEqual({ seed, stderr: expect.not.stringContaining('bug in netlab') })
  }
  expect(codes).toEqual(new Set([0, 1]))
  expect(await machine()).toBe(before)
})
