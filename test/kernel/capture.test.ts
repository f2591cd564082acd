import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from '../../src/model/command.ts'
import { openWorld, type World } from '../support/netns.ts'
import { openUser, type User } from '../support/user.ts'

const LAB = `
name: captured
namespaces:
  web: {}
  r1: { forwarding: true }
  db: {}
links:
  - { endpoints: { web:eth0: 10.0.1.2/24, r1:eth0: 10.0.1.1/24 } }
  - { endpoints: { db:eth0: 10.0.2.2/24, r1:eth1: 10.0.2.1/24 } }
`

/** Starts a capture, runs \`$act\` as soon as it listens, and ends it with \`$end\`; prints its exit code, and what it said on standard error. */
const DURING = `
: >said # what an earlier capture said does not count
"$@" 2>said &
p=$!
until grep -q Capturing said; do kill -0 $p || break; sleep 0.02; done
sh -c "$act"
if [ -n "$end" ]; then kill -s $end $p; fi
wait $p
code=$?
cat said >&2
exit $code
`
const pings = (namespace: string, to: string): string => `ip netns exec ${namespace} ping -q -c 2 -i 0.05 ${to}`
const FIELDS = ['frame.interface_name', 'frame.time_epoch', 'ip.src', 'icmp.type']

let world: World
beforeAll(async () => {
  world = await openWorld()
  writeFileSync(join(world.folder, 'lab.yaml'), LAB)
  expect((await world.netlab(['apply', join(world.folder, 'lab.yaml'), '-y'])).code).toBe(0)
  for (const [name, gateway] of Object.entries({ web: '10.0.1.1', db: '10.0.2.1' }))
    await world.run(['ip', '-n', name, 'route', 'add', 'default', 'via', gateway])
})
afterAll(() => world.close())

const program = [process.execPath, join(process.cwd(), 'dist/netlab.cjs')]
const during = (act: string, end: string, args: readonly string[]): Promise<Outcome> =>
  world.run(['sh', '-c', DURING, 'sh', ...program, 'capture', ...args], { cwd: world.folder, env: { act, end } })

/** The lines that tshark prints of a capture. */
async function packets(file: string, fields = FIELDS): Promise<string[][]> {
  const argv = ['tshark', '-r', file, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])]
  const { stdout } = await world.run(argv, { cwd: world.folder })
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')]))
}

test.each(['INT', 'TERM'])('interfaces of several namespaces, in one order, until SIG%s', async (signal) => {
  const outcome = await during(pings('web', '10.0.2.2'), signal, ['web', 'r1', 'db:eth0', 'icmp', '-w', 'all.pcapng'])
  expect(outcome).toMatchObject({ code: 0, stdout: expect.stringContaining('2 received') as string })
  expect(outcome.stderr).toContain('Capturing on web:lo, web:eth0, r1:lo, r1:eth0, r1:eth1, db:eth0.')
  expect(outcome.stderr).toContain('16 packets captured.')
  const way = ['web:eth0', 'r1:eth0', 'r1:eth1', 'db:eth0']
  const there = way.map((at) => [at, '10.0.1.2', '8'])
  const back = way.toReversed().map((at) => [at, '10.0.2.2', '0'])
  const found = await packets('all.pcapng')
  expect(found.map(([at, , source, type]) => [at, source, type])).toEqual([...there, ...back, ...there, ...back])
  const times = found.map(([, time]) => time)
  expect(times).toEqual([...times].sort())
  expect(times.some((time) => !time?.endsWith('000'))).toBe(true) // nanoseconds

  const { stdout: told } = await world.run(['capinfos', 'all.pcapng'], { cwd: world.folder })
  expect(told).toContain('Comment = lab captured; 10.0.2.2/24; cable to r1:eth1')
  expect(told).toMatch(/Name = web:eth0\n(.*\n)*?.*Filter string = icmp\n(.*\n)*?.*Number of packets = 4\n/)
  expect(told).toContain('netlab capture web r1 db:eth0 icmp')
})

test('a number of packets, and the beginning of each, through a pipe', async () => {
  const act = pings('web', '10.0.1.1')
  const outcome = await during(act, '', ['web:eth0', 'icmp', '--count', '3', '--snaplen', '60', '-w', 'few.pcapng'])
  expect(outcome).toMatchObject({ code: 0, stderr: expect.stringContaining('3 packets captured.') as string })
  const lengths = await packets('few.pcapng', ['frame.cap_len', 'frame.len'])
  expect(lengths).toEqual([1, 2, 3].map(() => ['60', '98']))
})

