// Measures the cost of doing without root: the same commands in turn by root, in a world of its own, and by an ordinary user in a
// sandbox. Needs root, to be both. Usage: node bench/rootless.mjs [--rounds N] [--namespaces N] [--json]
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median } from './world.mjs'

const USER = 12345
const checkout = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const { values } = parseArgs({
  options: { rounds: { type: 'string' }, namespaces: { type: 'string' }, json: { type: 'boolean' } },
})
const rounds = Number(values.rounds ?? 9)
const sizes = [...new Set([3, Number(values.namespaces ?? 100)])]

if (process.geteuid() !== 0) {
  console.error('bench/rootless.mjs compares root with an ordinary user: run it as root.')
  process.exit(1)
}

/** A chain of namespaces, each a router to the next. */
const chain = (length) => {
  const names = Array.from({ length }, (_, i) => `n${i}`)
  const link = (i) =>
    `  - endpoints: { "n${i}:r": 10.${i >> 8}.${i & 255}.1/24, "n${i + 1}:l": 10.${i >> 8}.${i & 255}.2/24 }\n`
  return `name: chain-${length}
namespaces:
${names.map((name) => `  ${name}: { forwarding: true }\n`).join('')}links:
${names
  .slice(1)
  .map((_, i) => link(i))
  .join('')}`
}

function own(path) {
  lchownSync(path, USER, USER)
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) own(join(path, entry.name))
    else lchownSync(join(path, entry.name), USER, USER)
}

/** A copy that the user can read, wherever the checkout lies. */
function prepare(folder) {
  mkdirSync(join(folder, 'home'))
  cpSync(join(checkout, 'dist'), join(folder, 'dist'), { recursive: true })
  for (const native of ['koffi', '@koromix'])
    if (existsSync(join(checkout, 'node_modules', native)))
      cpSync(join(checkout, 'node_modules', native), join(folder, 'node_modules', native), { recursive: true })
  for (const size of sizes) writeFileSync(join(folder, `chain-${size}.yaml`), chain(size))
  chmodSync(folder, 0o755)
  own(folder)
}

const folder = mkdtempSync(join(tmpdir(), 'netlab-bench-'))
const script = 'mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set dev lo up && echo && exec cat'
const machine = spawn('unshare', ['--mount', '--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })
try {
  prepare(folder)
  await once(machine.stdout, 'data')
  const env = { PATH: process.env.PATH, HOME: join(folder, 'home'), NETLAB_SANDBOX: undefined }
  const place = ['nsenter', '-m', '-n', '-t', String(machine.pid), `--wdns=${folder}`, '--']
  const user = ['setpriv', '--reuid', String(USER), '--regid', String(USER), '--clear-groups']
  const who = { root: place, user: [...place, ...user] }
  const run = (prefix, args) => {
    const [program, ...rest] = [...prefix, './dist/netlab.cjs', ...args]
    const start = performance.now()
    const { status, stderr } = spawnSync(program, rest, { env, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] })
    if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
    return performance.now() - start
  }
  const rows = []
  for (const size of sizes) {
    const lab = `chain-${size}.yaml`
    const commands = {
      'plan, nothing there': ['plan', lab],
      apply: ['apply', lab, '-y'],
      'plan, nothing to do': ['plan', lab],
      destroy: ['destroy', lab, '-y'],
    }
    const times = Object.fromEntries(Object.keys(commands).map((name) => [name, { root: [], user: [] }]))
    for (let round = 0; round < rounds; round++)
      for (const [name, args] of Object.entries(commands))
        for (const [one, prefix] of Object.entries(who)) times[name][one].push(run(prefix, args))
    for (const [command, { root, user }] of Object.entries(times))
      rows.push({
        namespaces: size,
        command,
        root: median(root),
        user: median(user),
        ratio: median(user) / median(root),
      })
  }
  if (values.json) console.log(JSON.stringify({ format_version: '1.0', rounds, rows }, undefined, 2))
  else {
    console.log('namespaces  command               root      user      ratio')
    for (const { namespaces, command, root, user, ratio } of rows)
      console.log(
        [
          String(namespaces).padStart(10),
          command.padEnd(20),
          `${root.toFixed(0).padStart(5)} ms`,
          `${user.toFixed(0).padStart(5)} ms`,
          ratio.toFixed(2).padStart(7),
        ].join('  '),
      )
  }
} finally {
  machine.stdin.end()
  rmSync(folder, { recursive: true, force: true })
}
