import fc from 'fast-check'
import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { callOf } from '../../src/backend/netlink/encode.ts'
import { encodeFields } from '../../src/backend/netlink/encode-data.ts'
import { attribute, encode, toU32 } from '../../src/backend/netlink/message.ts'
import { infoData, portData } from '../../src/backend/netlink/read-info.ts'
import { counts } from '../../src/kinds/links/bundle.ts'
import { linkTypes } from '../../src/kinds/links/link-types.ts'
import { portTable } from '../../src/kinds/links/port.ts'
import type { Field } from '../../src/model/link-type.ts'
import { concerns, type LinkChange, type NewLink, type Operation } from '../../src/model/operation.ts'
import type { IpLink } from '../../src/model/runner.ts'
import '../support/seed.ts'

const place = { netns: 'a' }
const mac = '02:00:00:00:00:01'
type Data = Record<string, unknown>
const add = (link: NewLink, name: string, data: Data = {}, lower?: string): Operation => ({
  ...{ do: 'link.add', place, link, type: { name, data } },
  ...(lower !== undefined && { lower }),
})
const set = (name: string, changes: LinkChange): Operation => ({ do: 'link.set', place, name, set: changes })

/** The type, the flags and what follows the header of netlink of a message, and what it names. */
function sent(operation: Operation): string[] | undefined {
  const call = callOf(operation)
  if (call?.do !== 'send') return undefined
  const all = Buffer.from(call.message.bytes)
  const parts = [all.subarray(4, 6), all.subarray(6, 8), all.subarray(16)].map((bytes) => bytes.toString('hex'))
  return [parts.join(' '), ...call.message.patches.map(({ at, device, netns }) => `${device ?? netns} at ${at}`)]
}

