import { spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PlanJson } from '../../src/views/json.ts'
import type { WatchedChange, WatchJson } from '../../src/views/watch-text.ts'
import { checkDocument } from '../support/documents.ts'
import { linkChanges, linksLab } from '../support/drift/links.ts'
import { objectChanges, objectsLab } from '../support/drift/objects.ts'
import { routeChanges, routesLab } from '../support/drift/routes.ts'
import { openWorld, type World } from '../support/netns.ts'
import { openUser } from '../support/user.ts'
import { randomOf } from '../support/damage.ts'
import { until } from '../support/until.ts'

/** How many changes there are in a round, and how many rounds: for 500 changes, NETLAB_ROUNDS=63. */
const CHANGES = 8
const ROUNDS = Number(process.env['NETLAB_ROUNDS'] ?? 2)
/** What the kernel does not report (docs/observing.md). */
const SILENT = /gso_max|gro_max|neigh add proxy|neigh .*proto/

interface Watcher {
  readonly lines: readonly WatchJson[]
  readonly pid: number
  readonly stderr: () => string
  /** Waits until the last line satisfies; returns it. */
  last(good: (line: WatchJson) => boolean, seconds?: number): Promise<WatchJson>
  end(): void
}

function endGroup({ pid = 0 }: ChildProcess): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // it has ended
  }
}

async function openWatcher(world: World, args: readonly string[]): Promise<Watcher> {
  const script = 'cd "$0" && echo $$ && exec "$@"'
  const argv = [process.execPath, join(process.cwd(), 'dist/netlab.cjs'), 'watch', '--json', ...args]
  const [program = '', ...rest] = [...world.enter, 'sh', '-c', script, world.folder, ...argv]
  const child = spawn(program, rest, {
    detached: true,
    env: { ...process.env, HOME: world.folder, XDG_STATE_HOME: world.folder },
  })
  children.push(child)
  const lines: WatchJson[] = []
  let [pid, stderr] = [0, '']
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (pid === 0) return (pid = Number(line))
    checkDocument(['watch', '--json'], { code: 0, stdout: line, stderr: '' })
    lines.push(JSON.parse(line) as WatchJson)
  })
  const last: Watcher['last'] = async (good, seconds = 15) => {
    const is = (): boolean => lines.length > 0 && good(lines.at(-1)!)
    await until(async () => is(), Boolean, seconds)
    if (!is()) throw new Error(`${seconds} s later: ${JSON.stringify(lines.at(-1))}\n${stderr}`)
    return lines.at(-1)!
  }
  await last(() => true)
  return {
    lines,
    get pid() {
      return pid
    },
    stderr: () => stderr,
    last,
    end: () => endGroup(child),
  }
}

const isClean = ({ kind }: WatchJson): boolean => kind === 'clean'
const idsOf = ({ changes = [] }: Partial<Pick<PlanJson, 'changes'>>): string[] =>
  changes.map(({ id, action }) => `${action} ${id}`)

let world: World
beforeAll(async () => void (world = await openWorld()))
const children: ChildProcess[] = []
afterAll(async () => {
  for (const child of children) endGroup(child)
  await world.close()
})

async function netlab(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await world.netlab(args)
  if (code !== 0) throw new Error(`${args.join(' ')}: ${code}\n${stdout}${stderr}`)
  return stdout
}
const file = (name: string, lab: object): string => {
  const path = join(world.folder, `${name}.yaml`)
  writeFileSync(path, JSON.stringify({ name, ...lab }))
  return path
}

