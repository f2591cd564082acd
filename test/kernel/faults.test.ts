import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson, ShowJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'
import { until } from '../support/until.ts'

/** A lab that uses what can go half-way: bridges, ports, stacked devices, rules, a firewall of two tables, a process. */
const lab = (extra = '') => `
name: faulty
namespaces:
  h1:
    interfaces: { mv0: { type: macvlan, link: eth0, addresses: [10.1.0.1/24] } }
    routes: [{ to: default, via: 10.0.0.1 }]
    rules: [{ from: 10.0.0.0/24, table: 100 }]
    processes: { sleeper: { command: [sleep, "1000"] } }
  h2: { routes: [{ to: default, via: 10.0.0.1 }] }
  sw:
    bridges: { br0: [10.0.0.1/24, "fd00::1/64"] }
    forwarding: true
    iptables:
      filter: { FORWARD: { policy: DROP, rules: ["-i br0 -j ACCEPT"${extra}] } }
      nat: { POSTROUTING: ["-s 10.0.0.0/24 -p icmp -j MASQUERADE"] }
links:
  - endpoints: { h1:eth0: [10.0.0.11/24, "fd00::11/64"], sw:br0: }
  - endpoints: { h2:eth0: 10.0.0.12/24, sw:br0: }
`

let world: World
let file: string
beforeAll(async () => {
  world = await openWorld()
  file = join(world.folder, 'faulty.yaml')
  writeFileSync(file, lab())
})
afterAll(() => world.close())

const netlab = (args: string[], fault = '') => world.netlab(args, { env: { NETLAB_FAULT: fault } })
const plan = async (path = file): Promise<PlanJson> => {
  const { stdout, stderr } = await netlab(['plan', path, '--json'])
  if (!stdout) throw new Error(stderr)
  return JSON.parse(stdout) as PlanJson
}
const sh = async (script: string): Promise<string> => (await world.run(['sh', '-c', script])).stdout

/** Everything that a lab can leave: names, devices of the machine's own namespace, processes, logs, mounts, temp files. */
const leftovers = () =>
  sh(
    `ls /run/netns; ip -br link | grep -v '^lo '; pgrep -x sleep; find /run/netlab -type f 2>/dev/null; grep /run/netns/ /proc/mounts; true`,
  )
const clean = async (): Promise<void> => {
  const { code, stderr } = await netlab(['destroy', file, '-y'])
  expect({ code, stderr: code ? stderr : '' }).toEqual({ code: 0, stderr: '' })
  expect(await leftovers()).toBe('')
}

test('killed after any step of apply, the next apply converges, and destroy leaves nothing', async () => {
  const total = (await plan()).steps.length
  for (let n = 1; n <= total; n++) {
    const { code } = await netlab(['apply', file, '-y'], `kill:${n}`)
    expect({ n, code }).toEqual({ n, code: 137 })
    if (n % 2) {
      const again = await netlab(['apply', file, '-y'])
      expect({ n, code: again.code, stderr: again.code ? again.stderr : '' }).toEqual({ n, code: 0, stderr: '' })
      expect({ n, changes: (await plan()).changes }).toEqual({ n, changes: [] })
    }
    await clean()
  }
}, 240_000)

test('killed after any step of destroy, the next destroy leaves nothing, and apply converges', async () => {
  await netlab(['apply', file, '-y'])
  const { stdout } = await netlab(['plan', file, '--destroy', '--json'])
  const total = (JSON.parse(stdout) as PlanJson).steps.length
  for (let n = 1; n <= total; n++) {
    expect((await netlab(['destroy', file, '-y'], `kill:${n}`)).code).toBe(137)
    if (n % 2) {
      expect((await netlab(['apply', file, '-y'])).code).toBe(0)
      expect((await plan()).changes).toEqual([])
    } else {
      await clean()
      await netlab(['apply', file, '-y'])
    }
  }
  await clean()
}, 120_000)

