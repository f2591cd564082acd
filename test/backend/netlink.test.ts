import fc from 'fast-check'
import { addressText, attributes } from '../../src/backend/netlink/answer.ts'
import { decodeDump } from '../../src/backend/netlink/dump.ts'
import { gatherer } from '../../src/backend/netlink/gather.ts'
import type { System } from '../../src/backend/netlink/libc.ts'
import type { Reply } from '../../src/backend/netlink/thread-protocol.ts'
import { attribute, encode, nest, text, toU32 } from '../../src/backend/netlink/message.ts'
import { canonicalAddress } from '../../src/model/cidr.ts'
import '../support/seed.ts'

test('a message is laid out as netlink(7) says, with the places of what is not known yet', () => {
  const { bytes, patches } = encode({
    type: 16,
    flags: 0x600,
    header: new Uint8Array(16),
    device: { name: 'v0', at: 4 },
    attributes: [text(3, 'ab'), { type: 28, netns: 'x' }, nest(18, [attribute(1, Buffer.from('veth'))])],
  })
  expect(Buffer.from(bytes).toString('hex')).toBe(
    [
      '3c000000' + '1000' + '0106' + '00000000' + '00000000',
      '00'.repeat(16),
      '0700' + '0300' + '61620000',
      '0800' + '1c00' + '00000000',
      '0c00' + '1200' + '0800' + '0100' + '76657468',
    ].join(''),
  )
  expect(patches).toEqual([
    { at: 44, netns: 'x' },
    { at: 20, device: 'v0' },
  ])
})

test('attributes are found again, whatever their lengths', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 99 }), fc.uint8Array({ maxLength: 40 }))), (list) => {
      const { bytes } = encode({
        type: 1,
        flags: 0,
        header: toU32(0),
        attributes: list.map(([type, value]) => attribute(type, value)),
      })
      const found: [number, Uint8Array][] = []
      const all = Buffer.from(bytes)
      attributes(all, 20, all.readUInt32LE(0), (type, at, end) =>
        found.push([type, Uint8Array.from(all.subarray(at, end))]),
      )
      expect(found).toEqual(list)
    }),
  )
})

test('addresses are written as the kernel’s tools write them', () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
  fc.assert(
    fc.property(fc.tuple(group, group, group, group, group, group, group, group), (groups) => {
      const bytes = Buffer.alloc(16)
      groups.forEach((value, i) => bytes.writeUInt16BE(value, 2 * i))
      // inet_ntop(3) writes addresses below ::/96 with dots.
      fc.pre(groups.slice(0, 6).some(Boolean))
      expect(addressText(bytes, 0, 16)).toBe(canonicalAddress(groups.map((value) => value.toString(16)).join(':')))
    }),
  )
  expect(addressText(Buffer.from('00000000000000000000000000000001', 'hex'), 0, 16)).toBe('::1')
  expect(addressText(Buffer.alloc(16), 0, 16)).toBe('::')
  expect(addressText(Buffer.from('0000000000000000000000000a000009', 'hex'), 0, 16)).toBe('::10.0.0.9')
  expect(addressText(Buffer.from('0a000009', 'hex'), 0, 4)).toBe('10.0.0.9')
})

test('a kernel without nftables has no rules, and is read all the same', () => {
  const system = { enter: () => true, socket: () => -1, errno: () => 93, forget: () => {} } as unknown as System
  const replies: Reply[] = []
  gatherer(system, () => []).read(
    {
      kind: 'read',
      bytes: new Uint8Array(8),
      readings: [{ netns: 'a', requests: [], netfilter: { from: 0, to: 8 }, rules: true }],
      lists: [],
      epoch: 0,
    },
    (reply) => replies.push(reply),
  )
  const [answer] = replies.flatMap((reply) => (reply.kind === 'results' ? reply.results : []))
  expect(answer?.sections).toMatchObject([{ errno: 93 }])
  const nothing = { from: 0, to: 0, errno: 0 }
  const sections = [...Array.from({ length: 8 }, () => nothing), ...(answer?.sections ?? [])]
  expect(decodeDump(Buffer.alloc(0), { index: 0, sections }, new Map())).toMatchObject({ tables: [] })
  const refused = sections.with(8, { ...nothing, errno: 1 })
  expect(decodeDump(Buffer.alloc(0), { index: 0, sections: refused }, new Map()).tables).toBeUndefined()
})
