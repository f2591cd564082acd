import { thisMachine } from '../../src/host/this-machine.ts'
import { loadLab } from '../../src/language/load-lab.ts'
import {
  crowded,
  lostConnections,
  neighborOverflows,
  overflowed,
  sharedLimits,
  type ReadProc,
} from '../../src/observe/limits.ts'

const proc: ReadProc = (path) =>
  ({
    'sys/net/ipv4/neigh/default/gc_thresh3': '1024\n',
    'sys/kernel/pid_max': '32768\n',
    'self/limits':
      'Limit  Soft  Hard\nMax open files            256                  524288               files     \n',
    'net/stat/arp_cache': 'entries  allocs table_fulls\n00000002 00000220 0000000a\n00000002 00000001 00000001\n',
  })[path]

/** A star of so many hosts, and a check from each to every other that `to` allows. */
const star = (hosts: number) =>
  loadLab({
    file: 'lab.yaml',
    text: `
namespaces: { sw: { bridges: { br0: } }, "h[1..${hosts}]": }
links: [{ endpoints: { "h[1..${hosts}]:e0": "10.0.0.{i}/24", "sw:br0": } }]
checks: [{ from: "h[1..${hosts}]", ping: "h[i+1..${hosts}]" }]
`,
  })

test('checks of all pairs of many hosts are warned of, and of few they are not', () => {
  const [many, few] = [star(64), star(32)]
  expect(many.checks).toHaveLength(2016)
  expect(crowded(many.topology, many.checks, proc)).toMatchObject([
    { severity: 'warning', summary: expect.stringContaining('4032') as string },
  ])
  expect(crowded(many.topology, many.checks, proc)[0]?.detail).toContain(
    'sysctl -w net.ipv4.neigh.default.gc_thresh3=8192',
  )
  expect(crowded(few.topology, few.checks, proc)).toEqual([])
  expect(crowded(many.topology, many.checks, () => undefined)).toEqual([])
})

test('the limits say what they are enough for, those that are visible', () => {
  expect(sharedLimits(proc).map(({ name, value }) => [name, value])).toEqual([
    ['net.ipv4.neigh.default.gc_thresh3', 1024],
    ['kernel.pid_max', 32768],
    ['open files', 256],
  ])
  expect(sharedLimits(proc)[0]?.purpose).toContain('32 hosts')
})

test('that the table of neighbours was full is counted and said', () => {
  expect(neighborOverflows(proc)).toBe(11)
  expect(neighborOverflows(() => undefined)).toBe(0)
  expect(overflowed(0, proc)).toEqual([])
  expect(overflowed(3, proc)[0]?.summary).toContain('3 times')
})

test('more namespaces or processes than the machine takes are warned of, with the fix', () => {
  const text = 'namespaces: { "n[1..300]": { processes: { p: { command: [sleep, "9"] } } } }'
  const { topology } = loadLab({ file: 'lab.yaml', text })
  const small: ReadProc = (path) =>
    ({ 'sys/fs/mount-max': '500\n', 'sys/kernel/pid_max': '599\n', 'sys/kernel/threads-max': '600\n' })[path]
  const warnings = crowded(topology, [], small).map(({ summary, detail }) => `${summary}. ${detail}`)
  expect(warnings).toEqual([
    expect.stringMatching(/needs 600 mounts .* fs\.mount-max is 500.*sysctl -w fs\.mount-max=2048/),
    expect.stringMatching(/needs 600 processes, and kernel\.pid_max is 599/),
  ])
  expect(crowded(topology, [], proc)).toEqual([])
})

test('a namespace whose table of connections was full is named', async () => {
  const head = 'entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop\n'
  const rows = { full: '1 0 0 0 0 0 0 0 0 5 0a 1\n1 0 0 0 0 0 0 0 0 0 1 0\n', fine: '1 0 0 0 0 0 0 0 0 5 0 0\n' }
  const run = async ({ netns }: { readonly netns?: string }) => ({
    code: 0,
    stdout: head + (rows[netns as 'full'] ?? ''),
    stderr: '',
  })
  const places = new Map([...Object.keys(rows), 'none'].map((name) => [name, name]))
  expect(await lostConnections(places, { host: { ...thisMachine, run } })).toMatchObject([
    { summary: expect.stringMatching(/^full .* 12 /) },
  ])
})
