// Measures netlab against the minimum that the kernel needs, and against the usual alternatives: npm run bench -- [--sizes 3,100,1000]
// [--shapes chain,star] [--runs N] [--programs REGEX] [--parts router,rules,links,homes,copies,library,growth,ten-thousand] [--json FILE] [--write]
// See docs/performance.md.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { copies, firewalls, growth, homes, links } from './parts.mjs'
import { library } from './library.mjs'
import { batched, byHand, firewall, lab, records, yaml } from './labs.mjs'
import { inside, median, table } from './world.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const checkout = resolve(here, '..')
const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '3,100,1000' },
    shapes: { type: 'string', default: 'chain,star' },
    runs: { type: 'string', default: '5' },
    programs: { type: 'string', default: '' },
    parts: { type: 'string', default: 'router,rules,links,homes,copies,library,growth,ten-thousand' },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})
/** Runs that take longer than this, in ms, are not repeated. */
const SLOW = 15_000
/** Debian's Python, for which `apt-get install mininet bridge-utils` installs Mininet. */
const PYTHON = '/usr/bin/python3'
const hasMininet = () => spawnSync('sh', ['-c', `${PYTHON} -c 'import mininet' && command -v brctl`]).status === 0
const WORDS = { build: 'build, apply', read: 'read, plan', change: 'change one thing', destroy: 'destroy' }
const OPS = Object.keys(WORDS)

const list = (words) => words.split(',').filter(Boolean)

