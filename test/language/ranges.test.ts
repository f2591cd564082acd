import Ajv from 'ajv'
import fc from 'fast-check'
import { readdirSync, readFileSync } from 'node:fs'
import { parse as yaml } from 'yaml'
import { evaluate } from '../../src/language/arithmetic.ts'
import { diagnose, loadLab } from '../../src/language/load-lab.ts'
import { writeOut } from '../../src/language/ranges.ts'
import { parseYaml } from '../../src/language/yaml/source.ts'
import { writeLab } from '../../src/language/write.ts'
import '../support/seed.ts'

const written = (text: string) => writeOut(parseYaml('lab.yaml', text))
const value = (text: string) => written(text).value

describe('what a range repeats', () => {
  test.each([
    [
      'an entry of a map, by its key',
      'h[1..3]: { x: "10.0.{i}.1" }',
      { h1: { x: '10.0.1.1' }, h2: { x: '10.0.2.1' }, h3: { x: '10.0.3.1' } },
    ],
    ['an item of a list', 'l: ["a[1..2]b{i}", c]', { l: ['a1b1', 'a2b2', 'c'] }],
    [
      'the item that has it anywhere',
      'l: [{ x: { y: "a[1..2]" }, z: "{i}" }]',
      {
        l: [
          { x: { y: 'a1' }, z: 1 },
          { x: { y: 'a2' }, z: 2 },
        ],
      },
    ],
    ['the innermost list’s item', 'l: [{ m: ["a[1..2]"] }]', { l: [{ m: ['a1', 'a2'] }] }],
    [
      'a link, by an end in a map',
      'links: [{ endpoints: { "h[1..2]:e": , "sw:p{i}": } }]',
      { links: [{ endpoints: { 'h1:e': null, 'sw:p1': null } }, { endpoints: { 'h2:e': null, 'sw:p2': null } }] },
    ],
    [
      'a link, by an end in a list',
      'links: [{ endpoints: ["h[1..2]:e", "h{i+1}:f"] }]',
      { links: [{ endpoints: ['h1:e', 'h2:f'] }, { endpoints: ['h2:e', 'h3:f'] }] },
    ],
    ['pairs', 'l: ["[1..2]-[1..2]"]', { l: ['1-1', '1-2', '2-1', '2-2'] }],
    ['pairs of different ones', 'l: ["[1..3]-[1..3 != i]"]', { l: ['1-2', '1-3', '2-1', '2-3', '3-1', '3-2'] }],
    ['pairs in one order', 'l: ["[1..3]-[i+1..3]"]', { l: ['1-2', '1-3', '2-3'] }],
    [
      'names of one’s choice, in one another',
      's[s=1..2]: { "p[1..2]": "{s}.{i}" }',
      { s1: { p1: '1.1', p2: '1.2' }, s2: { p1: '2.1', p2: '2.2' } },
    ],
    ['leading zeros', 'h[08..10]: "{i}"', { h08: 8, h09: 9, h10: 10 }],
    ['hexadecimal', 'h[9..10]: "fd00:{i:x}::{i:02x}"', { h9: 'fd00:9::09', h10: 'fd00:a::0a' }],
    [
      'nothing, where there is no range',
      'a: "{i}", b: "[1,2]", c: "{ 80, 443 }"',
      { a: '{i}', b: '[1,2]', c: '{ 80, 443 }' },
    ],
    [
      'numbers in texts for others',
      'h[1..1]: { run: "echo ${i} {i} {print $1} [1..9]", command: ["{i}"] }',
      { h1: { run: 'echo ${i} 1 {print $1} [1..9]', command: ['1'] } },
    ],
  ])('%s', (_, text, expected) =>
    expect(value(`{ ${text.replace(/^([a-z]+)(\[[^\]]*\]):/, '"$1$2":')} }`)).toEqual(expected),
  )

  test('a file without ranges is left alone', () => {
    const source = parseYaml(
      'l',
      'namespaces: { a: { iptables: { filter: { INPUT: ["-m comment --comment {i}"] } } } }',
    )
    expect(writeOut(source)).toBe(source)
  })

  test('the expansion is what one would have typed', () => {
    const short = `
namespaces: { sw: { bridges: { br0: } }, "h[1..3]": { routes: [{ to: default, via: 10.0.0.254 }] } }
links: [{ endpoints: { "h[1..3]:eth0": "10.0.0.{i}/24", "sw:br0": } }]`
    const long = `
namespaces: { sw: { bridges: { br0: } }, ${[1, 2, 3].map((i) => `h${i}: { routes: [{ to: default, via: 10.0.0.254 }] }`).join(', ')} }
links: [${[1, 2, 3].map((i) => `{ endpoints: { h${i}:eth0: 10.0.0.${i}/24, sw:br0: } }`).join(', ')}]`
    const write = (text: string) => writeLab('x', loadLab({ file: 'l', text }).resources)
    expect(write(short)).toBe(write(long))
  })
})

