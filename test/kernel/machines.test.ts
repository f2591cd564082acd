import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { machineNames, onMachines, openMachineWorld, type Machines } from '../support/machines.ts'

// Other machines are root's here: network namespaces with wires between them, and real sshd.
const asRoot = process.geteuid?.() === 0
if (asRoot) describe('a lab on several machines', several)
else test('is for root: there are no machines to test with', () => expect(asRoot).toBe(false))

function several(): void {
  let m: Machines
  beforeAll(async () => {
    m = await openMachineWorld()
  }, 60_000)
  afterAll(() => m.close())
  afterEach(async () => {
    await m.netlab(['destroy', '-y', m.write('lab.yaml', lab({}))])
    expect(await m.rest()).toBe('')
  })

  const body = onMachines(
    `processes: { web: { command: [node, -e, "require('net').createServer().listen(80)"], ready: { tcp: 80 } } }`,
  )
  const pair = (link = ''): string => `
namespaces: { a: { machine: left }, b: { machine: right } }
links: [{ endpoints: { "a:eth0": 10.0.1.1/24, "b:eth0": 10.0.1.2/24 }${link} }]
`
  /** How a machine is reached: by a command there, with `words` before it and `address` in place of its own. */
  const run = (
    name: (typeof machineNames)[number],
    words: readonly string[] = [],
    address = m.addresses[name],
  ): string => `{ run: ${JSON.stringify([...m.enter[name], ...words])}, address: ${address} }`
  const lab = (given: { left?: string; right?: string; third?: string; body?: string }): string => {
    const all = machineNames.map((name) => `  ${name}: ${given[name] ?? run(name)}`)
    return `name: spread\nmachines:\n${all.join('\n')}\n${given.body ?? body}`
  }
  const ssh = (given: { right?: string; third?: string } = {}): string =>
    lab({ left: '{ ssh: left }', right: '{ ssh: right }', third: '{ ssh: third }', ...given })
  const plan = (text: string, ...more: string[]) => m.netlab(['plan', m.write('lab.yaml', text), ...more])
  const apply = (text: string, ...more: string[]) => m.netlab(['apply', '-y', m.write('lab.yaml', text), ...more])
  const nothing = (text: string) => plan(text, '--detailed-exitcode')

  test.each([
    ['a command', () => lab({})],
    ['ssh', () => ssh()],
    [
      'ssh through one of them',
      () =>
        ssh({ right: '{ ssh: far-right, address: 192.168.9.3 }', third: '{ ssh: far-third, address: 192.168.9.4 }' }),
    ],
  ])('that are reached by %s is one lab', async (_, text) => {
    expect(await plan(text())).toMatchObject({ code: 0, stdout: expect.stringMatching(/^b on right$[^]*21 to add/m) })
    expect(await m.rest()).toBe('')
    expect(await apply(text())).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('is up on here, left, right, third'),
    })
    expect(await nothing(text())).toMatchObject({ code: 0, stdout: expect.stringContaining('No changes.') })
    await m.sh('here', 'ip netns exec r ping -c1 -W5 10.0.1.2; ip netns exec r ping -c1 -W5 10.0.2.2')
    await m.sh('right', 'ip netns exec b ping -c1 -W5 10.0.3.2; ip netns exec b ping -c1 -W5 10.0.2.1')
    // Netlink is used there, too: what netlab brings along is complete.
    await m.sh('left', 'cd /run/cache/netlab/*; node -e "require(\'koffi\')"')
    // What somebody changes there is repaired there.
    await m.sh('right', 'ip -n b addr del 10.0.3.1/24 dev c')
    const drift = await plan(text())
    expect(drift.stdout).toMatch(/^b on right$\s+\+ b\/c\/10\.0\.3\.1\/24/m)
    expect(drift.stdout).toContain('1 to add, 0 to change')
    expect(await apply(text())).toMatchObject({ code: 0 })
    expect(await m.netlab(['destroy', '-y', m.write('lab.yaml', text())])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/- a\/eth0 +vxlan on left\/eth0,[^]*- b\/c +vxlan on right\/eth0,/),
    })
    expect(await m.rest()).toBe('')
    expect(await m.sh('left', 'ls /run/cache/netlab | wc -l')).toBe('1\n')
  })

  test('a failure on one of them rolls back all', async () => {
    const third = run('third', ['env', 'NETLAB_FAULT=fail:3'])
    const failed = await apply(lab({ third }))
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('NETLAB_FAULT=fail:3') })
    expect(failed.stderr).toContain('third: Rolled back: the network is as it was.')
    expect(await m.rest()).toBe('')
    // netlab there is killed: the others are rolled back, and what it has left is taken up.
    const killed = await apply(lab({ third: run('third', ['env', 'NETLAB_FAULT=kill:3']) }))
    expect(killed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('machine third: the connection has ended'),
    })
    expect(await m.rest()).toMatch(/^third: c\b[^]*$/)
    expect(await apply(lab({}))).toMatchObject({ code: 0 })
    expect(await nothing(lab({}))).toMatchObject({ code: 0 })
  })

  test('the ends of a link between machines change places', async () => {
    const swapped = pair().replace('left', 'x').replace('right', 'left').replace('x', 'right')
    for (const body of [pair(), swapped, pair()]) {
      expect(await apply(lab({ body }))).toMatchObject({ code: 0 })
      expect(await nothing(lab({ body }))).toMatchObject({ code: 0 })
    }
    await m.sh('left', 'ip netns exec a ping -c1 -W5 10.0.1.2')
  })

  test('namespaces that are gone on some come back, as they were, when they cannot be deleted on another', async () => {
    expect(await apply(lab({ body: pair() }))).toMatchObject({ code: 0 })
    const counted = `ip -n a -s -j link show eth0`
    await m.sh('left', 'ip netns exec a ping -c1 -W5 10.0.1.2; ip -n a link set eth0 down')
    const before = await m.sh('left', counted)
    const failed = await m.netlab([
      ...['destroy', '-y'],
      m.write('lab.yaml', lab({ right: run('right', ['env', 'NETLAB_FAULT=fail:1']), body: pair() })),
    ])
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('NETLAB_FAULT=fail:1') })
    for (const name of ['left', 'right'])
      expect(failed.stderr).toContain(`${name}: Rolled back: the network is as it was.`)
    expect(await m.sh('left', counted)).toBe(before)
  })

  test('what is gone comes back as it was, too, when other changes do not last', async () => {
    const bridge = (addresses: string): string =>
      `d: { machine: left, bridges: { br0: { addresses: [${addresses}] } } }`
    const wide = pair().replace('{ a:', `{ ${bridge('10.0.9.1/24, 10.0.9.2/24')}, a:`)
    expect(await apply(lab({ body: wide }))).toMatchObject({ code: 0 })
    const bin = join(m.world.folder, 'undoes')
    mkdirSync(bin)
    const ip = (await m.sh('here', 'command -v ip')).trim()
    const script = `#!/bin/sh\n${ip} "$@"\nended=$?\n${ip} -n d addr add 10.0.9.2/24 dev br0 2>&-\nexit $ended\n`
    writeFileSync(join(bin, 'ip'), script, { mode: 0o755 })
    const left = run('left', ['env', `PATH=${bin}:${process.env['PATH']}`, 'NETLAB_RUNNER=ip'])
    const body = `namespaces: { ${bridge('10.0.9.1/24')}, b: { machine: right } }\n`
    expect(await apply(lab({ left, body }))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/was removed 3 times[^]*left: Rolled back: the network is as it was/),
    })
    expect(await nothing(lab({ body: wide }))).toMatchObject({ code: 0 })
  })

  test('what has a name of the lab on a machine, and is not its own, does not hold the lab there', async () => {
    const auto = `place: auto\nnamespaces: { a: , b: , c: }\n`
    await m.sh('third', 'ip netns add b')
    const named = await plan(lab({ body: auto }))
    await m.sh('third', 'ip netns del b')
    expect(named.stdout).toBe((await plan(lab({ body: auto }))).stdout)
    // What is its own does.
    const there = 'namespaces: { a: , b: { machine: third }, c: }\n'
    expect(await apply(lab({ body: there }))).toMatchObject({ code: 0 })
    expect((await plan(lab({ body: auto }))).stdout).not.toMatch(/^b on/m)
  })

  test('a machine that does not answer is an error, or is left out', async () => {
    const third = '{ ssh: nobody@192.168.9.77 }'
    await m.sh('here', 'ip route add unreachable 192.168.9.77')
    for (const text of [
      lab({ third }),
      lab({ third: '{ run: ["false"] }' }),
      lab({ third: '{ run: [no-such-program] }' }),
    ]) {
      const outcome = await apply(text)
      expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining('machine third: ') })
    }
    expect((await apply(lab({ third }))).stderr).toContain('Try: ssh nobody@192.168.9.77 true')
    expect(await m.rest()).toBe('')
    const rest = await apply(lab({ third }), '--skip-machine', 'third')
    expect(rest).toMatchObject({ code: 0, stderr: expect.stringContaining('Machine third is left out') })
    expect(await plan(lab({ third }), '--skip-machine', 'third', '--detailed-exitcode')).toMatchObject({ code: 0 })
    expect((await plan(lab({}))).stdout).toMatch(/^c on third$/m)
    expect(await apply(lab({}))).toMatchObject({ code: 0 })
    // What is left out stays as it is, on both sides of its links.
    expect(await plan(lab({ third }), '--skip-machine', 'third', '--detailed-exitcode')).toMatchObject({ code: 0 })
    expect(await plan(lab({}), '--skip-machine', 'nobody')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no machine nobody'),
    })
  })

  test('what a machine prints before netlab starts does no harm', async () => {
    const script = 'echo "Welcome, netlab-boot ready"; printf "no end of line"; exec "$@"'
    const left = run('left', ['sh', '-c', script, 'sh'])
    expect(await apply(lab({ left, body: pair() }))).toMatchObject({ code: 0 })
    // Nor what it prints afterwards, and what it reads: that is asked for again.
    const reads = run('left', ['sh', '-c', 'head -c 7 >/dev/null; "$@"; echo Bye', 'sh'])
    expect(await nothing(lab({ left: reads, body: pair() }))).toMatchObject({ code: 0, stderr: '' })
    const talks = await plan(lab({ left: run('left', ['sh', '-c', 'yes | "$@"', 'sh']), body: pair() }))
    expect(talks.stderr).toContain('machine left: the connection has ended')
    const first = ['env', 'XDG_CACHE_HOME=/run/first', 'sh', '-c', 'yes | "$@"', 'sh']
    const floods = await plan(lab({ left: run('left', first), body: pair() }))
    expect(floods.stderr).toContain('machine left: something else writes to its input')
    // Node would warn of certificates that are not there; programs get to know of them.
    const certificates = run('left', ['env', 'NODE_EXTRA_CA_CERTS=/nowhere'])
    const file = m.write('lab.yaml', lab({ left: certificates, body: pair() }))
    const printed = await m.netlab(['exec', '--lab', file, 'a', '--', 'printenv', 'NODE_EXTRA_CA_CERTS'])
    expect(printed).toMatchObject({ stdout: '/nowhere\n', stderr: '' })
    const endless = await plan(lab({ left: '{ run: [sh, -c, "yes"] }', body: pair() }))
    expect(endless).toMatchObject({ code: 1, stderr: expect.stringContaining('machine left: it prints without end') })
  })

  test('what it says last arrives, also when that is slow', async () => {
    const slow = `exec 3>&1; "$@" 2>&1 >&3 3>&- | while IFS= read -r line; do sleep 0.02; echo "$line" >&2; done`
    const fails = pair().replace('{ machine: left }', '{ machine: left, setup: ["echo this is why; exit 3"] }')
    const { stderr } = await apply(lab({ left: run('left', ['sh', '-c', slow, 'sh']), body: fails }))
    expect(stderr).toMatch(/^left: error: a\/setup failed[^]*^left: .*this is why$[^]*^left: Everything else/m)
  })

  test('what another machine has of the lab is not taken for this one’s, where its processes are seen', async () => {
    await m.sh('here', 'ip netns add lent')
    const file = m.write(
      'lab.yaml',
      lab({
        body: `namespaces: { lent: { netns: lent }, own: { root: true, machine: left }, b: { machine: right } }
links:
  - endpoints: { "own:v0": 10.0.3.1/24, "b:e0": 10.0.3.2/24 }
  - endpoints: { "lent:v0": 10.0.4.1/24, "b:e1": 10.0.4.2/24 }
`,
      }),
    )
    expect(await m.netlab(['apply', '-y', file])).toMatchObject({ code: 0 })
    expect((await m.netlab(['plan', file])).stdout).toContain('No changes')
    expect(await m.netlab(['destroy', '-y', file])).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('pid-'),
    })
    await m.sh('here', 'ip netns del lent')
  })

  test('one machine under two names is an error of both, not a run that waits for itself', async () => {
    const twice = await plan(lab({ right: run('left', [], m.addresses.right), body: pair() }))
    expect(twice.stderr).toMatch(/right is the same machine as left\n.*lab\.yaml:4:/)
    const destroyed = await m.netlab(['destroy', '-y', join(m.world.folder, 'lab.yaml')])
    expect(destroyed.stderr).toBe(twice.stderr)
    const here = await plan(lab({ left: `{ run: [env], address: ${m.addresses.left} }`, body: pair() }))
    expect(here.stderr).toContain('left is the machine that netlab runs on')
  })

  test('a machine says what it lacks', async () => {
    const bin = join(m.world.folder, 'few')
    mkdirSync(bin)
    const only = async (tools: readonly string[]): Promise<string> => {
      await m.sh('here', `rm -f ${bin}/*; for tool in ${tools.join(' ')}; do ln -s "$(command -v $tool)" ${bin}; done`)
      return (await plan(lab({ left: run('left', ['env', `PATH=${bin}`]) }))).stderr
    }
    const write = (name: string, text: string): void => {
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`)
      chmodSync(join(bin, name), 0o755)
    }
    // The folders of administration are looked into as well; what is missing is what is nowhere.
    expect(await only(['sh', 'uname', 'ip', 'tar', 'gzip', 'head', 'tail'])).toContain(
      'machine left: it lacks Node.js 20 or newer, coreutils',
    )
    await m.sh('here', `rm -f ${bin}/*`)
    copyFileSync('/bin/sh', join(bin, 'sh'))
    chmodSync(join(bin, 'sh'), 0o755)
    write('uname', 'echo pdp11')
    const other = await plan(lab({ left: run('left', ['env', `PATH=${bin}`]) }))
    expect(other.stderr).toMatch(/machine left: it is pdp11, and this machine is \w+/)
    await only(['sh', 'uname', 'ip', 'tar', 'gzip', 'head', 'tail', 'sha256sum'])
    write('node', 'echo v18.20.4')
    const old = await plan(lab({ left: run('left', ['env', `PATH=${bin}`]) }))
    expect(old.stderr).toContain('machine left: it lacks Node.js 20 or newer (it has v18.20.4)')
  })

  test('doctor asks every machine about what of the lab is there', async () => {
    const text = lab({ third: '{ run: ["false"] }' })
    const { code, stdout } = await m.netlab(['doctor', '--json', m.write('lab.yaml', text)])
    const { healthy, findings } = JSON.parse(stdout) as { healthy: boolean; findings: Record<string, unknown>[] }
    expect([code, healthy]).toEqual([1, false])
    expect(findings.filter(({ name }) => name === 'vxlan').map(({ machine }) => machine)).toEqual([
      undefined,
      'left',
      'right',
    ])
    expect(findings.at(-1)).toMatchObject({ name: 'third', kind: 'machine', present: false, essential: true })
    const whole = await m.netlab(['doctor', m.write('lab.yaml', lab({}))])
    expect(whole).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Programs on third$/m) })
  })

  test('netlab that has not arrived whole is not used, and leaves nothing', async () => {
    const cache = '/run/other-cache'
    const left = run('left', ['env', `XDG_CACHE_HOME=${cache}`, 'sh', '-c', 'head -c 100000 | "$@"', 'sh'])
    const damaged = await plan(lab({ left }))
    expect(damaged).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('machine left: netlab did not arrive whole'),
    })
    expect(await m.sh('left', `ls ${cache}/netlab`)).toBe('')
    const full = run('left', ['env', 'XDG_CACHE_HOME=/proc/none'])
    expect((await plan(lab({ left: full }))).stderr).toContain('/proc/none/netlab cannot be written to')
  })

  test('an ordinary user there has a sandbox, from which no link leads elsewhere', async () => {
    const become = ['setpriv', '--reuid=12345', '--regid=12345', '--clear-groups']
    const user = [...become, 'env', '-u', 'XDG_RUNTIME_DIR', 'HOME=/run/user', 'XDG_CACHE_HOME=/run/user']
    await m.sh('left', 'mkdir -p /run/user; chown 12345 /run/user')
    const left = run('left', user)
    const alone = `namespaces: { a: { machine: left }, a2: { machine: left } }\nlinks: [{ endpoints: ["a:x", "a2:x"] }]\n`
    expect(await apply(lab({ left, body: alone }))).toMatchObject({ code: 0 })
    expect(await nothing(lab({ left, body: alone }))).toMatchObject({ code: 0 })
    expect(await m.sh('left', 'ls /run/netns')).toBe('')
    const joined = await plan(lab({ left, body: pair() }))
    expect(joined).toMatchObject({ code: 1, stderr: expect.stringContaining('netlab is not root on left') })
    expect(await m.netlab(['destroy', '-y', m.write('lab.yaml', lab({ left, body: alone }))])).toMatchObject({
      code: 0,
    })
  })

  test('a link has the MTU that fits, or is refused', async () => {
    expect((await plan(lab({ body: pair() }))).stdout).toMatch(/a\/eth0 .* mtu 1450,/)
    const large = await plan(lab({ body: pair(', mtu: 1500') }))
    expect(large).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('an MTU of 1500 does not fit between left and right'),
    })
    expect(large.stderr).toContain('Lower the mtu by 50')
    expect((await plan(lab({ body: pair(', mtu: 1300') }))).stdout).toMatch(/a\/eth0 .* mtu 1300,/)
    const on = '    mac: { type: macvlan, link: eth0, mtu: 1500 }'
    expect(await plan(lab({ body: pair().replace('a: {', `a: { interfaces: {\n${on}\n  },`) }))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/MTU of 1500 does not fit on a:eth0: .* leave 1450\n.*lab\.yaml:\d+:44/),
    })
    await m.setMtu(1600)
    expect(await apply(lab({ body: pair() }))).toMatchObject({ code: 0 })
    await m.sh('left', 'ip netns exec a ping -M do -s 1472 -c1 -W5 10.0.1.2')
    await m.setMtu(1500)
  })

  test('a switch on all of them is one switch, as a mesh and by EVPN', async () => {
    const text = lab({
      body: `
namespaces:
  mesh: { machine: &all [left, right, third], bridges: { br0: { addresses: [10.0.1.254/24] } } }
  evpn: { machine: *all, evpn: true, bridges: { br0: { addresses: [10.0.2.254/24] } } }
  h1: { machine: left, sysctls: &loud { net.ipv4.icmp_echo_ignore_broadcasts: 0 } }
  h2: { machine: right, sysctls: *loud }
  h3: { machine: third, sysctls: *loud }
links:
  - endpoints: { "h[1..3]:mesh": "10.0.1.{i}/24", "mesh:br0": }
  - endpoints: { "h[1..3]:evpn": "10.0.2.{i}/24", "evpn:br0": }
`,
    })
    expect(await apply(text)).toMatchObject({ code: 0 })
    // When apply ends, EVPN knows its pieces: their addresses for what is for everybody.
    const pieces = "bridge -n evpn.right fdb show dev vxlan1 | grep -c '^00:00:00:00:00:00 dst'"
    expect(await m.sh('right', pieces)).toBe('2\n')
    const [ping, hosts] = ['ip netns exec h1 ping', '1.2 1.3 1.254 2.2 2.3 2.254']
    await m.sh('left', `for host in ${hosts}; do until ${ping} -c1 -W2 10.0.$host; do sleep 0.1; done; done`)
    // Broadcasts come to each host once, before what is sent after them; a VXLAN in another leaves less room.
    const heard = async (): Promise<string[]> => {
      const pings = "nstat -asz IcmpMsgInType8 | awk '/Type8/ { print $2 }'"
      return [await m.sh('right', `ip netns exec h2 ${pings}`), await m.sh('third', `ip netns exec h3 ${pings}`)]
    }
    const before = await heard()
    await m.sh('left', `${ping} -b -c3 -i0.2 10.0.1.255; ${ping} -b -c3 -i0.2 10.0.2.255`)
    await m.sh('left', `for n in 2 3; do ${ping} -Mdo -c1 -s1422 10.0.1.$n; ${ping} -Mdo -c1 -s1372 10.0.2.$n; done`)
    expect(await heard()).toEqual(before.map((count) => `${Number(count) + 8}\n`))
    expect(await m.sh('right', 'bridge -n evpn.right fdb show br br0')).toMatch(/vxlan1 .*extern_learn/)
    expect(await m.sh('left', 'ip netns exec h1 cat /sys/class/net/evpn/mtu')).toBe('1400\n')
    expect(await nothing(text)).toMatchObject({ code: 0 })
  }, 120_000)

  test('what others have there is in the way before anything is changed', async () => {
    const vni = /mtu 1450, id (\d+)/.exec((await plan(lab({ body: pair() }))).stdout)?.[1] ?? ''
    await m.sh('right', `ip link add theirs type vxlan id ${vni} dstport 4789 dev eth0`)
    const taken = await plan(lab({ body: pair() }))
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining('b:eth0 cannot be made: theirs has') })
    expect(taken.stderr).toContain(`theirs has its VXLAN network identifier, ${vni}`)
    // Also when it is in a namespace by now, which does not matter to the kernel.
    await m.sh('right', 'ip netns add theirs; ip link set theirs netns theirs')
    expect((await plan(lab({ body: pair() }))).stderr).toContain('theirs:theirs has its VXLAN network identifier')
    await m.sh('right', 'ip netns del theirs')
    await m.sh('left', 'ip netns add a')
    expect((await plan(lab({ body: pair() }))).stderr).toContain('namespace a exists already, and no lab made it')
    await m.sh('left', 'ip netns del a')
  })

  test('machines without a way to each other are an error', async () => {
    const away = await plan(lab({ right: run('right', [], '203.0.113.9'), body: pair() }))
    expect(away.stderr).toContain('a/eth0 and b/eth0 cannot be joined: left has no route to 203.0.113.9')
    // What is there can be destroyed all the same.
    const path = m.write('lab.yaml', lab({ right: run('right', [], '203.0.113.9'), body: pair() }))
    expect(await m.netlab(['destroy', '-y', path])).toMatchObject({ code: 0 })
    const unknown = await plan(lab({ right: `{ run: ${JSON.stringify(m.enter.right)} }`, body: pair() }))
    expect(unknown.stderr).toContain('the address of right is not known')
    // An address of another machine.
    await m.sh('left', 'ip route add 203.0.113.9 dev eth0')
    const other = await plan(lab({ right: run('right', [], '203.0.113.9'), body: pair() }))
    expect(other.stderr).toContain('right has no route to 192.168.9.2 from its address 203.0.113.9')
    await m.sh('left', 'ip route del 203.0.113.9')
  })

  test('two runs wait for each other', async () => {
    const path = m.write('lab.yaml', lab({}))
    const both = await Promise.all([1, 2].map(() => m.netlab(['apply', '-y', path, '--lock-timeout', '40'])))
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(both.map(({ stderr }) => stderr).join('')).toContain('Waiting for another run')
    expect(await nothing(lab({}))).toMatchObject({ code: 0 })
  })

  test('who is killed while it waits for an answer leaves no program on any machine', async () => {
    const text = lab({ third: run('third', ['sh', '-c', 'sleep 0.5; exec "$@"', 'sh']) })
    const [program = '', ...words] = [
      ...m.world.enter,
      process.execPath,
      join(process.cwd(), 'dist/netlab.cjs'),
      'plan',
      m.write('lab.yaml', text),
    ]
    const child = spawn(program, words, { stdio: 'ignore', detached: true })
    await new Promise((resolve) => setTimeout(resolve, 300))
    process.kill(-(child.pid ?? 0), 'SIGKILL')
    await once(child, 'close')
  })

  test('a signal ends a run that waits for another, and stops one that works, also when what is done is kept', async () => {
    const long = `namespaces: { a: { machine: left, setup: ["sleep 100"] }, b: { machine: right } }\n`
    const path = m.write('lab.yaml', lab({ body: long }))
    const begin = (...more: string[]) => {
      const [program = '', ...words] = [
        ...m.world.enter,
        process.execPath,
        join(process.cwd(), 'dist/netlab.cjs'),
        'apply',
        '-y',
        path,
      ]
      const child = spawn(program, [...words, ...more], { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
      let said = ''
      child.stderr.on('data', (data) => (said += String(data)))
      return {
        says: async (text: string) => {
          while (!said.includes(text)) await once(child.stderr, 'data')
        },
        async interrupt() {
          process.kill(-(child.pid ?? 0), 'SIGINT')
          await once(child, 'close')
          return said
        },
      }
    }
    const first = begin('--no-rollback')
    await first.says('a/home')
    const second = begin()
    await second.says('Waiting for another run')
    expect(await second.interrupt()).not.toContain('Stopping')
    expect(await first.interrupt()).toMatch(/Stopping[^]*left: They are kept/)
  })

  test('a program that would reach a machine, and waits, ends with netlab', async () => {
    const file = join(m.world.folder, 'waits')
    const left = `{ run: [sh, -c, 'echo $$ >${file}; exec sleep 1000'] }`
    const ended = `if [ -s ${file} ]; then while kill -0 $(cat ${file}); do sleep 0.02; done 2>&-; fi; rm -f ${file}`
    expect(await plan(lab({ left, body: 'namespaces: { a: 7 }\n' }))).toMatchObject({ code: 1 })
    await m.sh('here', ended)
    const path = m.write('lab.yaml', lab({ left }))
    await m.sh(
      'here',
      `${process.execPath} dist/netlab.cjs plan ${path} & until [ -s ${file} ]; do sleep 0.02; done; kill $!`,
    )
    await m.sh('here', ended)
  })
}
