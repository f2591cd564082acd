import { fold, foldNames, ODD } from '../../src/views/fold.ts'

const many = (count: number, make: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => make(i + 1))
const texts = (all: readonly string[]): string[] =>
  fold(all, 'i').map(({ text, count }) => (count > 1 ? `${count} × ${text}` : text))

test('few are not folded', () => {
  const seven = many(7, (i) => `h${i}`)
  expect(texts(seven)).toEqual(seven)
  expect(texts(many(8, (i) => `h${i}`))).toEqual(['8 × h[1..8]'])
})

test.each<[string, string[], string[]]>([
  [
    'the number and what counts with it',
    many(9, (i) => `h${i}\0eth0 10.0.0.${i + 1}/24 p${i - 1}`),
    ['9 × h[1..9]\0eth0 10.0.0.{i+1}/24 p{i-1}'],
  ],
  [
    'what does not count is that of the first',
    many(300, (i) => `h${i}\0${i >> 8}.${i & 255}`),
    [`300 × h[1..300]\x000${ODD}.1${ODD}`],
  ],
  [
    'what is alike only in part',
    ['a', ...many(8, (i) => `h${i}\0x`), 'h9\0y', ...many(8, (i) => `p${i}\0x`)],
    ['a', '8 × h[1..8]\0x', 'h9\0y', '8 × p[1..8]\0x'],
  ],
  ['gaps', many(9, (i) => `h${i < 5 ? i : i + 2}`), ['9 × h[1..4,7..11]']],
  ['many gaps', many(9, (i) => `h${2 * i}`), ['9 × h[2,4,6,…,18]']],
  ['leading zeros', many(9, (i) => `h0${i}\0h0${i} ${i}`), ['9 × h[01..09]\0h{i} {i}']],
  [
    'an address with colons',
    many(12, (i) => `h${i}\0fd00::${i.toString(16)} 02:00:00:00:00:0${i % 9}`),
    [`12 × h[1..12]\0fd00::1${ODD} 02:00:00:00:00:01${ODD}`],
  ],
  ['the number that differs, not the first', many(8, (i) => `sw4/p${i}/24`), ['8 × sw4/p[1..8]/24']],
  ['nothing in the head', many(8, (i) => `h\0${i}`), many(8, (i) => `h\0${i}`)],
])('%s', (_, given, folded) => {
  expect(texts(given)).toEqual(folded)
})

test('names of namespaces', () =>
  expect(foldNames(['r', ...many(400, (i) => `h${i}`), 'sw1', 'sw2'])).toBe('r h[1..400] sw1 sw2'))
