// Measures what several machines cost: a chain on three machines beside the same on one, and the round trips that plan and apply wait
// for: node bench/machines.mjs [--size 1000] [--runs 3] [--delay 400], as root. All machines are this one. See docs/performance.md.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { lab, yaml } from './labs.mjs'
import { inside, median, table } from './world.mjs'

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '3' },
    delay: { type: 'string', default: '400' },
    // How this program calls itself, between netlab and a machine.
    relay: { type: 'string' },
  },
  allowPositionals: true,
  strict: false,
})
const [size, runs, delay] = [values.size, values.runs, values.delay].map(Number)
const me = fileURLToPath(import.meta.url)
const netlab = join(resolve(dirname(me), '..'), 'dist/netlab.cjs')
const NAMES = ['left', 'middle', 'right']

/** Runs a command whose input and output arrive half of `ms` later each: a way of `ms` there and back. */
function relay(ms, [program, ...words]) {
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] })
  const late = (from, to) => {
    from.on('data', (data) => setTimeout(() => to.write(data), ms / 2))
    from.on('end', () => setTimeout(() => to.end(), ms / 2))
    to.on('error', () => {})
  }
  late(process.stdin, child.stdin)
  late(child.stdout, process.stdout)
  child.on('exit', (code) => setTimeout(() => process.exit(code ?? 1), ms / 2 + 10))
}

/** Makes the machines: namespaces of networks, mounts and processes, on one bridge. Returns the words that enter each. */
async function machines(folder) {
  const sh = (script, ...words) => {
    const { status, stdout, stderr } = spawnSync('sh', ['-ec', script, 'sh', ...words], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    return stdout.trim()
  }
  sh('ip link add switch type bridge; ip link set switch up; ip addr add 192.168.9.1/24 dev switch')
  const enter = {}
  for (const [i, name] of NAMES.entries()) {
    const ready = join(folder, `${name}.ready`)
    const script = `mount -t tmpfs tmpfs /run; mkdir /run/netns; mount -t sysfs sysfs /sys; ip link set lo up; echo >${ready}; exec sleep infinity`
    const words = [
      '-n',
      '-m',
      '-p',
      '-f',
      '--mount-proc',
      '--propagation',
      'private',
      '--kill-child',
      'sh',
      '-c',
      script,
    ]
    const { pid } = spawn('unshare', words, { stdio: 'ignore' })
    while (spawnSync('test', ['-e', ready]).status !== 0) await sleep(20)
    const first = sh('cat /proc/$1/task/$1/children', String(pid))
    sh(
      `ip link add to-$2 type veth peer name eth0 netns $1; ip link set to-$2 master switch up
      nsenter --net=/proc/$1/ns/net sh -ec "ip addr add $3/24 dev eth0; ip link set eth0 up"`,
      ...[first, name, `192.168.9.${i + 2}`],
    )
    enter[name] = [
      'nsenter',
      `--target=${first}`,
      '--net',
      '--mount',
      '--pid',
      '--',
      'env',
      'XDG_CACHE_HOME=/run/cache',
    ]
  }
  return enter
}

/** The first lines of a lab on these machines, each reached through `before`. */
const spread = (enter, before = []) =>
  `place: auto\nmachines:\n${NAMES.map((name, i) => `  ${name}: { run: ${JSON.stringify([...before, ...enter[name]])}, address: 192.168.9.${i + 2} }\n`).join('')}`

/** How long netlab takes, in milliseconds. Throws when it fails. */
function time(...words) {
  const began = performance.now()
  const { status, stderr, stdout } = spawnSync(process.execPath, [netlab, ...words], { encoding: 'utf8' })
  const ms = performance.now() - began
  if (status !== 0) throw new Error(`netlab ${words.join(' ')}: ${stderr}${stdout}`)
  return ms
}

/** Applies, plans and destroys a lab; how long each took. */
const once = (file) => ({
  apply: time('apply', file, '-y', '--no-lint'),
  plan: time('plan', file, '--no-lint'),
  destroy: time('destroy', file, '-y'),
})

/** Compares two files in turn: of each command the median times of the first and of the second. */
function compare(first, second) {
  const found = Array.from({ length: runs }, () => [once(first), once(second)])
  return ['plan', 'apply', 'destroy'].map((command) => [
    command,
    ...[0, 1].map((which) => median(found.map((both) => both[which][command]))),
  ])
}

async function main(folder) {
  process.env.XDG_CACHE_HOME = join(folder, 'cache')
  const enter = await machines(folder)
  const write = (name, text) => {
    const path = join(folder, name, 'lab.yaml')
    mkdirSync(join(folder, name))
    writeFileSync(path, text)
    return path
  }
  const chain = (length) => yaml(lab('chain', length))
  const ms = (number) => number.toFixed(0)
  const small = chain(12)
  const late = (much) => ['node', me, '--relay', String(much), '--']
  const near = write('near', `${spread(enter, late(0))}${small}`)
  once(near) // netlab is sent to the machines
  const trips = compare(near, write('far', `${spread(enter, late(delay))}${small}`))
  console.log(`A chain of 12 on three machines, with ${delay} ms to each and back:\n`)
  console.log(
    table(
      ['command', 'without, ms', 'with, ms', 'round trips'],
      trips.map(([command, a, b]) => [command, ms(a), ms(b), ((b - a) / delay).toFixed(1)]),
    ),
  )
  const whole = chain(size)
  const ratios = compare(write('one', whole), write('three', `${spread(enter)}${whole}`))
  console.log(`\nA chain of ${size} on one machine and on three, which are all this one:\n`)
  console.log(
    table(
      ['command', 'one, ms', 'three, ms', 'ratio'],
      ratios.map(([command, a, b]) => [command, ms(a), ms(b), (b / a).toFixed(2)]),
    ),
  )
  process.exit(0)
}

if (values.relay !== undefined) {
  const words = process.argv.slice(process.argv.indexOf('--') + 1)
  relay(Number(values.relay), words)
} else {
  const folder = inside()
  if (folder !== undefined) await main(folder)
}
