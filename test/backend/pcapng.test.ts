import { interfaceBlock, packetBlock, sectionBlock, statisticsBlock } from '../../src/backend/capture/pcapng.ts'

/** The blocks of a file: their types, and their bodies. */
function blocksOf(file: Buffer): { type: number; body: Buffer }[] {
  const result = []
  for (let at = 0; at < file.length;) {
    const length = file.readUInt32LE(at + 4)
    expect(length % 4).toBe(0)
    expect(file.readUInt32LE(at + length - 4)).toBe(length)
    result.push({ type: file.readUInt32LE(at), body: file.subarray(at + 8, at + length - 4) })
    at += length
  }
  return result
}

function optionsOf(bytes: Buffer): [number, string][] {
  const result: [number, string][] = []
  for (let at = 0; bytes.readUInt16LE(at) !== 0;) {
    const length = bytes.readUInt16LE(at + 2)
    result.push([bytes.readUInt16LE(at), bytes.toString('latin1', at + 4, at + 4 + length)])
    at += 4 + ((length + 3) & ~3)
  }
  return result
}

test('a file of pcapng', () => {
  const time = 1_795_946_199_653_969_660n
  const [section, device, packet, statistics] = blocksOf(
    Buffer.concat([
      sectionBlock('netlab 1', 'netlab capture web'),
      interfaceBlock({ name: 'web:eth0', comment: 'lab shop', link: 1, snaplen: 96, filter: 'icmp' }),
      packetBlock({ at: 0, time, length: 1500, bytes: Buffer.from('abcde') }),
      statisticsBlock({ at: 0, time, received: 7, dropped: 2 }),
    ]),
  )
  expect(section?.type).toBe(0x0a0d0d0a)
  expect(section?.body.readUInt32LE(0)).toBe(0x1a2b3c4d)
  expect(optionsOf(section!.body.subarray(16))).toEqual([
    [4, 'netlab 1'],
    [1, 'netlab capture web'],
  ])
  expect([device?.type, device?.body.readUInt16LE(0), device?.body.readUInt32LE(4)]).toEqual([1, 1, 96])
  expect(optionsOf(device!.body.subarray(8))).toEqual([
    [2, 'web:eth0'],
    [1, 'lab shop'],
    [11, '\0icmp'],
    [9, '\x09'],
  ])
  const [at, high, low, kept, length] = [0, 4, 8, 12, 16].map((place) => packet!.body.readUInt32LE(place))
  expect(packet?.type).toBe(6)
  expect([at, kept, length]).toEqual([0, 5, 1500])
  expect((BigInt(high!) << 32n) | BigInt(low!)).toBe(time)
  expect(packet?.body.toString('latin1', 20)).toBe('abcde\0\0\0')
  expect(statistics?.type).toBe(5)
  expect(optionsOf(statistics!.body.subarray(12))).toEqual([
    [4, '\x07\0\0\0\0\0\0\0'],
    [5, '\x02\0\0\0\0\0\0\0'],
  ])
})
