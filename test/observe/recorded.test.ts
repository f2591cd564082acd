import { cases, edited, labOf, recordedRunner, use, type Edit } from '../support/recorded.ts'
import { thisMachine } from '../../src/host/this-machine.ts'
import { locate } from '../../src/commands/locate.ts'
import { openLocated } from '../../src/commands/open-located.ts'
import { prepare, type PlanOptions, type Prepared } from '../../src/commands/prepare.ts'
import type { Dump, NamedNamespace } from '../../src/model/runner.ts'
import { owners } from '../../src/observe/owners.ts'
import { called } from '../support/record/programs.ts'
import { comparable } from '../support/comparable.ts'

const readers = ['ip', 'netlink'] as const
type Reader = (typeof readers)[number]

/** The lab of a case, what a reader finds of it after these edits, and what lies between. */
async function planned(
  name: string,
  by: Reader,
  edits: Readonly<Record<string, Edit>> = {},
  options: PlanOptions = {},
) {
  const located = locate(labOf(name))
  return await prepare(
    located,
    openLocated(located, thisMachine),
    edited(recordedRunner(use(name), by), edits),
    options,
  )
}
const actions = ({ plan }: Prepared): Record<string, string> =>
  Object.fromEntries(plan.changes.map(({ id, action }) => [id, action]))

/** The namespaces of a case that the netlink reader may leave to ip: there is something that only ip understands. */
const leftToIp: Readonly<Record<string, readonly string[]>> = { kinds: ['left'], vm: ['h1', 'r'] }

describe.each(cases)('%s', (name) => {
  test.each(readers)('what %s reads is what the lab wants', async (by) => {
    const prepared = await planned(name, by)
    expect(prepared.plan.changes).toEqual([])
    expect(prepared.live.resources.size).toBeGreaterThan(0)
  })

  test('both readers read the same', async () => {
    const { machine } = use(name)
    const ip = await planned(name, 'ip')
    called.length = 0
    const netlink = await planned(name, 'netlink')
    const left = called.flatMap(({ netns, line }) => (line.includes('{ ip ') ? [netns] : []))
    expect(leftToIp[name] ?? []).toEqual(expect.arrayContaining(left))
    expect([...netlink.live.dumps.keys()]).toEqual([...ip.live.dumps.keys()])
    for (const [netns, dump] of ip.live.dumps)
      expect(plain(netlink.live.dumps.get(netns), machine.list)).toEqual(plain(dump, machine.list))
  })

  test.each(readers)('by its name alone %s finds all of it', async (by) => {
    const runner = recordedRunner(use(name), by)
    const lab = openLocated(locate(labOf(name)), thisMachine)?.name ?? ''
    expect([...(await owners(runner)).byLab.keys()]).toEqual([lab])
    const { live, plan } = await prepare({ name: lab }, undefined, runner, { destroy: true })
    const { live: full, wanted } = await planned(name, by)
    // Without the file nobody knows what the machine’s own namespace is called, which sysctls and settings of ethtool matter, and what of a daemon’s is the lab’s.
    const ids = ({ resources }: typeof live): string[] =>
      [...resources.values()].flatMap(({ id, borrowed, kind, spec }) =>
        borrowed ||
        kind === 'ethtool' ||
        spec['extern_learn'] ||
        (kind === 'sysctl' && (spec['value'] === '0' || !wanted.has(id)))
          ? []
          : [id],
      )
    expect(ids(live).sort()).toEqual(ids(full).sort())
    expect(new Set(plan.changes.map(({ action }) => action))).toEqual(new Set(['delete']))
  })
})

/** As both readers say it: of a namespace with two names, either. */
function plain(dump: Dump | undefined, list: readonly NamedNamespace[]): unknown {
  const inodes = new Map(list.map(({ name, inode }) => [name, inode]))
  const nsids = Object.fromEntries([...(dump?.nsids ?? [])].map(([id, name]) => [id, inodes.get(name)]))
  return dump && comparable({ ...dump, nsids: nsids as unknown as Dump['nsids'] })
}

const linkOf = (dump: Parameters<Edit>[0], name: string) => dump.links.find(({ ifname }) => ifname === name)!
const without = <T>(list: T[], lost: (one: T) => boolean): void => {
  const before = list.length
  list.splice(0, before, ...list.filter((one) => !lost(one)))
  if (list.length === before) throw new Error('there is nothing to take away')
}