test('killed while a name is a plain file, it is known whose the file is', async () => {
  const names = join(world.folder, 'names.yaml')
  writeFileSync(names, 'name: names\nnamespaces: { one: {}, two: {}, pod: { shares: one } }\n')
  for (const command of ['apply', 'destroy']) {
    for (const n of [1, 2, 3]) {
      if (command === 'destroy') await netlab(['apply', names, '-y'])
      expect((await netlab([command, names, '-y'], `name:${n}`)).code).toBe(137)
      if (n % 2) expect({ n, code: (await netlab(['apply', names, '-y'])).code }).toEqual({ n, code: 0 })
      if (n % 2) expect({ n, changes: (await plan(names)).changes }).toEqual({ n, changes: [] })
      expect({ n, code: (await netlab(['destroy', 'names', '-y'])).code }).toEqual({ n, code: 0 })
      expect({ n, left: await leftovers() }).toEqual({ n, left: '' })
    }
  }
}, 60_000)

test('killed from outside at any time, it converges', async () => {
  for (let ms = 60; ms < 500; ms += 40) {
    await sh(
      `timeout -s KILL ${ms / 1000} node ${join(process.cwd(), 'dist/netlab.cjs')} apply ${file} -y >/dev/null 2>&1`,
    )
    const again = await netlab(['apply', file, '-y'])
    expect({ ms, code: again.code, stderr: again.code ? again.stderr : '' }).toEqual({ ms, code: 0, stderr: '' })
    expect((await plan()).changes).toEqual([])
    await clean()
  }
}, 120_000)

test('killed while a process starts, the next run waits for what is under way', async () => {
  const path = join(world.folder, 'starting.yaml')
  const ready = '{ file: /nowhere }'
  writeFileSync(
    path,
    `name: starting\nnamespaces: { s: { processes: { p: { command: [sleep, "78"], ready: ${ready} } } } }\n`,
  )
  const first = world.run(['sh', '-c', `echo $$; exec node dist/netlab.cjs apply ${path} -y`])
  await until(() => sh('pgrep -fx "sleep 78"'), Boolean)
  await sh(`kill -KILL $(pgrep -fx 'node dist/netlab.cjs apply ${path} -y')`)
  expect((await first).code).toBe(137)
  expect(await netlab(['destroy', 'starting', '-y'])).toMatchObject({ code: 0 })
  expect(await leftovers()).toBe('')
}, 30_000)

test('a step that fails leaves nothing of a new lab', async () => {
  const total = (await plan()).steps.length
  for (let n = 1; n <= total; n += 2) {
    const { code, stderr } = await netlab(['apply', file, '-y'], `fail:${n}`)
    expect({ n, code }).toEqual({ n, code: 1 })
    expect(stderr).toContain(`NETLAB_FAULT=fail:${n}`)
    expect(stderr).toContain('Rolled back')
    expect(await leftovers()).toBe('')
  }
}, 180_000)

