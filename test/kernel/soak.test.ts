import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson, ShowJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'
import { beginning, randomLab, edit } from '../support/random-lab.ts'
import { until } from '../support/until.ts'

/**
 * A random lab, edited at random again and again; every edit is applied and verified, and now and then what is live is
 * compared with a fresh build of the same file. NETLAB_SOAK=300 edits as often, NETLAB_SEED repeats a run.
 */
const edits = Number(process.env['NETLAB_SOAK'] ?? 30)
const seed = Number(process.env['NETLAB_SEED'] ?? 1)

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

async function netlab(place: World, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await place.netlab(args)
  if (code !== 0) throw new Error(`netlab ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`)
  return stdout
}

async function live(place: World): Promise<Record<string, unknown>> {
  const { resources } = JSON.parse(await netlab(place, 'show', 'soak', '--json')) as ShowJson
  return Object.fromEntries(resources.map(({ id, kind, spec }) => [id, { kind, spec }]))
}

/** What a run may leave behind, as the world sees it. */
async function leftovers(): Promise<unknown> {
  const count = (script: string): Promise<string> => world.run(['sh', '-c', script]).then(({ stdout }) => stdout.trim())
  return {
    namespaces: await count('ls /run/netns'),
    mounts: await count('wc -l </proc/self/mounts'),
    // Without those that ask.
    processes: (await count('ps -eo args=')).split('\n').filter((line) => !line.includes('ps -eo')),
    links: await count('ip -o link | wc -l'),
    files: readdirSync(world.folder).filter((name) => name !== 'lab.yaml'),
  }
}

test(
  `${edits} edits in a row, seed ${seed}`,
  async () => {
    const network = beginning(seed)
    const file = join(world.folder, 'lab.yaml')
    const apply = async (place: World, what: string): Promise<void> => {
      const path = join(place.folder, 'lab.yaml')
      writeFileSync(path, JSON.stringify(randomLab(network)))
      await netlab(place, 'apply', path, '-y').catch((error: Error) => {
        throw new Error(`${what}: ${error.message}\n${readFileSync(path, 'utf8')}`)
      })
    }
    await apply(world, 'first')
    await netlab(world, 'destroy', 'soak', '-y')
    const before = await leftovers()
    const history: string[] = []
    for (let i = 1; i <= edits; i++) {
      history.push(`${i} ${edit(network)}`)
      await apply(world, history.at(-1) ?? '')
      const { changes } = JSON.parse(await netlab(world, 'plan', file, '--json')) as PlanJson
      expect({ after: history.at(-1), changes }).toEqual({ after: history.at(-1), changes: [] })
      if (i % 10) continue
      const fresh = await openWorld()
      try {
        await apply(fresh, 'fresh')
        expect({ history, live: await live(world) }).toEqual({ history, live: await live(fresh) })
      } finally {
        await fresh.close()
      }
    }
    await netlab(world, 'destroy', 'soak', '-y')
    // What has been ended may take a moment to be gone.
    const same = (left: unknown): boolean => JSON.stringify(left) === JSON.stringify(before)
    expect(await until(leftovers, same, 10)).toEqual(before)
  },
  60_000 + edits * 3000,
)