/** What somebody does, and what the next plan is then: nothing more and nothing less. */
const drifts: readonly (readonly [string, string, string, Edit, Record<string, string>])[] = [
  [
    'an address is gone',
    'router',
    'ns0',
    (d) =>
      d.addresses.forEach(({ addr_info }) => {
        const place = addr_info.findIndex(({ local }) => local === '192.168.0.2')
        if (place >= 0) addr_info.splice(place, 1)
      }),
    { 'ns0/veth0/192.168.0.2/24': 'create' },
  ],
  [
    'there is one more',
    'router',
    'ns0',
    (d) => {
      const info = d.addresses.find(({ ifname }) => ifname === 'veth0')!.addr_info
      info.push({ ...info[0]!, local: '10.99.0.1' })
    },
    { 'ns0/veth0/10.99.0.1/24': 'delete' },
  ],
  ['the MTU is another', 'router', 'ns1', (d) => void (linkOf(d, 'veth0').mtu = 1300), { 'ns1/veth0': 'update' }],
  [
    'an interface is down',
    'router',
    'ns1',
    (d) => without(linkOf(d, 'veth0').flags, (flag) => flag === 'UP'),
    { 'ns1/veth0': 'update' },
  ],
  [
    'a route is gone',
    'router',
    'ns0',
    (d) => without(d.routes, ({ dst }) => dst === '192.168.1.0/24'),
    { 'ns0/route/192.168.1.0/24': 'create' },
  ],
  [
    'somebody has added a route',
    'router',
    'ns0',
    (d) => void d.routes.push({ ...d.routes.find(({ gateway }) => gateway)!, dst: '10.99.0.0/16', protocol: '3' }),
    { 'ns0/route/10.99.0.0/16': 'delete' },
  ],
  [
    'it no longer forwards',
    'router',
    'ns-router',
    (d) => void d.sysctls.set('net.ipv4.ip_forward', '0'),
    { 'ns-router/sysctl/net.ipv4.ip_forward': 'update' },
  ],
  [
    'a host forwards',
    'router',
    'ns0',
    (d) => void d.sysctls.set('net.ipv4.ip_forward', '1'),
    { 'ns0/sysctl/net.ipv4.ip_forward': 'update' },
  ],
  [
    'a setting of an interface is changed',
    'router',
    'ns0',
    (d) => void d.conf.set('veth0', { ...d.conf.get('veth0'), 'ipv4.proxy_arp': '1' }),
    { 'ns0/sysctl/net.ipv4.conf.veth0.proxy_arp': 'update' },
  ],
  [
    'a port has left its bridge',
    'published-ports',
    'host',
    (d) => {
      const port = linkOf(d, 'c1~eth0')
      delete port.master
      delete port.linkinfo!.info_slave_kind
      delete port.linkinfo!.info_slave_data
      without(d.fdb!, ({ ifname }) => ifname === 'c1~eth0')
    },
    { 'host/c1~eth0': 'update' },
  ],
  [
    'a chain is flushed',
    'published-ports',
    'host',
    (d) => void (d.iptables = d.iptables.replace(/^\[\d+:\d+\] -A FORWARD .*\n/gm, '')),
    { 'host/iptables': 'update' },
  ],
  [
    'a policy is another',
    'published-ports',
    'host',
    (d) => void (d.iptables = d.iptables.replace(':FORWARD DROP', ':FORWARD ACCEPT')),
    { 'host/iptables': 'update' },
  ],
  [
    'all rules are gone',
    'published-ports',
    'host',
    (d) => void (d.iptables = d.nftables = ''),
    { 'host/iptables': 'create' },
  ],
  [
    'a rule is gone',
    'kinds',
    'a',
    (d) => without(d.rules, ({ fwmark }) => fwmark === '0x1'),
    { 'a/rule/1000 from 10.0.0.0/8 fwmark 0x1/0xff table 100': 'create' },
  ],
  [
    'a neighbour has another MAC',
    'kinds',
    'a',
    (d) => void (d.neighbors.find(({ dst }) => dst === '10.0.0.9')!.lladdr = '02:00:00:00:00:ee'),
    { 'a/e0/neighbor/10.0.0.9': 'update' },
  ],
  [
    'a forwarding entry is gone',
    'kinds',
    'sw',
    (d) => without(d.fdb!, ({ mac }) => mac === '02:00:00:00:00:55'),
    { 'sw/a~e0/fdb/02:00:00:00:00:55': 'create' },
  ],
  [
    'an entry of a set is gone',
    'kinds',
    'a',
    (d) => void (d.ipsets = (d.ipsets ?? '').replace('add good 10.0.0.3\n', '')),
    { 'a/ipset/good': 'update' },
  ],
  [
    'nftables is flushed',
    'kinds',
    'a',
    (d) => void (d.nftables = d.nftables.replace(/table inet own \{[^]*?\n\}\n/, '')),
    { 'a/nftables': 'create' },
  ],
  [
    'a qdisc is gone',
    'kinds',
    'left',
    (d) =>
      void d.qdiscs.splice(
        d.qdiscs.findIndex(({ kind }) => kind === 'tbf'),
        1,
        { kind: 'noqueue', handle: '0:', dev: 'e0', root: true, options: {} },
      ),
    { 'left/e0/qdisc': 'create' },
  ],
  [
    'there is a device that no lab can describe',
    'kinds',
    'b',
    (d) =>
      void d.links.push({
        ...linkOf(d, 'lo'),
        ifindex: 99,
        ifname: 'odd0',
        flags: [],
        linkinfo: { info_kind: 'nlmon' },
      }),
    { 'b/odd0': 'delete' },
  ],
  [
    'a VXLAN has another TTL',
    'kinds',
    'a',
    (d) => void (linkOf(d, 'vx0').linkinfo!.info_data = { ...linkOf(d, 'vx0').linkinfo!.info_data, ttl: 9 }),
    {
      'a/vx0': 'replace',
      'a/vx0/10.7.0.1/24': 'replace',
      'a/vx0/fdb/00:00:00:00:00:00 dst 10.0.0.2': 'replace',
      'a/vx0/fdb/02:00:00:00:00:77 dst 10.0.0.3 vni 7': 'replace',
    },
  ],
  [
    'what is of nobody in the machine’s own namespace is no drift',
    'machine',
    '(machine)',
    (d) => {
      d.routes.push({ ...d.routes[0]!, dst: '10.99.0.0/16' })
      without(d.addresses, ({ ifname }) => ifname === 'br-ext')
    },
    {},
  ],
  [
    'the lab’s own bridge there is down',
    'machine',
    '(machine)',
    (d) => without(linkOf(d, 'br-lab').flags, (flag) => flag === 'UP'),
    { 'host/br-lab': 'update' },
  ],
  [
    'the lab’s own address on a foreign interface is gone',
    'machine',
    '(machine)',
    (d) =>
      d.addresses.forEach(({ addr_info }) => {
        const place = addr_info.findIndex(({ local }) => local === '192.0.2.9')
        if (place >= 0) addr_info.splice(place, 1)
      }),
    { 'host/up0/192.0.2.9/24': 'create' },
  ],
]

test.each(drifts)('%s (%s, %s)', async (_, name, netns, edit, changes) => {
  for (const by of readers) expect(actions(await planned(name, by, { [netns]: edit }))).toEqual(changes)
})

test.each([
  ['WireGuard listens elsewhere', 'wg show', '51820\toff', '51999\toff', { 'h2/wg0/wg': 'update' }],
  ['a port has one VLAN less', 'bridge -j vlan', ',{"vlan":33}', '', { 'sw1/host~eth0/vlans': 'update' }],
])('%s: programs are asked where netlink says nothing', async (_, program, before, after, changes) => {
  const runner = recordedRunner(use('vm'), 'netlink')
  const run: typeof runner.host.run = async (command) => {
    const outcome = await runner.host.run(command)
    return command.argv.join(' ').startsWith(program)
      ? { ...outcome, stdout: outcome.stdout.replace(before, after) }
      : outcome
  }
  const located = locate(labOf('vm'))
  expect(
    actions(await prepare(located, openLocated(located, thisMachine), { ...runner, host: { ...runner.host, run } })),
  ).toEqual(changes)
})
