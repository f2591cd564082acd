import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { ErrorJson } from '../../src/views/json.ts'
import type { WatchJson } from '../../src/views/watch-text.ts'
import { expectCommentedWays } from '../support/commented-ways.ts'
import { openWorld, type World } from '../support/netns.ts'
import { openPodman, type Podman } from '../support/podman.ts'

const path = 'labs/32-containers.yaml'
let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const sh = async (script: string): Promise<string> => {
  const { code, stdout, stderr } = await world.run(['sh', '-ec', script])
  if (code !== 0) throw new Error(stderr)
  return stdout
}
/** Everything in a namespace but what counts time. */
const inside = (file: string): Promise<string> =>
  sh(
    `nsenter --net=${file} sh -c 'ip link; ip addr | grep -v valid_lft; ip route show table all; ip -6 route; ip -4 rule; ip -6 rule; ip neigh; nft list ruleset; sysctl -a 2>/dev/null | grep -E "^net\\.ipv[46]\\.(ip_forward|conf)"'`,
  )

// Containers of Podman are root's here: those of an ordinary user are out of reach (docs/rootless.md).
const asRoot = process.geteuid?.() === 0
if (asRoot) describe('containers of podman', podmans)
else test('is for root: there are no containers to test with', () => expect(asRoot).toBe(false))

