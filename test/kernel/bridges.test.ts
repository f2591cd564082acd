import { writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { PlanJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'

const lab = (snooping: boolean, port: object = { backup_port: 'b~e0' }) => ({
  name: 'bridges',
  namespaces: { sw: { bridges: { br0: { mcast_snooping: snooping } } }, a: {}, b: {} },
  links: [{ endpoints: { 'a:e0': null, 'sw:br0': port } }, { endpoints: ['b:e0', 'sw:br0'] }],
})

let world: World
let file: string
beforeEach(async () => {
  world = await openWorld()
  file = join(world.folder, 'lab.yaml')
})
afterEach(() => world.close())

const write = (...args: Parameters<typeof lab>): void => writeFileSync(file, JSON.stringify(lab(...args)))
const sh = async (input: string): Promise<string> => {
  const { code, stdout, stderr } = await world.run(['sh', '-e'], { input })
  expect([code, stderr]).toEqual([0, ''])
  return stdout
}
const tools = (runner: string) => {
  const env = { NETLAB_RUNNER: runner }
  return {
    apply: async (more = {}) => world.netlab(['apply', file, '-y'], { env: { ...env, ...more } }),
    changes: async (): Promise<string[]> => {
      const { stdout } = await world.netlab(['plan', file, '--json'], { env })
      return (JSON.parse(stdout) as PlanJson).changes
        .flatMap(({ id, action, differences }) =>
          differences.length ? differences.map(({ field }) => `${id} ${field}`) : [`${id} ${action}`],
        )
        .sort()
    },
  }
}

/** The kernel takes entries only while the bridge snoops, and keeps them when it stops. */
const entries = `ip -n sw link set dev br0 type bridge mcast_snooping 1
bridge -n sw mdb add dev br0 port a~e0 grp 239.1.1.1 permanent; bridge -n sw mdb add dev br0 port b~e0 grp 239.1.1.2 permanent
ip -n sw link set dev br0 type bridge mcast_snooping 0`
const listed = () =>
  sh(`bridge -n sw mdb | grep -o 'port.*permanent' | sort; ip -n sw -d link show br0 | grep -o 'mcast_snooping .'`)

test.each(['netlink', 'ip'])('groups of a bridge that does not snoop come and go: %s', async (runner) => {
  const { apply, changes } = tools(runner)
  write(false)
  expect((await apply()).code).toBe(0)
  await sh(entries)
  expect(await changes()).toEqual(['sw/a~e0/mdb/239.1.1.1 delete', 'sw/b~e0/mdb/239.1.1.2 delete'])
  expect((await apply()).code).toBe(0)
  expect([await changes(), await listed()]).toEqual([[], 'mcast_snooping 0\n'])
  await sh(entries)
  const before = await listed()
  write(true)
  const { steps } = JSON.parse((await world.netlab(['plan', file, '--json'])).stdout) as PlanJson
  const { stderr } = await apply({ NETLAB_FAULT: `fail:${steps.length}` })
  expect(stderr).toContain('Rolled back')
  expect(await listed()).toBe(before)
})

test.each(['netlink', 'ip'])('a port stands in for another: %s', async (runner) => {
  const { apply, changes } = tools(runner)
  write(true)
  expect((await apply()).code).toBe(0)
  expect(await changes()).toEqual([])
  for (const line of ['type bridge_slave nobackup_port', 'nomaster']) {
    await sh(`ip -n sw link set dev ${line === 'nomaster' ? 'b~e0' : 'a~e0'} ${line}`)
    expect(await changes()).toContain('sw/a~e0 backup_port')
    expect((await apply()).code).toBe(0)
    expect(await changes()).toEqual([])
  }
  write(true, {})
  expect(await changes()).toEqual(['sw/a~e0 backup_port'])
  expect((await apply()).code).toBe(0)
  expect(await changes()).toEqual([])
})

describe('carriers, on which the kernel by itself acts once a second', () => {
  const PERIOD = 1100
  /** Linux 6.8 and newer act at once when they are asked for one link. */
  const [major = 0, minor = 0] = release().split('.').map(Number)
  const isPrompt = major > 6 || (major === 6 && minor >= 8)
  const carriers = (processes?: object) => ({
    name: 'carriers',
    namespaces: { a: { ...(processes && { processes }) }, b: {}, sw: { bridges: { br0: {} } } },
    links: ['a', 'b'].map((end, i) => ({ endpoints: { [`${end}:e0`]: `10.0.0.${i + 1}/24`, 'sw:br0': null } })),
  })

  test('ports forward when apply has ended', async () => {
    writeFileSync(file, JSON.stringify(carriers()))
    await pause(PERIOD)
    expect((await tools('netlink').apply()).code).toBe(0)
    if (!isPrompt) await pause(PERIOD)
    // A list of all links, which makes the kernel do nothing.
    expect((await sh('bridge -n sw link')).match(/state \w+/g)).toEqual(['state forwarding', 'state forwarding'])
  })

  test.each(['netlink', 'ip'])('programs start only then: %s', async (runner) => {
    writeFileSync(file, JSON.stringify(carriers({ once: { command: 'ping -c 1 -W 1 10.0.0.2', once: true } })))
    await pause(PERIOD)
    const { code, stderr } = await tools(runner).apply()
    expect({ code, lost: /[1-9]\d*% packet loss/.exec(stderr) }).toEqual({ code: 0, lost: null })
  })
})