test('a time, and all interfaces of a namespace together', async () => {
  const outcome = await during(pings('r1', '10.0.2.2'), '', ['r1:any', 'icmp', '--for', '1s', '-w', 'any.pcapng'])
  expect(outcome.code).toBe(0)
  expect(await packets('any.pcapng', ['frame.interface_name', 'sll.pkttype'])).toEqual(
    [4, 0, 4, 0].map((type) => ['r1:any', `${type}`]),
  )
})

test.each([
  ['without packets', 'head -c 4'],
  ['before the first packet', 'true'],
  ['with packets', 'head -c 800'],
])('ends when the reader of its pipe does, %s', async (_, reader) => {
  // Not the first bytes, which the reader takes, but the closed pipe ends it.
  const script = `"$@" 2>said | ${reader} >/dev/null; echo "\${PIPESTATUS[0]}"; cat said`
  const act = reader.endsWith('800') ? `(sleep 1; ${pings('db', '10.0.2.1')} -c 20) >/dev/null & ` : ''
  const { stdout } = await world.run(['bash', '-c', `${act}${script}`, 'bash', ...program, 'capture', 'db'], {
    cwd: world.folder,
  })
  expect(stdout).toMatch(/141\nCapturing on db:lo, db:eth0\. Ctrl-C ends it\.\n$/)
})

test('goes on when an interface vanishes, until the last', async () => {
  const act = `ip -n db link add name x type bridge; ip -n r1 link del eth0; sleep 0.3; ${pings('db', '10.0.2.1')}; ip -n db link del eth0`
  const outcome = await during(act, '', ['web:eth0', 'db:eth0', 'icmp', '-w', 'rest.pcapng'])
  expect(outcome.code).toBe(0)
  expect(outcome.stderr).toContain('web:eth0: The interface disappeared. Its part ends here.\n')
  expect(outcome.stderr).toContain('4 packets captured.')
  expect(await packets('rest.pcapng')).toHaveLength(4)
  expect((await world.netlab(['apply', join(world.folder, 'lab.yaml'), '-y'])).code).toBe(0)
})

test.each([
  [['wep', 'icmp'], 'there is no namespace wep\n  Did you mean web?'],
  [['web:eth1'], 'web has no interface eth1\n  Did you mean eth0? It has: lo eth0'],
  [['web', 'dbb', 'icmp'], "the filter dbb icmp: can't parse filter expression: syntax error"],
  [['web', 'dbb', 'icmp'], 'There is no namespace dbb; did you mean db?'],
  [['web', 'tcp port foo'], "the filter tcp port foo: unknown port 'foo'"],
  [['web', '--count', '0'], '--count 0 is not a number of packets'],
  [['web', '--for', 'ever'], '--for ever is not a duration'],
  [['web', '-w', '/nowhere/x'], 'cannot write /nowhere/x'],
  [['web', 'host', '10.0.1.1'], 'host is a namespace, and a word of filters'],
  [['host:lo'], 'host:lo is down'],
  [['host'], 'no interface of host is up'],
] as const)('a mistake: %j', async (args, message) => {
  await world.run(['ip', 'netns', 'add', 'host'])
  const outcome = await world.netlab(['capture', ...args])
  expect(outcome).toMatchObject({ code: 1, stdout: '' })
  expect(outcome.stderr).toContain(message)
})

test('a terminal gets no capture', async () => {
  const { stdout } = await world.run(['script', '-qec', [...program, 'capture', 'web'].join(' '), '/dev/null'])
  expect(stdout).toContain('a capture is not text for a terminal')
})

test('an ordinary user captures in the sandbox', async () => {
  const user: User = await openUser()
  try {
    writeFileSync(join(user.folder, 'lab.yaml'), LAB)
    expect((await user.netlab(['apply', 'lab.yaml', '-y'])).code).toBe(0)
    const act = `node dist/netlab.cjs exec web -- ping -q -c 2 -i 0.3 10.0.1.1`
    const argv = [
      'sh',
      '-c',
      DURING,
      'sh',
      process.execPath,
      'dist/netlab.cjs',
      'capture',
      'web',
      'r1',
      'icmp',
      '-w',
      'u',
    ]
    const outcome = await user.run(argv, { env: { act, end: 'INT' } })
    expect(outcome.stderr).toContain('8 packets captured.')
    expect(outcome.code).toBe(0)
    const { stdout } = await user.run(['tshark', '-r', 'u', '-T', 'fields', '-e', 'frame.interface_name'])
    expect(stdout.split('\n').slice(0, 4)).toEqual(['web:eth0', 'r1:eth0', 'r1:eth0', 'web:eth0'])
  } finally {
    await user.close()
  }
})
