import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { WayHop } from '../../src/model/packet-way.ts'
import type { ChecksJson } from '../../src/views/check-results.ts'
import type { ErrorJson, PlanJson } from '../../src/views/json.ts'
import type { ReachChangeJson } from '../../src/views/reach-change.ts'
import type { ReachJson } from '../../src/views/reach-json.ts'
import type { WatchJson } from '../../src/views/watch-text.ts'
import type { GraphJson } from '../../src/views/graph/text-forms.ts'
import type { TraceJson } from '../../src/views/way-text.ts'
import { until } from '../support/until.ts'
import { machinesField, openMachineWorld, type Machines } from '../support/machines.ts'
import { tour } from '../support/tour.ts'

// Other machines are root's here: network namespaces with wires between them.
const asRoot = process.geteuid?.() === 0
if (asRoot) describe('commands know no difference between machines:', commands)
else test('is for root: there are no machines to test with', () => expect(asRoot).toBe(false))

const netlabWords = `${process.execPath} ${resolve('dist/netlab.cjs')}`

function commands(): void {
  let m: Machines
  const machines = (): string => machinesField(m, 'run')
  const lab = (): string =>
    m.write(
      'lab.yaml',
      `${machines()}
name: spread
namespaces:
  a:
    machine: left
    routes: [{ to: default, via: 10.0.1.1 }]
    processes: { web: { command: "echo ready; exec node -e 'require(\\"net\\").createServer().listen(80)'", ready: { tcp: 80 } } }
  r: { forwarding: true }
  b:
    machine: right
    routes: [{ to: default, via: 10.0.2.1 }]
    processes:
      asks: { command: [bash, -c, "exec 3<>/dev/tcp/10.0.1.2/80"], once: true, after: a/web }
      late: { command: [bash, -c, "trap : TERM; sleep infinity; sleep 0.3; (exec 3<>/dev/tcp/10.0.1.2/80) && >${m.world.folder}/served"], after: a/web }
links:
  - endpoints: { "a:eth0": 10.0.1.2/24, "r:a": 10.0.1.1/24 }
  - endpoints: { "b:eth0": 10.0.2.2/24, "r:b": 10.0.2.1/24 }
checks:
  - { from: b, ping: a, observe: { at: "a:eth0", source: 10.0.2.2 } }
  - { from: b, tcp: "a:80" }
  - { from: a, udp: "b:9999", to: "b:9999", timeout: 1 }
  - { from: b, run: "getent hosts a && hostname", expect: { stdout: "10.0.1.2" } }
`,
    )
  beforeAll(async () => {
    m = await openMachineWorld()
  }, 60_000)
  afterAll(() => m.close())

  describe('on a small lab', () => {
    beforeAll(async () => {
      expect(await m.netlab(['apply', '-y', lab()])).toMatchObject({ code: 0 })
    }, 60_000)
    afterAll(async () => {
      await m.netlab(['destroy', '-y', lab()])
      expect(await m.rest()).toBe('')
      // The program that it comes after, on another machine, was still there when it ended.
      expect(existsSync(join(m.world.folder, 'served'))).toBe(true)
    })
    const ran = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await m.netlab(args)
      return code === 0 ? stdout : `${code}\n${stdout}${stderr}`
    }

    test('test listens, connects, captures and runs commands where the namespaces are', async () => {
      expect(await ran('test', lab())).toMatch(/^4 passed/m)
    })

    test('show and graph have cables between machines', async () => {
      const shown = await ran('show', lab())
      expect(shown).toMatch(/^ {2}eth0 {2}10\.0\.1\.2\/24 {2}── r:a, mtu 1450$/m)
      expect(shown).not.toContain('vxlan')
      const { nodes, links } = JSON.parse(await ran('graph', '--live', '--format', 'json', lab())) as GraphJson
      expect(nodes.map(({ id }) => id).sort()).toEqual(['a', 'b', 'r'])
      expect(links).toMatchObject([{ state: 'up' }, { state: 'up' }])
    })

    test('trace follows a packet and its answer from machine to machine', async () => {
      const traced = async (...args: string[]): Promise<TraceJson> =>
        JSON.parse((await m.netlab(['trace', '--json', '--lab', lab(), ...args])).stdout) as TraceJson
      const way = await traced('b', 'a:80', '--tcp')
      const wires = (hops: readonly WayHop[] = []) =>
        hops.map(({ namespace, interfaces }) => [
          namespace,
          ...interfaces.flatMap(({ wire }) => (wire ? [wire.from, wire.to] : [])),
        ])
      expect(way).toMatchObject({ verdict: 'answered', hops: [{}, { route: { prefix: '10.0.1.0/24' } }, {}] })
      expect(wires(way.hops)).toEqual([['b', 'right', 'here'], ['r', 'here', 'left'], ['a']])
      expect(wires(way.reply?.hops)).toEqual([['a', 'left', 'here'], ['r', 'here', 'right'], ['b']])

      // A rule, a route and a wire in its way, each on another machine than netlab.
      await m.sh('left', 'ip netns exec a iptables -A INPUT -p udp -j DROP')
      expect(await traced('b', 'a:9', '--udp')).toMatchObject({
        verdict: 'dropped',
        at: { namespace: 'a', rule: { chain: 'INPUT', number: 1 } },
      })
      const { checks } = JSON.parse((await m.netlab(['test', '--json', '--only', 'udp', lab()])).stdout) as ChecksJson
      expect(checks[0]?.where).toMatch(/^b answered, but the answer was lost: a dropped it by rule 1 of INPUT /)
      await m.sh('left', 'ip netns exec a iptables -D INPUT -p udp -j DROP; ip -n a route del default')
      expect(await traced('b', 'a', '--compare')).toMatchObject({
        reason: 'it arrived at a:eth0, but a has no route back to 10.0.2.2',
        compared: { fresh: { verdict: 'answered' }, parts_in: 'a', drift: [{ id: 'a/route/default' }] },
      })
      await m.sh('left', 'ip -n a route add default via 10.0.1.1; iptables -A INPUT -p udp --dport 4789 -j DROP')
      expect((await traced('b', 'a')).reason).toMatch(
        /^it left by r:a and did not arrive at a:eth0; why is unknown: between them is VXLAN \d+ from here to left$/,
      )
      await m.sh('left', 'iptables -D INPUT -p udp --dport 4789 -j DROP')
    }, 60_000)

    test('reach asks from where each namespace is, and listens there', async () => {
      const lost = async () => {
        const { pairs } = JSON.parse(await ran('reach', '--json', '--lab', lab())) as ReachJson
        expect(pairs.filter(({ protocol }) => protocol === 'icmp')).toHaveLength(6)
        expect(pairs.filter(({ port }) => port === 80 || port === 9999)).toHaveLength(4)
        return pairs.flatMap(({ from, to, port, reached, reason }) => (reached ? [] : [{ from, to, port, reason }]))
      }
      expect(await lost()).toEqual([])
      await m.sh('left', 'ip netns exec a iptables -A OUTPUT -p icmp --icmp-type echo-request -j DROP')
      await m.sh('right', 'ip netns exec b iptables -A INPUT -p udp -s 10.0.2.1 -j DROP')
      expect(await lost()).toEqual([
        { from: 'a', to: 'r', reason: 'a firewall in a drops it' },
        { from: 'a', to: 'b', reason: 'a firewall in a drops it' },
        { from: 'r', to: 'b', port: 9999, reason: 'no answer' },
      ])
      await m.sh('left', 'ip netns exec a iptables -F')
      await m.sh('right', 'ip netns exec b iptables -F')
    }, 60_000)

    test('plan --reach and --test compare copies of the whole lab', async () => {
      const [head = ''] = readFileSync(lab(), 'utf8').split('checks:')
      const drop = 'iptables: { filter: { FORWARD: ["-s 10.0.2.2 -p tcp -j DROP"] } }'
      const file = m.write(
        'other.yaml',
        `${head.replace('forwarding: true', `forwarding: true, ${drop}`)}
checks: [{ from: a, ping: b }, { from: b, tcp: "a:81", to: "a:81", timeout: 0.5 }]
`,
      )
      const { code, stdout } = await m.netlab(['plan', file, '--reach', '--test', '--no-processes', '--json'])
      expect(code).toBe(1)
      const { changes, reach, tests } = JSON.parse(stdout) as PlanJson & { reach: ReachChangeJson; tests: ChecksJson }
      expect(changes.map(({ id }) => id)).toEqual(['r/iptables'])
      expect(reach).toMatchObject({
        gained: [],
        lost: [{ from: 'b', to: 'a', port: 81 }],
        trace: { verdict: 'dropped', at: { namespace: 'r' } },
      })
      expect(tests.summary).toMatchObject({ pass: 1, fail: 1 })
    }, 60_000)

    test('a drill breaks one place on one of the machines, and gives nothing away', async () => {
      const [head] = readFileSync(lab(), 'utf8').split('checks:')
      const file = m.write('drill.yaml', `${head}checks: [{ from: b, ping: a, timeout: 0.5 }]\n`)
      expect(JSON.parse(await ran('break', file, '--seed', '1', '--json'))).toMatchObject({
        symptoms: [{ name: 'b ping a' }],
      })
      expect(JSON.parse(await ran('plan', file, '--json'))).toMatchObject({ concealed: true, changes: [] })
      expect(JSON.parse(await ran('plan', file, '--json', '--reveal'))).toMatchObject({
        changes: [{ machine: 'left', differences: [{ field: 'drill' }] }, {}],
      })
      expect(await ran('hint', file)).toMatch(/^Hint 1 of 5: /)
      expect(await m.netlab(['apply', '-y', file])).toMatchObject({ code: 0 })
    }, 60_000)

    test('capture has the packets of all machines in one file, in order', async () => {
      const file = m.write('all.pcapng', '')
      const ping = 'ip netns exec a ping -q -i 0.1 -w 60 10.0.2.2 >/dev/null 2>&1 & echo $!'
      const pid = (await m.sh('left', ping)).trim()
      const args = ['capture', '--lab', lab(), 'b', 'a:eth0', 'r', 'icmp', '--count', '32', '-w', file]
      expect(await ran(...args)).toBe('')
      await m.sh('left', `kill ${pid}`)
      const fields = ['frame.interface_name', 'ip.src', 'icmp.seq', 'icmp.type'].flatMap((field) => ['-e', field])
      const { stdout } = await m.world.run(['tshark', '-r', file, '-T', 'fields', ...fields])
      const packets = stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t'))
      // The machines begin one after another, and the last echo is cut off.
      const [, , seq] = packets.filter(([at, , , type]) => at === 'a:eth0' && type === '8').at(-2) ?? []
      const way = ['a:eth0', 'r:a', 'r:b', 'b:eth0']
      expect(packets.filter(([, , of]) => of === seq).map(([at, from]) => [at, from])).toEqual([
        ...way.map((at) => [at, '10.0.1.2']),
        ...way.toReversed().map((at) => [at, '10.0.2.2']),
      ])
      expect(packets).toHaveLength(32)
      const { stdout: told } = await m.world.run(['capinfos', file])
      expect(told).toMatch(/Comment = lab spread; 10\.0\.1\.2\/24; cable to r:a\n/)
      const wrong = await m.netlab(['capture', '--lab', lab(), 'a', 'b', 'r', 'rr', 'icmp', '-w', file])
      expect(wrong.stderr).toContain("the filter rr icmp: can't parse filter expression: syntax error")
      expect(wrong.stderr).toContain('There is no namespace rr; did you mean r?')
      await m.sh('left', 'ip -n a link set lo down')
      expect((await m.netlab(['capture', '--lab', lab(), 'a:lo', '-w', file])).stderr).toContain('a:lo is down')
      await m.sh('left', 'ip -n a link set lo up')
    })

    test('a saved plan is done on all machines, or refused; what is not confirmed is taken back on each', async () => {
      expect((await m.netlab(['plan', lab(), '--target', 'a/eth0', 'none'])).stderr).toContain('has the id none')
      expect(await ran('plan', lab(), '--replace', 'b/process/asks')).toContain(
        'Plan: 1 to add, 0 to change, 1 to destroy',
      )
      const plan = join(m.world.folder, 'plan')
      const more = lab().replace('lab.yaml', 'more.yaml')
      m.write(
        'more.yaml',
        readFileSync(lab(), 'utf8')
          .replaceAll('"XDG_CACHE_HOME=', '"NETLAB_FAULT=",$&') // of what is killed here, and not there
          .replace(/ via: 10\.0\.([12])\.1 \}/g, '$&, { to: 10.9.0.0/16, via: 10.0.$1.1 }')
          .replace('forwarding: true', '$&, routes: [{ to: 10.9.0.0/16, via: 10.0.2.2 }]'),
      )
      const live = async (): Promise<number[]> =>
        await Promise.all(
          (['left', 'here', 'right'] as const).map(async (where, i) =>
            (await m.sh(where, `ip -n ${'arb'[i]} route show 10.9.0.0/16 | wc -l`)).trim(),
          ),
        ).then((counts) => counts.map(Number))
      const targets = [...'arb'].map((name) => `${name}/route/10.9.0.0/16`)
      expect(await ran('plan', more, '--target', ...targets, '--out', plan)).toMatch(/^a on left$/m)
      await m.sh('right', 'ip -n b link set eth0 mtu 1400')
      expect((await m.netlab(['apply', plan])).stderr).toContain('the plan is stale: the live network has changed')
      expect(await live()).toEqual([0, 0, 0])
      await m.sh('right', 'ip -n b link set eth0 mtu 1450')
      const text = readFileSync(plan, 'utf8')
      const changed = JSON.parse(text) as { parts: { right: { plan: { steps: unknown[] } } } }
      changed.parts.right.plan.steps.pop()
      m.write('plan', JSON.stringify(changed))
      expect((await m.netlab(['apply', plan])).stderr).toContain('the plan is not what its lab file asks for')
      m.write('plan', text)
      // Netlab here is killed when all have changed something: no machine needs it to take its part back.
      const killed = await m.netlab(['apply', plan, '--revert-after', '2s'], { env: { NETLAB_FAULT: 'kill:1' } })
      expect(killed.code).toBe(137)
      expect(await until(live, (counts) => counts.join() === '0,0,0', 20)).toEqual([0, 0, 0])
      expect((await m.netlab(['confirm', more])).stderr).toContain('nothing of lab spread waits to be confirmed\n')

      const reverting = await m.netlab(['apply', plan, '--revert-after', '60s'])
      expect(reverting).toMatchObject({ code: 0, stderr: expect.stringContaining(`netlab confirm ${more}`) })
      // One of the machines cannot be told, and then has nothing that waits: it is kept on none.
      const cut = m.write('cut.yaml', readFileSync(more, 'utf8').replace(/(left: { run: )[^\]]*/, '$1["false"'))
      expect((await m.netlab(['confirm', cut])).stderr).toContain('machine left: it does not answer')
      await m.sh('left', 'pkill -f "[n]etlab.cjs watchdog"')
      expect((await m.netlab(['confirm', more])).stderr).toContain('waits to be confirmed on left\n')
      expect(await m.netlab(['apply', '-y', more, '--revert-after', '60s'])).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(/^warning\[unconfirmed\][^]*The watchdog of an earlier apply was dismissed/m),
      })
      expect((await m.netlab(['confirm', 'spread'])).stderr).toContain('netlab confirm FILE')
      expect(await ran('confirm', more)).toBe('Lab spread stays as it is.\n')
      expect((await m.netlab(['confirm', more])).stderr).toContain('nothing of lab spread waits to be confirmed')
      expect(await live()).toEqual([1, 1, 1])
      expect(await m.netlab(['apply', '-y', lab()])).toMatchObject({ code: 0 })
    }, 60_000)

    test('watch reports and repairs what drifts on any machine, and connects again to one that was lost', async () => {
      // Before each change, the report of the one before has to be there.
      const script = `
        : >lines
        "$@" watch --json $repair ${lab()} >lines 2>said & p=$!
        told() { for i in $(seq 300); do [ $(grep -c "$1" lines) -lt $2 ] || return 0; sleep 0.1; done; }
        told '"clean"' 1
        ${m.enter.left.join(' ')} ip -n a link set eth0 mtu 1400
        told '"drift"' 1
        if [ -n "$repair" ]; then told '"repaired"' 1; told '"clean"' 2; else
          ${m.enter.right.join(' ')} ip -n b route del default
          told '"drift"' 2
          "$@" apply -y ${lab()} >/dev/null 2>&1
          told '"clean"' 2
          ${m.enter.left.join(' ')} sh -c 'kill -KILL $(pgrep -f "[n]etlab.cjs machine")'
          told '"clean"' 3
        fi
        kill $p; wait $p || true
        cat lines`
      const watched = async (repair: string): Promise<string[]> => {
        const text = await m.sh('here', `cd ${m.world.folder}; repair=${repair}; set -- ${netlabWords}${script}`)
        return text
          .trim()
          .split('\n')
          .map((line) => {
            const { error, kind, changes = [] } = JSON.parse(line) as WatchJson & { error?: ErrorJson['error'] }
            return [
              error ? error.diagnostics.map(({ summary }) => summary).join() : kind,
              ...changes.map(({ id, machine }) => `${id} on ${machine}`),
            ].join(', ')
          })
      }
      const drift = 'drift, a/eth0 on left'
      const lost = 'machine left: the connection has ended'
      expect(await watched('')).toEqual(['clean', drift, `${drift}, b/route/default on right`, 'clean', lost, 'clean'])
      expect(await watched('--repair')).toEqual(['clean', drift, 'repaired, a/eth0 on left', 'clean'])
    }, 60_000)

    test('exec, shell, logs and ps', async () => {
      expect(await ran('exec', '--lab', lab(), 'a', '--', 'hostname')).toBe('a\n')
      expect(await ran('exec', '--lab', lab(), 'b', '--', 'getent', 'hosts', 'a', 'r')).toMatch(
        /^10\.0\.1\.2 +a\n10\.0\.\d\.1 +r\n$/,
      )
      expect(await m.netlab(['exec', '--lab', lab(), 'b', '--', 'sh', '-c', 'exit 7'])).toMatchObject({ code: 7 })
      expect(await ran('logs', 'a/web', lab())).toBe('ready\n')
      expect(await ran('logs', lab())).toBe('a/web | ready\n')
      expect((await m.netlab(['ps'], { cwd: m.world.folder })).stdout).toMatch(/^a +\d+ +web +/m)
    })

    test('a program uses it as a lab on one machine', async () => {
      const program = `
        import { lab } from '${pathToFileURL(resolve('dist/api.mjs')).href}'
        const net = await lab('${lab()}', { fresh: false })
        const said = [(await net.exec('a', ['hostname'])).stdout, (await net.trace('b', 'a')).verdict]
        const cat = await net.spawn('a', ['cat'])
        cat.stdin.end('hello')
        for await (const piece of cat.stdout) said.push(String(piece))
        await net.cut('a:eth0')
        said.push((await net.trace('b', 'a')).verdict, (await net.plan()).faults.length)
        await net.close()
        console.log(JSON.stringify(said))
      `
      const { stdout, stderr } = await m.world.run([process.execPath, '--input-type=module', '-e', program])
      expect({ stderr, said: JSON.parse(stdout) as unknown }).toEqual({
        stderr: '',
        said: ['a\n', 'answered', 'hello', 'lost', 1],
      })
      expect(await m.netlab(['test', '--only', 'b ping a', lab()])).toMatchObject({ code: 0 })
    }, 60_000)

    test('another machine’s own namespace is one of the lab', async () => {
      const [head = ''] = readFileSync(lab(), 'utf8').split('checks:')
      const text = head
        .replace('namespaces:', 'namespaces:\n  top: { root: true, machine: left }')
        .replace('links:', 'links:\n  - endpoints: { "top:nl0": 10.7.0.1/24, "a:up": 10.7.0.2/24 }')
      const checks = `checks:
  - { from: top, ping: a, observe: { at: "top:nl0", source: 10.7.0.1 } }
  - { from: a, tcp: "top:99", to: "top:99" }
`
      const file = m.write('top.yaml', text + checks)
      expect(await m.netlab(['apply', '-y', file])).toMatchObject({ code: 0 })
      const shown = await ran('show', file)
      expect(shown).toMatch(/^top\n {2}nl0 {2}10\.7\.0\.1\/24 {2}── a:up$/m)
      expect(shown).toMatch(/^ {2}up .* ── top:nl0$/m)
      expect(await ran('exec', '--lab', file, 'top', '--', 'ip', '-br', 'addr')).toMatch(/^eth0.* 192\.168\.9\.2\/24/m)
      expect(await ran('test', file)).toMatch(/^2 passed/m)
      expect(await ran('trace', '--lab', file, 'a', 'top')).toContain('answered: top answered.')
      expect(await m.netlab(['apply', '-y', lab()])).toMatchObject({ code: 0 })
      expect(await m.sh('left', 'ip -o link show type veth | grep -c nl0 || true')).toBe('0\n')
    }, 60_000)

    test('a switch on several machines, and the namespace of another machine’s process, are of the lab', async () => {
      const pid = (await m.sh('left', 'unshare --net sleep 1000 >/dev/null 2>&1 & echo $!')).trim()
      const file = m.write(
        'switch.yaml',
        `${machines()}
name: switch
namespaces:
  sw: { machine: [left, right], bridges: { br0: { addresses: [10.8.0.254/24] } } }
  p: { pid: ${pid}, machine: left }
  h: { machine: right }
links:
  - endpoints: { "p:eth0": 10.8.0.1/24, "sw:br0": }
  - endpoints: { "h:eth0": 10.8.0.2/24, "sw:br0": }
  - endpoints: { "p:h": 10.8.1.1/24, "h:p": 10.8.1.2/24 }
checks:
  - { from: p, ping: sw, observe: { at: "p:eth0", source: 10.8.0.1 } }
  - { from: h, tcp: "10.8.1.1:99", to: "p:99" }
`,
      )
      expect(await m.netlab(['apply', '-y', file, '--skip-machine', 'right'])).toMatchObject({ code: 0 })
      expect(await m.sh('right', 'ls /run/netns')).not.toMatch(/^h$/m)
      expect(await m.netlab(['apply', '-y', file])).toMatchObject({ code: 0 })
      const shown = await ran('show', file)
      expect(shown).toMatch(/^p {2}process \d+\n(?: {2}eth0 .* ── sw:br0 .*\n| {2}h .* ── h:p, mtu 1450\n){2}/m)
      expect(shown).toMatch(/^sw\.right\n.* bridge: h~eth0 sw~br0, mtu 1450\n(?:.*\n)? {2}sw~br0 .* ── sw:br0 /m)
      const { links } = JSON.parse(await ran('graph', '--live', '--format', 'json', file)) as GraphJson
      expect(links.filter(({ kind, state }) => kind === 'cable' && state === 'up')).toHaveLength(4)
      expect(await ran('trace', '--lab', file, 'h', '10.8.0.1')).toMatch(
        /^ {2}sw\.right {2}h~eth0 → sw~br0$[^]*VXLAN \d+ from right to left[^]*^answered: p answered/m,
      )
      const { pairs } = JSON.parse(await ran('reach', '--json', '--lab', file)) as ReachJson
      expect(pairs.map(({ reached }) => reached)).toEqual(Array(8).fill(true))
      expect(await ran('test', file)).toMatch(/^2 passed/m)
      expect(await ran('exec', '--lab', file, 'p', '--', 'ip', '-br', 'addr', 'show', 'dev', 'h')).toContain(
        '10.8.1.1/24',
      )
      await m.sh('right', 'bridge -n sw.right link set dev sw~br0 isolated off')
      expect(await ran('plan', file)).toMatch(/^sw\.right on right$[^]*isolated: false → true[^]*1 to change/m)
      expect(await m.netlab(['apply', '-y', file])).toMatchObject({ code: 0 })

      // Its end is noticed at once, and not when netlab next looks at everything.
      const said = await m.sh(
        'here',
        `cd ${m.world.folder}; : >ended; ${netlabWords} watch --json ${file} >ended 2>/dev/null & p=$!
         told() { for i in $(seq $2); do ! grep -q "$1" ended || return 0; sleep 0.1; done; }
         told '"clean"' 300; ${m.enter.left.join(' ')} kill ${pid}; told '"error"' 50; kill $p; cat ended`,
      )
      expect(said).toMatch(
        new RegExp(`"clean".*\n.*"summary":"there is no process ${pid}".*"file":"${file}","line":9,`),
      )
      expect(await m.netlab(['destroy', '-y', file])).toMatchObject({ code: 0 })
    }, 120_000)

    test('another namespace at the path of one that is borrowed on another machine is noticed, and gets what is the lab’s', async () => {
      const fresh = `unshare --net sh -c 'mount --bind /proc/self/ns/net /run/theirs'`
      await m.sh('left', `touch /run/theirs; ${fresh}`)
      const file = m.write(
        'theirs.yaml',
        `${machines()}
name: theirs
namespaces: { p: { netns: /run/theirs, machine: left }, h: { machine: right } }
links: [{ endpoints: { "p:e0": 10.9.0.1/24, "h:e0": 10.9.0.2/24 } }]
checks: [{ from: h, ping: p }]
`,
      )
      expect(await m.netlab(['apply', '-y', file])).toMatchObject({ code: 0 })
      const said = await m.sh(
        'here',
        `cd ${m.world.folder}; : >anew; ${netlabWords} watch --json --repair ${file} >anew 2>/dev/null & p=$!
         told() { for i in $(seq 300); do [ $(grep -c "$1" anew) -lt $2 ] || return 0; sleep 0.1; done; }
         told '"clean"' 1; ${m.enter.left.join(' ')} sh -c '${`umount /run/theirs; ${fresh}`.replaceAll("'", `'"'"'`)}'
         told '"repaired"' 1; told '"clean"' 2; kill $p; cat anew`,
      )
      expect(said).toMatch(/"clean"[^]*"repaired"[^]*p\/e0[^]*"clean"/)
      expect(await ran('test', file)).toMatch(/^1 passed/m)
      expect(await m.netlab(['destroy', '-y', file])).toMatchObject({ code: 0 })
      await m.sh('left', 'umount /run/theirs')
    }, 60_000)

    test('faults: cut, partition and heal', async () => {
      const check = async (): Promise<number> => (await m.netlab(['test', '--only', 'b tcp a:80', lab()])).code
      for (const fault of [
        ['cut', 'a:eth0'],
        ['partition', 'a', 'b,r'],
      ]) {
        expect(await m.netlab([...fault, '--lab', lab()])).toMatchObject({ code: 0 })
        expect(await check()).toBe(1)
        expect(await ran('heal', '--lab', lab())).toContain(fault[0])
        expect(await check()).toBe(0)
      }
      expect(await m.netlab(['plan', '--detailed-exitcode', lab()])).toMatchObject({ code: 0 })
    }, 60_000)
  })

  // The others: npm run tour.
  test.each(['router', '14-pods', '21-spine-leaf', '20-services'])(
    'the lab %s, spread over all machines, passes its checks and leaves nothing',
    async (name) => expect(await tour(m, `labs/${name}.yaml`)).toBeGreaterThan(0),
    120_000,
  )
}
