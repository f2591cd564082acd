import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { validateXML } from 'xmllint-wasm'
import type { ChecksJson } from '../../src/views/check-results.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const network = `
name: nat
namespaces:
  c1: { routes: [{ to: default, via: 10.1.0.1 }, { to: default, via: "fd01::1" }] }
  c2:
    routes: [{ to: default, via: 10.1.0.1 }]
    processes: { web: { command: [node, -e, "require('http').createServer((q, r) => r.end('hello')).listen(8000)"], ready: { tcp: 8000 } } }
  pod: { shares: c2 }
  gw:
    forwarding: true
    bridges: { br0: [10.1.0.1/24, "fd01::1/64"], empty: 10.5.0.1/24 }
    iptables:
      nat:
        POSTROUTING: ["-s 10.1.0.0/24 -o up -p tcp -j MASQUERADE --random", "-s 10.1.0.0/24 -o up -j MASQUERADE"]
        PREROUTING: ["-i up -p tcp --dport 8080 -j DNAT --to-destination 10.1.0.2:80"]
      filter: { FORWARD: { policy: DROP, rules: ["-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-i br0 -p icmp -j ACCEPT", "-p tcp -j ACCEPT"] } }
  out:
    iptables: { filter: { INPUT: ["-p tcp --dport 99 -j DROP", "-p tcp --dport 98 -j REJECT --reject-with tcp-reset"] } }
  alone:
links:
  - endpoints: { "c1:eth0": [10.1.0.2/24, "fd01::2/64"], "gw:br0": {} }
  - endpoints: { "c2:eth0": 10.1.0.3/24, "gw:br0": {} }
  - endpoints: { "out:eth0": 203.0.113.2/24, "gw:up": 203.0.113.1/24 }
  - endpoints: { "c1:idle": { up: false }, "alone:idle": { up: false } }
