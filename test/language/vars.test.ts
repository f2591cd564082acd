import { diagnose, loadLab, type LabInput } from '../../src/language/load-lab.ts'
import { writeLab } from '../../src/language/write.ts'

/** A lab of these files, the first of which is named to the command. */
function input(files: Readonly<Record<string, string>>, set: Readonly<Record<string, string>> = {}): LabInput {
  const [file = '', text = ''] = Object.entries(files)[0] ?? []
  return {
    ...{ file, text, set: new Map(Object.entries(set)) },
    readBeside: (path) => {
      const found = files[path]
      if (found === undefined) throw new Error(`no such file ${path}`)
      return found
    },
    keyFile: (path) => ({ path, text: files[path] ?? '' }),
  }
}
const said = (...given: Parameters<typeof input>) =>
  diagnose(input(...given)).map(({ severity, summary, position }) =>
    [severity, summary, position && `${position.file}:${position.line}:${position.column}`].filter(Boolean).join(' | '),
  )
const ids = (...given: Parameters<typeof input>) => [...loadLab(input(...given)).resources.keys()]

const hosts = `
vars: { hosts: 2, subnet: 10.0, mtu: 1400, lit: true }
namespaces:
  h[1..hosts]:
    interfaces:
      eth0: { type: dummy, addresses: ["{subnet}.{i}.{hosts*i+1}/24"], mtu: "{mtu}", up: "{lit}" }
    processes: { s: { command: [sleep, "{hosts}"] } }
`
const interfaces = (set?: Readonly<Record<string, string>>) =>
  [...loadLab(input({ 'lab.yaml': hosts }, set)).resources.values()].flatMap(({ kind, id, spec }) =>
    kind === 'dummy' ? [[id, spec['mtu'], spec['up']]] : kind === 'address' ? [spec['address']] : [],
  )

describe('vars', () => {
  test('stand for numbers as they are written, in names, values and the ends of ranges', () => {
    expect(interfaces()).toEqual([['h1/eth0', 1400, true], '10.0.1.3/24', ['h2/eth0', 1400, true], '10.0.2.5/24'])
    expect(said({ 'lab.yaml': hosts })).toEqual([])
  })

  test('are given other values from outside', () => {
    expect(interfaces({ hosts: '1', subnet: '192.168', mtu: '9000', lit: 'false' })).toEqual([
      ['h1/eth0', 9000, false],
      '192.168.1.2/24',
    ])
    expect(interfaces({ hosts: '0' })).toEqual([])
  })

  test.each<[string, string, Readonly<Record<string, string>>, string[]]>([
    ['an undeclared one is set', hosts, { host: '3' }, ['error | --set host: the lab file has no variable host']],
    [
      'a value goes through the same checks',
      hosts,
      { mtu: '1400; reboot' },
      ['error | namespaces.h1.interfaces.eth0.mtu: expected a whole number, found text "1400; reboot" | lab.yaml:6:77'],
    ],
    ['a text counts', hosts, { hosts: 'x' }, ['error | [1..hosts] is not a range | lab.yaml:4:3']],
    [
      'an unknown one',
      'vars: { a1: 2 }\nnamespaces:\n  h: { hostname: "{a2}{a1}" }',
      {},
      ['error | {a2} has no value | lab.yaml:3:18'],
    ],
    ['an unused one', 'vars: { a: 2 }\nnamespaces:\n  h:', {}, ['warning | the variable a is not used | lab.yaml:1:9']],
    [
      'one that ranges count',
      'vars: { i: 2 }\nnamespaces:\n  h{i}:',
      {},
      ['error | i cannot be the name of a variable | lab.yaml:1:9', 'error | {i} has no value | lab.yaml:3:3'].slice(
        0,
        1,
      ),
    ],
    [
      'one that a range counts by name',
      'vars: { spine: 2 }\nnamespaces:\n  h[spine=1..2]{spine}:',
      {},
      ['error | spine is a variable | lab.yaml:3:3'],
    ],
    [
      'a bad name',
      'vars: { My-x: 2 }\nnamespaces:\n  h:',
      {},
      ['error | My-x cannot be the name of a variable | lab.yaml:1:9'],
    ],
    [
      'a list',
      'vars: { a: [2] }\nnamespaces:\n  h{a}:',
      {},
      ['error | vars.a: expected text, a number, true or false | lab.yaml:1:9'],
    ],
    [
      'one in another',
      'vars: { net: 10, b: "{net}.0" }\nnamespaces:\n  h{b}:',
      {},
      ['error | vars.b uses another variable | lab.yaml:1:18'],
    ],
    ['no map', 'vars: [a]\nnamespaces:\n  h:', {}, ['error | vars: expected a map | lab.yaml:1:7']],
  ])('%s', (_, text, set, errors) => {
    expect(said({ 'lab.yaml': text }, set)).toEqual(errors)
  })

  test('what --set gives is not read again, and braces with _ are text where there are no vars', () => {
    const text =
      'vars: { who: x, one: 1 }\nnamespaces:\n  h: { processes: { s: { command: [echo, "{who}", "${who}", "{one}"] } } }'
    const process = loadLab(input({ 'lab.yaml': text }, { who: '{one} [1..3]' })).resources.get('h/process/s')
    expect(process?.spec['command']).toEqual(['echo', '{one} [1..3]', '${who}', '1'])
    const plain = 'namespaces:\n  h[1..1]: { iptables: { filter: { INPUT: ["-m comment --comment {a_b} -j DROP"] } } }'
    expect(said({ 'lab.yaml': plain })).toEqual([])
  })
})