function podmans(): void {
  let podman: Podman
  const names = ['web', 'db', 'cache']
  beforeAll(async () => {
    podman = await openPodman(world)
    for (const name of names) await podman.start(name)
  }, 60_000)
  afterAll(() => podman.end())

  const netlab = async (args: readonly string[], env: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await world.netlab(args, { env: { ...podman.env, ...env } })
    return { code, text: stdout + stderr }
  }
  const all = async (): Promise<string[]> => {
    const dumps = []
    for (const name of names) dumps.push(await inside(await podman.namespace(name)))
    return dumps
  }
  const in_ = async (name: string, script: string): Promise<string> =>
    sh(`nsenter --net=${await podman.namespace(name)} sh -ec '${script}'`)

  test.each(['netlink', 'ip'])(
    'are wired, repaired, wired again when they are started again, and left as they were (%s)',
    async (runner) => {
      const env = { NETLAB_RUNNER: runner }
      // What the containers have of their own.
      await in_('web', 'ip link add own type veth peer name own2; ip link set own up; ip addr add 192.0.2.1/24 dev own')
      const before = await all()
      const first = await netlab(['plan', path], env)
      expect(first).toMatchObject({ code: 0, text: expect.stringContaining('web/eth0') })
      expect(first.text).not.toContain('new-lender')
      expect(await netlab(['apply', '-y', path], env)).toMatchObject({ code: 0 })
      for (const NETLAB_RUNNER of ['netlink', 'ip'])
        expect(await netlab(['plan', path, '--detailed-exitcode'], { NETLAB_RUNNER })).toMatchObject({
          code: 0,
          text: expect.stringContaining('No changes.'),
        })
      expect(await netlab(['test', path], env)).toMatchObject({ code: 0, text: expect.stringContaining('4 passed') })
      await expectCommentedWays(path, (args) => world.netlab(args, { env: { ...podman.env, ...env } }))
      expect((await netlab(['show', path], env)).text).toMatch(/^web {2}container web$/m)
      expect((await netlab(['show', path, '--desired'], env)).text).toContain('container: web')
      expect((await netlab(['exec', '--lab', path, 'web', '--', 'ping', '-c1', 'db'], env)).code).toBe(0)
      expect(await sh('ls /run/netns')).toBe('router\n')
      expect(await in_('web', 'ip -j link show lo')).not.toContain('netlab')

      // What somebody changes is repaired; what is the container's own is no drift.
      await in_('web', 'ip addr del 10.32.1.1/24 dev eth0; ip addr add 192.0.2.2/24 dev own')
      await in_('cache', 'ip link set eth0 down')
      const drift = await netlab(['plan', path], env)
      expect(drift.text).toContain('3 to add, 1 to change')
      expect(drift.text).toMatch(/\+ web\/eth0\/10\.32\.1\.1\/24[^]*~ cache\/eth0/)
      expect(drift.text).not.toContain('web/own')
      expect(await netlab(['apply', '-y', path], env)).toMatchObject({ code: 0 })
      await in_('web', 'ip addr del 192.0.2.2/24 dev own')

      await podman.run('restart', '-t', '0', 'db')
      const again = await netlab(['plan', path], env)
      expect(again.text).toContain('container db (db) has nothing of this lab: its network namespace is new')
      expect(again.text).toMatch(/\+ db\/eth0 [^]*\+ router\/db |\+ router\/db [^]*\+ db\/eth0 |± router\/db /)
      expect(again.text).not.toContain('web/')
      expect(await netlab(['apply', '-y', path], env)).toMatchObject({ code: 0 })
      expect(await netlab(['test', path], env)).toMatchObject({ code: 0, text: expect.stringContaining('4 passed') })

      // By its name alone the lab is found in the containers as well.
      expect((await netlab(['list'], env)).text).toMatch(/^containers {2}router( \/proc\/\d+\/ns\/net){3}$/m)
      expect(await netlab(['destroy', '-y', runner === 'ip' ? 'containers' : path], env)).toMatchObject({ code: 0 })
      const after = await all()
      names.forEach((_, i) => expect(ids(after[i])).toBe(ids(before[i])))
      expect(await sh('ls /run/netns; ip -o link')).not.toMatch(/router|veth/)
      await in_('web', 'ip link del own')
    },
    180_000,
  )

  test('one that has ended is an error at its line, and no obstacle to destroy', async () => {
    expect(await netlab(['apply', '-y', path])).toMatchObject({ code: 0 })
    // It is wired again as soon as it is there again, also while something else happens all the time.
    const { kinds, repaired } = await watching(
      path,
      `while sleep 0.2; do ip -n router link set lo alias netlab:containers; done & q=$!
       podman stop -t 0 cache
       told '"error"' 1
       podman start cache
       told '"repaired"' 1
       told '"clean"' 2
       kill $q`,
      podman.env,
    )
    expect(kinds).toEqual(['clean', 'error', 'drift', 'repaired', 'clean'])
    expect(repaired).toEqual(
      expect.arrayContaining(['cache/eth0', 'cache/eth0/10.32.1.2/24', 'cache/route/default', 'router/cache~eth0']),
    )
    await podman.run('stop', '-t', '0', 'cache')
    expect((await netlab(['plan', path])).text).toMatch(
      /error: container cache does not run: it is exited\n *--> labs\/32-containers.yaml:\d+:\d+[^]*Start it first: podman start cache/,
    )
    const doctor = await netlab(['doctor', path])
    expect(doctor).toMatchObject({ code: 1, text: expect.stringMatching(/✓ container web +web in the lab$/m) })
    expect(doctor.text).toMatch(
      /✗ container cache +container cache does not run: it is exited\n +Start it first: podman start cache/,
    )
    await podman.run('rm', 'cache')
    expect((await netlab(['plan', path])).text).toContain('no container cache')
    const { code, text } = await netlab(['destroy', '-y', path])
    expect({ code, text }).toMatchObject({ code: 0, text: expect.stringContaining('warning') })
    expect(await in_('web', 'ip -o link')).not.toContain('eth0')
    expect(await sh('ls /run/netns')).toBe('')
    await podman.start('cache')
  }, 120_000)

  test('a netlab that is killed leaves what the next apply finds', async () => {
    for (const step of ['3', '8', '12', '17']) {
      await world.netlab(['apply', '-y', path], { env: { ...podman.env, NETLAB_FAULT: `kill:${step}` } })
      expect(await netlab(['apply', '-y', path])).toMatchObject({ code: 0 })
      expect(await netlab(['plan', path, '--detailed-exitcode'])).toMatchObject({ code: 0 })
      expect(await netlab(['destroy', '-y', path])).toMatchObject({ code: 0 })
    }
    expect(await in_('web', 'ip -o link')).not.toContain('eth0')
  }, 180_000)

  test('what a lab has wired is imported with its containers', async () => {
    expect(await netlab(['apply', '-y', path])).toMatchObject({ code: 0 })
    const lent = names.flatMap((name) => ['--container', name])
    const { code, stdout, stderr } = await world.netlab(['import', 'router', ...lent], { env: podman.env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('container: web')
    expect(stdout).not.toContain('Not managed')
    const file = join(world.folder, 'imported.yaml')
    writeFileSync(file, stdout)
    expect(await netlab(['plan', file, '--adopt', '--detailed-exitcode'])).toMatchObject({ code: 0 })
    expect(await netlab(['destroy', '-y', path])).toMatchObject({ code: 0 })
  }, 120_000)

  test('a container stands in one place of a lab', async () => {
    const file = join(world.folder, 'twice.yaml')
    writeFileSync(file, 'namespaces: { a: { container: web }, b: { container: web } }\n')
    expect((await netlab(['plan', file])).text).toContain(
      'container web is in the network namespace a, which the lab has already',
    )
  })
}

/** Runs a script beside `netlab watch --repair`, once that is content. Returns what it tells, each kind once in a row, and what it repairs first. */
async function watching(file: string, script: string, env: Readonly<Record<string, string>> = {}) {
  const whole = `
    : >$0/lines
    "$@" watch --json --repair ${file} >$0/lines & p=$!
    told() { for i in $(seq 300); do [ $(grep -c "$1" $0/lines) -lt $2 ] || return 0; sleep 0.1; done; }
    told '"clean"' 1
    ${script}
    kill $p; wait`
  await world.run(['sh', '-ec', whole, world.folder, process.execPath, resolve('dist/netlab.cjs')], { env })
  const lines = readFileSync(join(world.folder, 'lines'), 'utf8').trim().split('\n')
  const said = lines.map((line) => JSON.parse(line) as Partial<WatchJson & ErrorJson>)
  const kinds = said.map(({ kind = 'error' }) => kind)
  return {
    kinds: kinds.filter((kind, i) => kind !== kinds[i - 1]),
    repaired: said[kinds.indexOf('repaired')]?.changes?.map(({ id }) => id),
  }
}

/** A dump without indexes, and without what the kernel decides a moment later. */
const ids = (text = ''): string =>
  text.replace(/^\d+: |@if\d+|@\w+|state [A-Z]+ |NO-CARRIER,|,LOWER_UP|^.*(fe80::|ff00::).*\n/gm, '')

describe('namespaces of others, without containers', () => {
  const file = (): string => join(world.folder, 'foreign.yaml')
  const run = async (args: string[], env: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await world.netlab(args, { env })
    return { code, text: stdout + stderr }
  }

  test.each(['netlink', 'ip'])(
    'a process’s, one with a name and one by its path (%s)',
    async (NETLAB_RUNNER) => {
      const env = { NETLAB_RUNNER }
      const pid = (await sh('unshare --net sleep 500 >/dev/null 2>&1 & echo $!')).trim()
      await sh(`ip netns add foo; ip netns add bar; until nsenter --net=/proc/${pid}/ns/net ip -o link | grep -vq veth; do sleep 0.1; done
        [ "$(stat -Lc %i /proc/${pid}/ns/net)" != "$(stat -Lc %i /proc/1/ns/net)" ]
        ip -n foo link add br-own address 02:00:00:00:00:77 type bridge; ip -n foo link set br-own up
        ip -n bar link add nic0 type veth peer name nic1; ip -n bar link set nic0 up; ip -n bar link set nic1 up`)
      writeFileSync(
        file(),
        `name: foreign
namespaces:
  p: { pid: ${pid} }
  foo: { netns: foo, bridges: { br-own: { existing: true } } }
  b: { netns: /run/netns/bar, interfaces: { nic0: { existing: true, addresses: [10.7.0.3/24] } }, routes: [{ to: 10.8.0.0/16, via: 10.7.0.9 }] }
  me: { root: true }
  h: { interfaces: { mv0: { type: macvlan, link: "b:nic0", addresses: [10.7.0.4/24] } } }
links:
  - endpoints: { "p:eth0": 10.9.0.1/24, "foo:br-own": }
  - endpoints: { "h:eth0": 10.9.0.2/24, "foo:br-own": }
  - endpoints: { "p:eth1": 10.9.1.1/24, "me:p1": 10.9.1.2/24 }
  - endpoints: { "p:eth2": 10.9.2.1/24, "b:eth2": 10.9.2.2/24 }
checks:
  - { from: h, ping: 10.9.0.1 }
  - { from: me, ping: 10.9.1.1 }
  - { from: b, ping: 10.9.2.1 }
  - { from: p, tcp: "10.9.0.2:80", to: "h:80", observe: [{ at: "p:eth0", dport: 80 }] }
`,
      )
      const places = [`/proc/${pid}/ns/net`, '/run/netns/foo', '/run/netns/bar', '/proc/1/ns/net']
      const before = await Promise.all(places.map(inside))
      expect(await run(['apply', '-y', file()], env)).toMatchObject({ code: 0 })
      for (const one of ['netlink', 'ip'])
        expect(await run(['plan', file(), '--detailed-exitcode'], { NETLAB_RUNNER: one })).toMatchObject({
          code: 0,
          text: expect.stringContaining('No changes.'),
        })
      expect(await run(['test', file()], env)).toMatchObject({ code: 0 })
      await sh('ip -n bar route del 10.8.0.0/16; ip -n bar addr del 10.7.0.3/24 dev nic0')
      expect((await run(['plan', file()], env)).text).toContain('2 to add, 0 to change, 0 to destroy')
      expect(await run(['apply', '-y', file()], env)).toMatchObject({ code: 0 })
      const whole = readFileSync(file(), 'utf8')
      // Taken out of the file, and not yet applied: its rules go as well.
      writeFileSync(file(), whole.replace(/^ {2}b: .*\n| {2}- .*"b:eth2".*\n|^ {2}h: .*\n/gm, '').replace(/^ {2}me:/m, '  h:\n  me:').replace(/checks:[^]*/, '')) // prettier-ignore
      expect(await run(['plan', file()], env)).toMatchObject({ code: 0, text: expect.stringMatching(/- bar\/route\/10.8.0.0\/16/) }) // prettier-ignore
      expect(await run(['destroy', '-y', NETLAB_RUNNER === 'ip' ? 'foreign' : file()], env)).toMatchObject({ code: 0 })
      const after = await Promise.all(places.map(inside))
      places.forEach((_, i) => expect(ids(after[i])).toBe(ids(before[i])))
      await sh(`kill ${pid}; ip netns del foo; ip netns del bar`)
    },
    120_000,
  )

  test('watch sees that another namespace is at a path', async () => {
    const fresh = `unshare --net sh -c 'mount --bind /proc/self/ns/net /run/theirs'`
    await sh(`touch /run/theirs; ${fresh}`)
    writeFileSync(
      file(),
      'name: theirs\nnamespaces: { p: { netns: /run/theirs }, h: }\nlinks: [{ endpoints: { "p:e0": 10.9.0.1/24, "h:e0": } }]\n',
    )
    expect(await run(['apply', '-y', file()])).toMatchObject({ code: 0 })
    const { kinds, repaired } = await watching(
      file(),
      `umount /run/theirs; ${fresh}; told '"repaired"' 1; told '"clean"' 2`,
    )
    expect(kinds.filter((kind) => kind !== 'error')).toEqual(['clean', 'drift', 'repaired', 'clean'])
    expect(repaired).toContain('p/e0/10.9.0.1/24')
    expect(await run(['destroy', '-y', file()])).toMatchObject({ code: 0 })
    await sh('umount /run/theirs')
  }, 60_000)

  test.each([
    ['{ pid: 4194303 }', 'there is no process 4194303'],
    ['{ pid: 1 }', 'process 1 is in the machine’s own network namespace'],
    ['{ netns: nope }', 'there is no namespace nope'],
    ['{ netns: /etc/hostname }', 'namespace /etc/hostname is not a network namespace'],
    ['{ netns: "../x" }', '"../x" is not a namespace'],
    ['{ pid: 1, netns: foo }', 'p is said to be that of a pid already'],
    ['{ pid: 1, processes: { x: { command: [top] } } }', 'it has no processes'],
    ['{ pid: 1, root: true }', 'it has no root'],
    ['{ pid: 1, sysctls: { net.ipv4.ip_forward: 1 } }', 'net.ipv4.ip_forward of p is its owner’s'],
    ['{ pid: 1, forwarding: true }', 'of p is its owner’s'],
    ['{ container: -v }', '"-v" is not a name of a container'],
    ['{ netns: /run/netns/own }, own: {}', 'own is a namespace of this lab'],
  ])('an error at its line: %s', async (entry, summary) => {
    writeFileSync(file(), `name: wrong\nnamespaces: {\n  p: ${entry} }\n`)
    const { code, text } = await run(['apply', '-y', file()])
    expect({ code, text }).toMatchObject({ code: 1, text: expect.stringContaining(summary) })
    expect(text).toMatch(/--> .*foreign.yaml:3:\d+/)
  })

  test('docker is asked as podman is: its words are a script’s here', async () => {
    const pid = (await sh('unshare --net sleep 500 >/dev/null 2>&1 & echo $!; sleep 0.3')).split('\n')[0] ?? ''
    const bin = join(world.folder, 'fake')
    await sh(`mkdir -p ${bin}`)
    const script = (name: string, text: string): void => {
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`)
      chmodSync(join(bin, name), 0o755)
    }
    const answer = (Name: string, Status: string, Pid: number): string =>
      JSON.stringify({ Id: 'c0ffee'.repeat(10), Name, State: { Status, Running: Pid > 0, Pid } })
    script('docker', `echo "$@" >>${bin}/calls
echo '[${answer('/web', 'running', Number(pid))},${answer('/old', 'exited', 0)}]'
echo 'Error response from daemon: No such container: gone' >&2; exit 1`) // prettier-ignore
    script('podman', `echo '[]'; echo 'Error: inspecting object: no such container' >&2; exit 125`)
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` }
    const lab = (more: string): void =>
      writeFileSync(file(), `name: fake\nnamespaces: { c: { container: web }, ${more} h: }\nlinks: [{ endpoints: { "c:e0": 10.0.0.1/24, "h:e0": 10.0.0.2/24 } }]\n`) // prettier-ignore
    lab('')
    expect(await run(['apply', '-y', file()], env)).toMatchObject({ code: 0 })
    expect(await sh(`nsenter --net=/proc/${pid}/ns/net ip -br addr show e0`)).toContain('10.0.0.1/24')
    lab('d: { container: old }, e: { container: gone },')
    const { text } = await run(['plan', file()], env)
    expect(text).toMatch(/container old does not run: it is exited\n[^]*docker start old/)
    expect(text).toMatch(/podman and docker know no container gone/)
    expect(readFileSync(join(bin, 'calls'), 'utf8').split('\n').at(-2)).toBe('container inspect web old gone')
    script('podman', `echo '[${answer('web', 'running', 1)}]'`)
    expect((await run(['plan', file()], env)).text).toContain('a container web of podman and one of docker')
    lab('')
    expect(await run(['destroy', '-y', file()], env)).toMatchObject({ code: 0 })
    await sh(`kill ${pid}`)
  }, 60_000)
})
