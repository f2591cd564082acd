import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanJson, ShowJson } from '../../src/views/json.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const runners = ['ip', 'netlink'] as const
type Runner = (typeof runners)[number]

/** A lab that is applied: what is done to it by hand, and what netlab says then. */
async function up(lab: { name: string } & Record<string, unknown>, runner: Runner) {
  const file = join(world.folder, `${lab.name}.yaml`)
  writeFileSync(file, JSON.stringify(lab))
  const netlab = (...args: string[]) => world.netlab(args, { env: { NETLAB_RUNNER: runner } })
  const applied = await netlab('apply', file, '-y')
  expect(applied).toMatchObject({ code: 0 })
  return {
    netlab,
    file,
    async hand(...lines: string[]) {
      for (const line of lines) expect([line, (await world.run(line.split(' '))).stderr]).toEqual([line, ''])
    },
    async changes() {
      const { changes } = JSON.parse((await netlab('plan', file, '--json')).stdout) as PlanJson
      return changes.map(({ id, action, differences }) =>
        [action, id, ...differences.map(({ field }) => field)].join(' '),
      )
    },
    async show() {
      return JSON.parse((await netlab('show', file, '--json')).stdout) as ShowJson
    },
    async settles() {
      const again = await netlab('apply', file, '-y')
      expect(again).toMatchObject({ code: 0 })
      expect((await netlab('plan', file, '--detailed-exitcode')).code).toBe(0)
    },
    async [Symbol.asyncDispose]() {
      await netlab('destroy', lab.name, '-y')
    },
  }
}

const cable = (name: string, a: object = {}, e0: unknown = '10.0.0.1/24', b: object = {}) => ({
  name,
  namespaces: { a, b },
  links: [{ endpoints: { 'a:e0': e0, 'b:e0': {} } }],
  checks: [{ from: 'a', ping: 'b' }],
})

