import { copyFileSync, existsSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import fc from 'fast-check'
import { running, type LinkChange, type NewLink, type Operation } from '../../src/model/operation.ts'
import { HERE } from '../../src/model/place.ts'
import type { AddressSpec } from '../../src/model/address-spec.ts'
import type { NeighborSpec } from '../../src/model/neighbor-spec.ts'
import type { Hop, RouteSpec } from '../../src/model/route-spec.ts'
import type { RuleSpec } from '../../src/model/rule-spec.ts'
import type { Dump, DumpRequest, Failure } from '../../src/model/runner.ts'
import { ofInterfaces } from '../../src/model/sysctls.ts'
import { BUNDLE } from '../support/bundle.ts'
import { openWorld, type World } from '../support/netns.ts'
import type { Task } from '../support/runner-driver.ts'
import { comparable } from '../support/comparable.ts'
import '../support/seed.ts'

const checkout = resolve(__dirname, '../..')
const sysctls = ['net.ipv4.ip_forward', 'net.ipv4.conf.all.rp_filter', 'net.ipv4.tcp_rmem', 'net.ipv4.no_such']
const create = (name: string): Operation => ({ do: 'netns.add', place: HERE, name, alias: 'netlab:lab' })
const remove = (name: string): Operation => ({ do: 'netns.delete', place: HERE, name })
const at = (netns: string, line: string): Operation => {
  const [, key, value] = /^sysctl -qw ([^=]+)=(.*)$/.exec(line) ?? []
  return key === undefined || value === undefined
    ? running({ argv: line.split(' '), netns })
    : { do: 'sysctl.set', place: { netns }, key, value }
}
const add = (netns: string, link: NewLink, type: string, data: Fields = {}, lower?: string): Operation => ({
  ...{ do: 'link.add', place: { netns }, link, type: { name: type, data } },
  ...(lower !== undefined && { lower }),
})
const cable = (netns: string, link: NewLink, peer: NewLink): Operation => ({
  ...{ do: 'link.add', place: { netns }, link, type: { name: 'veth', data: {} }, peer },
})
const set = (netns: string, name: string, changes: LinkChange): Operation => ({
  ...{ do: 'link.set', place: { netns }, name, set: changes },
})
const mac = (last: number): string => `02:00:00:00:00:0${last}`
/** Gives an interface an address. */
const has = (netns: string, address: string, dev: string): Operation => ({
  do: 'address.add',
  place: { netns },
  address: { dev, address, family: 4 },
  nodad: false,
})
const all = (netns: string): DumpRequest => ({ netns, sysctls, depth: 'all' })

interface Ran {
  readonly done: number[]
  readonly failure?: Failure
}
type Dumps = (Dump | null)[]
interface Driven extends World {
  /** `through`: a program, and its arguments, that starts the driver. */
  drive(tasks: readonly Task[], runner?: string, through?: readonly string[]): Promise<unknown[]>
}

/** A world with a program in it that uses the runners as netlab does. */
async function openDriven(): Promise<Driven> {
  const world = await openWorld()
  symlinkSync(join(checkout, 'node_modules'), join(world.folder, 'node_modules'))
  copyFileSync(join(checkout, 'dist/thread.cjs'), join(world.folder, 'thread.cjs'))
  const driver = join(world.folder, 'driver.cjs')
  const entry = join(checkout, 'test/support/runner-driver.ts')
  const options = [...BUNDLE, `--outfile=${driver}`]
  await execa('esbuild', [entry, ...options], { preferLocal: true })
  const drive: Driven['drive'] = async (tasks, runner = 'netlink', through = []) => {
    const { stdout, stderr, code } = await world.run([...through, process.execPath, driver], {
      input: JSON.stringify(tasks),
      env: { NETLAB_RUNNER: runner },
    })
    if (code !== 0) throw new Error(stderr)
    return JSON.parse(stdout) as unknown[]
  }
  return { ...world, drive }
}

type Fields = Record<string, unknown>
/** Two namespaces with a cable between them, and in the first everything else to play with. */
const scene: readonly Operation[] = [
  create('a'),
  create('b'),
  // Without link-local addresses, which come when they come.
  at('a', 'sysctl -qw net.ipv6.conf.default.addr_gen_mode=1'),
  at('b', 'sysctl -qw net.ipv6.conf.default.addr_gen_mode=1'),
  cable('a', { name: 'e0', mac: mac(1) }, { name: 'e0', netns: 'b', mac: mac(2), mtu: 1400 }),
  add('a', { name: 'br0', mac: mac(3) }, 'bridge'),
  cable('a', { name: 'p0', mac: mac(4), up: true }, { name: 'p1', mac: mac(5) }),
  set('b', 'e0', { up: true }),
  set('a', 'e0', { up: true }),
]

const oneOf = (line: string): fc.Arbitrary<string> => fc.constantFrom(...line.split(' '))
const device = oneOf('e0 br0 p0 p1 lo vx0 mv0 none')
const place = { netns: 'a' }
/** Each field now and then. */
const some = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { requiredKeys: [] })
const [v4, v6] = [4, 6] as const
const yes = fc.constant(true as const)
const no = fc.boolean()
const sysctl = oneOf('net.ipv4.ip_forward=1 net.ipv4.conf.e0.rp_filter=2 net.ipv4.ip_forward=x net.ipv4.no_such=1')
const change: fc.Arbitrary<LinkChange> = fc.oneof(
  some({
    up: no,
    mtu: fc.constantFrom(1300, 1280, 68, 9),
    txqueuelen: fc.constantFrom(0, 50),
    promisc: no,
    arp: no,
    multicast: no,
    allmulticast: no,
  }),
  some({ mac: oneOf('02:00:00:00:01:01 01:00:00:00:00:00'), alias: oneOf('word other') }),
  some({
    group: fc.constantFrom(7, 8),
    gso_max_size: fc.constantFrom(5, 3000),
    gso_max_segs: fc.constantFrom(5, 3000),
    gro_max_size: fc.constantFrom(5, 3000),
    linkmode: oneOf('default dormant'),
  }),
  fc.record({ protodown: no }),
)
/** Some settings of a type. */
const typed = (name: string, data: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<LinkChange> =>
  some(data)
    .filter((some) => Object.keys(some).length > 0)
    .map((some) => ({ type: { name, data: some } }))
const ofBridge = typed('bridge', {
  stp: no,
  forward_delay: fc.constantFrom(400, 4),
  priority: fc.constant(1),
  nf_call_iptables: no,
  mcast_querier: no,
  mcast_router: fc.constantFrom(0, 1, 8),
  group_fwd_mask: fc.constantFrom(0, 1, 8),
  no_linklocal_learn: no,
  mcast_vlan_snooping: no,
  mcast_query_interval: fc.constantFrom(1, 3125),
  ageing_time: fc.constant(1000),
})
const few = fc.constantFrom(0, 1, 2, 70)
const ofPort = fc.oneof(
  typed('bridge_slave', { isolated: no, learning: no, guard: no, neigh_suppress: no, locked: no, hairpin: no }),
  typed('bridge_slave', { cost: few, priority: few, mcast_router: few, group_fwd_mask: few }),
  typed('bridge_slave', { backup_port: fc.constantFrom('', 'br0') }),
)
const vxlan = fc
  .tuple(
    fc.constantFrom(1, 42),
    fc.constantFrom<Fields>({ remote: '10.0.0.7', local: '10.0.0.1' }, { remote: '10.0.0.7' }, { remote: 'fd00::7' }),
    fc.constantFrom(4789, 8472),
    some({ learning: no, ttl: fc.constant(5), ageing: fc.constant(9), tos: fc.constant(4), udpcsum: no, l2miss: no }),
    some({ gbp: yes, df: oneOf('set inherit') }),
    fc.option(fc.constant('e0'), { nil: undefined }),
  )
  .map(([id, ends, dstport, more, others, lower]) =>
    add('a', { name: 'vx0', mac: mac(6) }, 'vxlan', { id, ...ends, dstport, ...more, ...others }, lower),
  )
/** Links of all types: those that this kernel has not are refused by both in the same words. */
const link: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(device, change).map(([name, some]) => set('a', name, some)) },
  fc.tuple(oneOf('p0 p1 none'), fc.constantFrom('', 'br0')).map(([name, master]) => set('a', name, { master })),
  { weight: 2, arbitrary: ofBridge.map((some) => set('a', 'br0', some)) },
  { weight: 2, arbitrary: fc.tuple(oneOf('p0 p1 e0'), ofPort).map(([name, some]) => set('a', name, some)) },
  vxlan,
  fc
    .tuple(oneOf('e0 none'), oneOf('a b nowhere'), some({ mode: oneOf('bridge private'), bcqueuelen: fc.constant(7) }))
    .map(([lower, netns, data]) => add('a', { name: 'mv0', netns, mac: mac(7) }, 'macvlan', data, lower)),
  fc
    .constantFrom<[string, Fields, string?]>(
      ['dummy', {}],
      ['ifb', {}],
      ['vrf', { table: 10 }],
      ['vlan', { id: 5, gvrp: true, reorder_hdr: false }, 'e0'],
      ['ipvlan', { mode: 'l2', flags: 'private' }, 'e0'],
      ['macvlan', { mode: 'nothing' }, 'e0'],
      ['vxlan', { dstport: 4789 }],
    )
    .map(([type, data, lower]) => add('a', { name: 'x0', mac: mac(8) }, type, data, lower)),
  fc.tuple(oneOf('mv0 vx0 none'), oneOf('b nowhere')).map(([name, netns]) => set('a', name, { netns, name: 'moved' })),
  oneOf('p0 vx0 mv0 none').map((name): Operation => ({ do: 'link.delete', place, name })),
  fc.constantFrom(7, 8, 9).map((group): Operation => ({ do: 'link.delete', place, group })),
)
const addressName: fc.Arbitrary<AddressSpec> = fc
  .tuple(
    fc.oneof(
      oneOf('10.0.0.1/24 10.0.0.2/24 10.1.0.1/16 10.2.0.1/32 127.0.0.9/8 10.0.0.0/24 10.3.0.1/30'),
      oneOf('2001:db8::1/64 2001:db8:0:1::1/64 fd00::9/128 ::10.0.0.9/128'),
    ),
    device,
    fc.option(fc.constant('10.3.0.2'), { freq: 3, nil: undefined }),
  )
  .map(([address, dev, remote]) => {
    const family = address.includes(':') ? v6 : v4
    return { dev, address, family, ...(remote !== undefined && { remote: family === 4 ? remote : '2001:db8::2' }) }
  })
