import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openWorld, type World } from '../support/netns.ts'
import { onTerminal, screenOf } from '../support/terminal.ts'

let world: World
let lab: string
let slow: Record<string, string>
beforeAll(async () => {
  world = await openWorld()
  lab = join(world.folder, 'lab.yaml')
  const ready = join(world.folder, 'ready')
  const p = { command: ['sh', '-c', `sleep 1.5; touch ${ready}; exec sleep 60`], ready: { file: ready } }
  writeFileSync(lab, JSON.stringify({ namespaces: { a: { processes: { p } } } }))
  const ip = join(world.folder, 'ip')
  writeFileSync(ip, '#!/bin/sh\nsleep 0.6\nPATH=${PATH#*:} exec ip "$@"\n', { mode: 0o755 })
  slow = { PATH: `${world.folder}:${process.env['PATH']}`, NETLAB_RUNNER: 'ip' }
})
afterAll(() => world.close())

const netlab = async (args: readonly string[], env: Record<string, string> = {}): Promise<string> =>
  (await world.run(onTerminal([process.execPath, 'dist/netlab.cjs', ...args]), { env: { ...env, NO_COLOR: '1' } }))
    .stdout

test('plan says what it waits for, and removes that in the end', async () => {
  const shown = await netlab(['plan', lab], slow)
  expect(shown).toMatch(/\rReading the live network …  [01]\.\d s/)
  expect(screenOf(shown).join('\n')).toBe((await world.netlab(['plan', lab])).stdout)
})

test('so does apply, with the step that takes long', async () => {
  const shown = await netlab(['apply', lab, '-y'])
  expect(shown).toMatch(/\rstart processes \d+\/\d+ .* 1\.\d s/)
  const screen = screenOf(shown)
  expect(screen).toContain('Plan: 3 to add, 0 to change, 0 to destroy.')
  expect(screen.filter((line) => line.includes('…') || line.includes('start processes'))).toEqual([])
  expect(screen.at(-3)).toMatch(/^Lab lab is up/)
})

test('also while netlab itself is busy', async () => {
  const busy = join(world.folder, 'busy.cjs')
  writeFileSync(
    busy,
    `const threads = require('node:worker_threads')
     const { Worker } = threads
     if (threads.isMainThread) threads.Worker = function (...of) {
       queueMicrotask(() => { for (const end = Date.now() + 2500; Date.now() < end; ); })
       return new Worker(...of)
     }`,
  )
  const shown = await netlab(['show', lab], { NODE_OPTIONS: `--require ${busy}` })
  expect(shown).toMatch(/\rReading .* …  2\.\d s/)
})

test('what is quick shows nothing of it, and no file has it', async () => {
  expect(await netlab(['list'])).toBe('lab  a\r\n')
  expect((await world.netlab(['plan', lab], { env: slow })).stderr).toBe('')
})
