// Measures the package's own entry (docs/library.md) from a process that has used it once.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { median } from './world.mjs'

/** Five nodes at a switch. */
const FIVE = `name: five
namespaces: { 'n[1..5]': , sw: { bridges: { br0: } } }
links: [{ endpoints: { 'n[1..5]:eth0': '10.0.0.{i}/24', sw:br0: } }]
`

/** What each step of a test takes, in ms, beside the start of a node that does nothing. */
export async function library({ folder, runs }, checkout) {
  const { lab } = await import(pathToFileURL(join(checkout, 'dist/api.mjs')).href)
  const file = join(folder, 'five.yaml')
  writeFileSync(file, FIVE)
  const times = { node: [], up: [], cut: [], heal: [], exec: [], gone: [] }
  const measured = async (name, work) => {
    const began = performance.now()
    const result = await work()
    times[name].push(performance.now() - began)
    return result
  }
  await (await lab(file)).close()
  for (let run = 0; run < Math.max(runs, 5); run++) {
    await measured('node', () => spawnSync(process.execPath, ['-e', '0']))
    const net = await measured('up', () => lab(file))
    for (let time = 0; time < 5; time++) {
      await measured('cut', () => net.cut('n1:eth0'))
      await measured('heal', () => net.heal())
      await measured('exec', () => net.exec('n1', ['true']))
    }
    await measured('gone', () => net.close())
  }
  const row = (what, name) => [
    what,
    ...[median(times[name]), Math.min(...times[name]), Math.max(...times[name])].map((ms) => ms.toFixed(1)),
  ]
  return {
    head: ['from a process that has used it once', 'median, ms', 'fastest, ms', 'slowest, ms'],
    rows: [
      row('lab(), five nodes at a switch', 'up'),
      row('net.cut()', 'cut'),
      row('net.heal()', 'heal'),
      row('net.exec(), a program that does nothing', 'exec'),
      row('net.close()', 'gone'),
      row('for comparison: a node that does nothing', 'node'),
    ],
  }
}
