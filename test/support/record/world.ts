import { copyFileSync, existsSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openWorld } from '../netns.ts'
import type { Recording } from './driver.ts'
import { HERE, keyOf, printPlayed, type Played } from './tape.ts'

/** Applies a lab in a world, and prints the files of its case as JSON: what is read before and after. */
async function main(folder: string, of: string): Promise<void> {
  const world = await openWorld()
  try {
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
    copyFileSync('dist/thread.cjs', join(folder, 'thread.cjs'))
    const file = join(of, 'lab.yaml')
    const must = async (...argv: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await world.run(argv, { timeout: 600, cwd: resolve('.') })
      if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`)
      return stdout
    }
    const drive = async (): Promise<Recording> =>
      JSON.parse(await must(process.execPath, join(folder, 'driver.cjs'), file)) as Recording
    const script = join(of, 'before.sh')
    if (existsSync(script)) await must('sh', '-e', script)
    const before = await drive()
    await must(process.execPath, resolve('dist/netlab.cjs'), 'apply', file, '-y')
    // Waits until duplicate address detection is over and every port forwards.
    await new Promise((done) => setTimeout(done, 12_000))
    const after = await drive()
    if (after.changes.length > 0) throw new Error(`the lab is not as it should be: ${after.changes.join(', ')}`)
    const files = Object.entries(filesOf(before, after))
    const here = resolve(of)
    process.stdout.write(
      JSON.stringify(Object.fromEntries(files.map(([name, text]) => [name, text.replaceAll(here, '/lab')]))),
    )
    await must(process.execPath, resolve('dist/netlab.cjs'), 'destroy', file, '-y')
  } finally {
    await world.close()
  }
}

/** Removes what differs between machines and runs: inodes are numbered, and times are constant. */
function filesOf(before: Recording, after: Recording): Record<string, string> {
  const inodes = [...new Set(after.machine.list.map(({ inode }) => inode))]
  const machine = {
    list: after.machine.list.map((one) => ({ ...one, inode: inodes.indexOf(one.inode) + 1, changed: 0 })),
    processes: after.machine.processes,
    names: after.machine.names,
  }
  const calls = new Map<string, Played>()
  for (const one of [...before.played, ...after.played])
    calls.set(keyOf(one), timeless(withSysctls(one, calls.get(keyOf(one)))))
  const byNamespace = new Map<string, Played[]>()
  for (const call of calls.values()) {
    const name = call.netns ?? HERE
    byNamespace.set(name, [...(byNamespace.get(name) ?? []), call])
  }
  const lines = Object.entries({ ...before.netlink, ...after.netlink }).map(
    ([name, { sections = [], files, ...answered }]) => {
      const parts = sections.map((section) => `\n      ${JSON.stringify(section)}`).join(',')
      const rest = JSON.stringify({ ...answered, files }, undefined, 2).replaceAll('\n', '\n    ')
      return `  ${JSON.stringify(name)}: {\n    "sections": [${parts}\n    ],${rest.slice(1)}`
    },
  )
  return {
    'machine.json': `${JSON.stringify(machine, undefined, 2)}\n`,
    'netlink.json': `{\n${lines.join(',\n')}\n}\n`,
    ...Object.fromEntries(
      [...byNamespace].map(([name, all]) => [name === HERE ? 'machine.programs' : `${name}.netns`, printPlayed(all)]),
    ),
  }
}

/** The last output of each call, with the sysctls that only earlier calls asked for. */
function withSysctls(one: Played, before: Played | undefined): Played {
  const sysctls = ({ stdout }: Played): string[] => stdout.match(/^\/proc\/sys\/.*\n/gm) ?? []
  const nameIn = (line: string): string => line.slice(0, line.indexOf(':') + 1)
  const [first] = sysctls(one)
  if (!before || sysctls(before).length === 0) return one
  if (first === undefined) return before
  const more = sysctls(before).filter((line) => !one.stdout.includes(`\n${nameIn(line)}`))
  return { ...one, stdout: one.stdout.replace(first, () => more.join('') + first) }
}

/** The output without times and private keys of WireGuard. */
const timeless = (one: Played): Played => ({
  ...one,
  stdout: one.stdout
    .replace(/^(# (?:Generated|Completed).*) on .*$/gm, '$1')
    .replace(/^(\w+\t)\S+(?=(\t\S+){3}$)/gm, '$1(hidden)'),
})

void main(process.argv[2] ?? '', process.argv[3] ?? '')
