// Measures netlab reach against one ping program per pair, as Mininet's pingAll runs them from a shell in each host:
// node bench/reach.mjs [--hosts 100] [--sample 500], as root. Without --sample every pair is pinged. See docs/performance.md.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { inside, table } from './world.mjs'

const { values } = parseArgs({ options: { hosts: { type: 'string', default: '100' }, sample: { type: 'string' } } })
const netlab = join(resolve(dirname(fileURLToPath(import.meta.url)), '..'), 'dist/netlab.cjs')
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
  const pings = seconds(() => {
    for (let from = 1; from <= senders; from++) {
      const targets = Array.from({ length: hosts }, (_, i) => address(i + 1)).filter((_, i) => i + 1 !== from)
      run(['ip', 'netns', 'exec', `h${from}`, 'sh', '-c', script, 'sh', ...targets])
    }
  })
  const each = pings / (senders * (hosts - 1))
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
      ],
    ),
  )
  console.log(
    `All ${pairs} pairs by ping programs: ${(each * pairs).toFixed(1)} s, ${((each * pairs) / whole).toFixed(0)} times as long.`,
  )
}
