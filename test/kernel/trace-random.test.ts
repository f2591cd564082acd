import { symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { BUNDLE } from '../support/bundle.ts'
import { openWorld } from '../support/netns.ts'
import type { TruthReport, TruthTask } from '../support/trace-driver.ts'

/** How many packets are sent in all, in each lab, and in how many labs at the same time: a trace mostly waits. */
const [PACKETS, EACH, AT_ONCE] = [Number(process.env['NETLAB_TRACES'] ?? 300), 30, 10]
/** One packet of one lab, `LAB:PACKET`, of which everything is printed. */
const [LAB, ONLY] = (process.env['NETLAB_TRACE'] ?? '').split(':').map(Number)

const tasks = (): TruthTask[] => {
  if (LAB !== undefined && ONLY !== undefined) return [{ seed: LAB, packets: ONLY + 1, only: ONLY }]
  const first = Number(process.env['NETLAB_SEED'] ?? 1) * 1000
  return Array.from({ length: Math.ceil(PACKETS / EACH) }, (_, i) => ({ seed: first + i, packets: EACH }))
}

test('random packets in random labs: captures, counters and listeners bear out what trace says', async () => {
  const builder = await openWorld()
  const driver = join(builder.folder, 'driver.cjs')
  const checkout = resolve(__dirname, '../..')
  symlinkSync(join(checkout, 'node_modules'), join(builder.folder, 'node_modules'))
  // For large labs.
  symlinkSync(join(checkout, 'dist/thread.cjs'), join(builder.folder, 'thread.cjs'))
  const entry = join(checkout, 'test/support/trace-driver.ts')
  await execa('esbuild', [entry, ...BUNDLE, `--outfile=${driver}`], { preferLocal: true })

  const wrong: string[] = []
  const ends: Record<string, number> = {}
  async function work(task: TruthTask): Promise<void> {
    const world = await openWorld()
    const argv = [process.execPath, driver]
    const { code, stdout, stderr } = await world.run(argv, { input: JSON.stringify(task), timeout: 600 })
    await world.close()
    if (code !== 0) return void wrong.push(`lab ${task.seed}: ${stderr}`)
    const report = JSON.parse(stdout) as TruthReport
    wrong.push(...report.wrong)
    for (const [end, times] of Object.entries(report.ends)) ends[end] = (ends[end] ?? 0) + times
    if (report.all) process.stderr.write(`${JSON.stringify(report.all, null, 1)}\n`)
  }
  const queue = tasks()
  const inTurn = async (): Promise<void> => {
    for (let task = queue.shift(); task; task = queue.shift()) await work(task)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, inTurn))
  await builder.close()
  if (process.env['NETLAB_TRACES']) process.stderr.write(`${JSON.stringify(ends, null, 1)}\n`)
  expect(wrong).toEqual([])
  // Labs in which everything ends alike would prove little.
  if (ONLY === undefined) expect(Object.keys(ends).length).toBeGreaterThan(15)
}, 10_000_000)
