import { batchOf } from '../../src/backend/iproute/batch.ts'
import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { callOf } from '../../src/backend/netlink/encode.ts'
import { running, type Operation } from '../../src/model/operation.ts'
import { HERE } from '../../src/model/place.ts'

const place = { netns: 'a' }

test.each<[Operation, string]>([
  [{ do: 'netns.delete', place: HERE, name: 'a' }, 'ip netns del a'],
  [{ do: 'link.set', place, name: 'lo', set: { alias: 'netlab:x' } }, 'ip link set dev lo alias netlab:x'],
  [{ do: 'sysctl.set', place, key: 'net.ipv4.ip_forward', value: '1' }, 'sysctl -qw net.ipv4.ip_forward=1'],
])('%j is spelled as people type it', (operation, line) => {
  expect(commandOf(operation).argv.join(' ')).toBe(line)
})

test('a name and an alias are arguments of a script, never part of it', () => {
  const { argv } = commandOf({ do: 'netns.add', place: HERE, name: '$(reboot)', alias: 'netlab:x;y' })
  expect(argv.slice(-2)).toEqual(['netlab:x;y', '$(reboot)'])
  expect(argv.filter((word) => word.includes('reboot'))).toHaveLength(1)
})

test('a namespace is named in the thread, except by way of a descriptor', () => {
  const named = (file: string) => callOf({ do: 'netns.name', place: HERE, file, name: 'b', alias: 'netlab:lab' })
  expect(named('/run/netns/a')).toEqual({ do: 'attach', netns: 'a', name: 'b', mark: 'netlab:lab' })
  expect(named('/proc/7/fd/9')).toBeUndefined()
})

test('a sysctl becomes a file below /proc/sys/net, and nothing else does', () => {
  const file = (key: string, value = '1'): string | undefined => {
    const call = callOf({ do: 'sysctl.set', place, key, value })
    return call?.do === 'write' ? call.file : undefined
  }
  expect(file('net.ipv4.conf.eth0/5.rp_filter')).toBe('sys/net/ipv4/conf/eth0.5/rp_filter')
  expect(file('kernel.panic')).toBeUndefined()
  expect(file('net.ipv4.//.//.x')).toBeUndefined()
  expect(file('net.ipv4.ip_forward', '1\n0')).toBeUndefined()
})

test('nft is given lines, in the process unless they name rules', () => {
  const load = (byHandle: boolean): Operation => ({
    do: 'nft.load',
    place,
    lines: ['add table ip t', 'list sets'],
    byHandle,
  })
  const input = 'add table ip t\nlist sets\n'
  expect(commandOf(load(true))).toEqual({ argv: ['nft', '-f', '-'], netns: 'a', input })
  expect(callOf(load(false))).toEqual({ do: 'nft', netns: 'a', lines: input })
  expect(callOf(load(true))).toBeUndefined()
})

test('a program is never a message', () => {
  expect(callOf(running({ argv: ['ip', 'link', 'add'], netns: 'a' }))).toBeUndefined()
})

/** The type, the flags and what follows the header of netlink of a message, and the devices it names. */
function sent(operation: Operation): [string, ...string[]] | undefined {
  const call = callOf(operation)
  if (call?.do !== 'send') return undefined
  const all = Buffer.from(call.message.bytes)
  const parts = [all.subarray(4, 6), all.subarray(6, 8), all.subarray(16)].map((bytes) => bytes.toString('hex'))
  return [parts.join(' '), ...call.message.patches.map(({ at, device = '' }) => `${device} at ${at}`)]
}

const route = { to: '10.1.0.0/16', family: 4 } as const
const address = { dev: 'v0', address: '10.0.0.1/24', family: 4 } as const
const neighbor = { to: '10.0.0.9', dev: 'v0', family: 4 } as const
const MAC = '02:00:00:00:00:99'
const entry = { mac: MAC, dev: 'v0', state: 'static' } as const
const from = { family: 4, priority: 100, from: '10.0.0.0/8' } as const