describe('what is wrong is said at the place that was written', () => {
  test.each([
    ['downwards', 'namespaces: { "h[4..1]": }', /\[4..1\] is empty/, 15],
    ['an unknown name', 'namespaces: { "h[1..x]": }', /not a range.*counts x/, 15],
    ['a name that is there', 'namespaces: { "h[1..3]": , h2: }', /the map already has the key h2/, 28],
    ['a number of nothing', 'namespaces: { "h[1..3]": { shares: "g{j}" } }', /\{j\} has no value.*There is i/, 36],
    ['no calculation', 'namespaces: { "h[1..3]": { shares: "g{i+}" } }', /not a calculation/, 36],
    ['a division by zero', 'namespaces: { "h[1..3]": { shares: "g{i/0}" } }', /not a calculation/, 36],
    ['a range of nothing', 'namespaces: { "h[1..3]": { shares: "g[1..2]" } }', /has no effect here/, 36],
    [
      'the same name again',
      'namespaces: { "h[1..3]": { bridges: { "b[i=1..2]": } } }',
      /another range already counts i/,
      39,
    ],
    ['far too many', 'namespaces: { "h[1..200000]": }', /more than 100000/, 15],
    [
      'what the expansion makes of it',
      'namespaces: { "h[1..3]": { routes: [{ to: default, via: "10.0.{i}.1" }] } }',
      /10.0.1.1 is not in any subnet of h1.*With i = 1/s,
      57,
    ],
    ['the shape', 'namespaces: { "h[1..3]": { rout: [] } }', /unknown field "rout"/, 28],
    ['something like a range', 'namespaces: { "h[1-3]": }', /A range is written h\[1..40\]/, 15],
  ])('%s, once', (_, text, words, column) => {
    const found = diagnose({ file: 'lab.yaml', text }).filter(({ severity }) => severity === 'error')
    expect(found).toHaveLength(1)
    expect(`${found[0]?.summary} ${found[0]?.detail ?? ''}`).toMatch(words)
    expect(found[0]?.position).toMatchObject({ line: 1, column })
  })

  test('every path of what was written out leads to a place', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), (n, m) => {
        const line = `- { "a": "x[1..${n}]", "k[1..${m}]": "{i}{j}" }`
        const source = written(`l:\n${line}`)
        const list = (source.value as { l: Record<string, string>[] }).l
        expect(list).toHaveLength(n)
        for (const [i, item] of list.entries()) {
          expect(Object.keys(item)).toHaveLength(m + 1)
          for (const key of Object.keys(item))
            expect(source.position(['l', i, key], 'key')).toMatchObject({
              line: 2,
              column: line.indexOf(key === 'a' ? '"a' : '"k') + 1,
            })
        }
      }),
    ))
})