const base = `
vars: { gw: 1 }
description: not the lab's
namespaces:
  r1: { forwarding: true, iptables: { restore: r.rules } }
  h1: { interfaces: { eth0: { type: dummy } } }
links:
  - endpoints: { "r1:eth0": "{net}.0.{gw}/24", "r2:eth0": "{net}.0.2/24" }
checks:
  - { from: r1, ping: r2 }
`
const top = `
include: [more/base.yaml]
vars: { net: 10.0 }
namespaces:
  r1: { nftables: 'table inet f { }' }
  r2:
  h[1..2]: { interfaces: { eth1: { type: dummy } } }
links:
  - endpoints: { "r1:eth1": "{net}.1.1/24", "h1:eth2": "{net}.1.2/24" }
checks:
  - { from: h1, ping: r1 }
`
const rules = '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n'
const both = { 'lab.yaml': top, 'more/base.yaml': base, 'more/r.rules': rules }

describe('include', () => {
  test('merges namespaces, links, checks and vars, ranges written out', () => {
    const lab = loadLab(input(both))
    expect(lab.name).toBe('lab')
    expect(lab.description).toBeUndefined()
    expect([...lab.namespaces.keys()]).toEqual(['r1', 'h1', 'r2', 'h2'])
    expect(ids(both)).toEqual(expect.arrayContaining(['h1/eth0', 'h1/eth1', 'h2/eth1', 'r1/iptables', 'r1/nftables']))
    expect(lab.checks.map(({ from, source }) => [from, source?.file, source?.line])).toEqual([
      ['r1', 'more/base.yaml', 10],
      ['h1', 'lab.yaml', 11],
    ])
    const long = writeLab('lab', lab.resources)
    const again = loadLab(input({ 'lab.yaml': long }))
    expect([...again.resources.keys()].sort()).toEqual([...lab.resources.keys()].sort())
  })

  test('a place is in the file where it is written', () => {
    const wrong = { ...both, 'more/base.yaml': base.replace('.0.2/24', '.0.2/99').replace('restore: r', 'restore: s') }
    expect(said({ ...wrong, 'lab.yaml': top.replace('.1.2/24', '.1.2/98') })).toEqual([
      'error | cannot read s.rules | more/base.yaml:5:48',
      'error | "10.0.0.2/99" is not an address with a prefix length | more/base.yaml:8:59',
      'error | "10.0.1.2/98" is not an address with a prefix length | lab.yaml:9:56',
    ])
    expect(said({ ...both, 'more/r.rules': rules.replace('-A INPUT', 'bogus') })[0]).toMatch(/more\/r\.rules:5:/)
    expect(diagnose(input(wrong))[0]!.snippet?.lines.join()).toContain('s.rules')
  })

  test.each<[string, Readonly<Record<string, string>>, string[]]>([
    [
      'the same setting in both',
      { ...both, 'lab.yaml': top.replace("nftables: 'table inet f { }'", 'forwarding: true') },
      ['error | namespaces.r1.forwarding is set twice | lab.yaml:5:9'],
    ],
    [
      'the same var in both',
      { ...both, 'lab.yaml': top.replace('net: 10.0', 'net: 10.0, gw: 2') },
      ['error | vars.gw is set twice | lab.yaml:3:20'],
    ],
    [
      'a setting that a range makes',
      { ...both, 'lab.yaml': top.replace('{ eth1', '{ eth0') },
      ['error | namespaces.h1.interfaces.eth0.type is set twice | lab.yaml:7:36'],
    ],
    [
      'more files than a lab may have',
      Object.fromEntries([
        ['lab.yaml', 'include: [f1.yaml]\nnamespaces: { a: }'],
        ...Array.from({ length: 102 }, (_, i) => [`f${i + 1}.yaml`, `include: [f${i + 2}.yaml]`]),
      ]),
      ['error | this lab includes more than 100 files | f100.yaml:1:11'],
    ],
    [
      'ranges that make too much together',
      {
        'lab.yaml': 'include: [a.yaml]\nnamespaces: { "h[1..90000]": { forwarding: true } }',
        'a.yaml': 'namespaces: { "g[1..90000]": { forwarding: true } }',
      },
      ['error | the ranges of this lab produce more than 300000 values | lab.yaml:2:15'],
    ],
    [
      'no such file',
      { 'lab.yaml': 'include: [x.yaml]\nnamespaces: { a: }' },
      ['error | cannot read x.yaml | lab.yaml:1:11'],
    ],
    [
      'a circle',
      {
        'lab.yaml': 'include: [a.yaml]\nnamespaces: { a: }',
        'a.yaml': 'include: [b.yaml]',
        'b.yaml': 'include: [./a.yaml]',
      },
      ['error | ./a.yaml includes itself | b.yaml:1:11'],
    ],
    [
      'itself',
      { 'lab.yaml': 'include: [lab.yaml]\nnamespaces: { a: }' },
      ['error | lab.yaml includes itself | lab.yaml:1:11'],
    ],
    [
      'no list',
      { 'lab.yaml': 'include: a.yaml\nnamespaces: { a: }' },
      ['error | include: expected a list of files | lab.yaml:1:10'],
    ],
    [
      'no list in an included one',
      { 'lab.yaml': 'include: [a.yaml]\nnamespaces: { a: }', 'a.yaml': 'include: 7' },
      ['error | include: expected a list of files | a.yaml:1:10'],
    ],
    [
      'no YAML',
      { 'lab.yaml': 'include: [a.yaml]\nnamespaces: { a: }', 'a.yaml': 'x: [' },
      ['error | this [ is not closed | a.yaml:1:4'],
    ],
    [
      'an unknown field there',
      { 'lab.yaml': 'include: [a.yaml]\nnamespaces: { a: }', 'a.yaml': 'namespaces: { a: { x: 1 } }' },
      ['error | namespaces.a.x: unknown field "x" | a.yaml:1:20'],
    ],
    [
      'no map',
      { 'lab.yaml': 'include: [a.yaml]\nnamespaces: { a: }', 'a.yaml': '- x' },
      ['error | a.yaml is not a lab file | lab.yaml:1:11'],
    ],
  ])('%s', (_, files, errors) => {
    expect(said(files)).toEqual(errors)
  })

  test('a comment silences lints in its own file', () => {
    const files = {
      'lab.yaml': 'include: [a.yaml]\nvars: { b: 1 }\nnamespaces: { m: }',
      'a.yaml': '# netlab-ignore: unused-var\nvars: { a: 1 }',
    }
    expect(said(files)).toEqual(['warning | the variable b is not used | lab.yaml:2:9'])
  })

  test('both places of a setting are named', () => {
    const [error] = diagnose(
      input({ ...both, 'lab.yaml': top.replace("nftables: 'table inet f { }'", 'forwarding: true') }),
    )
    expect(error!.detail).toBe('It is also at more/base.yaml:5:9. Leave one of the two out.')
  })

  test('a file that two others include counts once', () => {
    const files = {
      'lab.yaml': 'include: [a.yaml, b.yaml]\nnamespaces: { m: }',
      'a.yaml': 'include: [c.yaml]',
      'b.yaml': 'include: [c.yaml]',
      'c.yaml': 'namespaces: { c: { forwarding: true } }',
    }
    expect(said(files)).toEqual([])
    expect([...loadLab(input(files)).namespaces.keys()]).toEqual(['c', 'm'])
  })

  test('files are named relative to the file in which they stand', () => {
    const files = {
      'labs/lab.yaml': 'include: [../parts/a.yaml]\nnamespaces: { m: { nftables: { file: m.nft } } }',
      '../parts/a.yaml': `namespaces:
  a: { nftables: 'include "sub/a.nft"' }
  b: { nftables: { file: b.nft } }
  w: { interfaces: { wg0: { type: wireguard, private_key_file: w.key, addresses: [10.9.0.1/24] } } }`,
      '../parts/sub/a.nft': 'table inet a { }',
      '../parts/b.nft': 'table inet b { }',
      '../parts/w.key': 'YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n',
      'm.nft': 'table inet m { }',
    }
    const { resources } = loadLab(input(files))
    expect(resources.get('a/nftables')?.spec['text']).toBe('\ntable inet a { }\n')
    expect(resources.get('b/nftables')?.spec['text']).toContain('table inet b')
    expect(resources.get('m/nftables')?.spec['text']).toContain('table inet m')
    expect(JSON.stringify([...resources.values()])).toContain('"../parts/w.key"')
    expect(said({ ...files, '../parts/b.nft': 'monitor' })).toEqual(
      expect.arrayContaining([expect.stringMatching(/\.\.\/parts\/b\.nft:1/)]),
    )
  })
})
