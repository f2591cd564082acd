import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { isScalar, parseDocument, visit } from 'yaml'
import { parsePlain } from '../../src/language/yaml/plain.ts'
import { parseYaml } from '../../src/language/yaml/source.ts'
import '../support/seed.ts'

const folder = resolve(__dirname, '../../labs')
const labs = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(join(folder, name), 'utf8'))

/** What the parser that knows all of YAML makes of a text, with keys as they are written; undefined when it complains. */
function known(text: string): { value: unknown } | undefined {
  const document = parseDocument(text, { merge: true, logLevel: 'silent', resolveKnownTags: false })
  if (document.errors.length + document.warnings.length) return undefined
  visit(document, {
    Pair(_, { key }) {
      if (isScalar(key) && typeof key.value !== 'symbol')
        key.value = key.type === 'PLAIN' && key.source !== undefined ? key.source : String(key.value)
    },
  })
  return { value: document.toJS() }
}

test('some of the labs are plain, and mean what they mean in full', () => {
  const plain = labs.filter((text) => parsePlain(text))
  expect(plain.length).toBeGreaterThan(4)
  for (const text of plain) expect(parsePlain(text)).toEqual(known(text))
})

test.each([
  ['a: 1\nb: [x, 2, { c: null }]\nd:\n  - e: 10.0.0.1/30\n    f:\n  - true\n  - g\n'],
  ['a: { n0:eth0: 10.0.0.1, sw:br0: } # end\n\n# more\nb: "x: # y"\nc: \'-\'\n'],
  ['a:\n- -s 10.0.0.0/8 ! -o br0 -j X\n- b c\n'],
])('%j is plain', (text) => {
  expect(known(text)).toBeDefined()
  expect(parsePlain(text)).toEqual(known(text))
})

test.each([
  ...[
    'a: |\n  b\n  c\n',
    'a: >-\n  b\n  c\n',
    'a: b\n  c',
    'a: "b\\n\\u00e9"',
    "a: 'it''s'",
    'a: [\n  1,\n  "2"]',
    'a: [b: 1]',
  ],
  ...['--- {}', '? a', '[1]', 'a: -1', 'a: ~', 'a: "1"', 'a: 10.0.0.1/24', 'a: 1-2', '1.0: 2\n007: x\ntrue: y'],
])('%j means the same', (text) => {
  expect(known(text)).toBeDefined()
  expect(parsePlain(text)).toEqual(known(text))
})

test.each([
  ...[
    'a: &x 1',
    'a: !t 1',
    'a: 1.5',
    'a: +.5',
    'a: 0x1f',
    'a: 007',
    'a: .inf',
    'a: b: c',
    'a: 1\na: 2',
    '<<: {}',
    '__proto__: 1',
    ' --- +x',
    'a: 1\n---b: 2',
    '%---\na',
  ],
  ...[
    '',
    '[1',
    'a: 1\n--- \nb: 1',
    'a: 1\n...\n',
    '%YAML 1.1\n---\na: 1',
    '[a]: 1',
    `a: ${'['.repeat(200)}${']'.repeat(200)}`,
  ],
])('%j is left to the parser that knows it', (text) => {
  expect(parsePlain(text)).toBeUndefined()
})

const bits = [...' \n:#-,{}[]"\'&*!|>%@?~.=+\\', ': ', ' #', '- ', '\n  ', '0x1', '1.5', 'null', '<<', '---', 'é', 'a']
const edit = fc.record({ at: fc.nat(), remove: fc.nat(4), insert: fc.constantFrom('', ...bits) })
const piece = fc.record({ lab: fc.nat(), from: fc.nat(), lines: fc.integer({ min: 1, max: 25 }) })

test('a text that was tampered with is understood rightly, or not at all', () => {
  let plain = 0
  fc.assert(
    fc.property(piece, fc.array(edit, { maxLength: 4 }), ({ lab, from, lines }, edits) => {
      const all = (labs[lab % labs.length] ?? '').split('\n')
      const some = all.slice(from % all.length).slice(0, lines)
      const pad = Math.min(...some.filter(Boolean).map((line) => line.search(/\S|$/)))
      let text = some.map((line) => line.slice(pad)).join('\n')
      for (const { at, remove, insert } of edits) {
        const place = at % (text.length + 1)
        text = text.slice(0, place) + insert + text.slice(place + remove)
      }
      const found = parsePlain(text)
      if (!found) return
      plain++
      // Where a comment stands further left than the value after it, yaml takes that for a key (2.9.1).
      expect(known(text) ?? known(text.replace(/^[ \t]*#.*\n/gm, ''))).toEqual(found)
    }),
    { numRuns: 3000 },
  )
  expect(plain).toBeGreaterThan(100)
})

test('places are found when they are asked for', () => {
  const { position, offset } = parseYaml('lab.yaml', 'name: x\nlinks:\n  - endpoints: { a:b: 1, c:d: }\n')
  expect(position(['links', 0, 'endpoints', 'c:d'], 'key')).toMatchObject({ line: 3, column: 26, length: 3 })
  expect(offset(['name'])).toBe(6)
})