test.each<[Operation, string, ReturnType<typeof sent>]>([
  [
    {
      do: 'link.add',
      place,
      link: { name: 'v0', group: 5, mac, mtu: 1400, up: true },
      type: { name: 'veth', data: {} },
      peer: { name: 'v1', netns: 'b', mtu: 1400 },
    },
    'ip link add name v0 group 5 address 02:00:00:00:00:01 mtu 1400 up type veth peer name v1 netns b mtu 1400',
    [
      '1000 0106 00000000000000000100000001000000070003007630000008001b00050000000a000100020000000001000008000400780500003c0012000800010076657468300002002c00010000000000000000000000000000000000070003007631000008001c00000000000800040078050000',
      'b at 116',
    ],
  ],
  [
    add({ name: 'br0', mac }, 'bridge', {
      stp: true,
      forward_delay: 400,
      vlan_protocol: '802.1ad',
      no_linklocal_learn: true,
      mcast_vlan_snooping: false,
      mcast_query_interval: 500,
    }),
    'ip link add name br0 address 02:00:00:00:00:01 type bridge stp_state 1 forward_delay 400 vlan_protocol 802.1ad no_linklocal_learn 1 mcast_vlan_snooping 0 mcast_query_interval 500',
    [
      '1000 0106 0000000000000000000000000000000008000300627230000a0001000200000000010000440012000a000100627269646765000034000200080005000100000008000100900100000600080088a800000c002100f4010000000000000c002e000100000003000000',
    ],
  ],
  [
    add(
      { name: 'vx0' },
      'vxlan',
      { id: 42, local: '10.0.0.1', remote: '10.0.0.2', dstport: 8472, learning: false },
      'eth0',
    ),
    'ip link add name vx0 type vxlan id 42 local 10.0.0.1 remote 10.0.0.2 dstport 8472 nolearning dev eth0',
    [
      '1000 0106 000000000000000000000000000000000800030076783000440012000900010076786c616e00000034000200080001002a000000080004000a000001080002000a00000206000f002118000005000700000000000800030000000000',
      'eth0 at 104',
    ],
  ],
  [
    add({ name: 'vx0' }, 'vxlan', { id: 42, remote: 'fd00::1' }),
    'ip link add name vx0 type vxlan id 42 remote fd00::1',
    [
      '1000 0106 000000000000000000000000000000000800030076783000350012000900010076786c616e00000025000200080001002a00000014001000fd0000000000000000000000000000010500070001000000',
    ],
  ],
  [
    add({ name: 'mv0', netns: 'b' }, 'macvlan', { mode: 'bridge' }, 'eth0'),
    'ip link add link eth0 name mv0 netns b type macvlan mode bridge',
    [
      '1000 0106 00000000000000000000000000000000080003006d76300008001c000000000008000500000000001c0012000b0001006d6163766c616e000c0002000800010004000000',
      'b at 44',
      'eth0 at 52',
    ],
  ],
  [
    add({ name: 'eth0.5' }, 'vlan', { id: 5, protocol: '802.1ad', gvrp: true, reorder_hdr: false }, 'eth0'),
    'ip link add link eth0 name eth0.5 type vlan id 5 protocol 802.1ad gvrp on reorder_hdr off',
    [
      '1000 0106 000000000000000000000000000000000b000300657468302e35000008000500000000002c00120008000100766c616e2000020006000100050000000600050088a800000c0002000200000003000000',
      'eth0 at 48',
    ],
  ],
  [
    add({ name: 'i0' }, 'ipvlan', { mode: 'l2' }, 'eth0'),
    'ip link add link eth0 name i0 type ipvlan mode l2',
    [
      '1000 0106 0000000000000000000000000000000007000300693000000800050000000000220012000a0001006970766c616e00001200020006000100000000000600020000000000',
      'eth0 at 44',
    ],
  ],
  [
    add(
      { name: 't0', mtu: 1392 },
      'gre',
      { remote: '10.0.0.2', local: '10.0.0.1', ttl: 9, tos: 16, ikey: 0, okey: 7, ocsum: true, pmtudisc: false },
      'eth0',
    ),
    'ip link add name t0 mtu 1392 type gre remote 10.0.0.2 local 10.0.0.1 ttl 9 tos 0x10 ikey 0 okey 7 ocsum nopmtudisc dev eth0',
    [
      '1000 0106 000000000000000000000000000000000700030074300000080004007005000060001200070001006772650054000200080007000a000002080006000a000001050008000900000005000900100000000800040000000000080005000000000705000a0000000000060002002000000006000300a00000000800010000000000',
      'eth0 at 140',
    ],
  ],
  [
    add({ name: 'vx0' }, 'vxlan', { id: 42, tos: 16, label: 18 }),
    'ip link add name vx0 type vxlan id 42 tos 0x10 flowlabel 0x12',
    [
      '1000 0106 000000000000000000000000000000000800030076783000340012000900010076786c616e00000024000200080001002a0000000500070001000000050006001000000008001a0000000012',
    ],
  ],
  [
    add({ name: 'd0' }, 'dummy'),
    'ip link add name d0 type dummy',
    ['1000 0106 0000000000000000000000000000000007000300643000000d0012000900010064756d6d79000000'],
  ],
  [
    set('v0', { master: 'br0', mtu: 1300, mac, txqueuelen: 7, arp: false, promisc: true, up: true }),
    'ip link set dev v0 master br0 mtu 1300 address 02:00:00:00:00:01 txqueuelen 7 arp off promisc on up',
    [
      '1000 0100 0000000000000000810100008101000008000a000000000008000400140500000a000100020000000001000008000d0007000000',
      'v0 at 20',
      'br0 at 36',
    ],
  ],
  [
    set('v0', { master: '', alias: 'two words', up: false }),
    'ip link set dev v0 nomaster alias two words down',
    ['1000 0100 0000000000000000000000000100000008000a00000000000d00140074776f20776f726473000000', 'v0 at 20'],
  ],
  [
    set('v0', { alias: '' }),
    'ip link set dev v0 alias ',
    ['1000 0100 0000000000000000000000000000000004001400', 'v0 at 20'],
  ],
  [
    set('v0', { linkmode: 'dormant' }),
    'ip link set dev v0 mode dormant',
    ['1000 0100 000000000000000000000000000000000500110001000000', 'v0 at 20'],
  ],
  [
    set('nl02', { netns: 'b', name: 'v0' }),
    'ip link set dev nl02 netns b name v0',
    ['1000 0100 0000000000000000000000000000000008001c00000000000700030076300000', 'b at 36', 'nl02 at 20'],
  ],
  [
    set('br0', { type: { name: 'bridge', data: { stp: false, no_linklocal_learn: false } } }),
    'ip link set dev br0 type bridge stp_state 0 no_linklocal_learn 0',
    [
      '1000 0100 00000000000000000000000000000000280012000a00010062726964676500001800020008000500000000000c002e000000000001000000',
      'br0 at 20',
    ],
  ],
  [
    set('v0', { type: { name: 'bridge_slave', data: { isolated: true, cost: 7, backup_port: 'v1' } } }),
    'ip link set dev v0 type bridge_slave isolated on cost 7 backup_port v1',
    [
      '1000 0100 000000000000000000000000000000002c0012000a00040062726964676500001c000500080003000700000005002100010000000800220000000000',
      'v0 at 20',
      'v1 at 72',
    ],
  ],
  [
    { do: 'link.delete', place, name: 'v0' },
    'ip link del dev v0',
    ['1100 0100 00000000000000000000000000000000', 'v0 at 20'],
  ],
  [
    { do: 'link.delete', place, group: 7 },
    'ip link del group 7',
    ['1100 0100 0000000000000000000000000000000008001b0007000000'],
  ],
])('%j is one command and one message', (operation, line, message) => {
  expect(commandOf(operation).argv.join(' ')).toBe(line)
  expect(sent(operation)).toEqual(message)
})