test.each<[Operation, string, ReturnType<typeof sent>]>([
  [
    { do: 'route.add', place, route: { ...route, via: '10.0.0.1', metric: 5, mtu: 1300 }, protocol: 201 },
    'ip route add 10.1.0.0/16 via 10.0.0.1 metric 5 mtu 1300 proto 201',
    ['1800 0106 02100000fec9000100000000080001000a010000080005000a00000108000600050000000c0008000800020014050000'],
  ],
  [
    {
      do: 'route.replace',
      place,
      route: { ...route, via: 'fe80::1', dev: 'v0', onlink: true, src: '10.0.0.1', table: 1000 },
    },
    'ip route replace 10.1.0.0/16 via inet6 fe80::1 dev v0 onlink src 10.0.0.1 table 1000',
    [
      '1800 0105 021000000003000104000000080001000a010000160012000a00fe80000000000000000000000000000100000800040000000000080007000a00000108000f00e8030000',
      'v0 at 64',
    ],
  ],
  [
    { do: 'route.append', place, route: { ...route, dev: 'v0', scope: 'link', src: '10.1.0.1' }, protocol: 2 },
    'ip route append 10.1.0.0/16 dev v0 proto kernel scope link src 10.1.0.1',
    ['1800 010c 02100000fe02fd0100000000080001000a0100000800040000000000080007000a010001', 'v0 at 40'],
  ],
  [
    {
      do: 'route.delete',
      place,
      route: { ...route, nexthops: [{ via: '10.0.0.1', dev: 'v0', weight: 3, encap: 'mpls 9' }, { via: '10.0.0.2' }] },
    },
    'ip route del 10.1.0.0/16 nexthop via 10.0.0.1 dev v0 weight 3 nexthop via 10.0.0.2',
    [
      '1900 0100 02100000fe00ff0000000000080001000a010000240009001000000200000000080005000a0000011000000000000000080005000a000002',
      'v0 at 44',
    ],
  ],
  [
    { do: 'address.add', place, address, nodad: false },
    'ip addr add 10.0.0.1/24 dev v0',
    ['1400 0106 0218000000000000080002000a000001080001000a000001', 'v0 at 20'],
  ],
  [
    {
      do: 'address.add',
      place,
      address: {
        ...{ dev: 'v0', address: '10.0.0.1/32', family: 4, remote: '10.0.0.2', scope: 'link', label: 'v0:1' },
        ...{ broadcast: '10.0.0.9', metric: 5, noprefixroute: true, preferred_lft: 0, primary: 'v0/10.0.0.2/24' },
      },
      nodad: false,
    },
    'ip addr add 10.0.0.1 peer 10.0.0.2/32 scope link label v0:1 broadcast 10.0.0.9 metric 5 noprefixroute preferred_lft 0 dev v0',
    [
      '1400 0106 022000fd00000000080002000a000001080001000a0000020900030076303a3100000000080004000a00000908000900050000001400060000000000ffffffff00000000000000000800080000020000',
      'v0 at 20',
    ],
  ],
  [
    {
      do: 'address.replace',
      place,
      address: { dev: 'v0', address: '2001:db8::1/64', family: 6, home: true, mngtmpaddr: true },
      nodad: true,
    },
    'ip addr replace 2001:db8::1/64 home mngtmpaddr dev v0 nodad',
    [
      '1400 0105 0a401200000000001400020020010db80000000000000000000000011400010020010db80000000000000000000000010800080012010000',
      'v0 at 20',
    ],
  ],
  [
    { do: 'address.add', place, address: { dev: 'lo', address: '127.0.0.9/8', family: 4 }, nodad: false },
    'ip addr add 127.0.0.9/8 dev lo',
    ['1400 0106 020800fe00000000080002007f000009080001007f000009', 'lo at 20'],
  ],
  [
    { do: 'address.delete', place, address: { ...address, address: '10.0.0.1/32', remote: '10.0.0.2', metric: 5 } },
    'ip addr del 10.0.0.1 peer 10.0.0.2/32 dev v0',
    ['1500 0100 0220000000000000080002000a000001080001000a000002', 'v0 at 20'],
  ],
  [
    { do: 'neighbor.replace', place, neighbor: { ...neighbor, lladdr: MAC, router: true }, protocol: 'boot' },
    'ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:99 dev v0 nud permanent router protocol boot',
    ['1c00 0105 020000000000000080008000080001000a0000090a000200020000000099000005000c0003000000', 'v0 at 20'],
  ],
  [
    { do: 'neighbor.replace', place, neighbor: { ...neighbor, proxy: true } },
    'ip neigh replace proxy 10.0.0.9 dev v0',
    ['1c00 0105 020000000000000080000800080001000a000009', 'v0 at 20'],
  ],
  [
    { do: 'neighbor.delete', place, neighbor: { ...neighbor, lladdr: MAC, router: true } },
    'ip neigh del 10.0.0.9 dev v0',
    ['1d00 0100 020000000000000080000000080001000a000009', 'v0 at 20'],
  ],
  [
    { do: 'fdb.add', place, entry: { ...entry, bridge: 'br0', vlan: 5, sticky: true } },
    `bridge fdb add ${MAC} dev v0 master static sticky vlan 5`,
    undefined,
  ],
  [
    {
      do: 'fdb.append',
      place,
      entry: { ...entry, state: 'permanent', dst: '10.0.0.2', port: 4790, vni: 7, via: 'e0' },
    },
    `bridge fdb append ${MAC} dev v0 self permanent dst 10.0.0.2 port 4790 vni 7 via e0`,
    undefined,
  ],
  [
    { do: 'fdb.delete', place, entry: { ...entry, dev: 'br0', bridge: 'br0', sticky: true } },
    `bridge fdb del ${MAC} dev br0 self`,
    undefined,
  ],
  [
    { do: 'vlan.add', place, port: 'v0', vid: 11, self: false, pvid: true, untagged: true },
    'bridge vlan add dev v0 vid 11 pvid untagged',
    undefined,
  ],
  [
    { do: 'vlan.add', place, port: 'br0', vid: 12, self: true, pvid: false, untagged: false },
    'bridge vlan add dev br0 vid 12 self',
    undefined,
  ],
  [{ do: 'vlan.delete', place, port: 'br0', vid: 12, self: true }, 'bridge vlan del dev br0 vid 12 self', undefined],
  [
    {
      do: 'qdisc.change',
      place,
      dev: 'v0',
      options: {
        ...{ kind: 'netem', limit: 500, delay: 1500, jitter: 2000, loss: 0.00000001, duplicate: 0, corrupt: 1 },
        ...{ reorder: 2.5, rate: 1500000 },
      },
    },
    'tc qdisc change dev v0 root netem limit 500 delay 1500us 2ms loss 0.0000000100% duplicate 0% corrupt 1% reorder 2.5% rate 1500kbit',
    undefined,
  ],
  [
    { do: 'qdisc.replace', place, dev: 'v0', options: { kind: 'netem', delay: 1000000 } },
    'tc qdisc replace dev v0 root netem delay 1s',
    undefined,
  ],
  [
    { do: 'qdisc.add', place, dev: 'v0', options: { kind: 'tbf', rate: 1e9, burst: 2048, limit: 20000 } },
    'tc qdisc add dev v0 root tbf rate 1gbit burst 2kb limit 20000',
    undefined,
  ],
  [{ do: 'qdisc.delete', place, dev: 'v0' }, 'tc qdisc del dev v0 root', undefined],
  [
    { do: 'route.flush', place, to: '2001:db8::/64', dev: 'v0', metric: 201 },
    'ip -6 route flush exact 2001:db8::/64 dev v0 proto kernel metric 201',
    undefined,
  ],
  [
    { do: 'route.add', place, route: { ...route, type: 'blackhole' } },
    'ip route add blackhole 10.1.0.0/16',
    ['1800 0106 02100000fe03000600000000080001000a010000'],
  ],
  [
    { do: 'route.add', place, route: { ...route, type: 'throw' } },
    'ip route add throw 10.1.0.0/16',
    ['1800 0106 02100000fe03000900000000080001000a010000'],
  ],
  [
    { do: 'route.add', place, route: { ...route, type: 'broadcast', dev: 'v0' } },
    'ip route add broadcast 10.1.0.0/16 dev v0 table 254',
    ['1800 0106 02100000fe03fd0300000000080001000a0100000800040000000000', 'v0 at 40'],
  ],
  [
    { do: 'nexthop.add', place, nexthop: { id: 20, group: [{ id: 1 }, { id: 2, weight: 3 }] } },
    'ip nexthop add id 20 group 1/2,3',
    ['6800 0106 000000000000000008000100140000001400020001000000000000000200000002000000'],
  ],
  [
    { do: 'nexthop.replace', place, nexthop: { id: 9, family: 6, dev: 'v0', onlink: true }, protocol: 201 },
    'ip -6 nexthop replace id 9 dev v0 onlink proto 201',
    ['6800 0105 0a00c9000400000008000100090000000800050000000000', 'v0 at 36'],
  ],
  [
    {
      do: 'nexthop.add',
      place,
      nexthop: { id: 7, group: [{ id: 1 }], type: 'resilient', buckets: 8, idle_timer: 60, unbalanced_timer: 9 },
    },
    'ip nexthop add id 7 group 1 type resilient buckets 8 idle_timer 60 unbalanced_timer 9',
    [
      '6800 0106 000000000000000008000100070000000c000200010000000000000006000300010000001c000c80060001000800000008000200701700000800030084030000',
    ],
  ],
  [{ do: 'nexthop.delete', place, id: 7 }, 'ip nexthop del id 7', ['6900 0100 00000000000000000800010007000000']],
  [
    { do: 'mdb.add', place, entry: { grp: '239.1.1.2', dev: 'v0', bridge: 'br0', src: '10.0.0.9', vid: 7 } },
    'bridge mdb add dev br0 port v0 grp 239.1.1.2 src 10.0.0.9 vid 7 permanent',
    [
      '5400 0106 0700000000000000200001000000000001000700ef010102000000000000000000000000080000000c000280080001000a000009',
      'br0 at 20',
      'v0 at 28',
    ],
  ],
  [
    { do: 'mdb.delete', place, entry: { grp: '01:02:03:04:05:06', dev: 'br0', bridge: 'br0' } },
    'bridge mdb del dev br0 port br0 grp 01:02:03:04:05:06',
    [
      '5500 0100 07000000000000002000010000000000000000000102030405060000000000000000000000000000',
      'br0 at 20',
      'br0 at 28',
    ],
  ],
  [
    { do: 'route.add', place, route: { to: '10', family: 'mpls', via: '10.0.0.1' } },
    'ip -M route add 10 via inet 10.0.0.1',
    undefined,
  ],
  [
    {
      do: 'rule.add',
      place,
      rule: { ...from, to: '10.1.0.0/16', iif: 'v0', fwmark: '0x1/0xff', table: 1000 },
      protocol: 201,
    },
    'ip rule add priority 100 from 10.0.0.0/8 to 10.1.0.0/16 iif v0 fwmark 0x1/0xff table 1000 protocol 201',
    [
      '2000 0106 0210080000000001000000000800060064000000080002000a000000080001000a010000070003007630000008000a000100000008001000ff00000005001500c900000008000f00e8030000',
    ],
  ],
  [
    { do: 'rule.delete', place, rule: { family: 6, priority: 7, action: 'unreachable' } },
    'ip -6 rule del priority 7 unreachable',
    ['2100 0100 0a00000000000007000000000800060007000000'],
  ],
])('%j is one command and one message', (operation, line, message) => {
  expect(commandOf(operation).argv.join(' ')).toBe(line)
  expect(sent(operation)).toEqual(message)
  expect(commandOf(operation).argv[0]).toBe(batchOf(operation))
})