async function main(folder) {
  const bench = prepare(folder)
  const results = []
  for (const shape of list(values.shapes))
    for (const size of list(values.sizes)) results.push(compare(bench, shape, Number(size)))
  const parts = {
    router: ['The router lab', () => router(bench)],
    rules: ['Rules of a hundred namespaces', () => firewalls(bench)],
    links: ['A hundred links of a living lab', () => links(bench)],
    homes: ['Files of two hundred namespaces', () => homes(bench)],
    copies: ['Copies that are thrown away', () => copies(bench, checkout)],
    library: ['A lab for every test', () => library(bench, checkout)],
    growth: ['Growth without a kernel', () => growth(checkout, folder)],
    'ten-thousand': ['A chain of 10000', () => tenThousand(bench, results)],
  }
  const answers = []
  for (const [name, part] of list(values.parts).map((one) => parts[one])) answers.push({ name, ...(await part()) })
  const report = { format_version: '1.0', ...machine(bench), limits: limits(results, answers), results, parts: answers }
  const text = render(report)
  console.log(text)
  if (values.json) writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`)
  if (values.write) publish(text)
}

/** The tools of a run: the measuring program, and a function that runs a command and measures it. */
function prepare(folder) {
  const rtnl = join(folder, 'rtnl')
  const cc = spawnSync('cc', ['-O2', '-o', rtnl, join(here, 'rtnl.c')], { encoding: 'utf8' })
  if (cc.status !== 0)
    throw new Error(`The benchmark measures with a C program: apt-get install gcc libc6-dev\n${cc.stderr ?? ''}`)
  const netlab = [process.execPath, join(checkout, 'dist/netlab.cjs')]
  if (!existsSync(netlab[1])) throw new Error('npm run build comes first')
  writeFileSync(join(folder, 'firewall.iptables-save'), firewall)
  const env = { ...process.env, XDG_STATE_HOME: folder, NETLAB_BENCH: undefined }
  /** Runs a command to its end: milliseconds, and the largest resident size in MB. */
  const time = (argv, more = {}) => {
    const stdio = ['ignore', 'pipe', 'pipe', 'pipe']
    const ran = spawnSync(rtnl, ['run', ...argv], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...env, ...more },
      stdio,
      maxBuffer: 1 << 30,
    })
    if (ran.status !== 0) throw new Error(`${argv.join(' ').slice(0, 200)}: ${ran.stderr.slice(-800)}`)
    const [ms, kib] = ran.output[3].split(' ').map(Number)
    return { ms, mb: kib / 1024, stdout: ran.stdout }
  }
  return { folder, netlab, rtnl, time, drain: () => time([rtnl, 'drain']).ms, runs: Number(values.runs) }
}

/** Program → operation → argv. */
function programs({ folder, netlab, rtnl }, shape, size) {
  const it = lab(shape, size)
  const put = (name, text) => {
    writeFileSync(join(folder, name), text)
    return name
  }
  const [file, changed] = [put('lab.yaml', yaml(it)), put('changed.yaml', yaml(it, true))]
  const data = put('records', records(it))
  const scripts = (name, of) =>
    Object.fromEntries(OPS.map((op) => [op, ['sh', '-e', put(`${name}.${op}.sh`, `${of[op].join('\n')}\n`)]]))
  const all = {
    'C, rtnetlink': Object.fromEntries(OPS.map((op) => [op, [rtnl, op, data, 'firewall.iptables-save']])),
    netlab: {
      build: [...netlab, 'apply', file, '-y'],
      read: [...netlab, 'plan', file, '--detailed-exitcode'],
      change: [...netlab, 'apply', changed, '-y'],
      destroy: [...netlab, 'destroy', file, '-y'],
    },
    'ip -batch': scripts('batched', batched(it)),
    'one ip per command': scripts('hand', byHand(it)),
  }
  if (hasMininet()) all.Mininet = { self: [PYTHON, join(here, 'mininet-lab.py'), shape, String(size)] }
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => name.startsWith('C') || new RegExp(values.programs).test(name)),
  )
}

/** Runs all programs in turn, repeatedly: program → operation → times in ms. `destroyed` ends when the kernel has removed everything. */
function compare(bench, shape, size) {
  const { time, drain, runs } = bench
  const all = programs(bench, shape, size)
  const times = Object.fromEntries(
    Object.keys(all).map((name) => [name, Object.fromEntries(OPS.map((op) => [op, []]))]),
  )
  const slow = new Set()
  let memory = 0
  for (let run = 0; run < runs; run++)
    for (const [name, ways] of Object.entries(all)) {
      if (slow.has(name)) continue
      if (ways.self) {
        const { stdout, ms } = time(ways.self)
        const [build, destroy] = stdout.trim().split('\n').at(-1).split(' ').map(Number)
        times[name].build.push(build)
        times[name].destroy.push(destroy + drain())
        if (ms > SLOW) slow.add(name)
        continue
      }
      for (const op of OPS) {
        const { ms, mb } = time(ways[op])
        times[name][op].push(op === 'destroy' ? ms + drain() : ms)
        if (name === 'netlab') memory = Math.max(memory, mb)
        if (ms > SLOW) slow.add(name)
        if (op === 'build' && run === 0) mustBeEqual(bench, name)
      }
    }
  return { shape, size, memory_mb: Math.round(memory), times }
}

/** Checks that a program has built the same lab as netlab: `netlab plan --adopt` finds nothing to change in it. */
function mustBeEqual({ netlab, time }, name) {
  const { changes } = JSON.parse(time([...netlab, 'plan', 'lab.yaml', '--adopt', '--json']).stdout)
  if (changes.length)
    throw new Error(
      `${name} builds something else: ${changes
        .map(({ id }) => id)
        .slice(0, 5)
        .join(', ')}`,
    )
}

/** Measures the router lab of the README against a node process that does nothing. */
function router({ netlab, time, drain, runs }) {
  const file = join(checkout, 'labs/router.yaml')
  const ways = {
    'node -e 0': [process.execPath, '-e', '0'],
    'netlab --help': [...netlab, '--help'],
    'netlab validate': [...netlab, 'validate', file],
    'netlab plan': [...netlab, 'plan', file],
    'netlab apply': [...netlab, 'apply', file, '-y'],
    'netlab plan, nothing to do': [...netlab, 'plan', file],
    'netlab destroy': [...netlab, 'destroy', file, '-y'],
  }
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  for (let run = 0; run < Math.max(runs, 9); run++) {
    for (const [name, argv] of Object.entries(ways)) times[name].push(time(argv).ms)
    drain()
  }
  const bare = median(times['node -e 0'])
  return {
    head: ['command', 'ms', 'more than node'],
    rows: Object.entries(times).map(([name, all]) => [name, shown(median(all)), shown(median(all) - bare)]),
  }
}

/** Measures a chain of 10000 against the median of the chain of 1000: it should take ten times as long. */
function tenThousand({ folder, netlab, time, drain }, results) {
  const file = join(folder, 'ten-thousand.yaml')
  writeFileSync(file, yaml(lab('chain', 10_000)))
  const took = {
    build: time([...netlab, 'apply', file, '-y']).ms,
    read: time([...netlab, 'plan', file, '--detailed-exitcode']).ms,
    destroy: time([...netlab, 'destroy', file, '-y']).ms + drain(),
  }
  const small = results.find(({ shape, size }) => shape === 'chain' && size === 1000)?.times.netlab
  return {
    head: ['what', 'ms', 'times the 1000'],
    rows: Object.entries(took).map(([op, ms]) => [
      WORDS[op],
      shown(ms),
      small ? (ms / median(small[op])).toFixed(1) : '–',
    ]),
  }
}

/** The limits that docs/performance.md promises: multiples of C's time, ms more than node, MB, multiples of a lab a tenth as large. */
const LIMITS = {
  'chain of 1000': { build: 1.5, read: 4, destroy: 1.4, memory: 190 },
  'star of 1000': { build: 1.4, read: 2.2, destroy: 1.3, memory: 190 },
  'netlab plan': 100,
  'netlab apply': 100,
  'A chain of 10000': 12,
}

/** `[what, measured, limit]` of everything that was measured and has a limit. */
function limits(results, parts) {
  const labs = results.flatMap(({ shape, size, memory_mb, times }) => {
    const { memory, ...ops } = LIMITS[`${shape} of ${size}`] ?? {}
    if (!memory || !times.netlab) return []
    const ratio = (op) => (median(times.netlab[op]) / median(times['C, rtnetlink'][op])).toFixed(1)
    return [
      ...Object.entries(ops).map(([op, most]) => [`${shape} of ${size}: ${WORDS[op]}, times C`, ratio(op), most]),
      [`${shape} of ${size}: memory, MB`, memory_mb, memory],
    ]
  })
  const rows = parts.flatMap(({ name, rows: all }) =>
    all.flatMap(([what, , more]) => {
      const most = LIMITS[name] ?? LIMITS[what]
      const label = LIMITS[name]
        ? `${name}: ${what}, times the chain of 1000`
        : `router lab: ${what}, ms more than node`
      return most && more !== '–' ? [[label, more, most]] : []
    }),
  )
  return [...labs, ...rows]
}

/** The version in the output of a program. */
function version(...argv) {
  const { stdout } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' })
  return /\d+(\.\d+)+/.exec(stdout ?? '')?.[0] ?? '?'
}

function machine({ netlab, time }) {
  return {
    date: new Date().toISOString().slice(0, 10),
    netlab: time([...netlab, '--version']).stdout.trim(),
    node: process.version,
    kernel: os.release(),
    iproute2: version('ip', '-V'),
    iptables: version('iptables', '-V'),
    cc: version('cc', '-dumpfullversion'),
    mininet: hasMininet() ? version(PYTHON, '-c', 'from mininet.net import VERSION; print(VERSION)') : null,
    cpus: `${os.cpus().length} × ${os.cpus()[0]?.model.trim() ?? '?'}`,
  }
}

const shown = (ms) => (ms < 10 ? ms.toFixed(1) : ms.toFixed(0))
/** `12, 11–15 (1.3)`: the median, the fastest and the slowest, and the multiple of C's median. */
function cell(times, base) {
  if (!times.length) return '–'
  const spread = times.length > 1 ? `, ${shown(Math.min(...times))}–${shown(Math.max(...times))}` : ''
  const ratio = times === base ? '' : ` (${(median(times) / median(base)).toFixed(1)})`
  return `${shown(median(times))}${spread}${ratio}`
}

function render({ date, netlab, node, kernel, iproute2, iptables, cc, mininet, cpus, limits, results, parts }) {
  const blocks = results.map(({ shape, size, memory_mb, times }) => {
    const rows = Object.entries(times).map(([name, ops]) => [
      name,
      ...OPS.map((op) => cell(ops[op], times['C, rtnetlink'][op])),
      String(ops.build.length),
    ])
    return `### A ${shape} of ${size}\n\n${table(['', ...OPS.map((op) => WORDS[op]), 'runs'], rows)}\n\nMost memory of netlab: ${memory_mb} MB.`
  })
  return [
    `netlab ${netlab}, node ${node}, iproute2 ${iproute2}, iptables ${iptables}, cc ${cc}, Linux ${kernel}, ${cpus}, ${date}. Medians in ms, the fastest and the slowest run; in parentheses, how often the C program's median. Who takes longer than ${SLOW / 1000} s for one thing runs once.`,
    ...(mininet ? [`Mininet ${mininet}.`] : ['Without Mininet, which is not installed here.']),
    ...(values.programs ? [`Only C and what is called /${values.programs}/ took part.`] : []),
    ...(limits.length
      ? [
          `### What is promised\n\n${table(
            ['what', 'measured', 'limit', ''],
            limits.map(([what, is, most]) => [what, is, most, Number(is) <= most ? '' : 'missed']),
          )}`,
        ]
      : []),
    ...blocks,
    ...parts.map(({ name, head, rows, note }) => `### ${name}\n\n${table(head, rows)}${note ? `\n\n${note}` : ''}`),
    '',
  ].join('\n\n')
}

const [BEGIN, END] = ['<!-- Written by npm run bench -- --write -->', '<!-- To here -->']
function publish(text) {
  const file = join(checkout, 'docs/performance.md')
  const [before, rest] = readFileSync(file, 'utf8').split(BEGIN)
  writeFileSync(file, `${before}${BEGIN}\n\n${text.trimEnd()}\n\n${END}${rest.split(END)[1]}`)
  spawnSync('npx', ['prettier', '--write', file], { cwd: checkout })
}

const folder = inside()
if (folder) await main(folder)
