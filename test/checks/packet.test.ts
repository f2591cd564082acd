import fc from 'fast-check'
import {
  decodePacket,
  headerOf,
  opening,
  packetText,
  pcapReader,
  sought,
  type Packet,
} from '../../src/checks/packet.ts'
import '../support/seed.ts'

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex')
const ETHERNET = 1
const COOKED = 276

/** 10.0.0.1:4660 → 10.0.0.2:80, SYN, sequence number deadbeef. */
const syn = `4500 0028 0000 4000 4006 0000 0a000001 0a000002  1234 0050 deadbeef 00000000 5002 0000 0000 0000`
/** fd00::1 → fd00::2, UDP 53 → 5353. */
const udp6 = `6000 0000 0008 1140 fd000000000000000000000000000001 fd000000000000000000000000000002 0035 14e9 0008 0000`
const arp = `0001 0800 0604 0001 aaaaaaaaaaaa 0a000001 000000000000 0a000009`

describe('decode', () => {
  test('IPv4 and TCP in Ethernet, with and without VLAN tags', () => {
    const expected = { protocol: 'tcp', source: '10.0.0.1', sport: 0x1234, destination: '10.0.0.2', dport: 80 }
    expect(decodePacket(hex(`aaaaaaaaaaaa bbbbbbbbbbbb 0800 ${syn}`), ETHERNET)).toMatchObject(expected)
    expect(decodePacket(hex(`aaaaaaaaaaaa bbbbbbbbbbbb 88a8 0001 8100 0002 0800 ${syn}`), ETHERNET)).toMatchObject(
      expected,
    )
    expect(decodePacket(hex(syn), 101)).toMatchObject(expected)
  })

  test('the first fragment of a packet has its header, and a later one does not', () => {
    const ends = 'fd000000000000000000000000000001 fd000000000000000000000000000002'
    const six = (protocol: string, place: string, rest: string): string =>
      `6000 0000 0018 2c40 ${ends} ${protocol}00 ${place} 00000001 ${rest}`
    const [first, later] = [
      hex(six('11', '0001', '0035 14e9 0018 0000')),
      hex(six('11', '04d1', '0035 14e9 0018 0000')),
    ]
    expect(decodePacket(first, 101)).toMatchObject({ protocol: 'udp', sport: 53, dport: 5353 })
    expect(headerOf(first)).toBe(48)
    expect(decodePacket(later, 101)).toEqual({
      protocol: '44',
      source: 'fd00::1',
      destination: 'fd00::2',
      bytes: later,
    })
    const four = hex(syn.replace('0000 4000', '0000 009a'))
    expect(decodePacket(four, 101)).toMatchObject({ protocol: 'tcp', source: '10.0.0.1' })
    expect(decodePacket(four, 101)).not.toHaveProperty('sport')
  })

  test('a capture on all interfaces knows where, and which way', () => {
    const frame = (type: string, protocol: string, body: string): Buffer =>
      hex(`${protocol} 0000 00000007 0001 ${type} 06 aaaaaaaaaaaa0000 ${body}`)
    expect(decodePacket(frame('04', '86dd', udp6), COOKED)).toMatchObject({
      ifindex: 7,
      direction: 'out',
      protocol: 'udp',
      source: 'fd00::1',
      destination: 'fd00::2',
      sport: 53,
      dport: 5353,
    })
    expect(decodePacket(frame('00', '0800', syn), COOKED)).toMatchObject({ direction: 'in' })
    const question = { time: 0n, ...decodePacket(frame('04', '0806', arp), COOKED)! }
    expect(question).toMatchObject({ protocol: 'arp', source: '10.0.0.1', destination: '10.0.0.9' })
    expect(sought(question)).toBe('10.0.0.9')
  })

  test('nothing, however short or odd, is too much for it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(ETHERNET, COOKED, 101, 9999), (bytes, link) => {
        const packet = decodePacket(Buffer.from(bytes), link)
        if (packet) {
          opening({ time: 0n, ...packet })
          sought({ time: 0n, ...packet })
        }
      }),
    )
  })
})

test('a connection is opened by a SYN alone', () => {
  const packet = { time: 0n, ...decodePacket(hex(syn), 101)! }
  expect(opening(packet)).toEqual(hex('deadbeef'))
  const answer = { time: 0n, ...decodePacket(hex(syn.replace('5002', '5012')), 101)! }
  expect(opening(answer)).toBeUndefined()
  expect(packetText(packet)).toBe('10.0.0.1:4660 → 10.0.0.2:80 tcp')
})

describe('a pcap stream', () => {
  const file = (little: boolean, nano: boolean, packets: number): Buffer => {
    const words = (...numbers: number[]): Buffer => {
      const buffer = Buffer.alloc(4 * numbers.length)
      numbers.forEach((n, i) => (little ? buffer.writeUInt32LE(n, 4 * i) : buffer.writeUInt32BE(n, 4 * i)))
      return buffer
    }
    const body = hex(syn)
    const records = Array.from({ length: packets }, (_, i) => [
      words(100 + i, 5, body.length, body.length),
      body,
    ]).flat()
    return Buffer.concat([words(nano ? 0xa1b23c4d : 0xa1b2c3d4, 0x00040002, 0, 0, 256, 101), ...records])
  }

  test('in pieces of any size, in either byte order and precision', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.boolean(),
        fc.nat(5),
        fc.integer({ min: 1, max: 90 }),
        (little, nano, count, size) => {
          const packets: Packet[] = []
          const read = pcapReader((packet) => packets.push(packet))
          const bytes = file(little, nano, count)
          for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size))
          expect(packets.map(({ time }) => time)).toEqual(
            Array.from({ length: count }, (_, i) => BigInt(100 + i) * 1_000_000_000n + (nano ? 5n : 5000n)),
          )
        },
      ),
    )
  })
})