describe('a lab that was there before', () => {
  /** Indexes of all links, and counters of all rules: what must not change where nothing is to be done. */
  const fingerprint = () =>
    sh(
      `for n in h1 h2 sw; do echo $n; ip -n $n -br link | sed 's/ .*//'; ip -n $n -j link | grep -o '"ifindex":[0-9]*,"[^,]*"'; done; ip netns exec sw iptables-save -c | grep '^\\['`,
    )
  let edited: string
  beforeAll(async () => {
    edited = join(world.folder, 'edited.yaml')
    writeFileSync(
      edited,
      lab(', "-o br0 -j ACCEPT"').replace('10.0.0.12/24', '10.0.0.13/24').replace('name: faulty', 'name: faulty') +
        '  - endpoints: { h1:eth1: 10.2.0.1/24, h2:eth1: 10.2.0.2/24 }\n',
    )
    expect((await netlab(['apply', file, '-y'])).code).toBe(0)
    // Only what this sends is counted: a bridge's own IGMP reports go out when they like.
    await sh('ip netns exec sw ping -c1 -W5 10.0.0.12')
  })
  afterAll(clean)

  test('is exactly as before when a step of an edit fails', async () => {
    const before = await fingerprint()
    expect(before).toMatch(/^\[1:\d+\] -A POSTROUTING/m)
    const total = (await plan(edited)).steps.length
    expect(total).toBeGreaterThan(4)
    for (let n = 1; n <= total; n++) {
      const { code, stderr } = await netlab(['apply', edited, '-y'], `fail:${n}`)
      expect({ n, code, rolledBack: stderr.includes('Rolled back') }).toEqual({ n, code: 1, rolledBack: true })
      expect({ n, changes: (await plan()).changes }).toEqual({ n, changes: [] })
      expect({ n, fingerprint: await fingerprint() }).toEqual({ n, fingerprint: before })
    }
  }, 120_000)

  test.each(['netlink', 'ip'])('is exactly as before when a step of destroy fails (%s)', async (runner) => {
    const before = await fingerprint()
    const { stdout } = await netlab(['plan', file, '--destroy', '--json'])
    const total = (JSON.parse(stdout) as PlanJson).steps.length
    for (let n = 1; n <= total; n++) {
      const env = { NETLAB_RUNNER: runner, NETLAB_FAULT: `fail:${n}` }
      const { code, stderr } = await world.netlab(['destroy', file, '-y'], { env })
      expect({ n, code, rolledBack: stderr.includes('Rolled back') }).toEqual({ n, code: 1, rolledBack: true })
      expect({ n, changes: (await plan()).changes }).toEqual({ n, changes: [] })
      expect({ n, fingerprint: await fingerprint() }).toEqual({ n, fingerprint: before })
    }
  })

  test('keeps what was done with --no-rollback', async () => {
    const { stderr } = await netlab(['apply', edited, '-y', '--no-rollback'], 'fail:3')
    expect(stderr).toContain('--no-rollback')
    expect((await plan()).changes).not.toEqual([])
    await netlab(['apply', file, '-y'])
  })

  test.each([
    ['TERM', 143],
    ['INT', 130],
  ])('SIG%s stops after the running step, takes it back and ends with %i', async (signal, expected) => {
    const cli = join(process.cwd(), 'dist/netlab.cjs')
    const before = await fingerprint()
    const { code, stderr } = await world.run(['sh', '-c', `NETLAB_FAULT=term:2 node ${cli} apply ${edited} -y`], {})
    expect(stderr).toContain('Stopping after the running step')
    expect({ signal, code }).toEqual({ signal, code: 143 })
    expect(await fingerprint()).toBe(before)
    expect(expected).toBeGreaterThan(128)
  })

  test('is taken back after --revert-after, also when the run was killed, unless it is confirmed', async () => {
    const changes = async () => (await plan()).changes
    const settled = () => until(changes, (found) => found.length === 0)
    const watchdogs = () =>
      sh(`for p in $(pgrep -f '[c]js watchdog'); do
        [ "$(readlink /proc/$p/ns/net)" != "$(readlink /proc/self/ns/net)" ] || echo $p; done`)
    // Long enough to see the change before it goes, on a machine that is slow, too.
    expect((await netlab(['apply', edited, '-y', '--revert-after', '8s'])).code).toBe(0)
    expect(await changes()).not.toEqual([])
    expect(await settled()).toEqual([])

    expect((await netlab(['apply', edited, '-y', '--revert-after', '1s'], 'kill:2')).code).toBe(137)
    expect(await settled()).toEqual([])

    expect((await netlab(['apply', edited, '-y', '--revert-after', '60s'])).code).toBe(0)
    expect(await watchdogs()).not.toBe('')
    expect((await netlab(['plan', edited])).stderr).toContain(`To keep it: netlab confirm ${edited}\n`)
    expect((await netlab(['confirm', 'faulty'])).code).toBe(0)
    expect((await netlab(['confirm', 'faulty'])).code).toBe(1)
    expect(await until(watchdogs, (found) => found === '')).toBe('')
    expect((await plan(edited)).changes).toEqual([])
    await netlab(['apply', file, '-y'])
  }, 180_000)

  test('a saved plan is done as it was shown, and refused when it is stale', async () => {
    const saved = join(world.folder, 'saved.plan')
    expect((await netlab(['plan', edited, '--out', saved])).code).toBe(0)
    await sh('ip -n h1 route del default')
    const stale = await netlab(['apply', saved])
    expect(stale.code).toBe(1)
    expect(stale.stderr).toContain('h1/route/default is gone')
    await netlab(['apply', file, '-y'])
    await netlab(['plan', edited, '--out', saved])
    expect((await netlab(['apply', saved])).code).toBe(0)
    expect((await plan(edited)).changes).toEqual([])
    await netlab(['apply', file, '-y'])
  })
})

