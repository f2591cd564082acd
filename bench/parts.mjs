// Measures single features, each against the usual way to do the same, in one run.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lab, yaml } from './labs.mjs'
import { median } from './world.mjs'

const shown = (ms) => (ms < 10 ? ms.toFixed(1) : ms.toFixed(0))
const rounds = 3

/** Ten nft rules in each of a hundred namespaces: an apply with them less one without, and a process of nft for each. */
export function firewalls({ folder, netlab, time, drain }) {
  const port = (i) => `tcp dport ${8000 + i} accept`
  const rules = Array.from({ length: 10 }, (_, i) => port(i)).join('; ')
  const text = () => `table inet own { chain input { type filter hook input priority filter; ${rules}; }; }\n`
  const file = (name, rule) => {
    const namespaces = Array.from({ length: 100 }, (_, i) => `  n${i}: ${rule(i)}`).join('\n')
    writeFileSync(join(folder, name), `name: rules\nnamespaces:\n${namespaces}\n`)
    return name
  }
  // Different rule sets, so that nothing is gained from equal ones.
  const [bare, ruled] = [
    file('bare.yaml', () => '{}'),
    file('ruled.yaml', (i) => `{ nftables: ${JSON.stringify(text().replace('8000', String(9000 + i)))} }`),
  ]
  writeFileSync(join(folder, 'own.nft'), text())
  writeFileSync(join(folder, 'each.sh'), 'for i in $(seq 0 99); do ip netns exec n$i nft -f own.nft; done\n')
  const list = 'nft -a -s list ruleset'
  writeFileSync(join(folder, 'list.sh'), `for i in $(seq 0 99); do ip netns exec n$i ${list} >/dev/null; done\n`)
  const times = { with: [], without: [], each: [], again: [], plan: [], barePlan: [] }
  for (let round = 0; round < rounds; round++) {
    times.barePlan.push(time([...netlab, 'plan', bare]).ms)
    times.plan.push(time([...netlab, 'plan', ruled]).ms)
    times.without.push(time([...netlab, 'apply', bare, '-y']).ms)
    times.each.push(time(['sh', '-e', 'each.sh']).ms)
    times.again.push(time(['sh', '-e', 'list.sh']).ms)
    time([...netlab, 'destroy', bare, '-y'])
    drain()
    times.with.push(time([...netlab, 'apply', ruled, '-y']).ms)
    time([...netlab, 'destroy', ruled, '-y'])
    drain()
  }
  const {
    with: all,
    without: none,
    each,
    again,
    plan,
    barePlan,
  } = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]))
  return {
    head: ['what', 'ms'],
    rows: [
      ['netlab apply, namespaces alone', shown(none)],
      ['netlab apply, ten rules in each', shown(all)],
      ['so the rules cost (checked, loaded, read again)', shown(all - none)],
      ['checking them alone (a plan with less a plan without)', shown(plan - barePlan)],
      ['so loading them and reading them again', shown(all - none - (plan - barePlan))],
      ['one nft process for each', shown(each)],
      ['and one for each to read them again', shown(again)],
    ],
  }
}

/** Removes a hundred hosts from a switch that stays. */
export function links({ folder, netlab, time, drain }) {
  const whole = lab('star', 120)
  const less = { ...whole, cables: whole.cables.slice(0, 20) }
  const left = new Set(less.cables.map(([, , , port]) => port))
  less.nodes = whole.nodes.map((node, i) => ({
    ...node,
    ends: node.bridge ? node.ends.filter(({ dev }) => left.has(dev)) : i < 20 ? node.ends : [],
    routes: i < 20 ? node.routes : [],
  }))
  writeFileSync(join(folder, 'whole.yaml'), yaml(whole).replace('star-120', 'leaving'))
  writeFileSync(join(folder, 'less.yaml'), yaml(less).replace('star-120', 'leaving'))
  writeFileSync(join(folder, 'leave.sh'), 'for i in $(seq 20 119); do ip -n sw link del n$i~eth0; done\n')
  const times = { netlab: [], plan: [], each: [] }
  for (let round = 0; round < rounds; round++) {
    time([...netlab, 'apply', 'whole.yaml', '-y'])
    times.each.push(time(['sh', '-e', 'leave.sh']).ms)
    time([...netlab, 'apply', 'whole.yaml', '-y'])
    times.netlab.push(time([...netlab, 'apply', 'less.yaml', '-y']).ms)
    times.plan.push(time([...netlab, 'plan', 'less.yaml']).ms)
    time([...netlab, 'destroy', 'less.yaml', '-y'])
    drain()
  }
  return {
    head: ['what', 'ms'],
    rows: [
      ['netlab apply, with a hundred cables less', shown(median(times.netlab))],
      ['netlab plan, nothing to do', shown(median(times.plan))],
      ['one ip link del for each', shown(median(times.each))],
    ],
  }
}