test.each<Operation>([
  add({ name: 'a/b' }, 'dummy'),
  add({ name: 'sixteen-letters-' }, 'dummy'),
  add({ name: 'v0', netns: '../x' }, 'dummy'),
  add({ name: 'v0', netns: '123' }, 'dummy'),
  add({ name: 'v0' }, 'nothing'),
  add({ name: 'v0', mac: '02:00' }, 'dummy'),
  add({ name: 'v0' }, 'vxlan'),
  add({ name: 'v0' }, 'vxlan', { id: 1, remote: '239.1.1.1' }),
  add({ name: 'v0' }, 'vxlan', { id: 2 ** 32 }),
  add({ name: 'v0' }, 'vxlan', { id: 1, toString: 7 }),
  add({ name: 'v0' }, 'macvlan', { mode: 'toString' }, 'e0'),
  add({ name: 'v0' }, 'veth'),
  set('v0', {}),
  set('v0', { mtu: 1.5 }),
  set('v0', { mtu: -1 }),
  set('v0', { alias: 'x'.repeat(256) }),
  set('v0', { type: { name: 'macvlan', data: { bcqueuelen: 7 } } }),
  { do: 'link.delete', place, name: '' },
])('%j is left to the program', (operation) => {
  expect(callOf(operation)).toBeUndefined()
})

test('what is made or moved elsewhere concerns that namespace too', () => {
  const peer = { name: 'e0', netns: 'b' }
  expect(concerns({ do: 'link.add', place, link: { name: 'e0' }, type: { name: 'veth', data: {} }, peer })).toEqual([
    'a',
    'b',
  ])
  expect(concerns(add({ name: 'm0', netns: 'c' }, 'macvlan', {}, 'e0'))).toEqual(['a', 'c'])
  expect(concerns(set('m0', { netns: 'c', name: 'e0' }))).toEqual(['a', 'c'])
  expect(concerns(set('m0', { up: true }))).toEqual(['a'])
})

/** Values that a field may have, from its schema. */
function values({ schema, attribute, normal = (v: unknown) => v, wrong }: Field): fc.Arbitrary<unknown> | undefined {
  if (!schema || !attribute || attribute.as === 'user' || attribute.as === 'device') return undefined
  const { enum: words, type, minimum = 0, maximum = 0xffffffff, anyOf } = schema as Record<string, any>
  const all: fc.Arbitrary<unknown> = words
    ? fc.constantFrom(...(words as string[]))
    : type === 'boolean'
      ? attribute.as === 'present'
        ? fc.constant(true)
        : fc.boolean()
      : type === 'integer'
        ? fc.integer({ min: Number(minimum), max: Number(maximum) })
        : attribute.as === 'addresses'
          ? fc.subarray(['10.0.0.9', '10.0.0.8', 'fd00::9'].filter((text) => wrong?.([text]) === undefined))
          : anyOf
            ? fc.integer({ min: Number(anyOf[0].minimum), max: Number(anyOf[0].maximum) })
            : attribute.as === 'address'
              ? fc.constantFrom(...(attribute.multicast ? ['239.1.1.1', 'ff05::9'] : ['10.0.0.9', 'fd00::9']))
              : attribute.number === 26
                ? fc.constant('02:00:00:00:00:04')
                : fc.constant('01:80:c2:00:00:04')
  return all.filter((value) => wrong?.(value) === undefined).map(normal)
}

