import { parse } from 'yaml'
import { diagnose, loadLab } from '../../src/language/load-lab.ts'
import { writeLab } from '../../src/language/write.ts'

const lab = (qdiscs: unknown, more = '') =>
  `name: q\nnamespaces: { a: { interfaces: { e0: { type: ifb, qdiscs: ${JSON.stringify(qdiscs)}${more} } } } }\n`
const load = (qdiscs: unknown) => loadLab({ file: 'lab.yaml', text: lab(qdiscs) }).resources
const ids = (qdiscs: unknown) => [...load(qdiscs).keys()].filter((id) => id.startsWith('a/e0/'))

const root = 'qdisc root handle 1: htb'

test('lines, with comments, are what a list is, and the long form says the same', () => {
  const list = [root, 'class classid 1:a htb rate 1mbit', 'filter parent 1: pref 1 matchall flowid 1:A']
  const expected = ['a/e0/qdisc', 'a/e0/class/1:a', 'a/e0/filter/1: protocol all pref 1 matchall 0x1']
  expect(ids(list)).toEqual(expected)
  expect(ids(`# shaped\n${list.map((line) => `tc ${line.replace(' ', ' add dev e0 ')}`).join('\n\n')}\n`)).toEqual(
    expected,
  )
  const text = writeLab('q', load(list))
  expect(text).toContain('- "class parent 1: classid 1:a htb rate 1mbit"')
  expect(writeLab('q', loadLab({ file: 'lab.yaml', text }).resources)).toBe(text)
})

test('filters without a handle have those that the kernel would give them', () =>
  expect(
    ids(
      [
        root,
        'filter parent 1: protocol ip pref 1 u32 match u32 0 0 flowid 1:1',
        'filter parent 1: protocol ip pref 1 u32 match u32 1 1 flowid 1:1',
        'filter parent 1: protocol ip pref 2 handle 2: u32 divisor 4',
        'filter parent 1: protocol ip pref 2 u32 ht 2:3: match u32 1 1 flowid 1:1',
        'filter parent 1: protocol 802.1q pref 3 flower classid 1:1',
        'filter parent 1: protocol 802.1Q pref 3 handle 9 flower classid 1:1',
        'qdisc ingress',
        'filter parent ffff: pref 1 chain 2 fw handle 3 fw',
      ].slice(0, 8),
    ).slice(1),
  ).toEqual([
    'a/e0/filter/1: protocol ip pref 1 u32 ::800',
    'a/e0/filter/1: protocol ip pref 1 u32 ::801',
    'a/e0/filter/1: protocol ip pref 2 u32 2:',
    'a/e0/filter/1: protocol ip pref 2 u32 2:3:800',
    'a/e0/filter/1: protocol 802.1Q pref 3 flower 0x1',
    'a/e0/filter/1: protocol 802.1Q pref 3 flower 0x9',
    'a/e0/qdisc/ingress',
  ]))

