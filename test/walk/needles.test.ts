import type { Packet } from '../../src/checks/packet.ts'
import { newFlows, recognise, roleIn, withAnswers, withQuotes, type Flow, type Seen } from '../../src/walk/needles.ts'

const [flow] = newFlows([{ protocol: 'udp', address: '10.0.0.2', port: 53 }]) as [Flow]
const none = new Uint8Array(8)

/** A datagram of IPv4. */
function datagram(source: string, sport: number, destination: string, dport: number, carried: Uint8Array): Packet {
  const bytes = Buffer.alloc(28 + carried.length)
  bytes.set([0x45, 0, 0, bytes.length, 0, 0, 0, 0, 64, 17])
  bytes.set([...source.split('.'), ...destination.split('.')].map(Number), 12)
  bytes.writeUInt16BE(sport, 20)
  bytes.writeUInt16BE(dport, 22)
  bytes.set(carried, 28)
  return { time: 0n, protocol: 'udp', source, destination, sport, dport, bytes }
}
const asSeen = (packets: readonly Packet[]): Seen[] => packets.flatMap(({ bytes }) => recognise(bytes, flow) ?? [])

const [there, translated] = [
  datagram('10.0.0.1', flow.sport, '10.0.0.2', 53, flow.token),
  datagram('10.0.1.1', 2000, '10.0.0.2', 53, flow.token),
]

test('of a datagram that is sent back, the way back is the answer, also where ports are translated', () => {
  const echo = datagram('10.0.0.2', 53, '10.0.1.1', 2000, flow.token)
  const known = withAnswers(flow, asSeen([there, translated, echo]))
  expect([there, translated, echo].map((one) => roleIn(one, known))).toEqual(['request', 'request', 'reply'])
})

test('what others send to the same port is no answer', () => {
  const answer = datagram('10.0.0.2', 53, '10.0.0.1', flow.sport, none)
  const foreign = datagram('10.0.0.2', 53, '10.0.0.9', flow.sport, none)
  const known = withAnswers(flow, asSeen([there, foreign, answer]))
  expect([answer, foreign].map((one) => roleIn(one, known))).toEqual(['reply', undefined])
})

test('a program that answers from another of its addresses has answered, if nobody else has, also where that is translated', () => {
  const right = datagram('10.0.0.2', 53, '10.0.0.1', flow.sport, none)
  const other = datagram('10.0.0.3', 53, '10.0.0.1', flow.sport, Buffer.from('other'))
  const moved = datagram('10.0.2.1', 2000, '10.0.0.1', flow.sport, Buffer.from('other'))
  const roles = (...seen: Packet[]) => [right, other, moved].map((one) => roleIn(one, withAnswers(flow, asSeen(seen))))
  expect(roles(there, other)).toEqual(['reply', 'reply', 'reply'])
  expect(roles(there, right, other)).toEqual(['reply', undefined, undefined])
})

test('an error of which the kernel reports only the beginning is of the packet that it quotes', () => {
  const flows = newFlows([1, 2].map((port) => ({ protocol: 'udp', address: '10.0.0.2', port })))
  const sent = flows.map(({ sport, dport, token }, i) => {
    const packet = datagram('10.0.0.1', sport, '10.0.0.2', dport!, token)
    packet.bytes.writeUInt16BE(1000 + i, 4)
    return packet
  })
  const error = (quoted: Packet) => {
    const header = datagram('10.0.0.2', 0, '10.0.0.1', 0, none).bytes.subarray(0, 20)
    header[9] = 1
    const bytes = Buffer.concat([header, Uint8Array.of(3, 3, 0, 0, 0, 0, 0, 0), quoted.bytes.subarray(0, 12)])
    return { ...quoted, protocol: 'icmp', bytes }
  }
  const known = flows.map((one) => withQuotes(one, sent))
  expect(sent.map((one) => known.map((of) => roleIn(error(one), of)))).toEqual([
    ['error', undefined],
    [undefined, 'error'],
  ])
})
