import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { machineNames, onMachines, openMachineWorld, type Machines } from '../support/machines.ts'
import '../support/seed.ts'

/** How often something is killed or cut off; each takes about ten seconds. */
const ROUNDS = Number(process.env['NETLAB_ROUNDS'] ?? 5)

const header = 'name: cut\nmachines: { left: { ssh: left }, right: { ssh: right }, third: { ssh: third } }\n'
const labs = [
  `${header}${onMachines('processes: { web: { command: [sleep, infinity] } }, sysctls: { net.ipv4.ip_forward: 1 }')}`,
  // One namespace is on another machine, another is gone, and a link leads elsewhere.
  `${header}
namespaces:
  a: { machine: third }
  b: { machine: right, processes: { web: { command: [sleep, infinity] } } }
  c: { machine: left, bridges: { br0: {} } }
links:
  - endpoints: { "a:eth0": 10.0.1.2/24, "b:a": 10.0.1.1/24 }
  - endpoints: ["b:c", "c:br0"]
  - endpoints: ["a:c", "c:br0"]
`,
]

const asRoot = process.geteuid?.() === 0
if (asRoot) test('whatever is killed or cut off, the next apply makes the lab whole', converges, ROUNDS * 60_000)
else test('is for root: there are no machines to test with', () => expect(asRoot).toBe(false))

const event = fc.record({
  what: fc.constantFrom('netlab', 'connection', 'far netlab', 'short cut', 'long cut'),
  on: fc.constantFrom(...machineNames),
  /** Milliseconds; that of a whole run is about 2000. */
  after: fc.integer({ min: 0, max: 2500 }),
  lab: fc.constantFrom(0, 1),
  command: fc.constantFrom('apply', 'apply', 'destroy'),
})
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

async function converges(): Promise<void> {
  const m = await openMachineWorld()
  try {
    const paths = labs.map((text, i) => m.write(`lab${i}.yaml`, text))
    for (const one of fc.sample(event, ROUNDS)) {
      const said = await disturbed(m, one, paths[one.lab] ?? '')
      const next = paths[one.lab] ?? ''
      const applied = await m.netlab(['apply', '-y', '--lock-timeout', '45', next])
      expect({ one, said, ...applied }).toMatchObject({ code: 0 })
      expect({ one, said, ...(await m.netlab(['plan', '--detailed-exitcode', next])) }).toMatchObject({ code: 0 })
    }
    for (const path of paths) expect(await m.netlab(['destroy', '-y', path])).toMatchObject({ code: 0 })
    expect(await m.rest()).toBe('')
    for (const name of machineNames)
      expect(await m.sh(name, 'pgrep -f "sleep infinit[y]|netlab.cj[s]" -a | grep -v "^1 " || true')).toBe('')
  } finally {
    await m.close()
  }
}

/** Starts a command, lets the event happen, and waits for its end. Returns what it has printed. */
async function disturbed(m: Machines, { what, on, after, command }: Event, path: string): Promise<string> {
  const home = join(m.world.folder, 'home')
  const [program = '', ...words] = [
    ...m.world.enter,
    ...['env', `HOME=${home}`, `PATH=${m.world.folder}/bin:${process.env['PATH']}:/usr/sbin:/sbin`],
    ...[process.execPath, join(process.cwd(), 'dist/netlab.cjs'), command, '-y', '--lock-timeout', '45', path],
  ]
  const child = spawn(program, words, { detached: true })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += data.toString()))
  const ended = once(child, 'close')
  await sleep(after)
  const cut = (state: 'up' | 'down'): Promise<string> => m.sh('here', `ip link set to-${on} ${state}`)
  if (what === 'netlab') {
    if (child.exitCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL')
  } else if (what === 'connection') await m.sh('here', `pkill -KILL -f '^/usr/bin/ssh -F ${home}.* -- ${on} ' || true`)
  else if (what === 'far netlab') await m.sh(on, "pkill -KILL -f 'netlab.cjs machin[e]' || true")
  else {
    await cut('down')
    await Promise.race([ended, sleep(what === 'short cut' ? 2000 : 40_000, undefined, { ref: false })])
    await cut('up')
  }
  await ended
  return said
}