test('calculations are those of whole numbers', () => {
  const of = (text: string) => {
    const outcome = evaluate(text, { i: 7, jj: 2 })
    return outcome && ('value' in outcome ? outcome.value : outcome.unknown)
  }
  expect(['1+2*3', '(1+2)*3', '7/2', 'i%4', '-i+1', '10-3-2', '2*(i+jj)', 'i--1'].map(of)).toEqual([
    7, 9, 3, 3, -6, 5, 18, 8,
  ])
  expect(['', '1+', '1 2', '(1', '1)', 'i/0', 'i%0', '*', '9'.repeat(20)].map(of)).toEqual(Array(9).fill(undefined))
  expect(of('i+x')).toBe('x')
  fc.assert(
    fc.property(
      fc.integer({ min: -50, max: 50 }),
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 0, max: 50 }),
      (a, b, c) => {
        expect(evaluate(`${a}*b + c/${b} - (c % b)`, { b, c })).toEqual({ value: a * b + Math.floor(c / b) - (c % b) })
      },
    ),
  )
})

describe('the published schema takes the labs as they are written', () => {
  const ajv = new Ajv({ allowUnionTypes: true, strictTypes: false })
  const validate = ajv.compile(JSON.parse(readFileSync('schemas/lab.schema.json', 'utf8')) as object)
  test.each(readdirSync('labs').filter((file) => file.endsWith('.yaml')))('%s', (file) => {
    validate(yaml(readFileSync(`labs/${file}`, 'utf8')))
    expect(validate.errors ?? []).toEqual([])
  })
})

describe('what multiplies is refused before it is written out', () => {
  const many = Array.from({ length: 1000 }, (_, i) => `10.0.0.${i}/32`).join(', ')
  const laughs = ['x', ...Array.from({ length: 8 }, (_, i) => `*a${i}`)].map(
    (item, i) => `a${i}: &a${i} [${Array.from({ length: 9 }, () => item).join(', ')}]\n`,
  )
  test.each<[what: string, text: string, line: number, column: number]>([
    ['ranges in the items of lists', '{ "h[1..999]": { routes: [{ to: "10.[0..99].[0..99].0/24" }] } }', 1, 15],
    ['ranges around lists', `{ "h[1..999]": { interfaces: { lo: { addresses: [${many}] } } } }`, 1, 15],
    ['ranges in one text', '{ a: { interfaces: { lo: { addresses: ["10.[0..999].[0..999].1/24"] } } } }', 1, 52],
    [
      'ranges that end where others are',
      '{ "h[1..999]": { interfaces: { "a[1..i]": { addresses: ["10.[1..j].1.1/32"] } } } }',
      1,
      15,
    ],
    ['ranges that are mostly empty', '{ "h[a=1..999999999][b=a..1]": }', 1, 15],
    [
      'an alias used often',
      `\n  h: &h { interfaces: { lo: { addresses: [${many}] } } }\n${Array.from({ length: 999 }, (_, i) => `  h${i}: *h\n`).join('')}`,
      301,
      9,
    ],
    ['aliases of aliases', `\n${laughs.join('')}`, 7, 25],
  ])('%s', (_, text, line, column) => {
    const { user, system } = process.cpuUsage()
    const [error, ...more] = diagnose({ file: 'lab.yaml', text: `namespaces: ${text}` })
    const spent = process.cpuUsage({ user, system })
    expect(error?.summary).toMatch(/more than 300000 values/)
    expect(error?.position).toMatchObject({ line, column })
    expect(more).toEqual([])
    expect((spent.user + spent.system) / 1e6).toBeLessThan(2)
  })

  test('as many as a lab can have are not', () => {
    const text = 'namespaces: { "h[1..99]": { interfaces: { lo: { addresses: ["10.[1..9].[1..j].1/32"] } } } }'
    expect(loadLab({ file: 'lab.yaml', text }).resources.size).toBe(99 * (1 + 1 + 45))
  })
})