const address: fc.Arbitrary<AddressSpec> = fc
  .tuple(
    addressName,
    some({ metric: fc.constantFrom(0, 7), preferred_lft: fc.constant(0), noprefixroute: yes }),
    some({
      scope: oneOf('link global host nowhere'),
      label: oneOf('e0 e0:1 p0'),
      broadcast: oneOf('10.0.0.255 10.4.0.7'),
    }),
    some({ home: yes, mngtmpaddr: yes }),
  )
  .map(([name, more, four, six]) => ({ ...name, ...more, ...(name.family === 4 ? four : six) }))
const neighbor: fc.Arbitrary<NeighborSpec> = fc
  .tuple(
    oneOf('10.0.0.9 2001:db8::9'),
    device,
    fc.oneof(
      { weight: 2, arbitrary: fc.record({ lladdr: oneOf('02:00:00:00:00:aa 02:00:00:00:00:bb') }) },
      fc.constant({ proxy: true as const }),
    ),
    some({ router: yes }),
  )
  .map(([to, dev, how, more]) => ({ to, dev, family: to.includes(':') ? v6 : v4, ...how, ...more }))
const gateway = oneOf('10.0.0.7 10.1.0.7 2001:db8::7 10.99.0.1')
const hop: fc.Arbitrary<Hop> = some({
  via: gateway,
  dev: device,
  onlink: fc.constant(true as const),
  weight: fc.constantFrom(1, 2, 256, 257),
  encap: fc.constant('mpls 100'),
})
const destination = fc.oneof(
  { weight: 4, arbitrary: oneOf('10.9.0.0/16 10.9.0.1/32 default 0.0.0.0/0 10.9.0.1/16 fd08::/16') },
  oneOf('2001:db9::/48 ::/0 fd07::/64'),
)
const route: fc.Arbitrary<RouteSpec> = fc
  .tuple(
    destination,
    fc.option(fc.constantFrom('blackhole' as const, 'unreachable', 'prohibit', 'local', 'throw'), {
      freq: 4,
      nil: undefined,
    }),
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ one: hop }) },
      fc.record({ many: fc.array(hop, { minLength: 2, maxLength: 3 }) }),
    ),
    some({
      src: oneOf('10.0.0.1 fd00::9'),
      metric: fc.constantFrom(0, 5, 7, 1024),
      table: fc.constantFrom(100, 254, 1000),
      scope: oneOf('link global host 7'),
      mtu: fc.constantFrom<number | string>(1300, 1400, 'lock 1400'),
      tos: fc.constant('0x10'),
    }),
  )
  .map(([to, type, way, more]) => ({
    to,
    family: to.includes(':') ? v6 : v4,
    ...(type !== undefined ? { type } : 'one' in way ? { via: '10.0.0.7', ...way.one } : { nexthops: way.many }),
    ...more,
  }))
