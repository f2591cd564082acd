import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { Document, isCollection, isNode, isScalar, parseDocument, visit } from 'yaml'
import '../support/seed.ts'
import { formatYaml } from '../../src/language/yaml/format.ts'
import { commentsOf } from '../../src/language/yaml/tokens.ts'

const files = ['labs', 'templates'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `${folder}/${name}`),
)

test.each(files)('%s is laid out so', (file) => {
  const text = readFileSync(file, 'utf8')
  expect(formatYaml(text)).toBe(text)
})

test.each([
  [
    'indentation of two, lists as well',
    'a:\n    b:\n    - 1\n    -   c: 2\n        d: 3\n',
    'a:\n  b:\n    - 1\n    - c: 2\n      d: 3\n',
  ],
  ['one blank line at most, none at the ends', '\n\na: 1\n\n\n\nb:\n\n  c: 2\n\n\n', 'a: 1\n\nb:\n  c: 2\n'],
  [
    'spaces',
    'a :   1\nb: {x: 1,y: [ 1,2 ],z: }\nc: [ ]   #  what\n',
    'a: 1\nb: { x: 1, y: [1, 2], z: }\nc: [] #  what\n',
  ],
  ['quotes', "a: 'x: y'\nb: 'say \"x\"'\nc: 'it''s'\nd: plain\n", 'a: "x: y"\nb: \'say "x"\'\nc: "it\'s"\nd: plain\n'],
  ['what fits goes into one line', 'a:\n  { x: 1,\n    y: 2,\n  }\nb:\n  text\n', 'a: { x: 1, y: 2 }\nb: text\n'],
  [
    'what does not fit goes below its key, and then into lines',
    `a: { key: ${'x'.repeat(60)}, other: ${'y'.repeat(40)} }\nb: { key: ${'x'.repeat(60)}, other: ${'y'.repeat(60)}, z: }\n`,
    `a:\n  { key: ${'x'.repeat(60)}, other: ${'y'.repeat(40)} }\nb:\n  {\n    key: ${'x'.repeat(60)},\n    other: ${'y'.repeat(60)},\n    z: ,\n  }\n`,
  ],
  [
    'comments stay where they are',
    '# top\na: # of a\n    # before b\n    b: 1   # of b\n    # after b\n\n# before c\nc: [1, # one\n  2]\n#end',
    '# top\na: # of a\n  # before b\n  b: 1 # of b\n  # after b\n\n# before c\nc:\n  [\n    1, # one\n    2,\n  ]\n#end\n',
  ],
  ['what is commented out stays in its column', 'a:\n  b: 1\n#  c: 2\n  d: 3\n', 'a:\n  b: 1\n#  c: 2\n  d: 3\n'],
  [
    'texts keep their lines',
    'a: |\n    one\n      two\n\n    three\nb: >-\n folded\n text\nc: "more\n   lines"\nd: |2\n    two\ne: |+\n  keep\n\n\n',
    'a: |\n  one\n    two\n\n  three\nb: >-\n  folded\n  text\nc: "more\n  lines"\nd: |2\n    two\ne: |+\n  keep\n\n\n',
  ],
  ['anchors', 'a:   &x\n    b: 1\nc:  *x\nd: [&y 1, *y]\n', 'a: &x\n  b: 1\nc: *x\nd: [&y 1, *y]\n'],
  ['line ends of Windows', '\ufeffa: 1\r\nb: |\r\n  x\r\n', 'a: 1\nb: |\n  x\n'],
])('%s', (_, from = '', to = '') => {
  expect(formatYaml(from)).toBe(to)
  expect(formatYaml(to)).toBe(to)
})

// None of these is what a lab looks like; they are YAML all the same.
test.each([
  '? # of the key\n  |-\n  a\n: b\n',
  '? a\n# between\n: b\n',
  '? - a\n  - b\n: - c\n',
  '&a b: c\n? &d e\n: f\n',
  'a: !!map # c\n  b: 1\nc: !!str 1\n',
  'a: [? b, c, "d":1, e: ]\n',
  'a:\n- b:\n  - c\n# z\n- d\n',
  'a: # c\n  |\n  text\n',
  'a: [1, # one\n\n\n  2\n  # two\n]\nb: { # empty\n}\n',
  'a: "x\\\n  y"\nb: \'\n  x\n\n  y\'\n',
  '- # c\n\n  - 1\n-\n\n  a: 1\n',
  'a: |2-\n\n    x\nb: >\n\n  x\n\n\n  y\n\nc: |1\n  x\n',
  'a:\n  b:\n    c: 1\n   # three\n  # two\n # one\nd: 1\n',
  '%YAML 1.2\n--- # begin\na: 1\n...\n# end\n',
])('%j', (text) => {
  const after = formatYaml(text)
  expect(plain(after)).toEqual(plain(text))
  expect(commentsOf(after)).toEqual(commentsOf(text))
  expect(formatYaml(after)).toBe(after)
})

const plain = (text: string): unknown => {
  const document = parseDocument(text)
  expect(document.errors).toEqual([])
  return document.toJS({ maxAliasCount: -1 })
}

/** A document in some layout: comments, blank lines, brackets and kinds of texts wherever the numbers say so. */
function laidOut(value: unknown, numbers: readonly number[], indent: number, lineWidth: number): string {
  const document = new Document(value)
  let at = 0
  const next = (below: number): number => (numbers[at++ % numbers.length] ?? 0) % below
  visit(document, (place, node) => {
    if (!isNode(node) || place === 'key') return
    if (isCollection(node)) node.flow = next(3) === 0
    if (isScalar(node) && typeof node.value === 'string' && next(2))
      node.type = (['QUOTE_DOUBLE', 'QUOTE_SINGLE', 'BLOCK_LITERAL', 'BLOCK_FOLDED'] as const)[next(4)] ?? 'PLAIN'
    if (next(5) === 0) node.commentBefore = ` before ${at}${next(2) ? '\n and more' : ''}`
    if (next(5) === 0) node.comment = ` after ${at}`
    if (next(5) === 0) node.spaceBefore = true
  })
  return document.toString({ indent, lineWidth, indentSeq: next(2) === 0 })
}

test('means the same, keeps every comment, and is laid out already', () => {
  const text = fc.oneof(
    fc.constantFrom(
      'h[1..3]',
      '{i}',
      '10.0.0.1/24',
      'a b',
      '- x',
      '# no comment',
      '',
      'yes',
      '0755',
      'a: b',
      'x\ny\n',
      '\n',
    ),
    fc.string(),
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      tie('list'),
      tie('map'),
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    map: fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  }))
  fc.assert(
    fc.property(
      value,
      fc.array(fc.nat(), { minLength: 30, maxLength: 60 }),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(0, 40, 80),
      (data, numbers, indent, width) => {
        const before = laidOut(data, numbers, indent, width)
        if (parseDocument(before).errors.length) return // what the library itself cannot write
        const after = formatYaml(before)
        expect(plain(after)).toEqual(plain(before))
        expect(commentsOf(after)).toEqual(commentsOf(before))
        expect(formatYaml(after)).toBe(after)
      },
    ),
    { numRuns: 300 },
  )
})