test.each([
  ['qdisc handle 1: htb', 'it is not said where the qdisc hangs'],
  ['qdisc root htb', 'the root qdisc needs a handle from 1: to fff:'],
  ['qdisc root handle 8001: htb', 'the root qdisc needs a handle from 1: to fff:'],
  ['qdisc parent 1: pfifo', 'parent 1: is a qdisc, not a class'],
  ['qdisc parent x pfifo', 'parent x is not a handle'],
  ['qdisc root handle 1:1 htb', '"1:1" is not a handle'],
  ['qdisc root handle 1: netem delay 1ms 1ms distribution ../x', 'there is no distribution ../x'],
  ['qdisc add dev e1 root handle 1: htb', 'this is e0, not e1'],
  ['class parent 1: htb rate 1mbit', 'the class needs a classid'],
  ['class parent 1: classid 1:1 prio', 'a prio has no classes of its own making'],
  ['class parent 1: classid 1: htb', '"1:" is not a class id'],
  ['filter parent 1: u32 match u32 0 0', 'the filter needs a pref'],
  ['filter pref 1 u32 match u32 0 0', 'it is not said where the filter hangs'],
  ['filter parent 1:1 pref 1 u32 match u32 0 0', 'the filter hangs on the class 1:1'],
  ['filter parent 1: pref x u32 match u32 0 0', 'pref x is not a number'],
  ['filter parent 1: pref 1 bpf obj x', 'netlab knows no filter bpf'],
  ['filter parent 1: pref 1 u32 match u32 0 0 action bpf obj x', 'netlab loads no programs of bpf'],
  ['filter parent 1: pref 1 matchall action drop index 4', 'an action cannot have an index'],
  ['filter parent 1: pref 1 fw classid 1:1', 'a filter fw needs a handle: the mark'],
  ['filter parent 1: pref 1 u32 divisor 4', 'a table of u32 needs a handle'],
  ['chain add', '"chain" is not a qdisc, class or filter'],
  ['qdisc root handle 1:', 'the kind of the qdisc is missing'],
  ['qdisc root handle 1: htb $(id) #', 'tc takes no "#"'],
  ["qdisc root handle 1: htb 'x", 'a quote is not closed'],
])('%s is refused', (line, summary) => {
  const [first, ...more] = diagnose({ file: 'lab.yaml', text: lab([root, line]) })
  expect(more).toEqual([])
  expect(first).toMatchObject({ code: 'bad-tc', summary, position: { line: 2 } })
  expect(diagnose({ file: 'lab.yaml', text: lab(`${root}\n${line}\n`) })[0]!.summary).toBe(`${line}: ${summary}`)
})

test('the same twice, and impairments beside it, are refused', () => {
  expect(diagnose({ file: 'lab.yaml', text: lab([root, root]) })[0]).toMatchObject({ code: 'given-twice' })
  expect(diagnose({ file: 'lab.yaml', text: lab([root], ', impairments: { rate: 1mbit }') })).toMatchObject([
    { code: 'given-twice', summary: 'a:e0 has impairments and a qdisc at the same place' },
  ])
  expect(diagnose({ file: 'lab.yaml', text: lab(['qdisc clsact'], ', impairments: { rate: 1mbit }') })).toEqual([])
  expect(diagnose({ file: 'lab.yaml', text: lab(['qdisc clsact'], ', ingress: { rate: 1mbit }') })).toMatchObject([
    { code: 'given-twice', summary: 'a:e0 has ingress and a qdisc at the same place' },
  ])
})

test('what comes in passes an ifb, which the long form has', () => {
  const text = `name: q
namespaces: { a: { interfaces: { e0: { ingress: { delay: 5ms, from: { 10.0.0.2: { loss: 1% } } }, impairments: { rate: 1mbit } } } }, b: }
links: [{ endpoints: ["a:e0", "b:a-long-name-0"] }, { endpoints: { "a:e1": , "b:a-long-name-1": { ingress: { rate: 1mbit } } } }]
`
  const { resources } = loadLab({ file: 'lab.yaml', text })
  expect([...resources].flatMap(([id, { kind }]) => (/^(tc|ifb|qdisc)$/.test(kind) ? [`${id} ${kind}`] : []))).toEqual([
    'a/e0/qdisc qdisc',
    'a/e0/qdisc/ingress tc',
    'a/e0/filter/ingress protocol all pref 1 matchall 0x1 tc',
    'b/a-long-name-1/qdisc/ingress tc',
    'b/a-long-name-1/filter/ingress protocol all pref 1 matchall 0x1 tc',
    'a/in~e0 ifb',
    'b/in~a-lon~b62d9b ifb',
    'b/in~a-lon~b62d9b/qdisc qdisc',
    'a/in~e0/qdisc qdisc',
  ])
  const long = writeLab('q', resources)
  expect(long).toContain(
    'filter ingress protocol all pref 1 handle 0x1 matchall action mirred egress redirect dev in~e0',
  )
  expect(parse(writeLab('q', loadLab({ file: 'lab.yaml', text: long }).resources))).toEqual(parse(long))
  expect(
    diagnose({ file: 'lab.yaml', text: text.replace('e0: { ingress', 'in~e0: { type: ifb }, e0: { ingress') }),
  ).toMatchObject([{ code: 'given-twice', summary: 'in~e0 is there already' }])
})
