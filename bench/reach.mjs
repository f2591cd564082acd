// Measures netlab reach against one ping program per pair, and against Mininet's pingAll where Mininet is installed:
// node bench/reach.mjs [--hosts 100] [--sample 500], as root. With --sample only so many pairs are pinged, and Mininet has so many hosts that it pings no more.
// See docs/performance.md.
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { inside, table } from './world.mjs'

const { values } = parseArgs({ options: { hosts: { type: 'string', default: '100' }, sample: { type: 'string' } } })
const here = dirname(fileURLToPath(import.meta.url))
const netlab = join(resolve(here, '..'), 'dist/netlab.cjs')
const run = (argv) =>
  execFileSync(argv[0], argv.slice(1), { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'ignore'] })
const seconds = (act) => {
  const start = performance.now()
  act()
  return (performance.now() - start) / 1000
}

const folder = inside()
if (folder) {
  const hosts = Number(values.hosts)
  const pairs = hosts * (hosts - 1)
  const file = join(folder, 'star.yaml')
  const address = (i) => `10.0.${i >> 8}.${i & 255}`
  writeFileSync(
    file,
    `name: star
namespaces: { "h[1..${hosts}]": {}, sw: { bridges: { br0: {} } } }
links: [{ endpoints: { "h[1..${hosts}]:eth0": "10.0.{i/256}.{i%256}/16", sw:br0: } }]
`,
  )
  run([process.execPath, netlab, 'apply', file, '-y'])
  let answer
  const whole = seconds(() => (answer = run([process.execPath, netlab, 'reach', '--lab', file, '--json'])))
  const found = JSON.parse(answer).pairs
  if (found.length !== pairs || found.some(({ reached }) => !reached)) throw new Error('not every pair was reached')
  const tried = found.filter(({ like }) => !like).length
  // The first hosts ping all others, until there are as many pairs as were asked for.
  const senders = Math.max(1, Math.ceil(Number(values.sample ?? pairs) / (hosts - 1)))
  const script = 'for to; do ping -c 1 -W 1 "$to" >/dev/null || exit 1; done'
  const forget = ['sh', '-c', 'for n in /run/netns/*; do ip -n "${n##*/}" neigh flush all; done']
  let pings = 0
  for (let from = 1; from <= senders; from++) {
    const targets = Array.from({ length: hosts }, (_, i) => address(i + 1)).filter((_, i) => i + 1 !== from)
    run(forget) // all namespaces share one table of neighbours
    pings += seconds(() => run(['ip', 'netns', 'exec', `h${from}`, 'sh', '-c', script, 'sh', ...targets]))
  }
  const each = pings / (senders * (hosts - 1))
  run([process.execPath, netlab, 'destroy', file, '-y'])
  // As many hosts as have no more pairs than are to be pinged.
  const few = values.sample ? Math.max(2, Math.floor((1 + Math.sqrt(1 + 4 * Number(values.sample))) / 2)) : hosts
  const mininet = spawnSync('/usr/bin/python3', [join(here, 'mininet-ping.py'), String(few)], { encoding: 'utf8' })
  const inMininet = mininet.status === 0 ? Number(mininet.stdout) : undefined
  if (inMininet === undefined) console.log(`Without Mininet: ${mininet.stderr.trim().split('\n').at(-1)}\n`)
  const ofMininet = inMininet / (few * (few - 1))
  console.log(
    table(
      ['program', 'pairs', 'seconds', 'ms a pair'],
      [
        [
          'netlab reach, from its start to its end',
          `${pairs} (${tried} tried)`,
          whole.toFixed(2),
          ((whole * 1000) / pairs).toFixed(3),
        ],
        ['a ping program per pair', senders * (hosts - 1), pings.toFixed(2), (each * 1000).toFixed(3)],
        ...(inMininet === undefined
          ? []
          : [['pingAll of Mininet', few * (few - 1), inMininet.toFixed(2), (ofMininet * 1000).toFixed(3)]]),
      ],
    ),
  )
  const all = (what, ofPair) =>
    console.log(
      `All ${pairs} pairs by ${what}: ${(ofPair * pairs).toFixed(1)} s, ${((ofPair * pairs) / whole).toFixed(0)} times as long.`,
    )
  all('ping programs', each)
  if (inMininet !== undefined) all('pingAll', ofMininet)
}