const rule: fc.Arbitrary<RuleSpec> = fc
  .tuple(
    fc.constantFrom(v4, v4, v6),
    fc.constantFrom(100, 101),
    some({
      from: oneOf('10.0.0.0/8 10.2.3.4 fd00::/16'),
      to: fc.constant('10.1.0.0/16'),
      iif: oneOf('e0 lo none'),
      oif: fc.constant('e0'),
      fwmark: oneOf('0x10 7 0x1/0xff 0x0/0x1 0x0/0xffffffff 0x1/0x0'),
      uidrange: fc.constant('5-9'),
    }),
    fc.constantFrom<Partial<RuleSpec>>(
      { table: 77 },
      { table: 1000 },
      { action: 'blackhole' },
      { action: 'prohibit' },
      {},
    ),
  )
  .map(([family, priority, selectors, does]) => ({ family, priority, ...selectors, ...does }))
/** Operations of all kinds, of which the kernel takes some, and iproute2 others. */
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: link },
  sysctl.map((line) => at('a', `sysctl -qw ${line}`)),
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('address.add' as const, 'address.add', 'address.replace'), address)
      .map(([how, spec]): Operation => ({ do: how, place, address: spec, nodad: spec.family === 6 })),
  },
  fc.record({ do: fc.constant('address.delete' as const), place: fc.constant(place), address: addressName }),
  fc.record({
    do: fc.constant('neighbor.replace' as const),
    place: fc.constant(place),
    neighbor,
    protocol: fc.constantFrom(undefined, 'boot' as const),
  }),
  fc.record({ do: fc.constant('neighbor.delete' as const), place: fc.constant(place), neighbor }),
  fc.record({
    do: fc.constantFrom('route.add' as const, 'route.add', 'route.replace', 'route.append'),
    place: fc.constant(place),
    route,
    protocol: fc.constantFrom(undefined, undefined, 201),
  }),
  fc.record({ do: fc.constant('route.delete' as const), place: fc.constant(place), route }),
  fc
    .tuple(oneOf('10.9.0.1 10.8.0.0/16'), device, fc.boolean())
    .map(([to, dev, local]): RouteSpec => ({
      ...{ to, family: v4, dev },
      ...(local && { type: 'local', table: 255, scope: 'host' }),
    }))
    .map((spec) => ({ do: 'route.append' as const, place, route: spec, protocol: 2 })),
  fc.record({
    do: fc.constant('rule.add' as const),
    place: fc.constant(place),
    rule,
    protocol: fc.constantFrom(undefined, 205),
  }),
  fc.record({ do: fc.constant('rule.delete' as const), place: fc.constant(place), rule }),
)