`

const file = (): string => join(world.folder, 'lab.yaml')
const lab = (...checks: string[]): void => writeFileSync(file(), `${network}checks: [${checks.join(',\n  ')}]\n`)

/** Runs these checks; every status in one word, and the whole document. */
async function test_(...checks: string[]): Promise<ChecksJson & { code: number; statuses: string }> {
  lab(...checks)
  const { code, stdout, stderr } = await world.netlab(['test', file(), '--json'])
  if (stdout === '') throw new Error(stderr)
  const json = JSON.parse(stdout) as ChecksJson
  return { ...json, code, statuses: json.checks.map(({ status }) => status).join(' ') }
}
const leftovers = async (): Promise<string> =>
  (
    await world.run([
      'sh',
      '-c',
      'ps -eo args | grep -E "tcpdump -i|cjs sniff|cjs agent|^ping|^sleep" | grep -v "grep\\|sleep 2147483647"',
    ])
  ).stdout

beforeAll(async () => {
  lab()
  expect(await world.netlab(['test', file()])).toMatchObject({ code: 1, stderr: expect.stringContaining('not live') })
  const { code, stderr } = await world.netlab(['apply', '-y', file()])
  if (code !== 0) throw new Error(stderr)
})
afterAll(async () => {
  expect(await leftovers()).toBe('')
})

test('what holds passes', async () => {
  const { checks, code, summary } = await test_(
    '{ from: c1, ping: c2, count: 3 }',
    '{ from: c1, ping: pod }',
    '{ from: c1, ping: "fd01::1" }',
    '{ from: c1, ping: out, mtu: 1500 }',
    '{ from: c1, ping: out, mtu: 1501, expect: fail }',
    '{ from: out, ping: c1, expect: fail }',
    '{ from: alone, ping: c1, expect: fail }',
    '{ from: out, tcp: "203.0.113.1:8080", to: "c1:80" }',
    '{ from: c1, tcp: "[fd01::1]:70", to: "gw:70" }',
    '{ from: c1, udp: "[fd01::1]:70", to: "gw:70", count: 2 }',
    '{ from: c1, udp: "c2:53", to: "pod:53" }',
    '{ from: gw, udp: "10.5.0.1:70", to: "gw:70" }', // an address of an interface that has no carrier
    '{ from: c1, tcp: "out:99", to: "out:99", expect: fail }',
    '{ from: c1, tcp: "out:98", to: "out:98", expect: fail }',
    '{ from: c1, udp: "out:53", to: "out:53", expect: fail }',
    '{ from: c1, tcp: "c2:8000" }',
    '{ from: c1, tcp: "c2:8000", to: "c2:8000" }',
    '{ from: c1, tcp: "c2:8001", expect: fail }',
    '{ from: c1, run: "node -e \\"fetch(\'http://pod:8000\').then(async (r) => console.log(await r.text()))\\"", expect: { exit: 0, stdout: "/^hel+o$/" } }',
    '{ from: c1, run: "echo no >&2; exit 7", expect: { exit: 7, stderr: "no" } }',
    '{ from: c1, run: ["false"], expect: fail, name: a name }',
  )
  expect(checks.filter(({ status }) => status !== 'pass')).toEqual([])
  expect({ code, summary }).toEqual({ code: 0, summary: { pass: 21, fail: 0, error: 0 } })
  const detail = (name: string) => checks.find((check) => check.name.startsWith(name))?.detail
  expect(detail('out tcp')).toMatch(/^c1:80 answered, and saw the client as 203\.0\.113\.2:\d+$/)
  expect(detail('c1 tcp c2:8000 (to')).toMatch(/^what listens at c2:8000 answered.* as 10\.1\.0\.2:\d+$/)
  expect(detail('c1 tcp out:98')).toBe('203.0.113.2:98: connection refused')
  expect(checks.at(-1)?.name).toBe('a name')
})

const tcpClient = (host: string): string =>
  `node -e "require('net').connect(80, '${host}').on('error', () => process.exit(1)).on('data', (d) => console.log(String(d)))"`
const udpClient = (host: string): string =>
  `node -e "const s = require('dgram').createSocket('udp4'); s.on('message', (m) => { console.log(String(m)); s.close() }).send('?', 80, '${host}')"`

test('commands with a listener, several times, and with their packets looked at', async () => {
  const { checks, statuses } = await test_(
    `{ from: c1, run: ${JSON.stringify(tcpClient('c2'))}, to: "c2:80", expect: { exit: 0, stdout: "/^netlab-listener c2:80 10.1.0.2 /" } }`,
    `{ from: c1, run: ${JSON.stringify(udpClient('c2'))}, to: "pod:80", expect: { exit: 0, stdout: "netlab-listener pod:80" } }`,
    // The listeners of the first two are gone.
    `{ from: c1, run: ${JSON.stringify(tcpClient('c2'))}, expect: fail }`,
    `{ from: c1, run: "echo x >>${world.folder}/tries", count: 3 }`,
    `{ from: c1, run: "test $(wc -l <${world.folder}/tries) = 3" }`,
    `{ from: c1, run: "test -e ${world.folder}/again || { touch ${world.folder}/again; exit 4; }", count: 2, name: one of two }`,
    '{ from: c1, run: "ping -c1 -W2 out", observe: [{ at: "out:eth0", source: 203.0.113.1, destination: out, protocol: icmp }, { at: "out:eth0", source: c1, present: false }, { at: "gw:br0", source: c1 }, { at: "gw:br0", source: 10.1.0.0/24, destination: 203.0.113.0/24 }] }',
    '{ from: c1, run: "ping -c1 -W2 out", observe: { at: "out:eth0", source: c1 }, name: a wrong source }',
    '{ from: c1, run: "no-such-program out", expect: fail, name: a typing error }',
    '{ from: c1, ping: out, observe: [{ at: "gw:br0", source: c1, destination: out }, { at: "out:eth0", source: c2, present: false }] }',
  )
  expect(statuses).toBe('pass pass pass pass pass fail pass fail error pass')
  const seen = (name: string) => checks.find((check) => check.name === name)
  expect(seen('one of two')).toMatchObject({ detail: '1 of 2; exit code 4', expected: 'exit code 0, 2 times' })
  expect(seen('a wrong source')).toMatchObject({
    expected: 'packet with source c1 (10.1.0.2) at out:eth0',
    detail: expect.stringContaining('203.0.113.1 → 203.0.113.2 icmp'),
  })
  expect(seen('a typing error')?.detail).toContain('no-such-program')
})

test('what does not hold fails, each with where it was lost', async () => {
  const { checks, statuses, code } = await test_(
    '{ from: c1, ping: c2, expect: fail }',
    '{ from: c1, ping: 10.1.0.77, timeout: 1 }',
    '{ from: alone, ping: c1, timeout: 1 }',
    '{ from: c1, ping: out, mtu: 1501, timeout: 1 }',
    '{ from: c1, udp: "out:53", to: "out:53", timeout: 1 }',
    '{ from: c1, tcp: "out:99", to: "out:99", timeout: 1 }',
    '{ from: c1, tcp: "out:98", to: "out:98", timeout: 1 }',
    '{ from: c1, tcp: "out:97", to: "out:97", expect: fail }',
    '{ from: out, tcp: "203.0.113.1:8080", to: "c2:80" }',
    '{ from: c1, tcp: "c2:8001", timeout: 1 }',
    '{ from: c1, run: "echo hello; exit 3" }',
    '{ from: c1, run: "echo hello", expect: { stdout: /^help/ } }',
    '{ from: c1, run: [sleep, 30], timeout: 300ms }',
    '{ from: c1, ping: 10.1.0.78, timeout: 1 }',
  )
  expect(statuses).toBe(Array.from({ length: 14 }, () => 'fail').join(' '))
  expect(code).toBe(1)
  // The kernel asks for a while, then gives up and says so: it depends on when one looks.
  expect(checks[1]?.where).toMatch(/^nobody at c1:eth0 has 10.1.0.77/)
  expect(checks[13]?.where).toMatch(/^nobody at c1:eth0 has 10.1.0.78/)
  expect(checks.map(({ where }) => where?.replace(/ \(\/.*|^nobody at .*/, ''))).toEqual([
    undefined,
    '',
    'alone has no route to 10.1.0.2; alone:idle is down',
    'it is too big: 1501 bytes, and c1:eth0 sends 1500 at most',
    'gw dropped it by the policy drop of FORWARD (ip filter)',
    'out dropped it by rule 1 of INPUT (ip filter): -p tcp -m tcp --dport 99 -j DROP',
    'out rejected it by rule 2 of INPUT (ip filter): -p tcp -m tcp --dport 98 -j REJECT --reject-with tcp-reset',
    undefined,
    'nobody listens at port 80 of c1',
    'nobody listens at port 8001 of c2',
    undefined,
    undefined,
    undefined,
    '',
  ])
  expect(checks[8]?.detail).toBe('203.0.113.1:8080: connection refused')
  expect(checks[10]?.detail).toBe('exit code 3\noutput: hello')
  expect(checks[12]?.detail).toBe('did not end within 0.3 s')
})

test('a reply that is lost, and a cable that is cut', async () => {
  const rule = (what: string) =>
    world.run(['ip', 'netns', 'exec', 'gw', 'iptables', what, 'FORWARD', '-d', '10.1.0.2', '-p', 'icmp', '-j', 'DROP'])
  const one = '{ from: c1, ping: out, timeout: 1 }'
  await rule('-I')
  expect((await test_(one)).checks[0]?.where).toMatch(
    /^out answered, but the answer was lost: gw dropped it by rule 1 of FORWARD \(ip filter\): -d 10.1.0.2\/32 -p icmp -j DROP/,
  )
  await rule('-D')
  const route = (what: string) => world.run(['ip', '-n', 'c2', 'route', what, 'default', 'via', '10.1.0.1'])
  await route('del')
  expect((await test_('{ from: c2, ping: out, timeout: 1 }')).checks[0]).toMatchObject({
    detail: expect.stringContaining('unreachable'),
    where: 'c2 has no route to 203.0.113.2',
  })
  await route('add')
  await world.run(['ip', '-n', 'out', 'link', 'set', 'dev', 'eth0', 'down'])
  expect((await test_(one)).checks[0]).toMatchObject({
    status: 'fail',
    where: expect.stringContaining('out:eth0 is down'),
  })
  expect((await world.netlab(['apply', '-y', file()])).code).toBe(0)
  expect((await test_(one)).statuses).toBe('pass')
})

describe('observe', () => {
  test('shows what a packet looks like, also behind an address translation', async () => {
    const { checks } = await test_(
      '{ from: c1, ping: out, observe: [{ at: "out:eth0", source: 203.0.113.1, protocol: icmp }, { at: "gw:br0", source: 10.1.0.2 }, { at: "out:eth0", source: 10.1.0.2, present: false }] }',
      '{ from: c1, tcp: "out:90", to: "out:90", observe: [{ at: "out:eth0", source: 203.0.113.1, dport: 90 }, { at: "c1:eth0", source: 203.0.113.2, sport: 90 }] }',
      '{ from: c1, udp: "c2:53", to: "c2:53", observe: { at: "pod:eth0", destination: 10.1.0.3, dport: 53, protocol: udp } }',
      '{ from: c1, tcp: "out:99", to: "out:99", expect: fail, observe: { at: "out:eth0", dport: 99 } }',
    )
    expect(checks.filter(({ status }) => status !== 'pass')).toEqual([])
  })

  test('fails when they do not look like that, and says how they do', async () => {
    const { checks, statuses } = await test_(
      '{ from: c1, ping: out, observe: { at: "out:eth0", source: 10.1.0.2 } }',
      '{ from: c1, tcp: "out:90", to: "out:90", observe: { at: "out:eth0", dport: 91 } }',
      '{ from: c1, ping: out, observe: { at: "gw:br0", present: false } }',
      '{ from: c1, ping: out, observe: { at: "c2:eth0" } }',
    )
    expect(statuses).toBe('fail fail fail fail')
    expect(checks[0]).toMatchObject({
      expected: 'packet with source 10.1.0.2 at out:eth0',
      detail: 'out:eth0: 203.0.113.1 → 203.0.113.2 icmp, 203.0.113.2 → 203.0.113.1 icmp',
    })
    expect(checks[3]?.detail).toBe('nothing of it at c2:eth0')
  })

  const down = [
    '{ from: c1, ping: c2, observe: [{ at: "c1:eth0" }, { at: "c1:idle", present: false }] }',
    '{ from: c1, ping: c2, observe: [{ at: "c1:idle" }, { at: "c1:eth0" }], timeout: 20 }',
  ]
  const told = [
    { status: 'pass', detail: expect.stringContaining('c1:idle is down') },
    { status: 'fail', expected: 'packet with anything at c1:idle', detail: 'c1:idle is down' },
  ]
  test('nothing is seen at an interface that is down, and nothing waits for it', async () => {
    for (let i = 0; i < 3; i++) {
      const begun = Date.now()
      expect((await test_(...down)).checks).toMatchObject(told)
      expect(Date.now() - begun).toBeLessThan(15_000)
      expect(await leftovers()).toBe('')
    }
  })

  test('needs no tcpdump where there is koffi, and says how to install it elsewhere', async () => {
    lab(
      '{ from: c1, ping: out, observe: [{ at: "out:eth0", source: 203.0.113.1 }, { at: "gw:br0", source: 10.1.0.2 }] }',
      '{ from: c1, tcp: "out:90", to: "out:90", observe: { at: "out:eth0", source: 203.0.113.1, dport: 90 } }',
      '{ from: c1, ping: out, observe: { at: "out:eth0", source: 10.1.0.2 } }',
      '{ from: c1, udp: "out:53", to: "out:53", timeout: 1 }',
      ...down,
    )
    const [bin, alone] = [join(world.folder, 'bin'), join(world.folder, 'alone')]
    const programs = 'timeout sh node ip tc nsenter unshare ping iptables-save ip6tables-save nft cat'
    const script = `mkdir "$0" "$1"; for p in ${programs}; do ln -s "$(command -v $p)" "$0"; done; cp dist/*.cjs "$1"`
    await world.run(['sh', '-c', script, bin, alone])
    const run = async (program: string): Promise<ChecksJson['checks']> =>
      (
        JSON.parse(
          (await world.run(['node', program, 'test', file(), '--json'], { env: { PATH: bin } })).stdout,
        ) as ChecksJson
      ).checks
    const own = await run('dist/netlab.cjs')
    expect(own.map(({ status }) => status)).toEqual(['pass', 'pass', 'fail', 'fail', 'pass', 'fail'])
    expect(own.slice(4)).toMatchObject(told)
    expect(own[3]?.where).toMatch(/^gw dropped it by /)
    expect((await run(join(alone, 'netlab.cjs')))[0]).toMatchObject({
      status: 'error',
      detail: expect.stringContaining('apt-get install tcpdump'),
    })
  })
})

test('it ends, whatever the commands leave behind, and whoever has ended', async () => {
  const begun = Date.now()
  const halfOpen = `require('net').connect({ host: 'c2', port: 70, allowHalfOpen: true }).resume(); setTimeout(() => {}, 30000)`
  const { checks, statuses } = await test_(
    '{ from: c1, run: "setsid sleep 30 & echo hello", expect: { stdout: hello } }', // it holds the output open
    `{ from: c1, run: ${JSON.stringify(`setsid node -e "${halfOpen}" >/dev/null 2>&1 & sleep 1`)}, to: "c2:70" }`, // a client that never hangs up
    '{ from: c1, run: "pkill -KILL -f \'agent [c]2\'", to: "c2:71" }',
    '{ from: c1, run: "pkill -KILL -f \'agent [c]2\'; true", to: "c2:72", count: 2 }',
    `{ from: c1, run: ${JSON.stringify(tcpClient('c2').replace('80', '73'))}, to: "c2:73" }`,
  )
  expect({ checks, statuses }).toMatchObject({ statuses: 'pass pass pass pass pass' })
  expect(Date.now() - begun).toBeLessThan(20_000)
  await world.run(['pkill', '-f', '^sleep 30|^node -e require'])
})

test.each(['SIGINT', 'SIGKILL'] as const)('%s ends everything that was started', async (signal) => {
  lab(
    '{ from: c1, tcp: "out:99", to: "out:99", timeout: 20, observe: { at: "out:eth0" } }',
    '{ from: c1, ping: 10.1.0.77, timeout: 20 }',
    '{ from: alone, run: [sleep, 30] }',
  )
  const ended = world.netlab(['test', file()])
  const all = [/tcpdump -i|cjs sniff/, /cjs agent c1/, /cjs agent out/, /ping -n/]
  const started = async (): Promise<RegExp[]> => {
    const found = await leftovers()
    return all.filter((one) => one.test(found))
  }
  for (let i = 0; i < 50 && (await started()).length < all.length; i++) await new Promise((d) => setTimeout(d, 50))
  expect(await started()).toEqual(all)
  await world.run(['pkill', `-${signal.slice(3)}`, '-f', '^[^ ]*node [^ ]*cjs test'])
  expect((await ended).code).toBe(signal === 'SIGINT' ? 130 : 137)
  for (let i = 0; i < 20 && (await leftovers()) !== ''; i++) await new Promise((d) => setTimeout(d, 100))
  expect(await leftovers()).toBe('')
})

test('the report for people, and for CI', async () => {
  lab('{ from: c1, ping: c2 }', '{ from: c1, ping: c2, expect: fail, name: "a & b" }')
  const report = join(world.folder, 'report.xml')
  const { code, stdout } = await world.netlab(['test', file(), '--junit', report])
  expect(code).toBe(1)
  expect(stdout.replace(/[\d.]+ m?s/g, 'T')).toBe(
    `✓ c1 ping c2  10.1.0.3 answered, T\n✗ a & b       10.1.0.3 answered, T\n\n✗ a & b\n    expected  c2 is not reached\n    seen      10.1.0.3 answered, T\n\n1 passed, 1 failed (T)\n`,
  )
  const { stdout: xml } = await world.run(['cat', report])
  expect(xml).toContain('<testcase name="a &amp; b" classname="netlab.nat"')
  expect(xml).toContain('tests="2" failures="1" errors="0"')
  expect(await validateXML({ xml, schema: readFileSync('test/fixtures/junit.xsd', 'utf8') })).toMatchObject({
    errors: [],
  })
})

test('a spanning tree that has not made up its mind is waited for', async () => {
  const path = join(world.folder, 'tree.yaml')
  writeFileSync(
    path,
    `name: tree
namespaces: { t1: , t2: , ts: { bridges: { br0: { stp: true, forward_delay: 3s } } } }
links:
  - endpoints: { "t1:eth0": 10.9.0.1/24, "ts:br0": }
  - endpoints: { "t2:eth0": 10.9.0.2/24, "ts:br0": }
checks: [{ from: t1, ping: t2 }]
`,
  )
  await world.netlab(['apply', path, '-y'])
  const begun = Date.now()
  const { code, stdout } = await world.netlab(['test', path])
  expect({ code, stdout }).toMatchObject({ code: 0 })
  // Twice the delay, less what passed before it was asked.
  expect(Date.now() - begun).toBeGreaterThan(4000)
  await world.netlab(['destroy', path, '-y'])
}, 60_000)