describe.each(runners)('as the %s runner sees it', (runner) => {
  test('what carries a daemon’s protocol or a lifetime is somebody else’s: no drift, and shown', async () => {
    await using lab = await up(cable('daemons'), runner)
    await lab.hand(
      'ip -n a neigh add 10.0.0.8 lladdr 02:00:00:00:00:08 dev e0 nud permanent proto zebra',
      'ip -n a neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev e0 nud permanent extern_learn',
      'ip -n a addr add 10.0.0.50/24 dev e0 valid_lft 600 preferred_lft 600',
      'ip -n a route add 10.6.0.0/16 via 10.0.0.60 proto dhcp',
      'ip -n b addr add 10.0.0.60/24 dev e0 valid_lft 600 preferred_lft 600',
      'ip -n a addr add fd00::50/64 dev e0 nodad valid_lft 600 preferred_lft 600 mngtmpaddr',
      'ip -n a route add 10.7.0.0/16 via 10.0.0.60 proto bgp',
      'ip -n a rule add from 10.8.0.0/16 table 100 protocol zebra',
    )
    expect(await lab.changes()).toEqual([])
    const { resources } = await lab.show()
    expect(resources.flatMap(({ id, others }) => (others ? [id] : [])).sort()).toEqual([
      'a/e0/10.0.0.50/24',
      'a/e0/fd00::50/64',
      'a/e0/neighbor/10.0.0.7',
      'a/e0/neighbor/10.0.0.8',
      'a/route/10.6.0.0/16',
      'a/route/10.7.0.0/16',
      'a/rule/32765 from 10.8.0.0/16 table 100',
      'b/e0/10.0.0.60/24',
    ])
    expect(
      resources.flatMap(({ id, learnt_by }) => (learnt_by === undefined ? [] : [`${id} ${learnt_by}`])).sort(),
    ).toEqual([
      'a/e0/fd00::50/64 ra',
      'a/e0/neighbor/10.0.0.8 zebra',
      'a/route/10.6.0.0/16 dhcp',
      'a/route/10.7.0.0/16 bgp',
    ])
    const text = (await lab.netlab('show', lab.file)).stdout
    expect(text).toContain('10.0.0.1/24, 10.0.0.50/24 (limited lifetime), fd00::50/64 (SLAAC, limited lifetime)')
    expect(text).toContain('  neighbor 10.0.0.8 is at 02:00:00:00:00:08  learnt by zebra\n')
    expect(text).toContain('  route 10.7.0.0/16 via 10.0.0.60 dev e0  learnt by bgp\n')
    // An address that came later is what a name means where the file has none.
    expect(await lab.netlab('test', lab.file)).toMatchObject({ code: 0, stdout: expect.stringContaining('10.0.0.60') })
    expect((await lab.netlab('exec', 'a', '--', 'getent', 'hosts', 'b')).stdout).toMatch(/^10\.0\.0\.60\s/)
    await lab.settles()
    expect((await world.run(['ip', '-n', 'a', 'neigh', 'show', 'nud', 'permanent'])).stdout).toContain('zebra')
  })

  test('what the lab lists is compared, also when a daemon has taken it', async () => {
    const a = {
      neighbors: [{ to: '10.0.0.9', lladdr: '02:00:00:00:00:09' }],
      routes: [{ to: '10.7.0.0/16', via: '10.0.0.9' }],
    }
    await using lab = await up(cable('listed', a, ['10.0.0.1/24', 'fd00::1/64']), runner)
    await lab.hand(
      'ip -n a neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 dev e0 nud permanent router proto zebra',
      'ip -n a addr replace 10.0.0.1/24 dev e0 valid_lft 600 preferred_lft 600',
      'ip -n a addr change fd00::1/64 dev e0 nodad noprefixroute preferred_lft 0',
      'ip -n a route replace 10.7.0.0/16 via 10.0.0.9 proto bgp',
    )
    expect(await lab.changes()).toEqual([
      'update a/e0/10.0.0.1/24 valid_lft',
      'update a/e0/fd00::1/64 preferred_lft noprefixroute',
      'update a/route/10.7.0.0/16 protocol',
      'update a/e0/neighbor/10.0.0.9 router protocol',
    ])
    await lab.settles()
  })

  test('an address is compared as a whole, and one that is added by hand goes as it came', async () => {
    await using lab = await up(cable('whole', {}, ['10.0.0.1/24', '10.1.0.1/24']), runner)
    await lab.hand(
      'ip -n a addr add 10.44.0.1 peer 10.44.0.2/32 dev e0',
      'ip -n a addr change 10.1.0.1/24 dev e0 preferred_lft 0',
      'ip -n a addr del 10.0.0.1/24 dev e0',
      'ip -n a addr add 10.0.0.1/24 brd + scope link label e0:z dev e0 noprefixroute',
      'ip -n a neigh add proxy 10.0.0.77 dev e0',
      'ip -n a neigh add 10.0.0.78 dev e0 managed',
    )
    expect(await lab.changes()).toEqual([
      'replace a/e0/10.0.0.1/24 scope label broadcast noprefixroute',
      'update a/e0/10.1.0.1/24 preferred_lft',
      'delete a/e0/10.44.0.1 peer 10.44.0.2/32',
      'delete a/e0/neighbor/10.0.0.78',
      'delete a/e0/proxy/10.0.0.77',
    ])
    await lab.settles()
  })

  test('what a lab says of addresses and neighbours is so, and comes back when it is changed', async () => {
    const e0 = [
      '10.0.0.1/24',
      { address: '10.1.0.1/24', broadcast: '+', label: 'e0:x', scope: 'link', metric: 7, noprefixroute: true },
      { address: '10.44.0.1', peer: '10.44.0.2/32' },
      { address: 'fd00::1/64', preferred_lft: 0, mngtmpaddr: true },
    ]
    const neighbors = [
      { to: '10.0.0.66', proxy: true },
      { to: '10.0.0.67', lladdr: '02:00:00:00:00:67', router: true },
    ]
    const routes = [{ to: '10.9.0.0/16', via: '10.44.0.2' }]
    await using lab = await up(cable('said', { neighbors, routes }, e0), runner)
    const before = (await world.run(['ip', '-n', 'a', '-4', 'addr'])).stdout
    expect(before).toContain('inet 10.1.0.1/24 metric 7 brd 10.1.0.255 scope link noprefixroute e0:x')
    expect(before).toContain('inet 10.44.0.1 peer 10.44.0.2/32 scope global e0')
    await lab.settles()
    await lab.hand(
      'ip -n a addr del 10.1.0.1/24 dev e0',
      'ip -n a addr add 10.1.0.1/24 dev e0',
      'ip -n a addr del 10.44.0.1 peer 10.44.0.2/32 dev e0',
      'ip -n a addr change fd00::1/64 dev e0 nodad',
      'ip -n a neigh del proxy 10.0.0.66 dev e0',
      'ip -n a neigh replace 10.0.0.67 lladdr 02:00:00:00:00:67 dev e0 nud permanent',
    )
    expect(await lab.changes()).toEqual([
      'replace a/e0/10.1.0.1/24 scope label broadcast metric noprefixroute',
      'create a/e0/10.44.0.1 peer 10.44.0.2/32',
      'update a/e0/fd00::1/64 preferred_lft mngtmpaddr',
      'create a/e0/proxy/10.0.0.66',
      'update a/e0/neighbor/10.0.0.67 router',
    ])
    await lab.settles()
    const again = join(world.folder, 'said-again.yaml')
    writeFileSync(again, (await lab.netlab('show', lab.file, '--desired')).stdout)
    expect(await lab.netlab('plan', again, '--detailed-exitcode')).toMatchObject({ code: 0 })
  })

  test('others: keep leaves alone what the lab does not list there, and compares what it does', async () => {
    const keeping = {
      ...cable('keeping', { others: 'keep' }, '10.0.0.1/24', { interfaces: { e0: { others: 'keep' } } }),
    }
    await using lab = await up(keeping, runner)
    for (const at of ['a', 'b'])
      await lab.hand(
        `ip -n ${at} addr add 10.0.0.100/32 dev e0`,
        `ip -n ${at} addr add 10.0.0.101/24 dev e0`,
        `ip -n ${at} link add link e0 name vrrp.51 address 00:00:5e:00:01:33 up type macvlan mode private`,
        `ip -n ${at} addr add 10.0.0.102/24 dev vrrp.51`,
        `ip -n ${at} route add default via 10.0.0.9 dev e0`,
        `ip -n ${at} neigh add 10.0.0.8 lladdr 02:00:00:00:00:08 dev e0 nud permanent`,
        `ip -n ${at} rule add from 10.8.0.0/16 table 100`,
        `ip -n ${at} link add foreign type bridge`,
        `ip netns exec ${at} sysctl -qw net.ipv4.conf.e0.arp_filter=1`,
      )
    // An interface is less than a namespace.
    expect(await lab.changes()).toEqual(['delete b/foreign', 'delete b/rule/32765 from 10.8.0.0/16 table 100'])
    expect((await lab.netlab('show', lab.file)).stdout).toMatch(
      /vrrp\.51 +10\.0\.0\.102\/24 \(others’\) +macvlan on e0 \(others’\)/,
    )
    await lab.hand('ip -n a addr del 10.0.0.1/24 dev e0', 'ip -n a link set e0 mtu 1400')
    expect((await lab.changes()).slice(0, 2)).toEqual(['update a/e0 mtu', 'create a/e0/10.0.0.1/24'])
    await lab.settles()
    expect((await world.run(['ip', '-n', 'a', 'addr', 'show', 'dev', 'vrrp.51'])).stdout).toContain('10.0.0.102/24')
  })

  test('addresses without a network of their own have no route to it', async () => {
    await using lab = await up(cable('wide', {}, ['10.5.0.1/0', 'fd00:5::1/0']), runner)
    expect(await lab.changes()).toEqual([])
    await lab.hand('ip -n a -6 route del default dev e0 proto kernel')
    expect(await lab.changes()).toEqual(['update a/e0/fd00:5::1/0 route'])
    await lab.settles()
  })
})