describe('what netlink does and what ip does', () => {
  let left: Driven
  let right: Driven
  beforeAll(async () => {
    ;[left, right] = [await openDriven(), await openDriven()]
  })
  afterAll(async () => {
    await left?.close()
    await right?.close()
  })

  test('is the same, failures included, and both read it alike', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 15, maxLength: 40 }), async (some) => {
        const singly = [...scene, ...some].map((c) => ({ run: [c] }))
        const read = { dump: [all('a'), all('b')] }
        const tasks = (by?: 'ip'): Task[] => [
          ...singly.map((task) => ({ ...task, ...(by && { by }) })),
          read,
          { ...read, by: 'ip' },
          { run: [remove('a'), remove('b')], ...(by && { by }) },
        ]
        const [own, ip] = await Promise.all([left.drive(tasks()), right.drive(tasks('ip'))])
        const outcomes = (results: unknown[]): unknown =>
          (results.slice(0, singly.length) as Ran[]).map(({ failure }, i) =>
            failure ? [JSON.stringify(singly[i]?.run[0]), failure.index, failure.outcome.stderr.split('\n', 1)[0]] : [],
          )
        expect(outcomes(own)).toEqual(outcomes(ip))
        const states = [own, ip].flatMap((results) => [results.at(-3), results.at(-2)]) as Dumps[]
        const [first, ...others] = states.map((dumps) => dumps.map(comparable))
        for (const other of others) expect(other).toEqual(first)
      }),
      { numRuns: 12, endOnFailure: true },
    )
  })
})

