import { inPieces } from '../../src/model/firewall.ts'

test('a transaction in pieces has the same lines, each piece in its table', () => {
  const rules = Array.from({ length: 700 }, (_, i) => `-A C -s 10.0.${i >> 8}.${i & 255}/32 -j DROP`)
  const nat = ['*nat', ':POSTROUTING ACCEPT [0:0]', '-A POSTROUTING -j MASQUERADE', 'COMMIT', '']
  const filter = ['*filter', ':C - [0:0]', ...rules, 'COMMIT', '']
  const pieces = inPieces([...nat.slice(0, -1), ...filter].join('\n')).split('COMMIT\n')
  expect(pieces.map((piece) => piece.split('\n')[0])).toEqual(['*nat', '*filter', '*filter', '*filter', ''])
  expect(pieces.every((piece) => piece.split('\n').length < 305)).toBe(true)
  expect(
    pieces
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('-A C')),
  ).toEqual(rules)
  expect(pieces.join('').match(/^:/gm)).toHaveLength(2)
})