/** Two hundred hosts at a switch: alone, with files of their own, and with ten files in each. */
export function homes({ folder, netlab, time, drain }) {
  const tenFiles = Array.from({ length: 10 }, (_, i) => `/etc/app/f${i}.conf: { content: "host {i}, file ${i}" }`)
  const hosts = { alone: '', home: "hostname: 'n{i}'", files: `files: { ${tenFiles.join(', ')} }` }
  for (const [name, fields] of Object.entries(hosts))
    writeFileSync(
      join(folder, `${name}.yaml`),
      `name: homes
namespaces:
  n[1..200]: { ${fields} }
  sw: { bridges: { br0: } }
links:
  - endpoints: { 'n[1..200]:eth0': '10.0.0.{i}/16', sw:br0: }
`,
    )
  const apply = { alone: [], home: [], files: [] }
  const plan = { alone: [], home: [], files: [] }
  for (let round = 0; round < rounds; round++)
    for (const name of Object.keys(hosts)) {
      apply[name].push(time([...netlab, 'apply', `${name}.yaml`, '-y']).ms)
      plan[name].push(time([...netlab, 'plan', `${name}.yaml`]).ms)
      time([...netlab, 'destroy', `${name}.yaml`, '-y'])
      drain()
    }
  const row = (what, name) => {
    const more = median(apply[name]) - median(apply.alone)
    return [what, shown(median(apply[name])), name === 'alone' ? '–' : shown(more), shown(median(plan[name]))]
  }
  return {
    head: ['two hundred hosts', 'apply, ms', 'more than alone', 'plan, nothing to do'],
    rows: [row('alone', 'alone'), row('with a home', 'home'), row('with ten files each', 'files')],
  }
}

/** Builds labs in throw-away copies, and the same labs where they stay. */
export function copies({ folder, netlab, time, drain }, checkout) {
  const router = join(checkout, 'labs/router.yaml')
  const file = join(folder, 'copied.yaml')
  writeFileSync(file, yaml(lab('chain', 1000)))
  const ways = {
    'router lab: test --fresh': [['test', '--fresh', router]],
    'router lab: test, of what is live': [['test', router]],
    'chain of 1000: test --fresh': [['test', '--fresh', file]],
    'chain of 1000: apply and destroy': [
      ['apply', file, '-y'],
      ['destroy', file, '-y'],
    ],
  }
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  time([...netlab, 'apply', router, '-y'])
  for (let round = 0; round < rounds; round++)
    for (const [name, commands] of Object.entries(ways)) {
      const took = commands.map((command) => time([...netlab, ...command]).ms)
      times[name].push(took.reduce((sum, ms) => sum + ms, 0) + drain())
    }
  time([...netlab, 'destroy', router, '-y'])
  return { head: ['what', 'ms'], rows: Object.entries(times).map(([name, all]) => [name, shown(median(all))]) }
}

/** Runs only the loader and the planner: the time per namespace must not grow with their number. */
export async function growth(checkout, folder) {
  const { build } = await import('esbuild')
  const source = `export { loadLab } from './src/language/load-lab.ts'; export { makePlan } from './src/plan/make-plan.ts'; export { planJson } from './src/views/json.ts'`
  const outfile = join(folder, 'growth.cjs')
  const stdin = { contents: source, resolveDir: checkout, loader: 'ts' }
  await build({ stdin, bundle: true, platform: 'node', format: 'cjs', outfile, logLevel: 'error' })
  const { createRequire } = await import('node:module')
  const { loadLab, makePlan, planJson } = createRequire(outfile)(outfile)
  const readBeside = () => ''
  const rows = []
  for (const shape of ['chain', 'star'])
    for (const size of [100, 300, 1000, 3000]) {
      const text = yaml(lab(shape, size)).replace(/ {4}iptables:\n.*\n/, '')
      const each = { load: [], plan: [] }
      for (let round = 0; round < 5; round++) {
        const start = performance.now()
        const { resources } = loadLab({ file: 'lab.yaml', text, readBeside })
        const loaded = performance.now()
        planJson(makePlan({ lab: 'lab', desired: resources, live: new Map() }))
        const planned = performance.now()
        makePlan({ lab: 'lab', desired: resources, live: resources })
        each.load.push(loaded - start)
        each.plan.push(performance.now() - planned + (planned - loaded))
      }
      const micros = (times) => ((median(times) * 1000) / size).toFixed(0)
      rows.push([
        shape,
        String(size),
        shown(median(each.load)),
        micros(each.load),
        shown(median(each.plan)),
        micros(each.plan),
      ])
    }
  return { head: ['lab', 'namespaces', 'load, ms', 'µs each', 'two plans, ms', 'µs each'], rows }
}
