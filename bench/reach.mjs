// Measures netlab reach beside one ping program per pair, and beside Mininet's pingAll where Mininet is installed:
// node bench/reach.mjs [--hosts 100] [--sample 500] [--runs 5] [--unlike] [--without-mininet], as root.
// netlab and pingAll ask for all pairs, ping programs for as many as --sample says. With --unlike, a rule of the lab that decides by chance
// keeps netlab from telling hosts that are alike: it tries every pair, however many there are. See docs/performance.md.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { inside, median, table } from './world.mjs'

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '100' },
    sample: { type: 'string', default: '500' },
    runs: { type: 'string', default: '5' },
    unlike: { type: 'boolean' },
    'without-mininet': { type: 'boolean' },
  },
})
const here = dirname(fileURLToPath(import.meta.url))
const netlab = join(resolve(here, '..'), 'dist/netlab.cjs')
const hosts = Number(values.hosts)
const pairs = hosts * (hosts - 1)

/**
 * Gives the kernel room for the neighbours of all pairs; its own 1024 are too few for pingAll. They are of the whole machine: a shell that waits
 * for the end of this process, however it ends, sets them back.
 */
function makeRoom() {
  const files = [3, 2, 1].map((n) => `/proc/sys/net/ipv4/neigh/default/gc_thresh${n}`)
  const before = files.map((file) => readFileSync(file, 'utf8').trim())
  const restore = 'trap "" INT TERM HUP; cat >/dev/null; while [ $# -gt 0 ]; do echo "$2" >"$1"; shift 2; done'
  const words = files.flatMap((file, i) => [file, before[i]])
  const guard = spawn('setsid', ['sh', '-c', restore, 'sh', ...words], { stdio: ['pipe', 'ignore', 'inherit'] })
  guard.unref()
  guard.stdin.unref()
  for (const [i, file] of files.entries()) writeFileSync(file, String(Math.max(Number(before[i]), 8 * pairs)))
}

const run = (argv) =>
  execFileSync(argv[0], argv.slice(1), { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'ignore'] })
const seconds = (act) => {
  const start = performance.now()
  act()
  return (performance.now() - start) / 1000
}
const forget = () => run(['sh', '-c', 'for n in /run/netns/*; do ip -n "${n##*/}" neigh flush all; done'])

/** netlab reach as a process of its own, from its start to its end, with no neighbours known. */
function reach(file, meter) {
  forget()
  let result
  const took = seconds(() => {
    result = spawnSync(process.execPath, ['--require', meter, netlab, 'reach', '--lab', file, '--json'], {
      encoding: 'utf8',
      maxBuffer: 1 << 30,
    })
  })
  if (result.status !== 0) throw new Error(result.stderr)
  const found = JSON.parse(result.stdout).pairs
  if (found.length !== pairs || found.some(({ reached }) => !reached)) throw new Error('not every pair was reached')
  const [, cpu, memory] = /^used (\S+) (\S+)$/m.exec(result.stderr)
  return { took, cpu: Number(cpu), memory: Number(memory), tried: found.filter(({ like }) => !like).length }
}

/** The time of a ping program per pair: the first hosts ping all others, until there are as many pairs as the sample has. */
function pingPrograms() {
  const senders = Math.min(hosts, Math.max(1, Math.round(Number(values.sample) / (hosts - 1))))
  const script = 'for to; do ping -c 1 -W 1 "$to" >/dev/null || exit 1; done'
  forget()
  let took = 0
  for (let from = 1; from <= senders; from++) {
    const targets = Array.from({ length: hosts }, (_, i) => address(i + 1)).filter((_, i) => i + 1 !== from)
    took += seconds(() => run(['ip', 'netns', 'exec', `h${from}`, 'sh', '-c', script, 'sh', ...targets]))
  }
  return { took, count: senders * (hosts - 1) }
}
const address = (i) => `10.0.${i >> 8}.${i & 255}`

function measure(folder) {
  const file = join(folder, 'star.yaml')
  const chance = '{ filter: { INPUT: ["-m statistic --mode random --probability 0.5 -j ACCEPT"] } }'
  writeFileSync(
    file,
    `name: star
namespaces: { "h[1..${hosts}]": {}, sw: { bridges: { br0: {} }${values.unlike ? `, iptables: ${chance}` : ''} } }
links: [{ endpoints: { "h[1..${hosts}]:eth0": "10.0.{i/256}.{i%256}/16", sw:br0: } }]
`,
  )
  const meter = join(folder, 'meter.cjs')
  writeFileSync(
    meter,
    `process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  console.error('\\nused ' + (userCPUTime + systemCPUTime) / 1e6 + ' ' + Math.round(maxRSS / 1024))
})
`,
  )
  run([process.execPath, netlab, 'apply', file, '-y'])
  const reached = Array.from({ length: Number(values.runs) }, () => reach(file, meter))
  const pings = pingPrograms()
  run([process.execPath, netlab, 'destroy', file, '-y'])
  const whole = median(reached.map(({ took }) => took))
  const cpu = median(reached.map(({ cpu }) => cpu))
  const rows = [
    ['netlab reach, from its start to its end', `${pairs} (${reached[0].tried} tried)`, whole],
    ['a ping program per pair', pings.count, pings.took],
  ]
  const times = [`ping programs ${(((pings.took / pings.count) * pairs) / whole).toFixed(0)}`]
  if (!values['without-mininet']) {
    const { status, stdout, stderr } = spawnSync('/usr/bin/python3', [join(here, 'mininet-ping.py'), String(hosts)], {
      encoding: 'utf8',
    })
    if (status === 0) {
      rows.push(["Mininet's pingAll", pairs, Number(stdout)])
      times.push(`pingAll ${(Number(stdout) / whole).toFixed(0)}`)
    } else console.log(`Without Mininet: ${stderr.trim().split('\n').at(-1)}\n`)
  }
  const each = ([program, count, took]) => [
    program,
    count,
    took.toFixed(2),
    ((took * 1000) / Number.parseInt(count)).toFixed(3),
  ]
  console.log(table(['program', 'pairs', 'seconds', 'ms a pair'], rows.map(each)))
  const least = Math.min(...reached.map(({ took }) => took)).toFixed(2)
  const memory = Math.max(...reached.map(({ memory }) => memory))
  console.log(
    `\nnetlab: the median of ${reached.length} runs (the least: ${least} s), ${cpu.toFixed(2)} s of processor time, ${memory} MiB.`,
    `\nFor all pairs, ${times.join(' and ')} times as long. Load: ${loadavg()[0].toFixed(1)}.`,
  )
}

if (!process.env.NETLAB_BENCH) makeRoom()
const folder = inside()
if (folder) measure(folder)
