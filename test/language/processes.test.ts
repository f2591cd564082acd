import { diagnose, loadLab } from '../../src/language/load-lab.ts'
import { writeLab } from '../../src/language/write.ts'

const lab = (processes: string, more = '') => `
name: l
namespaces:
  a:
    processes:
${processes.replace(/^/gm, '      ')}
  b: { processes: { db: { command: db } } }
${more}`
const errors = (text: string): string[] =>
  diagnose({ file: 'lab.yaml', text }).map(
    ({ position, summary, detail = '' }) => `${position?.line}:${position?.column} ${summary}. ${detail}`,
  )

test('the long form has all settings in their units, and means the same', () => {
  const text = lab(`web:
  command: web
  after: [x, b/db, x]
  user: 33
  stop: quit
  stop_timeout: 1m
  ready: { run: "curl -f localhost", log: /up/i, tcp: 80, timeout: 1500ms }
x: { command: x, once: true, stop: SIGTERM, ready: { timeout: 20 } }`)
  const { resources } = loadLab({ file: 'lab.yaml', text })
  expect(resources.get('a/process/web')?.spec).toMatchObject({
    after: ['a/x', 'b/db'],
    user: '33',
    stop: 'SIGQUIT',
    stop_timeout: 60,
    ready: { tcp: 80, log: '/up/i', run: ['sh', '-c', 'curl -f localhost'], timeout: 1.5 },
  })
  expect(resources.get('a/process/x')?.spec).toMatchObject({ once: true, ready: { timeout: 20 } })
  expect(resources.get('a/process/x')?.spec).not.toHaveProperty('stop')
  const again = loadLab({ file: 'lab.yaml', text: writeLab('l', resources) }).resources
  expect(again.get('a/process/web')?.spec).toEqual(resources.get('a/process/web')?.spec)
})

test.each([
  ['web: { command: w, after: bd }', '6:33 there is no process a/bd. There are: a/web, b/db.'],
  ['web: { command: w, after: [b/db, b/dbb] }', '6:40 there is no process b/dbb. Did you mean "b/db"?'],
  [
    'web: { command: w, after: web }',
    '6:33 a/web comes after itself. In a circle, each after the next: a/web → a/web.',
  ],
  [
    'x: { command: x, after: y }\ny: { command: y, after: z }\nz: { command: z, after: y }',
    '7:31 a/y comes after itself. In a circle, each after the next: a/y → a/z → a/y.',
  ],
  ['web: { command: w, stop: SIGFOO }', '6:32 "SIGFOO" is no signal. One such as SIGTERM, SIGINT, SIGQUIT, SIGHUP.'],
  ['web: { command: w, stop_timeout: 1h }', '6:40 "1h" is no time. Seconds, or a duration such as 500ms.'],
  ['web: { command: w, stop_timeout: 11m }', '6:40 11m is too long. At most 10 minutes: 10m.'],
  ['web: { command: w, user: "a b" }', '6:32 "a b" is neither a name nor a number. '],
  ['web: { command: w, ready: { log: up } }', '6:40 "up" is no pattern. Write it as /started/ or /started/i.'],
  [
    'web: { command: w, ready: { timeout: 5s } }',
    '6:33 ready says nothing to wait for. Give tcp, udp, file, log or run.',
  ],
  [
    'web: { command: w, once: true, ready: { tcp: 1 } }',
    '6:47 tcp means nothing with once. What runs once is ready when it has ended with 0.',
  ],
  [
    'web: { command: w, once: true, restart: always }',
    '6:47 what runs once is not started again after it has ended with 0. Write on-failure.',
  ],
])('%s', (processes, error) => expect(errors(lab(processes))).toEqual([error]))

test('a setup has no process of its name, and its namespace keeps what others make', () => {
  const text = lab(
    'web: { command: w }',
    '  c: { setup: [ip link show, [ip, route]], processes: { web: { command: w } } }\n',
  )
  const { resources } = loadLab({ file: 'lab.yaml', text })
  expect(resources.get('c')?.spec).toEqual({ others: 'keep' })
  expect(resources.get('c/setup')?.spec).toMatchObject({
    commands: [
      ['sh', '-c', 'ip link show'],
      ['ip', 'route'],
    ],
  })
  expect(resources.get('c/setup')?.source?.([1]).column).toBe(30)
  expect(
    errors(text.replace('processes: { web: { command: w } } }', 'processes: { setup: { command: w } } }')),
  ).toEqual([expect.stringContaining('the commands of setup have this name already')])
})