test.each<Operation>([
  { do: 'address.add', place, address: { ...address, address: '10.0.0.1/33' }, nodad: false },
  { do: 'address.add', place, address: { ...address, family: 6 }, nodad: true },
  { do: 'address.add', place, address: { ...address, dev: 'a/b' }, nodad: false },
  { do: 'address.add', place, address: { ...address, label: 'w0' }, nodad: false },
  { do: 'address.add', place, address: { ...address, scope: 'nowhere' }, nodad: false },
  { do: 'address.add', place, address: { ...address, broadcast: 'fe80::1' }, nodad: false },
  { do: 'address.replace', place, address: { ...address, autojoin: true }, nodad: false },
  { do: 'address.delete', place, address: { dev: 'v0', address: '::10.0.0.9/128', family: 6 } },
  { do: 'neighbor.replace', place, neighbor: { ...neighbor, lladdr: '02:00:00:00:00' } },
  { do: 'neighbor.delete', place, neighbor: { ...neighbor, to: '10.0.0.0/24' } },
  { do: 'route.add', place, route: { ...route, type: 'throw', tos: '0x10' } },
  { do: 'nexthop.add', place, nexthop: { id: 1, family: 4, dev: 'v0', encap: 'mpls 100' } },
  { do: 'route.add', place, route: { ...route, family: 6 } },
  { do: 'route.add', place, route: { to: 'default', family: 6, via: 'fe80::1' } },
  { do: 'route.add', place, route: { ...route, src: 'fe80::1' } },
  { do: 'route.add', place, route: { ...route, dev: 'a/b' } },
  { do: 'route.add', place, route: { ...route, mtu: 'lock 1400' } },
  { do: 'route.add', place, route: { ...route, via: '10.0.0.1', encap: 'mpls 100' } },
  { do: 'route.add', place, route: { to: '100', family: 'mpls', via: '10.0.0.1' } },
  { do: 'route.add', place, route: { ...route, nexthops: [{ via: '10.0.0.1', weight: 257 }, { via: '10.0.0.2' }] } },
  { do: 'rule.add', place, rule: { ...from, family: 6 } },
  { do: 'rule.add', place, rule: { ...from, fwmark: '0x' } },
  { do: 'rule.delete', place, rule: { ...from, uidrange: '5-9' } },
])('%j is left to the program', (operation) => {
  expect(callOf(operation)).toBeUndefined()
})
