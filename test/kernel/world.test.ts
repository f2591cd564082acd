import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { BUNDLE } from '../support/bundle.ts'
import { openWorld } from '../support/netns.ts'
import type { World } from '../support/netns.ts'

const own = (kind: string): string => readlinkSync(`/proc/self/ns/${kind}`)
const mounts = (): string => readFileSync('/proc/self/mounts', 'utf8')

/**
 * The processes of a world. They are known by their home: the number of a namespace that is gone may be that of the next
 * one, which another test makes at this moment.
 */
const inside = (folder: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HOME=${folder}\0`)
    } catch {
      return false // gone, or somebody else's
    }
  })

describe('a world', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  test('has namespaces of its own, and an empty /run/netns', async () => {
    const { stdout } = await world.run(['sh', '-c', 'readlink /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/pid'])
    const [net, mnt, pid] = stdout.trim().split('\n')
    expect(net).toMatch(/^net:/)
    expect([net, mnt, pid]).not.toEqual([own('net'), own('mnt'), own('pid')])
    expect(net).not.toBe(own('net'))
    expect(mnt).not.toBe(own('mnt'))
    expect(pid).not.toBe(own('pid'))
    expect(await world.run(['ip', 'netns', 'list'])).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('works like a machine: namespaces, links, pings and a firewall', async () => {
    const script = `
      set -e
      ip netns add a
      ip netns add b
      ip link add name v netns a type veth peer name v netns b
      ip -n a addr add 10.0.0.1/24 dev v
      ip -n b addr add 10.0.0.2/24 dev v
      ip -n a link set dev v up
      ip -n b link set dev v up
      ip netns exec b iptables -A INPUT -p tcp -j DROP
      ip netns exec a ping -c 1 -W 2 10.0.0.2 >/dev/null
      ls /sys/class/net
    `
    expect(await world.run(['sh'], { input: script })).toEqual({ code: 0, stdout: 'lo\n', stderr: '' })
    expect((await world.run(['ping', '-c', '1', '127.0.0.1'])).code).toBe(0)
    expect(existsSync('/run/netns/a')).toBe(false)
  })

  test('returns what programs end with', async () => {
    expect(await world.run(['sh', '-c', 'cat; echo oops >&2; exit 3'], { input: 'in' })).toEqual({
      code: 3,
      stdout: 'in',
      stderr: 'oops\n',
    })
    expect((await world.run(['sh', '-c', 'kill -KILL $$'])).code).toBe(137)
    expect((await world.run(['/no/such/program'])).code).toBe(127)
    expect((await world.run(['sleep', '10'], { timeout: 0.2 })).code).toBe(124)
  })

  test('has an environment and a working folder that do not depend on the machine', async () => {
    const { stdout } = await world.run(['sh', '-c', 'echo "$HOME $XDG_STATE_HOME ${FORCE_COLOR-none} $WORD"; pwd'], {
      env: { WORD: 'given' },
      cwd: world.folder,
    })
    expect(stdout).toBe(`${world.folder} ${join(world.folder, 'state')} none given\n${world.folder}\n`)
  })

  test('buries its orphans', async () => {
    await world.run(['sh', '-c', '(sleep 0.1 & exit 0) & wait'])
    await world.run(['sleep', '0.3'])
    const { stdout } = await world.run(['ps', '-eo', 'stat,comm'])
    expect(stdout).toContain('cat')
    expect(stdout).not.toMatch(/^Z/m)
  })

  test('leaves nothing behind', async () => {
    const before = mounts()
    await world.run(['ip', 'netns', 'add', 'a'])
    await world.run(['ip', 'netns', 'exec', 'a', 'sh', '-c', 'setsid sleep 600 >/dev/null 2>&1 &'])
    // The world's first process, and the one that is forgotten there.
    expect(inside(world.folder).length).toBeGreaterThanOrEqual(2)
    await world.close()
    expect(inside(world.folder)).toEqual([])
    expect(existsSync(world.folder)).toBe(false)
    expect(mounts()).toBe(before)
  })
})

test('a world ends with the process that opened it, even when that is killed', async () => {
  const support = join(__dirname, '../support/netns.ts')
  const { stdout: code } = await execa('esbuild', [support, ...BUNDLE], {
    preferLocal: true,
  })
  const victim = `${code}
    openWorld().then(async (world) => {
      await world.run(['sh', '-c', 'setsid sleep 600 >/dev/null 2>&1 &'])
      process.stdout.write(world.folder, () => process.kill(process.pid, 'SIGKILL'))
    })`
  const { stdout: folder, signal } = await execa('node', ['-'], { input: victim, reject: false })
  expect(signal).toBe('SIGKILL')
  expect(folder).toContain('netlab-world-')
  // What tidies up after it is of the world as well, and ends last.
  const left = (): boolean => existsSync(folder) || inside(folder).length > 0
  for (let tries = 0; left() && tries < 50; tries++) await new Promise((done) => setTimeout(done, 100))
  expect(existsSync(folder)).toBe(false)
  expect(inside(folder)).toEqual([])
})
