// Measures how soon netlab watch tells a change by hand, in a lab of three namespaces and in one of a thousand hosts on one bridge, and what it
// costs while nothing happens: node bench/watch.mjs [--hosts 2,1000] [--changes 200] [--idle 30], as root. See docs/performance.md.
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { firewall, lab, yaml } from './labs.mjs'
import { inside, percentile, table } from './world.mjs'

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '2,1000' },
    changes: { type: 'string', default: '200' },
    idle: { type: 'string', default: '30' },
  },
})
const netlab = [process.execPath, join(resolve(dirname(fileURLToPath(import.meta.url)), '..'), 'dist/netlab.cjs')]
/** What people change by hand in a host of the star, and take back: words of `ip`, each with its opposite. */
const CHANGES = [
  ['route add 10.99.0.0/16 via 10.128.0.1', 'route del 10.99.0.0/16'],
  ['route del default', 'route add default via 10.128.0.1'],
  ['addr add 10.98.0.1/24 dev eth0', 'addr del 10.98.0.1/24 dev eth0'],
  ['link set dev eth0 mtu 1400', 'link set dev eth0 mtu 1500'],
  ['link add name x0 type bridge', 'link del dev x0'],
  ['rule add from 10.97.0.0/16 table main', 'rule del from 10.97.0.0/16 table main'],
  ['neigh add 10.128.255.1 lladdr 02:00:00:00:00:01 dev eth0', 'neigh del 10.128.255.1 dev eth0'],
]

/** Processor time of a process with all its threads, in milliseconds: fields 14 and 15 of proc_pid_stat(5), in hundredths of a second. */
function processorTime(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Starts `netlab watch`: `told` returns when its next line came, and what it said. */
function watching(file) {
  const program = spawn(netlab[0], [netlab[1], 'watch', file, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [lines, waiting] = [[], []]
  createInterface({ input: program.stdout }).on('line', (line) => {
    const at = performance.now()
    const { kind } = JSON.parse(line)
    const next = waiting.shift()
    if (next) next({ at, kind })
    else lines.push({ at, kind })
  })
  const late = (words) =>
    sleep(60_000, undefined, { ref: false }).then(() => Promise.reject(new Error(`${words}: nothing was told`)))
  const next = () => lines.shift() ?? new Promise((done) => waiting.push(done))
  return { program, told: (words) => Promise.race([next(), late(words)]) }
}

/** Milliseconds from each change until it was told; processor time in ms: for a change, and in a second in which nothing happens. */
async function measure(folder, hosts) {
  const file = join(folder, 'star.yaml')
  writeFileSync(file, yaml(lab('star', hosts)))
  writeFileSync(join(folder, 'firewall.iptables-save'), firewall)
  const run = (words) => execFileSync(netlab[0], [netlab[1], words, file, '-y'], { stdio: 'ignore' })
  run('apply')
  const { program, told } = watching(file)
  if ((await told('watch')).kind !== 'clean') throw new Error('the lab is not clean at the start')
  await sleep(hosts * 10) // IPv6 addresses become valid after apply, each of which is a change
  const times = []
  /** Programs that wait for their next line, so that the start of one is not measured. */
  const ips = Array.from({ length: Math.min(hosts, 20) }, (_, i) =>
    spawn('ip', ['-n', `n${Math.floor((i * hosts) / 20)}`, '-batch', '-'], { stdio: ['pipe', 'ignore', 'inherit'] }),
  )
  const start = processorTime(program.pid)
  for (let change = 0; change < Number(values.changes) / 2; change++) {
    const { stdin } = ips[change % ips.length]
    for (const [words, expected] of CHANGES[change % CHANGES.length].map((one, i) => [one, i ? 'clean' : 'drift'])) {
      await sleep(50 + 350 * Math.random())
      const began = performance.now()
      stdin.write(`${words}\n`)
      const { at, kind } = await told(words)
      if (kind !== expected) throw new Error(`${words}: ${kind} was told, not ${expected}`)
      times.push(at - began)
    }
  }
  for (const { stdin } of ips) stdin.end()
  const each = (processorTime(program.pid) - start) / times.length
  await sleep(2000)
  const before = processorTime(program.pid)
  await sleep(Number(values.idle) * 1000)
  const idle = (processorTime(program.pid) - before) / Number(values.idle)
  program.kill('SIGINT')
  run('destroy')
  return { times, each, idle }
}

const folder = inside()
if (folder) {
  const rows = []
  for (const hosts of values.hosts.split(',').map(Number)) {
    const { times, each, idle } = await measure(folder, hosts)
    const within = (times.filter((time) => time <= 200).length / times.length) * 100
    const figures = [0.5, 0.95, 1].map((part) => percentile(times, part).toFixed(0))
    rows.push([
      hosts,
      times.length,
      ...figures,
      within.toFixed(1),
      each.toFixed(0),
      idle.toFixed(1),
      loadavg()[0].toFixed(1),
    ])
  }
  const head = [
    'hosts',
    'changes',
    'median, ms',
    '95 %, ms',
    'most, ms',
    '% within 200 ms',
    'processor, ms a change',
    'processor, ms a second idle',
    'load',
  ]
  console.log(table(head, rows))
}