describe('the netlink runner', () => {
  let world: Driven
  beforeEach(async () => {
    world = await openDriven()
  })
  afterEach(() => world?.close())
  const sh = async (script: string): Promise<string> => (await world.run(['sh', '-c', script])).stdout

  test('marks a namespace before it names it: what cannot be marked has no name', async () => {
    // May make namespaces, and change nothing in them. Whoever is killed between the two leaves what this leaves.
    const unable = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin']
    const tasks = [{ run: [create('late')] }, { run: [create('late')], by: 'ip' as const }]
    const results = (await world.drive(tasks, 'netlink', unable)) as [Ran, Ran]
    expect(results.map(({ done, failure }) => [done, failure?.index])).toEqual(Array(2).fill([[], 0]))
    expect(results[0].failure?.outcome.stderr).toMatch(/not permitted/)
    expect(await sh('ls /run/netns; grep late /proc/mounts')).toBe('')
  })

  test('names the namespaces that links refer to, and says which are gone or left over', async () => {
    const names = ['a', 'b', 'c', 'd']
    const between = (one: string, other: string): Operation =>
      cable(one, { name: `to-${other}` }, { name: `to-${one}`, netns: other })
    await world.drive([{ run: [...names.map(create), between('a', 'b'), between('a', 'c'), between('c', 'd')] }])
    await sh('touch /run/netns/stale')
    const requests = ['a', 'c', 'stale', 'none', 'd'].map(all)
    const [own, ip] = (await world.drive([{ dump: requests }, { dump: requests, by: 'ip' }])) as [Dumps, Dumps]
    expect(own.map(comparable)).toEqual(ip.map(comparable))
    const nsids = own[0]?.nsids as unknown as Fields
    const ends = own[0]?.links.flatMap(({ link_netnsid: id }) => (id === undefined ? [] : [nsids[id]]))
    expect(ends?.sort()).toEqual(['b', 'c'])
    const [same, shared] = await unnamed()
    expect(same.map(comparable)).toEqual(shared.map(comparable))
    const some = ['lab', 'other'].map((owner): DumpRequest => ({ ...all('a'), owner }))
    const [mine, theirs] = (await world.drive([{ dump: some }, { dump: some, by: 'ip' }])) as [Dumps, Dumps]
    for (const dumps of [mine, theirs])
      expect(dumps.slice(0, 2).map((dump) => (dump?.routes.length ?? 0) > 0)).toEqual([true, false])
    expect(comparable(mine[0] ?? null)).toEqual(comparable(theirs[0] ?? null))
    expect(mine[1]?.links.map(({ ifalias }) => ifalias)).toEqual(theirs[1]?.links.map(({ ifalias }) => ifalias))
    expect(own[2]).toBeNull()
    expect(own[3]).toBeNull()

    /** What is read of a where a second name and a file that is none come before a name, and the other end has no name. */
    async function unnamed(): Promise<[Dumps, Dumps]> {
      await world.drive([{ run: [{ do: 'netns.name', place: HERE, file: '/run/netns/a', name: 'a2' }] }])
      expect(await sh('stat -L -c %i /run/netns/a /run/netns/a2 | uniq | wc -l')).toBe('1\n')
      await sh(`touch /run/netns/0; unshare -n sleep 60 >/dev/null 2>&1 & pid=$!
        until [ "$(readlink /proc/$pid/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
        ip -n a link add name out type veth peer name in netns $pid`)
      const dumps = await world.drive([{ dump: [all('a')] }, { dump: [all('a')], by: 'ip' }])
      await sh('pkill -f "^sleep 60"; rm /run/netns/0')
      return dumps as [Dumps, Dumps]
    }
  })

  test('asks programs about the links that only they understand, and reads the rest itself', async () => {
    const taps = ['tap user root', 'tap user root', 'tap user 12345', 'tap', 'tun user root']
    const run = ['a', 'b'].flatMap((netns) => [
      ...[create(netns), add(netns, { name: 'br0', mac: mac(1) }, 'bridge')],
      ...taps.map((words, i) => at(netns, `ip tuntap add dev t${i} mode ${words}`)),
    ])
    const dump = ['a', 'b'].map(all)
    const [, own, ip] = (await world.drive([{ run }, { dump }, { dump, by: 'ip' }])) as [Ran, Dumps, Dumps]
    expect(own.map(comparable)).toEqual(ip.map(comparable))
    const owners = own[1]?.links.flatMap(({ ifname, linkinfo }) =>
      ifname > 't' ? [linkinfo?.info_data?.['user']] : [],
    )
    expect(owners).toEqual(['root', 'root', 12345, undefined, 'root'])
    await world.drive([{ run: [remove('a'), remove('b')] }])
  })

  test('reads rules and queues with the programs for them, where there are any', async () => {
    await world.drive([{ run: [...scene, create('c'), create('d'), has('a', '10.0.0.1/24', 'e0')] }])
    await sh('ip netns exec a iptables -A INPUT -p tcp --dport 80 -j DROP; ip netns exec b nft add table inet own')
    await sh('ip netns exec c sh -c "ip6tables -t nat -N own; iptables -t raw -N own; nft add table inet own"')
    // Called as one of iptables' own, and not one: it lists none.
    await sh(
      "ip netns exec d nft 'add table ip filter; add chain ip filter c; add rule ip filter c numgen random mod 2 0 drop'",
    )
    await sh('tc -n b qdisc add dev e0 root tbf rate 1mbit burst 32kbit latency 400ms')
    const requests: DumpRequest[] = [{ sysctls, depth: 'all' }, ...['a', 'b', 'c', 'd'].map(all)]
    const [own, ip] = (await world.drive([{ dump: requests }, { dump: requests, by: 'ip' }])) as [Dumps, Dumps]
    expect(own.map(comparable)).toEqual(ip.map(comparable))
    const shallow = (['mark', 'links'] as const).map((depth): DumpRequest => ({ ...all('a'), depth }))
    const [some, same] = (await world.drive([{ dump: shallow }, { dump: shallow, by: 'ip' }])) as [Dumps, Dumps]
    const near = (dump: Dump | null) =>
      dump && comparable({ ...dump, links: dump.links.map(({ link_netnsid: _, ...link }) => link) })
    expect(some.map(near)).toEqual(same.map(near))
    expect(some.map((dump) => dump?.links.length)).toEqual([1, 5])
    expect(own[1]?.iptables).toContain('--dport 80')
    expect(own[2]?.nftables).toContain('table inet own')
    expect([own[3]?.iptables, own[3]?.ip6tables].join()).toMatch(/\*raw\n.*\*nat\n/s)
    expect(own[4]).toMatchObject({
      iptables: expect.stringMatching(/incompatible/),
      nftables: expect.stringMatching(/numgen/),
    })
    expect(own[2]?.qdiscs.map(({ kind }) => kind)).toContain('tbf')
  })

  test('knows the names of more namespaces than the kernel lists the ids of in one answer', async () => {
    const names = Array.from({ length: 950 }, (_, i) => `n${i}`)
    const toHub = (name: string): Operation => cable('hub', { name }, { name: 'e', netns: name })
    await world.drive([{ run: ['hub', ...names].map(create) }, { run: names.map(toHub) }])
    const [[hub] = []] = (await world.drive([{ dump: [all('hub')] }])) as [Dumps]
    const nsids = (hub?.nsids ?? {}) as unknown as Fields
    const ends = hub?.links.flatMap(({ ifname, link_netnsid: id }) => (id === undefined ? [] : [[ifname, nsids[id]]]))
    expect(ends).toEqual(names.map((name) => [name, name]))
    await world.drive([{ run: ['hub', ...names].map(remove) }])
  })

  test('tries rule sets of nftables out, as the programs do', async () => {
    const chain = (rules: string): string =>
      `table inet t {\n chain c { type filter hook input priority 0; policy drop; ${rules}; }\n}\n`
    const texts = [
      chain('tcp dport http accept; ip saddr { 10.0.0.2, 10.0.0.1 } counter drop'),
      `flush ruleset\ndefine own = { 80, 443 }\n${chain('tcp dport $own accept comment "é"')}# the end`,
      'add table ip own\nadd map ip own m { type ipv4_addr : verdict; }\nadd element ip own m { 10.0.0.1 : drop }',
      'table inet t { set s { type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.0/9, 10.128.0.0/9 }; }; }',
      'table netdev d { }; table bridge b { chain c { ether type arp drop; }; }; table arp a { chain c { }; }',
      'table ip t { ct helper ftp { type "ftp" protocol tcp; }; limit l { rate 10/second; }; counter k { }; }',
      'flush ruleset',
    ]
    const others = [chain('tcp dport nonsense accept'), 'table ip filter { chain INPUT { }; }', chain('accept')]
    const tasks: Task[] = [{ forms: texts }, { try: texts }, { try: texts, by: 'ip' }, { forms: others }]
    const [tried, own, ip, forms] = (await world.drive(tasks)) as (string | null)[][]
    expect(tried?.filter((listing) => listing === null)).toEqual([])
    expect(own).toEqual(ip)
    // What nft refuses is for the programs to tell.
    expect(forms?.map((listing) => listing === null)).toEqual([true, false, false])
  })

  test('loads and lists the rules of nftables, in one transaction', async () => {
    const nft = (netns: string, ...lines: string[]): Operation => ({
      do: 'nft.load',
      place: { netns },
      lines,
      byHandle: false,
    })
    const hook = 'type filter hook input priority 0; policy accept;'
    const names = ['a', 'b', 'c', 'd']
    await world.drive([{ run: names.map(create) }])
    const [ran] = (await world.drive([
      {
        run: [
          nft('a', 'table inet t {', `chain c { ${hook} tcp dport { 80, 443 } accept; }`, '}'),
          nft('a', 'add rule inet t c ip saddr 10.0.0.0/8 counter drop comment "é"'),
          nft('b', 'add table ip own', 'add set ip own s { type ipv4_addr; elements = { 10.0.0.1 } }'),
          nft('c', 'add table ip filter', 'add table inet more'),
          nft('d', 'add table inet t', 'add rule inet t none accept'),
        ],
      },
    ])) as [Ran]
    expect(ran).toMatchObject({ done: [0, 1, 2, 3], failure: { index: 4, outcome: { code: 1 } } })
    expect(ran.failure?.outcome.stderr).toContain('No such file or directory')
    const requests = names.map(all)
    const [own, ip] = (await world.drive([{ dump: requests }, { dump: requests, by: 'ip' }])) as [Dumps, Dumps]
    expect(own.map((dump) => dump?.nftables)).toEqual(ip.map((dump) => dump?.nftables))
    expect(own[0]?.nftables).toMatch(/tcp dport { 80, 443 } accept # handle \d+\n.*counter drop comment "é"/)
    expect(own.map(comparable)).toEqual(ip.map(comparable))
    expect(own[3]?.nftables).toBe('')
  })

  test('reads sysctls alike, from files and from what the kernel tells of them in one answer', async () => {
    const told = ['forwarding', 'rp_filter', 'proxy_arp', 'ignore_routes_with_linkdown', 'bc_forwarding']
    const asked = [
      ...['all', 'default'].flatMap((which) => told.map((name) => `net.ipv4.conf.${which}.${name}`)),
      ...['net.ipv4.conf.all.arp_ignore', 'net.ipv4.ip_forward', 'net.ipv4.conf.lo.rp_filter', 'net.ipv4.no_such'],
      ...['net.ipv6.conf.all.forwarding', 'net.ipv6.conf.default.forwarding', 'net.ipv6.conf.all.disable_ipv6'],
      ...['net.ipv4.tcp_rmem', 'net.ipv4.ip_local_reserved_ports'],
    ]
    // So many that two threads read them.
    const names = Array.from({ length: 100 }, (_, i) => `n${i}`)
    await world.drive([{ run: names.map(create) }])
    for (const [i, key] of asked.entries())
      if (!key.endsWith('no_such'))
        await sh(`ip netns exec n${i} sysctl -qw ${key}=1; ip netns exec n99 sysctl -qw ${key}=1`)
    const ofLo = [...ofInterfaces].map(
      ([setting, usual]) => `net.${setting.replace('.', '.conf.lo.')}=${usual === '1' ? 0 : 1}`,
    )
    await sh(`ip netns exec n98 sysctl -qw ${ofLo.join(' ')}`)
    const requests = names.map((netns): DumpRequest => ({ netns, sysctls: asked, depth: 'all' }))
    const [own] = (await world.drive([{ dump: requests }])) as [Dumps]
    const places = [...asked.keys(), 98, 99]
    const some = places.map((i) => requests[i] as DumpRequest)
    const [few, ip] = (await world.drive([{ dump: some }, { dump: some, by: 'ip' }])) as [Dumps, Dumps]
    expect(ip.map((dump) => dump?.sysctls)).toContainEqual(
      expect.objectContaining({ 'net.ipv4.conf.all.rp_filter': '1' }),
    )
    expect(Object.keys((few.at(-2)?.conf as unknown as Fields)['lo'] as Fields)).toHaveLength(ofInterfaces.size)
    expect(few.map(comparable)).toEqual(ip.map(comparable))
    expect(places.map((i) => comparable(own[i] ?? null))).toEqual(ip.map(comparable))
  })

  test('lets two threads do what is much, in the order of each namespace, until something fails', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `n${i}`)
    const make = names.flatMap((netns) => [
      add(netns, { name: 'br0' }, 'bridge'),
      set(netns, 'br0', { up: true }),
      has(netns, '10.0.0.1/24', 'br0'),
    ])
    const more = names.map((netns): Operation => ({
      do: 'route.add',
      place: { netns },
      route: { to: 'default', family: 4, via: '10.0.0.9' },
    }))
    const bad = [
      ...make.slice(0, 150).map(({ place: { netns = '' } }) => set(netns, 'br0', { mtu: 1400 })),
      ...more,
      ...more,
    ]
    const [made, done, failed] = (await world.drive([
      { run: [...names.map(create), ...names.map((name) => create(`${name}x`))] },
      { run: make },
      { run: bad },
    ])) as Ran[]
    expect(made?.done).toHaveLength(200)
    expect([...(done?.done ?? [])].sort((a, b) => a - b)).toEqual([...make.keys()])
    expect(failed?.failure).toMatchObject({ outcome: { code: 2, stderr: 'RTNETLINK answers: File exists\n' } })
    const failure = failed?.failure?.index ?? -1
    expect(bad[failure]).toEqual(more[(failure - 150) % 100])
    expect(failure).toBeGreaterThanOrEqual(250)
    expect(failed?.done).not.toContain(failure)
    expect(await sh('for n in n0 n50 n99; do ip -n $n -br addr show dev br0; done | grep -c 10.0.0.1/24')).toBe('3\n')
    await world.drive([{ run: names.flatMap((name) => [remove(name), remove(`${name}x`)]) }])
    expect(await sh('ls /run/netns')).toBe('')
  })

  test('keeps the order of a namespace when some commands are for programs, and tells which failed', async () => {
    const [result] = (await world.drive([
      {
        run: [
          create('a'),
          add('a', { name: 'br0' }, 'bridge'),
          at('a', 'ip link set dev br0 name br1'),
          set('a', 'br1', { mtu: 1400 }),
          at('a', 'sh -c exit'),
          has('a', '10.0.0.1/24', 'br1'),
          has('a', '10.0.0.1/24', 'br1'),
          { do: 'link.delete', place, name: 'br1' },
        ],
      },
    ])) as [Ran]
    expect(result.done).toEqual([0, 1, 2, 3, 4, 5])
    expect(result.failure).toMatchObject({ index: 6, outcome: { code: 2 } })
    expect(await sh('ip -n a -br addr show dev br1')).toContain('10.0.0.1/24')
  })

  test('sysctls of a namespace to come are read in one that is gone again', async () => {
    const keys = ['net.ipv4.ip_forward', 'net.ipv4.conf.all.rp_filter', 'net.ipv4.no_such', 'net.ipv4.tcp_rmem']
    const before = await sh('ls -l /proc/self/ns/net; ip -j link')
    const [own, programs] = (await world.drive([{ inherited: keys }, { inherited: keys, by: 'ip' }])) as Fields[]
    expect(Object.keys(own!)).toEqual(keys.filter((key) => key !== 'net.ipv4.no_such'))
    expect(own).toEqual(programs)
    expect(await sh('ls -l /proc/self/ns/net; ip -j link')).toBe(before)
  })

  test('names are followed when they come to be of other namespaces, and little is read of what is new', async () => {
    const toB = (name: string) => cable('a', { name }, { name, netns: 'b' })
    const more = [
      'ip link set dev e0 addrgenmode none',
      'ip link set dev e0 up',
      'ip addr add 10.9.0.1/24 dev e0',
      'ip route add 10.8.0.0/16 via 10.9.0.2',
      'ip rule add table 5',
    ]
    const request = { netns: 'a', sysctls: ['net.ipv4.ip_forward'], depth: 'all' } as const
    const tasks: Task[] = [
      { run: [create('a'), create('b'), toB('e0'), ...more.map((line) => at('a', line))] },
      { dump: [request] },
      { dump: [{ ...request, depth: 'plain' }] },
      { run: [remove('b')], after: [[create('b')], [toB('e1')]] },
      { dump: [request] },
    ]
    const [, [first], [plain], , [later]] = (await world.drive(tasks)) as [Ran, Dumps, Dumps, Ran, Dumps]
    const far = (dump: Dump | null | undefined, name: string): unknown => {
      const id = dump?.links.find(({ ifname }) => ifname === name)?.link_netnsid
      return (dump?.nsids as unknown as Record<string, string>)[String(id)]
    }
    expect([far(first, 'e0'), far(plain, 'e0'), far(later, 'e1')]).toEqual(['b', 'b', 'b'])
    expect(first!.rules.length).toBeGreaterThan(3)
    expect(comparable(plain)).toEqual(comparable({ ...first!, rules: [], rules6: [], neighbors: [], qdiscs: [] }))
    await sh('ip netns del a; ip netns del b')
  })

  test('what others do to names is seen after they are listed', async () => {
    const list = { list: true } as const
    const dump = { dump: [{ netns: 'a', sysctls: [], depth: 'links' }] } as const
    const others = (...run: Operation[]): Task => ({ run, by: 'ip' })
    const had = await world.drive([
      ...[list, dump, others(create('a')), list, dump],
      ...[others(remove('a'), create('a')), list, dump, others(remove('a')), list, dump],
    ])
    expect([1, 4, 7, 10].map((i) => (had[i] as Dumps)[0]?.links.length)).toEqual([undefined, 1, 1, undefined])
  })

  test('a wave that fails is not followed by others, and its failure is told', async () => {
    const alias = (text: string) => set('w', 'lo', { alias: text })
    const program = at('w', 'sysctl -qn net.ipv4.ip_forward')
    for (const by of [{}, { by: 'ip' }] as const) {
      const [good, bad] = (await world.drive([
        { run: [create('w')], after: [[alias('one')], [program], [alias('two'), alias('three')]], ...by },
        { run: [alias('four')], after: [[set('w', 'x', { up: true })], [alias('five')], [alias('six')]], ...by },
      ])) as [Ran, Ran]
      expect(good).toEqual({ done: [0, 1, 2, 3, 4] })
      expect(bad).toMatchObject({ done: [0], failure: { index: 1 } })
      expect(await sh('ip -n w -j link show dev lo | grep -o "ifalias.*four"')).not.toBe('')
      await sh('ip netns del w')
    }
  })

  test('stops between two commands when it is asked to, and knows what was done', async () => {
    const commands = Array.from({ length: 1000 }, (_, i) => create(`n${i}`))
    const [{ done, failure }] = (await world.drive([{ run: commands, stop: true }])) as [Ran]
    expect(failure).toBeUndefined()
    expect(done.length).toBeLessThan(commands.length)
    expect(Number(await sh('ls /run/netns | wc -l'))).toBe(done.length)
  })

  test('killed at any moment, leaves nothing that is nobody’s', async () => {
    const tasks = JSON.stringify([{ run: Array.from({ length: 300 }, (_, i) => create(`n${i}`)) }])
    const driver = join(world.folder, 'driver.cjs')
    const environment = 'NETLAB_RUNNER=netlink'
    for (const wait of [0.12, 0.15, 0.18, 0.22]) {
      await world.run(['env', environment, 'timeout', '-s', 'KILL', `${wait}`, process.execPath, driver], {
        input: tasks,
      })
      const odd = await sh(`
        for name in $(ls /run/netns); do
          [ "$(stat -f -c %T /run/netns/$name)" = nsfs ] || { echo stale >&2; continue; }
          ip -n $name -o link show dev lo | grep -q 'LOOPBACK,UP.*alias netlab:lab' || echo $name
        done
        umount /run/netns/* 2>/dev/null; rm -f /run/netns/*`)
      expect(odd).toBe('')
    }
  })

  test('makes /run/netns a mount once, however often and at once namespaces are made', async () => {
    // The machine's own lies below the world's.
    const mounts = async (of: string) => Number(await sh(`grep -c ' /run/netns${of}' /proc/self/mountinfo`))
    const before = await mounts(' ')
    await Promise.all(['a', 'b', 'c'].map((name) => world.drive([{ run: [create(name)] }])))
    await world.drive([{ run: [create('d')] }])
    expect(await mounts(' ')).toBe(before + 1)
    expect(await mounts('/')).toBe(4)
    expect(await sh('ip netns add e && ip netns list | sort | cut -d" " -f1 | tr -d "\\n"')).toBe('abcde')
    await world.drive([{ run: ['a', 'b', 'c', 'd', 'e'].map(remove) }])
    expect(await sh('ls /run/netns')).toBe('')
    expect(await mounts('')).toBe(before + 1)
  })

  test('of a name that is taken, or a namespace that is not there, says what the programs say', async () => {
    await sh('ip netns add a')
    const commands = [create('a'), remove('b'), set('b', 'lo', { up: true }), set('a', 'x', { up: true })]
    const results = (await world.drive(
      commands.flatMap((c): Task[] => [{ run: [c] }, { run: [c], by: 'ip' }]),
    )) as Ran[]
    for (let i = 0; i < results.length; i += 2) expect(results[i]).toEqual(results[i + 1])
    expect(existsSync('/run/netns/a')).toBe(false)
  })

  test('gives way to ip where it cannot work, unless it is insisted on', async () => {
    const script = `unshare --user --map-user=1000 node ${join(world.folder, 'driver.cjs')}`
    const run = (runner: string) =>
      world.run(['sh', '-c', script], {
        input: JSON.stringify([{ dump: [{ sysctls: [], depth: 'links' }] }]),
        env: { NETLAB_RUNNER: runner },
      })
    const { stdout } = await run('')
    expect((JSON.parse(stdout) as [Dumps])[0][0]?.links.map(({ ifname }) => ifname)).toContain('lo')
    expect((await run('netlink')).stderr).toContain('NETLAB_RUNNER=netlink does not work here')
    expect((await run('other')).stderr).toContain('It can be ip or netlink')
  })
})

test.each([
  ['netlink', 'ip'],
  ['ip', 'netlink'],
])('what the %s runner applied, the %s runner finds complete', async (applies, plans) => {
  const world = await openWorld()
  const netlab = (runner: string, ...args: string[]) =>
    world.netlab([...args, join(checkout, 'labs/router.yaml')], { env: { NETLAB_RUNNER: runner } })
  try {
    expect(await netlab(applies, 'apply', '-y')).toMatchObject({ code: 0 })
    expect(await netlab(plans, 'plan', '--detailed-exitcode')).toMatchObject({ code: 0 })
    expect(await netlab(plans, 'destroy', '-y')).toMatchObject({ code: 0 })
    expect((await world.run(['ls', '/run/netns'])).stdout).toBe('')
  } finally {
    await world.close()
  }
})