test(
  'what was changed by hand is reported as a plan has it, and so is its repair',
  async () => {
    const parts = [linksLab, routesLab(), objectsLab]
    const lab = file('drift', {
      namespaces: Object.assign({}, ...parts.map(({ namespaces }) => namespaces)) as object,
      links: parts.flatMap(({ links }): object[] => links),
    })
    const all = [...linkChanges, ...routeChanges, ...objectChanges].filter(
      ([, command, ...differences]) => differences.length > 0 && !SILENT.test(command),
    )
    await netlab('apply', lab, '-y')
    const watcher = await openWatcher(world, [lab])
    await watcher.last(isClean)
    const random = randomOf(Number(process.env['NETLAB_SEED'] ?? 1))
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const done: string[] = []
      for (let n = 0; n < CHANGES; n++) {
        const [netns, command] = all[random(all.length)]!
        if (done.includes(`${netns} ${command}`)) continue
        const before = watcher.lines.length
        const { code } = await world.run(['sh', '-ec', `ip netns exec ${netns} ${command}`])
        if (code !== 0) continue // another change has made it impossible
        const at = Date.now()
        done.push(`${netns} ${command}`)
        // netlab looks by itself after 30 s, and while something differs after 2 s: what is reported after a `clean` was noticed.
        await until(async () => watcher.lines.length > before, Boolean, n === 0 ? 10 : 2)
        if (n === 0)
          expect({ command, kinds: watcher.lines.slice(before).map(({ kind }) => kind) }).toEqual({
            command,
            kinds: ['drift'],
          })
        const line = watcher.lines[before]
        if (line) times.push(Date.parse(line.time) - at)
      }
      const { changes } = JSON.parse(await netlab('plan', lab, '--json')) as PlanJson
      const wanted = JSON.stringify(changes)
      const reported = (): string => JSON.stringify(watcher.lines.at(-1)?.changes.map(withoutPlace))
      await until(async () => reported() === wanted, Boolean, 2)
      expect({ done, changes: JSON.parse(reported()) as unknown }).toEqual({ done, changes })
      for (const one of watcher.lines.at(-1)!.changes) expect(one).toMatchObject({ file: lab, line: 1 })
      const before = watcher.lines.length
      await netlab('apply', lab, '-y')
      await watcher.last(isClean)
      expect(watcher.lines.slice(before).map((line) => [line.kind, ...idsOf(line)])).toEqual([['clean']]) // an apply is no drift
    }
    times.sort((a, b) => a - b)
    if (process.env['NETLAB_ROUNDS']) process.stderr.write(`${times.length} times in ms: ${times.join(' ')}\n`)
    expect(times[Math.floor(times.length / 2)]).toBeLessThan(1000) // 200 where the machine has nothing else to do
    watcher.end()
  },
  ROUNDS * 60_000,
)

const withoutPlace = ({ file: _file, line: _line, column: _column, ...change }: WatchedChange): object => change