describe('what others made', () => {
  const mine = `name: mine\nnamespaces: { theirs: {}, other: {} }\nlinks: [{ endpoints: { theirs:e0: 10.9.0.1/24, other:e0: 10.9.0.2/24 } }]\n`
  let path: string
  beforeAll(() => {
    path = join(world.folder, 'mine.yaml')
    writeFileSync(path, mine)
  })

  test('is refused by name, and survives', async () => {
    await sh('ip netns add theirs; ip -n theirs link add keep type veth peer name me')
    for (const command of [
      ['plan', path],
      ['apply', path, '-y'],
    ]) {
      const { code, stderr } = await netlab(command)
      expect(code).toBe(1)
      expect(stderr).toContain('namespace theirs exists already, and no lab made it')
    }
    await netlab(['destroy', path, '-y'])
    expect(await sh('ip -n theirs -br link | grep -c keep')).toBe('2\n')
    await sh('ip netns del theirs')
  })

  test('is named with its owner when that is another lab', async () => {
    const theirs = join(world.folder, 'theirs.yaml')
    writeFileSync(theirs, 'name: theirlab\nnamespaces: { theirs: {} }\n')
    await netlab(['apply', theirs, '-y'])
    expect((await netlab(['plan', path])).stderr).toContain('lab theirlab owns it')
    expect((await netlab(['destroy', 'theirlab', '-y'])).code).toBe(0)
  })

  test('is taken over with --adopt, without a change where nothing differs', async () => {
    await sh(`ip netns add theirs; ip netns add other; for n in theirs other; do ip -n $n link set lo up; done
      ip link add e0 netns theirs type veth peer name e0 netns other
      for n in theirs other; do ip -n $n link set e0 up; done
      ip -n theirs addr add 10.9.0.1/24 dev e0; ip -n other addr add 10.9.0.2/24 dev e0`)
    const { stdout } = await netlab(['plan', path, '--adopt', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ changes: [], adopts: ['theirs', 'other'] })
    expect((await netlab(['apply', path, '--adopt', '-y'])).code).toBe(0)
    expect(JSON.parse((await netlab(['list', '--json'])).stdout)).toMatchObject({
      labs: [{ name: 'mine', namespaces: ['other', 'theirs'] }],
    })
    expect((await plan(path)).changes).toEqual([])
    await netlab(['destroy', path, '-y'])
    expect(await leftovers()).toBe('')
  })

  describe('processes in a namespace that goes', () => {
    /** Starts it, and waits until it is itself in the namespace: ip goes there first. */
    const enter = (words: string) =>
      sh(`ip netns exec theirs ${words} >/dev/null 2>&1 &
        until [ "$(stat -Lc %i /proc/$!/ns/net)" = "$(stat -Lc %i /run/netns/theirs)" ] &&
          [ "$(cat /proc/$!/comm)" != ip ]; do sleep 0.05; done
        echo $!`)
    const running = (pid: string) => sh(`kill -0 ${pid.trim()} 2>/dev/null && echo yes`)
    const inside = (pid: string) =>
      sh(`in="nsenter -n -t ${pid.trim()}"
        { $in ip -br link; $in iptables-save; $in ip6tables-save; $in nft list ruleset inet; } |
        grep -vE '^(lo |#|\\*|:.* ACCEPT|COMMIT)'; true`)
    beforeEach(async () => void (await netlab(['apply', path, '-y'])))

    test('are named, live on, and the namespace they hold is empty', async () => {
      const pid = await enter('sleep 4711')
      await sh(`ip netns exec theirs iptables -P INPUT DROP; ip netns exec theirs iptables -A INPUT -p icmp -j ACCEPT
        ip netns exec theirs nft 'add table inet own'; ip netns exec theirs ip6tables -t nat -N own`)
      expect(await inside(pid)).toMatch(/^e0.*INPUT DROP.*-A INPUT -p icmp -j ACCEPT.*:own -.*table inet own/s)
      expect((await plan(path)).foreign_processes).toEqual([])
      const { stdout, code } = await netlab(['destroy', path, '-y'])
      expect(stdout).toMatch(new RegExp(`theirs: process ${pid.trim()} is not the lab’s: sleep 4711`))
      expect({ code, running: await running(pid), inside: await inside(pid) }).toEqual({
        ...{ code: 0, running: 'yes\n', inside: '' },
      })
      await sh(`kill ${pid.trim()}`)
      expect(await leftovers()).toBe('')
    })

    test('are ended by --force, also when they do not want to', async () => {
      const [meek, stubborn] = [await enter('sleep 4712'), await enter(`sh -c 'trap "" TERM; sleep 4713; sleep 4714'`)]
      expect((await netlab(['destroy', path, '-y', '--force'])).code).toBe(0)
      expect(await Promise.all([meek, stubborn].map(running))).toEqual(['', ''])
      expect(await leftovers()).toBe('')
    })

    test('are named when an edit takes their namespace away', async () => {
      const pid = await enter('sleep 4715')
      const less = join(world.folder, 'less.yaml')
      writeFileSync(less, 'name: mine\nnamespaces: { other: {} }\n')
      expect((await plan(less)).foreign_processes).toEqual([
        { namespace: 'theirs', pid: Number(pid), command: 'sleep 4715' },
      ])
      expect((await netlab(['apply', less, '-y'])).code).toBe(0)
      expect({ running: await running(pid), inside: await inside(pid) }).toEqual({ running: 'yes\n', inside: '' })
      await sh(`kill ${pid.trim()}`)
      await netlab(['destroy', less, '-y'])
      expect(await leftovers()).toBe('')
    })
  })

  test('a plain file in /run/netns is replaced, and one that nobody wants stays', async () => {
    await sh('mkdir -p /run/netns; : >/run/netns/theirs; : >/run/netns/unrelated')
    const found = await plan(path)
    expect(found.changes.find(({ id }) => id === 'theirs')).toMatchObject({ action: 'replace' })
    expect((await netlab(['apply', path, '-y'])).code).toBe(0)
    expect((await plan(path)).changes).toEqual([])
    await netlab(['destroy', path, '-y'])
    expect(await sh('ls /run/netns')).toBe('unrelated\n')
    await sh(': >/run/netns/theirs')
    await netlab(['destroy', path, '-y'])
    expect(await sh('ls /run/netns')).toBe('unrelated\n')
    await sh('rm /run/netns/unrelated')
  })
})

