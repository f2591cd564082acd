import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson } from '../../src/views/json.ts'
import { lacking } from '../support/features.ts'
import { openWorld, type World } from '../support/netns.ts'
import { beginning, edit, randomLab } from '../support/random-lab.ts'

// The containers of labs/32-containers.yaml are found by netlab alone.
const labs = readdirSync('labs').filter((name) => name.endsWith('.yaml') && name !== '32-containers.yaml')

let world: World
beforeAll(async () => {
  world = await openWorld()
  // The first name of a namespace makes a mount for all names.
  await run('sh', '-c', 'ip netns add first && ip netns del first')
})
afterAll(() => world.close())

async function run(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await world.run(argv)
  if (code !== 0) throw new Error(`${argv.join(' ')}: exit ${code}\n${stdout}${stderr}`)
  return stdout
}

/** Everything that a script may leave behind; /run/mount is mount(8)'s own. */
const AROUND = `ls -R -I mount /run; ip link; ip -o addr; ip route show table all; ip rule; nft list ruleset; cat /proc/self/mounts
all=$(ps -e -o args=); printf '%s\\n' "$all" | grep -v 'ps -e' | sort`
const around = (): Promise<string> => run('sh', '-c', AROUND)

/** Writes the script of a lab. */
async function exported(file: string, name = 'lab.sh'): Promise<string> {
  const script = join(world.folder, name)
  const { code, stdout, stderr } = await world.netlab(['export', file, '--no-lint'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  writeFileSync(script, stdout)
  return script
}

/** What netlab would change of a lab that its script has built; then the script takes it away. */
async function scripted(file: string): Promise<PlanJson['changes']> {
  const script = await exported(file)
  const before = await around()
  try {
    await run('/bin/sh', script)
    const { code, stdout, stderr } = await world.netlab(['plan', '--adopt', file, '--json', '--no-lint'])
    if (code !== 0) throw new Error(stderr)
    return (JSON.parse(stdout) as PlanJson).changes
  } finally {
    await run('/bin/sh', script, 'destroy')
    expect(await around()).toBe(before)
  }
}

test.each(labs.filter((lab) => !lacking(`labs/${lab}`).length))('labs/%s', async (lab) => {
  expect(await scripted(`labs/${lab}`)).toEqual([])
})

test.each(Array.from({ length: 15 }, (_, i) => Number(process.env['NETLAB_SEED'] ?? 1) + i))(
  'random network %d',
  async (seed) => {
    const network = beginning(seed)
    const edits = Array.from({ length: 15 }, () => edit(network))
    const file = join(world.folder, 'random.yaml')
    writeFileSync(file, JSON.stringify(randomLab(network)))
    expect({ edits, changes: await scripted(file) }).toEqual({ edits, changes: [] })
  },
)

test('netlab takes over the programs of a script, and ends them', async () => {
  const script = await exported('labs/38-proxy.yaml')
  const before = await around()
  await run('/bin/sh', script)
  for (const command of ['apply --adopt -y', 'plan --detailed-exitcode', 'test', 'destroy -y']) {
    const [name = '', ...options] = command.split(' ')
    const { code, stdout, stderr } = await world.netlab([name, 'labs/38-proxy.yaml', ...options])
    expect({ command, code, output: stdout + stderr }).toEqual({ command, code: 0, output: expect.any(String) })
  }
  await run('/bin/sh', script, 'destroy')
  expect(await around()).toBe(before)
})

test('shellcheck is content', async () => {
  const scripts = await Promise.all(labs.map((lab, i) => exported(`labs/${lab}`, `${i}.sh`)))
  expect(spawnSync('shellcheck', scripts, { encoding: 'utf8' })).toMatchObject({ stdout: '', stderr: '', status: 0 })
})