describe('a small lab', () => {
  const small = {
    namespaces: {
      sa: { processes: { p: { command: ['sleep', '1000'] } } },
      sb: { routes: [{ to: 'default', via: '10.0.0.1' }] },
    },
    links: [{ endpoints: { 'sa:e0': '10.0.0.1/24', 'sb:e0': '10.0.0.2/24' } }],
  }
  let lab: string
  let watcher: Watcher
  const sh = async (script: string): Promise<void> =>
    expect(await world.run(['sh', '-ec', script])).toMatchObject({ code: 0 })
  const repaired = async (): Promise<void> => {
    await netlab('apply', lab, '-y')
    await watcher.last(isClean)
  }
  beforeAll(async () => {
    lab = file('small', small)
    await netlab('apply', lab, '-y')
    watcher = await openWatcher(world, [lab])
    await watcher.last(isClean)
  })

  test('costs no time while nothing changes', async () => {
    await sleep(3000) // until IPv6 has settled
    const ticks = async (): Promise<number> => {
      const { stdout } = await world.run(['cat', `/proc/${watcher.pid}/stat`])
      const fields = stdout.replace(/^.*\) /s, '').split(' ')
      return Number(fields[11]) + Number(fields[12])
    }
    const spent = async (): Promise<number> => {
      const before = await ticks()
      await sleep(3000)
      return (await ticks()) - before
    }
    // The kernel itself may send something, as IPv6 does from time to time.
    let least = await spent()
    for (let i = 0; i < 4 && least > 1; i++) least = Math.min(least, await spent())
    expect(least).toBeLessThanOrEqual(1)
  })

  test('a process that ends, and a namespace that is deleted', async () => {
    await sh('pkill -f "^sleep 1000"')
    await watcher.last(({ kind, changes }) => kind === 'process' && changes[0]?.id === 'sa/process/p')
    await repaired()
    await sh('ip netns del sb')
    await watcher.last((line) => idsOf(line).includes('create sb'))
    await repaired()
    // It listens in the new one too.
    await sh('ip -n sb route del default')
    await watcher.last((line) => idsOf(line).join() === 'create sb/route/default')
    await repaired()
  })

  test('more reports than the kernel keeps', async () => {
    const many = Array.from({ length: 4000 }, (_, i) => `route add 10.${i >> 8}.${i & 255}.0/24 via 10.0.0.1 table 77`)
    const flush = many.map((line) => line.replace('add', 'del'))
    writeFileSync(join(world.folder, 'batch'), [...many, ...flush].join('\n'))
    await sh(
      `kill -STOP ${watcher.pid}; ip -n sb -batch ${world.folder}/batch; ip -n sb route del default; kill -CONT ${watcher.pid}`,
    )
    await watcher.last((line) => idsOf(line).join() === 'create sb/route/default')
    await repaired()
  })

  test('a lab file that changes, and one with an error', async () => {
    file('small', { ...small, namespaces: { ...small.namespaces, sb: {} } })
    await watcher.last((line) => idsOf(line).join() === 'delete sb/route/default')
    writeFileSync(lab, 'namespaces: [')
    await watcher.last((line) => 'error' in line)
    file('small', small)
    await watcher.last(isClean)
    expect(watcher.stderr()).toContain('error: ')
    watcher.end()
  })

  test('--repair repairs, and gives way to a program that changes it again and again', async () => {
    watcher = await openWatcher(world, [lab, '--repair'])
    await watcher.last(isClean)
    await sh('ip -n sb link set e0 mtu 1400')
    await watcher.last(() => watcher.lines.some(({ kind }) => kind === 'repaired'))
    await watcher.last(isClean)
    expect(watcher.lines.map(({ kind }) => kind)).toEqual(['clean', 'drift', 'repaired', 'clean'])
    expect(idsOf(watcher.lines[2]!)).toEqual(['update sb/e0'])
    const stop = join(world.folder, 'stop')
    const opponent = world.run(['sh', '-c', `until [ -e ${stop} ]; do ip -n sa link set e0 mtu 1300; sleep 0.1; done`])
    await until(
      async () => watcher.stderr(),
      (text) => text.includes(' 3 times'),
      30,
    )
    // What drifts beside it is repaired by itself meanwhile.
    const before = watcher.lines.length
    await sh('ip -n sb link set e0 mtu 1400')
    const alone = (): boolean =>
      watcher.lines.slice(before).some((line) => line.kind === 'repaired' && idsOf(line).join() === 'update sb/e0')
    await until(async () => alone(), Boolean, 20)
    expect(alone()).toBe(true)
    writeFileSync(stop, '')
    await opponent
    expect(watcher.stderr()).toContain(
      'sa/e0 was repaired 2 times, and has changed again: the next repair is 1 s after',
    )
    expect(watcher.stderr()).toContain(
      'sa/e0 was repaired 3 times, and has changed again: the next repair is 2 s after',
    )
    const at = watcher.lines.flatMap((line) =>
      line.kind === 'repaired' && idsOf(line).includes('update sa/e0') ? Date.parse(line.time) : [],
    )
    const gaps = at.slice(1).map((time, i) => time - at[i]!)
    expect(gaps.length).toBeGreaterThanOrEqual(2)
    expect(gaps.filter((gap, i) => gap < [0, 1000, 2000, 4000, 8000][i]!)).toEqual([])
    await watcher.last(isClean, 20)
    watcher.end()
  })
})

/** Watches, changes something as soon as the lab is clean, and ends when that is reported. */
const WATCHING = `
"$@" watch --json lab.yaml >lines &
p=$!
wait_for() { for i in $(seq 200); do ! grep -q "$1" lines || return 0; sleep 0.1; done; }
wait_for '"kind":"clean"'
"$@" exec sb -- ip link set e0 mtu 1400
wait_for '"kind":"drift"'
kill $p
wait $p
code=$?
cat lines
exit $code
`

test('an ordinary user watches in the sandbox', async () => {
  const user = await openUser()
  try {
    const lab = {
      name: 'mine',
      namespaces: { sa: {}, sb: {} },
      links: [{ endpoints: { 'sa:e0': '10.0.0.1/24', 'sb:e0': '10.0.0.2/24' } }],
    }
    writeFileSync(join(user.folder, 'lab.yaml'), JSON.stringify(lab))
    expect((await user.netlab(['apply', 'lab.yaml', '-y'])).code).toBe(0)
    const { code, stdout } = await user.run(['sh', '-c', WATCHING, 'sh', process.execPath, 'dist/netlab.cjs'])
    const lines = stdout.split('\n').flatMap((line) => (line ? [JSON.parse(line) as WatchJson] : []))
    expect(lines.map(idsOf)).toEqual([[], ['update sb/e0']])
    expect(code).toBe(0)
  } finally {
    await user.close()
  }
})