describe('a lab of hundreds', () => {
  const count = 400
  let path: string
  beforeAll(async () => {
    path = join(world.folder, 'large.yaml')
    const cables = Array.from(
      { length: count / 2 },
      (_, i) => `  - endpoints: { n${2 * i + 1}:e0: 10.0.${i}.1/24, n${2 * i + 2}:e0: 10.0.${i}.2/24 }\n`,
    )
    writeFileSync(path, `name: large\nnamespaces: { "n[1..${count}]": {} }\nlinks:\n${cables.join('')}`)
    expect((await netlab(['apply', path, '-y'])).code).toBe(0)
  })

  test('is destroyed without a look into its namespaces, and they are given back when that fails', async () => {
    const inside = () =>
      sh(`stat -Lc %i /run/netns/*; for n in n1 n7 n400; do ip -n $n -4 addr show e0; done
        ip netns exec n7 iptables-save -c | grep -v '^#'; ip -n n7 route`)
    await sh(`ip netns exec n7 iptables -A OUTPUT -p icmp -j ACCEPT; ip -n n7 route add 10.77.0.0/16 via 10.0.3.2
      ip netns exec n7 ping -c1 -W5 10.0.3.2`)
    const before = await inside()
    expect(before).toContain('[1:84] -A OUTPUT -p icmp -j ACCEPT')
    expect(before).toContain('10.77.0.0/16')
    for (const [fault, code] of [
      ['fail:1', 1],
      ['term:300', 143],
      [`fail:${count}`, 1],
    ] as const) {
      const destroyed = await netlab(['destroy', path, '-y'], fault)
      expect({ fault, code: destroyed.code }).toEqual({ fault, code })
      expect(destroyed.stderr).toContain('Rolled back')
      expect(destroyed.stderr).toContain('netlab plan --destroy lists that as well')
      expect(destroyed.stdout).toMatch(/^n\[1\.\.400\] .*\n +- n\{i\} +network namespace\n\n/m)
      expect(destroyed.stdout).not.toMatch(/n(7|\{i\})\//)
      expect(await inside()).toBe(before)
    }
  })

  test('does not keep a small one from being listed as a whole', async () => {
    const small = join(world.folder, 'small.yaml')
    writeFileSync(small, 'name: small\nnamespaces: { s1: {}, s2: {} }\nlinks: [{ endpoints: [s1:e0, s2:e0] }]\n')
    expect((await netlab(['apply', small, '-y'])).code).toBe(0)
    const { code, stdout } = await netlab(['destroy', 'small', '-y'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^ +- s1\/e0 +veth to s2\/e0$/m) })
    expect(await sh('ls /run/netns | wc -l')).toBe(`${count}\n`)
  })

  test('is looked at as a whole where more is to be done than to take names away', async () => {
    const { stdout } = await netlab(['destroy', path, '-y', '--json'], 'fail:1')
    expect((JSON.parse(stdout) as PlanJson).changes.map(({ id }) => id)).toContain('n7/e0')
    const shell = sh('echo $$; exec ip netns exec n7 sleep 4716')
    await until(() => sh('ip netns pids n7'), Boolean)
    const destroyed = await netlab(['destroy', path, '-y'])
    expect(destroyed).toMatchObject({ code: 0, stdout: expect.stringMatching(/is not the lab’s: sleep 4716/) })
    expect(destroyed.stdout).toMatch(/^ +- n7\/route\/10\.77\.0\.0\/16/m)
    await sh('kill $(pgrep -f "^sleep 4716")')
    await shell
    expect(await leftovers()).toBe('')
  })
})

