import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunJson } from '../../src/views/run-json.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'

let world: World
beforeEach(async () => (world = await openWorld()))
afterEach(() => world.close())

const write = (text: string): string => {
  const path = join(world.folder, 'lab.yaml')
  writeFileSync(path, text)
  return path
}
const run = async (args: string[], env: Record<string, string> = {}) => {
  const { code, stdout, stderr } = await world.netlab([...args, '--json'], { env })
  return { code, stderr, json: JSON.parse(stdout) as RunJson }
}

const lab = `name: twin
namespaces:
  a:
    sysctls: { net.ipv4.conf.all.rp_filter: 2 }
    processes: { p: { command: [sleep, '4801'] } }
    routes: [{ to: default, via: 10.9.0.2 }]
  b: { bridges: { br0: 10.9.0.2/24 } }
links:
  - endpoints: { a:eth0: 10.9.0.1/24, b:br0: }
`

test('one document says what a run was to do, what it did, and why it failed', async () => {
  const path = write(lab)
  const first = await run(['apply', path, '-y'], { NETLAB_FAULT: 'fail:4' })
  expect(first).toMatchObject({
    code: 1,
    json: {
      lab: 'twin',
      result: { status: 'failed', exit_code: 1, steps_done: 3, rollback: { complete: true, errors: [], left: [] } },
      error: { diagnostics: [expect.objectContaining({ severity: 'error', file: path })] },
    },
  })
  const kept = await run(['apply', path, '-y', '--no-rollback'], { NETLAB_FAULT: 'fail:4' })
  expect(kept.json.result).toMatchObject({ status: 'failed', steps_done: 3, rollback: null })
  const applied = await run(['apply', path, '-y'])
  expect(applied).toMatchObject({ code: 0, json: { result: { status: 'done', exit_code: 0, left: [] } } })
  expect(applied.json).not.toHaveProperty('error')
  expect(applied.json.result.steps_done).toBe(applied.json.steps.length)
  expect((await run(['apply', path])).json).toMatchObject({ changes: [], result: { status: 'unchanged' } })
  // A question nobody can answer is an error, and the only document.
  expect((await run(['destroy', path])).json).toMatchObject({ error: { diagnostics: [{ severity: 'error' }] } })
  const gone = await run(['destroy', 'twin', '-y'])
  expect(gone).toMatchObject({ code: 0, json: { result: { status: 'done' } } })
})

test('a process that ends at once is in the document', async () => {
  const path = write('namespaces: { a: { processes: { p: { command: [sh, -c, "echo why; exit 3"] } } } }\n')
  const { code, json } = await run(['apply', path, '-y'])
  expect({ code, status: json.result.status }).toEqual({ code: 1, status: 'failed' })
  expect(JSON.stringify(json.error)).toContain('why')
})

test('a namespace that somebody is in is replaced in one run', async () => {
  const path = write(lab)
  expect((await run(['apply', path, '-y'])).code).toBe(0)
  const [program = '', ...args] = [...world.enter, 'ip', 'netns', 'exec', 'a', 'sleep', '4802']
  const stranger = spawn(program, args, { stdio: 'ignore' })
  try {
    await until(async () => ((await world.run(['pgrep', '-f', '^sleep 4802'])).code === 0 ? 'there' : ''), Boolean)
    expect(await world.netlab(['apply', path, '-y', '--replace', 'a'])).toMatchObject({ code: 0 })
    const again = await world.netlab(['plan', path])
    expect(again.stdout).toContain('No changes.')
    expect((await world.run(['pgrep', '-f', '^sleep 4802'])).code).toBe(0)
    // Where the stranger still is, nothing of the lab is left.
    const links = await world.run(['sh', '-c', 'nsenter --net=/proc/$(pgrep -f "^sleep 4802")/ns/net ip -br link'])
    expect(links.stdout.trim().split('\n')).toHaveLength(1)
    expect((await world.run(['ip', 'netns', 'exec', 'a', 'ping', '-c1', '-W2', '10.9.0.2'])).code).toBe(0)
  } finally {
    stranger.kill()
  }
})
