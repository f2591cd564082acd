import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { process as kind, processResource, type ProcessSpec } from '../../src/kinds/process.ts'
import { namelessOf, processTag } from '../../src/model/owner.ts'
import { makePlan } from '../../src/plan/make-plan.ts'
import type { Resource } from '../../src/model/resource.ts'
import { planJson } from '../../src/views/json.ts'
import { renderCommands } from '../../src/views/plan-text.ts'

const spec: ProcessSpec = { name: 'web', command: ['nginx', '-g', 'daemon off;'], env: { A: '1', B: '2' } }
const fields = (live: ProcessSpec, desired: ProcessSpec): string[] =>
  kind.compare(live, desired).map(({ field }) => field)

test('what makes a difference, and what does not', () => {
  expect(fields(spec, spec)).toEqual([])
  expect(fields({ ...spec, env: { B: '2', A: '1' }, restart: 'never' }, { ...spec, ready: { tcp: 80 } })).toEqual([])
  expect(fields(spec, { ...spec, command: ['nginx'] })).toEqual(['command'])
  expect(fields(spec, { ...spec, env: { A: '1' } })).toEqual(['env.B'])
  expect(kind.compare(spec, { ...spec, env: { A: '2', B: '2', C: '3' } })).toMatchObject([
    { field: 'env.A', from: '1', to: '2' },
    { field: 'env.C', to: '3' },
  ])
  expect(fields(spec, { ...spec, dir: '/elsewhere' })).toEqual([])
  expect(fields({ ...spec, env: {} }, { name: 'web', command: spec.command })).toEqual([])
  expect(fields(spec, { ...spec, cwd: '/srv', restart: 'always' })).toEqual(['restart', 'cwd'])
  expect(fields(spec, { ...spec, ready: { log: '/up/' }, after: ['a/db'] })).toEqual([])
  expect(fields(spec, { ...spec, user: 'nobody', stop: 'SIGINT', stop_timeout: 5 })).toEqual([
    'user',
    'stop',
    'stop_timeout',
  ])
  expect(fields({ name: 'web', command: [], state: 'stray' }, spec)).toEqual(['state'])
  expect(kind.compare(spec, { ...spec, command: ['nginx'] }).every(({ forces }) => forces)).toBe(true)
})

test('a live one is what its mark says; a mark that says nothing is a stray', () => {
  const found = { namespace: 'a', name: 'web', root: false, state: 'running' as const }
  expect(processResource({ ...found, spec: JSON.stringify(spec) })).toEqual({
    id: 'a/process/web',
    kind: 'process',
    namespace: 'a',
    spec,
  })
  const once = { ...spec, once: true }
  expect(processResource({ ...found, spec: JSON.stringify(once) }).spec['state']).toBe('unfinished')
  expect(processResource({ ...found, spec: JSON.stringify(once), done: true }).spec).toEqual(once)
  for (const text of ['', 'null', '{"command":"x"}', '{'])
    expect(processResource({ ...found, spec: text }).spec['state']).toBe('stray')
})

const process: Resource = { id: 'a/process/web', kind: 'process', namespace: 'a', spec }
const namespace: Resource = { id: 'a', kind: 'namespace', namespace: 'a', spec: {} }
const map = (...list: Resource[]) => new Map(list.map((r) => [r.id, r]))

test('values are words of their own, never part of the script', () => {
  const hostile = {
    ...process,
    spec: { ...spec, command: ['x', '"; reboot; $(reboot) `reboot`'], env: { A: "'; reboot" } },
  }
  const { steps } = makePlan({ lab: 'lab', desired: map(namespace, hostile), live: map(namespace) })
  const argv = commandOf(steps[0]!.operation).argv
  expect(argv.slice(-3)).toEqual(["A='; reboot", 'x', '"; reboot; $(reboot) `reboot`'])
  expect(argv[argv.indexOf('-c') + 1]).not.toContain('reboot')
})

test('its tag says which lab it is of, and names one of which nothing else is known', () => {
  const tag = processTag('lab', 'a', 'web')
  expect(Number(tag)).toBeGreaterThan(2 ** 60)
  const name = namelessOf('lab', tag)
  expect(name).toMatch(/^#[0-9a-f]{8}$/)
  expect(processTag('lab', 'elsewhere', name ?? '')).toBe(tag)
  expect(processTag('lab', 'a', 'db')).not.toBe(tag)
  for (const other of [processTag('other', 'a', 'web'), '0', '1024', '18446744073709551615'])
    expect(namelessOf('lab', other)).toBeUndefined()
})

test('above a script of its own stands what a person would type', () => {
  const both = map(namespace, { ...process, spec: { ...spec, cwd: '/srv' } })
  const json = planJson(makePlan({ lab: 'lab', desired: both, live: both, replace: new Set(['a/process/web']) }))
  expect(renderCommands(json)).toBe(
    `# a/process/web: kill $(grep -lsE 'file locks +${processTag('lab', 'a', 'web')} ' /proc/[0-9]*/limits | cut -d/ -f3)\n` +
      `${json.steps[0]?.command}\n` +
      `# a/process/web: netlab exec a -- env -C /srv A=1 B=2 nginx -g 'daemon off;' &\n${json.steps[1]?.command}\n`,
  )
  expect(json.steps[1]?.command).toContain('# Starts a process of a lab')
})

test('it is stopped when its namespace goes, or is made anew, though the kernel would not do it', () => {
  const gone = makePlan({ lab: 'lab', desired: map(), live: map(namespace, process) })
  expect(gone.steps.map(({ stage }) => stage)).toEqual(['stop processes', 'delete namespaces'])
  expect(commandOf(gone.steps[0]!.operation).argv.slice(-4, -2)).toEqual([
    processTag('lab', 'a', 'web'),
    '/run/netns/a',
  ])
  const both = map(namespace, process)
  const anew = makePlan({ lab: 'lab', desired: both, live: both, replace: new Set(['a']) })
  expect(anew.steps.map(({ stage }) => stage)).toEqual(
    expect.arrayContaining(['stop processes', 'delete namespaces', 'create namespaces', 'start processes']),
  )
  expect(commandOf(anew.steps[0]!.operation).argv.at(-1)).toBe('keep-log')
})