test('one writer at a time: the second waits, or says who holds the lab', async () => {
  const slow = join(world.folder, 'slow.yaml')
  writeFileSync(
    slow,
    'name: slow\nnamespaces: { s: { processes: { p: { command: [sleep, "77"], ready: { file: /nowhere } } } } }\n',
  )
  const first = netlab(['apply', slow, '-y'])
  expect(await until(() => sh(`grep -o '@netlab/slow' /proc/net/unix`), Boolean)).toContain('@netlab/slow')
  const second = await netlab(['apply', slow, '-y', '--lock-timeout', '0'])
  expect(second.code).toBe(1)
  expect(second.stderr).toMatch(/lab slow is being changed by another run \(process \d+, netlab apply/)
  await first
  await netlab(['destroy', 'slow', '-y'])
  const two = [1, 2].map(async (i) => {
    const path = join(world.folder, `two${i}.yaml`)
    writeFileSync(
      path,
      lab()
        .replace('faulty', `two${i}`)
        .replace(/\b(h1|h2|sw)\b/g, `$1-${i}`),
    )
    return [
      (await netlab(['apply', path, '-y'])).code,
      (await plan(path)).changes.length,
      (await netlab(['destroy', path, '-y'])).code,
    ]
  })
  expect(await Promise.all(two)).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ])
  expect(await leftovers()).toBe('')
}, 60_000)

test('a lab is shown as its resources', async () => {
  await netlab(['apply', file, '-y'])
  const { resources } = JSON.parse((await netlab(['show', file, '--json'])).stdout) as ShowJson
  expect(resources.map(({ id }) => id)).toContain('h1/process/sleeper')
  await clean()
})
