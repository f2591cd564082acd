import { isMap, isPair, isScalar, isSeq, parseDocument, visit, type Document } from 'yaml'

/** Numbers that look random and depend on the seed alone (mulberry32). Each call returns a whole number below `n`. */
export type Random = (n: number) => number

export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n) >>> 0
  }
}

/** Texts that parsers and programs stumble over. */
const ODD_TEXTS = [
  ...['', ' ', '\t', '\n', '\r\n', '\0', '\x1b[2J', '\u202e', '\u2066', '\ufeff', '\ud800', '💥', 'ÿ'],
  ...[
    ': ',
    '- ',
    '? ',
    '# ',
    '| ',
    '> ',
    '&a ',
    '*a',
    '<<: *a',
    '!!binary ',
    '!x ',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '"',
    "'",
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    '{i}',
    '{i',
    '{{i}}',
    '{i/0}',
    '{i%0}',
    '{j}',
    '[1..3]',
    '[1..99999999]',
    '[3..1]',
    '[a..z]',
    '[..]',
  ],
  ...[
    '../../etc/passwd',
    '/dev/zero',
    '/dev/stdin',
    '$(reboot)',
    '`reboot`',
    '; reboot',
    '-rf',
    '--help',
    'null',
    '~',
    'yes',
    '0x10',
    '1e999',
    '.nan',
    '.inf',
  ],
  ...[
    '0.0.0.0/0',
    '255.255.255.255/33',
    '::/0',
    'fe80::1%eth0',
    '1.2.3',
    '10.0.0.1/24/24',
    '99999999999999999999',
    '-1',
    '__proto__',
    'constructor',
    'toString',
  ],
]

/** Values that are of no use where they are put. */
const oddValues = (random: Random): unknown[] => [
  ...[null, true, false, 0, -1, 1e308, 2 ** 53, NaN, '', [], {}, [[]], { a: { b: { c: [] } } }],
  ...ODD_TEXTS,
  'x'.repeat(10 ** random(6)),
  Array.from({ length: 10 ** random(4) }, (_, i) => i),
  Object.fromEntries(Array.from({ length: 10 ** random(4) }, (_, i) => [`k[1..${i}]`, `{i}`])),
]

/** Changes some characters: deletes, repeats, inserts, or takes a piece of another text. */
function damageText(text: string, other: string, random: Random): string {
  let result = text
  for (let n = 1 + random(4); n > 0; n--) {
    const at = random(result.length + 1)
    const length = random([3, 30, 300][random(3)] ?? 3)
    const [before, piece, after] = [result.slice(0, at), result.slice(at, at + length), result.slice(at + length)]
    const from = random(other.length)
    result = [
      () => before + after,
      () => before + piece.repeat(2 + random(3)) + after,
      () => before + (ODD_TEXTS[random(ODD_TEXTS.length)] ?? '') + piece + after,
      () => before + other.slice(from, from + length) + after,
      () => before + String.fromCharCode(random(256)) + piece.slice(1) + after,
      () => before + ' '.repeat(random(5)) + piece + after,
    ][random(6)]?.() as string
  }
  return result
}

/** Changes some values: deletes one, replaces it by an odd one or by another of the lab, or gives it another key. */
function damageValues(text: string, random: Random): string {
  const document: Document = parseDocument(text)
  for (let n = 1 + random(3); n > 0; n--) {
    const nodes: unknown[] = []
    visit(document, { Node: (_, node) => void nodes.push(node), Pair: (_, pair) => void nodes.push(pair) })
    const [one, another] = [nodes[random(nodes.length)], nodes[random(nodes.length)]]
    const values = oddValues(random)
    const value = document.createNode(values[random(values.length)])
    if (isPair(one)) {
      if (random(2)) one.key = value
      else one.value = isPair(another) ? another.value : value
    } else if (isScalar(one)) one.value = isScalar(value) ? value.value : 'x'
    else if (isMap(one) || isSeq(one)) {
      if (random(2)) one.items.splice(random(one.items.length + 1), 1)
      else if (isSeq(one)) one.items.push(value)
      else one.set(String(random(9)), value)
    }
  }
  return document.toString({ lineWidth: 0 })
}

/** One of these labs, damaged in a way that the seed decides. */
export function damagedLab(labs: readonly string[], seed: number): string {
  const random = randomOf(seed)
  const [text = '', other = ''] = [labs[random(labs.length)], labs[random(labs.length)]]
  try {
    const damaged = random(2) ? damageText(text, other, random) : damageValues(text, random)
    return random(4) ? damaged : damageText(damaged, other, random)
  } catch {
    return damageText(text, other, random) // the YAML package cannot write every document
  }
}