const tables: [string, Readonly<Record<string, Field>>][] = [
  ...linkTypes.map(({ name, fields }) => [name, fields] as [string, Readonly<Record<string, Field>>]),
  ['bridge_slave', portTable],
]

test.each(tables)('what is set of a %s is what is read of it', (name, fields) => {
  const type = linkTypes.find((one) => one.name === name)
  const some = Object.fromEntries(
    Object.entries(fields).flatMap(([field, one]) => {
      const value = values(one)
      return value ? [[field, value] as const] : []
    }),
  )
  const requiredKeys = Object.keys(some).filter((field) => fields[field]?.required)
  fc.assert(
    fc.property(fc.record(some, { requiredKeys }), (data) => {
      const attributes = encodeFields(fields, data, true)
      expect(attributes).toBeDefined()
      const { bytes } = encode({ type: 16, flags: 0, header: new Uint8Array(), attributes: attributes ?? [] })
      const all = Buffer.from(bytes)
      const nameOf = (index: number): string => `if${index}`
      const read =
        name === 'bridge_slave'
          ? portData(all, 'bridge', 16, all.length, nameOf)
          : infoData(all, type?.kind ?? name, 16, all.length, nameOf).data
      const link = { ifindex: 1, ifname: 'x', flags: [], mtu: 1500 } satisfies IpLink
      for (const [field, value] of Object.entries(data)) {
        // A field that two share (a remote address and a group) can be said once.
        const clash = Object.keys(data).some(
          (other) => other !== field && shared(fields[other]) === shared(fields[field]),
        )
        const { json = field, read: from } = fields[field]!
        const found = from ? from(read, link) : read[json]
        if (!clash && counts(fields[field]!, data, fields))
          expect([field, found ?? fields[field]?.fallback]).toEqual([field, value])
      }
    }),
  )
})

/** What only one field of a message can have: a number, of addresses. */
const shared = (field: Field | undefined): unknown =>
  field?.attribute?.as === 'address' ? field.attribute.number : Symbol()

test('a key of a tunnel counts only where a flag says so', () => {
  const of = (flags: readonly [number, number]) => {
    const attributes = [attribute(2, Uint8Array.of(...flags)), attribute(4, Uint8Array.of(0, 0, 1, 5))]
    const { bytes } = encode({ type: 16, flags: 0, header: new Uint8Array(), attributes })
    return infoData(Buffer.from(bytes), 'gre', 16, bytes.length, String).data
  }
  expect(of([0x10, 0])).toEqual({ iseq: true })
  expect(of([0x20, 0])).toEqual({ ikey: '0.0.1.5' })
})

test('programs are asked only about what a lab can have and is not understood here, once for what is the same', () => {
  const of = (kind: string, ...numbers: number[]) => {
    const attributes = numbers.map((number) => attribute(number, toU32(1000)))
    const { bytes } = encode({ type: 16, flags: 0, header: new Uint8Array(), attributes })
    return infoData(Buffer.from(bytes), kind, 16, bytes.length, String)
  }
  expect(of('tun', 1).undecoded).toEqual(of('tun', 1).undecoded)
  expect(of('tun', 1).undecoded?.local).toBe(false)
  expect(of('tun', 1).undecoded?.key).not.toBe(of('tun', 1, 2).undecoded?.key)
  expect(of('tun', 2)).toEqual({ data: {} })
  expect(of('nlmon', 1)).toEqual({ data: {} })
})
