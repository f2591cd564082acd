import { HERE_NAME } from '../../src/model/place.ts'
import { createColors } from 'picocolors'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import {
  compareIptables,
  desiredIptables,
  firewallDefinitions,
  iptables,
  iptablesSchema,
} from '../../src/kinds/iptables.ts'
import { commandOf } from '../../src/backend/iproute/command-of.ts'
import { iptablesValue } from '../../src/firewall/rule-files.ts'
import { edits, orderedDifferences } from '../../src/firewall/ordered.ts'
import { parseSave, savedSpec } from '../../src/firewall/save.ts'
import { liveRules } from '../../src/firewall/live.ts'
import { renderRuleDifferences, renderRules } from '../../src/views/rule-text.ts'
import { makePlan } from '../../src/plan/make-plan.ts'
import type { Resource, Resources } from '../../src/model/resource.ts'
import type { IptablesSpec } from '../../src/model/firewall.ts'
import { planContext } from '../support/resources.ts'
import '../support/seed.ts'

const plain = createColors(false)
const context = { kind: 'iptables' as const, lab: 'web' }
const one = (rule: unknown) => {
  const { spec, problems } = desiredIptables({ filter: { FORWARD: [rule] } }, context)
  return problems[0] ?? spec.tables.filter?.FORWARD?.rules[0]
}

describe('a rule as an object', () => {
  test.each([
    [{ source: '172.17.0.0/16', out: '!docker0', jump: 'MASQUERADE' }, '-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE'],
    [{ protocol: 'tcp', dport: 80, jump: 'ACCEPT' }, '-p tcp --dport 80 -j ACCEPT'],
    [{ protocol: 'tcp', dport: [80, 443], jump: 'ACCEPT' }, '-p tcp -m multiport --dports 80,443 -j ACCEPT'],
    [{ protocol: '!udp', sport: '!53', jump: 'DROP' }, '! -p udp ! --sport 53 -j DROP'],
    [{ ctstate: ['RELATED', 'ESTABLISHED'], jump: 'ACCEPT' }, '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'],
    [
      { match: { statistic: { mode: 'random', probability: 0.5 } }, goto: 'X' },
      '-m statistic --mode random --probability 0.5 -g X',
    ],
    [{ match: '-m multiport --dports 80,443', protocol: 'tcp' }, '-p tcp -m multiport --dports 80,443'],
    [{ match: ['! --syn', '--match mark --mark 1'], protocol: 'tcp' }, '-p tcp ! --syn --match mark --mark 1'],
    [{ match: ['addrtype --dst-type LOCAL', 'mark --mark 1'] }, '-m addrtype --dst-type LOCAL -m mark --mark 1'],
    [{ jump: 'DNAT', protocol: 'tcp', to: '10.0.0.1:80' }, '-p tcp -j DNAT --to-destination 10.0.0.1:80'],
    [{ jump: 'REDIRECT', protocol: 'tcp', to: 8080 }, '-p tcp -j REDIRECT --to-ports 8080'],
    [
      { comment: `it's "mine"`, jump: 'LOG --log-prefix "a b"' },
      String.raw`-m comment --comment "it's \"mine\"" -j LOG --log-prefix "a b"`,
    ],
    [{ limit: '5/second', limit_burst: 9 }, '-m limit --limit 5/second --limit-burst 9'],
  ])('%j', (rule, text) => expect(one(rule)).toBe(text))

  test.each([
    [{ dport: 80, jump: 'ACCEPT' }, 'dport', /needs a protocol/],
    [{ jump: 'ACCEPT', to: '1.1.1.1' }, 'to', /to goes with jump/],
    [{ jump: 'A', goto: 'B' }, 'goto', /either jump or goto/],
    [{ jump: 'constructor', to: '1.1.1.1' }, 'to', /to goes with jump/],
  ])('%j is refused at the field', (rule, field, summary) => {
    expect(one(rule)).toMatchObject({
      summary: expect.stringMatching(summary) as string,
      place: { path: ['filter', 'FORWARD', 0, field] },
    })
  })
})

describe('a rule as text', () => {
  test.each([
    ['-j DROP -A INPUT', 9, /not part of a rule/],
    ['-t nat -j DROP', 1, /not part of a rule/],
    ['--table=nat -j DROP', 1, /not part of a rule/],
    ['--tab nat -j DROP', 1, /not part of a rule/],
    ['-fA INPUT', 1, /not part of a rule/],
    ['-j DROP -w', 9, /not part of a rule/],
    ['-c 1 1 -j DROP', 1, /not part of a rule/],
    ['COMMIT', 1, /line of a dump/],
    ['*nat', 1, /line of a dump/],
    ['-j DROP\nCOMMIT', 8, /one line/],
    ['-j DROP; reboot', 8, /";" is not part/],
    ['-j $(reboot)', 4, /"\$" is not part/],
    ['-m comment --comment "open', 22, /quote is not closed/],
    [`-m comment --comment ${'x'.repeat(256)}`, 22, /at most 255 bytes/],
  ])('%j is refused at its column', (rule, column, summary) => {
    expect(one(rule)).toMatchObject({ summary: expect.stringMatching(summary) as string, place: { column } })
  })

  test.each([
    [`-m comment --comment '-A "x" \\ $y' -j DROP`, String.raw`-m comment --comment "-A \"x\" \\ $y" -j DROP`],
    ['-m recent --set -j DROP', '-m recent --set -j DROP'],
    ['! -s 10.0.0.1 -j DROP', '! -s 10.0.0.1 -j DROP'],
    ['-j CT --helper ftp', '-j CT --helper ftp'],
  ])('%j is taken', (rule, text) => expect(one(rule)).toBe(text))
})

test.each([
  [{ filter: { PREROUTING: [] } }, ['filter', 'PREROUTING'], /table filter has no chain PREROUTING/],
  [{ filter: { ['x'.repeat(29)]: [] } }, ['filter', 'x'.repeat(29)], /cannot be a chain's name/],
  [{ filter: { '-x': [] } }, ['filter', '-x'], /cannot be a chain's name/],
  [{ filter: { ACCEPT: [] } }, ['filter', 'ACCEPT'], /cannot be called ACCEPT/],
  [{ filter: { MINE: { policy: 'DROP' } } }, ['filter', 'MINE', 'policy'], /cannot have a policy/],
  [{ broute: {} }, ['broute'], /no table broute/],
])('%j is refused at its place', (value, path, summary) => {
  expect(desiredIptables(value, context).problems).toEqual([
    expect.objectContaining({ summary: expect.stringMatching(summary) as string, place: { path } }),
  ])
})

test('in the machine’s own namespace rules are marked, policies and empty chains refused', () => {
  const { spec, problems } = desiredIptables(
    { filter: { INPUT: { policy: 'DROP', rules: ['-j X'] }, X: [] } },
    { ...context, borrowed: HERE_NAME },
  )
  expect(spec.tables.filter!.INPUT!.rules).toEqual(['-j X -m comment --comment netlab:web'])
  expect(problems.map(({ place }) => place.path)).toEqual([
    ['filter', 'INPUT', 'policy'],
    ['filter', 'X'],
  ])
})

test.each([
  ['*filter\n-A CUSTOM -j DROP\n:CUSTOM - [0:0]\nCOMMIT\n', 2, /CUSTOM is not declared above/],
  ['*filter\n-A FORWARD -j CUSTOM\n:CUSTOM - [0:0]\nCOMMIT\n', 2, /CUSTOM is declared only below/],
  ['*filter\n:FORWARD\nCOMMIT\n', 2, /policy of FORWARD is missing/],
  ['*filter\n-I FORWARD 2 -j DROP\nCOMMIT\n', 2, /place 2 of FORWARD/],
  ['*filter\n-N FORWARD\nCOMMIT\n', 2, /exists already/],
  ['*filter\nAllow nothing\nCOMMIT\n', 2, /not a line of a dump/],
  ['*filter\n  \nCOMMIT\n', 2, /blank line/],
  ['*filter\nCOMMIT \n', 2, /COMMIT stands alone/],
  ['*filter\nCOMMIT # done\n', 2, /not a line of a dump/],
  ['*filter\nCOMMIT\nThe end.\n', 3, /stands in no table/],
  ['*filter\n*nat\nCOMMIT\n', 2, /filter has no COMMIT/],
  ['*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j DROP\n', 4, /has no COMMIT/],
  [':FORWARD ACCEPT [0:0]\n', 1, /stands in no table/],
  ['*filter\n:FORWARD REJECT [0:0]\nCOMMIT\n', 2, /ACCEPT or DROP/],
  ['*filter\n-F\nCOMMIT\n', 2, /not a line of a dump/],
  ['*constructor\nCOMMIT\n', 1, /no table constructor/],
])('a broken dump %j is refused at its line', (dump, line, summary) => {
  const { problems } = desiredIptables({ restore: 'x' }, { ...context, dump })
  expect(problems[0]).toMatchObject({ summary: expect.stringMatching(summary) as string, place: { line, dump: true } })
  expect(problems.slice(1).filter(({ summary: more }) => !/has no COMMIT/.test(more))).toEqual([])
})

const dumped = (dump: string) => desiredIptables({ restore: 'x' }, { ...context, dump })

test('a dump is taken as iptables-restore takes it: -I, -N, -P, rules without options, chains without a line', () => {
  const { spec, problems } = dumped(
    '*filter\n-P INPUT DROP\n-A OUTPUT -j ACCEPT\n-N X\n-A X\n-I X -p tcp\n[1:2]-I X 2 -p udp\n--insert X 4 -g Y~&\nCOMMIT\n*nat\n:POSTROUTING - [0:0] and more\nCOMMIT'.replace(
      '-N X',
      ':Y~& DROP [0:0]\n-N X',
    ),
  )
  expect(problems).toEqual([])
  expect(spec.tables).toEqual({
    filter: {
      INPUT: { policy: 'DROP', rules: [] },
      OUTPUT: { rules: ['-j ACCEPT'] },
      'Y~&': { rules: [] },
      X: { rules: ['-p tcp', '-p udp', '', '-g "Y~&"'] },
    },
  })
  expect(spec.written?.filter?.chains.X?.map(({ line }) => line)).toEqual([7, 8, 6, 9])
})

test('a table and a chain that a dump begins twice are those of the second time', () => {
  const again = ':X - [0:0]\n-A X -p tcp\n:X - [0:0]\n-A X -p udp\nCOMMIT\n'
  expect(dumped(`*filter\n-A INPUT\nCOMMIT\n*filter\n${again}`).spec.tables).toEqual({
    filter: { X: { rules: ['-p udp'] } },
  })
})

test.each(['GOOD~STUFF', 'a&b', '+x', '50%', 'a,b', '#x', '[x]', "it's", '<>|$;', 'é', 'a!', '*x', ':x'])(
  'a chain can be called %s, and that in both ways of writing',
  (name) => {
    const rules = [`-j '${name.replaceAll("'", `'\\''`)}'`]
    const { spec, problems } = desiredIptables({ filter: { [name]: [], INPUT: rules } }, context)
    const other = dumped(`*filter\n:${name} - [0:0]\n-A INPUT -j ${name}\nCOMMIT\n`)
    expect([problems, other.problems]).toEqual([[], []])
    expect(other.spec.tables).toEqual(spec.tables)
  },
)

test.each(['-x', '!x', 'a b', 'a"b', 'a\u202eb', 'a\u0007b', 'ACCEPT', 'x'.repeat(29), 'é'.repeat(15)])(
  'no chain can be called %j, and its rules are no further complaint',
  (name) => {
    expect(desiredIptables({ filter: { [name]: [] } }, context).problems).toHaveLength(1)
    if (!name.includes(' '))
      expect(dumped(`*filter\n:${name} - [0:0]\n-A ${name} -p tcp\nCOMMIT\n`).problems).toHaveLength(1)
  },
)

test('a rule without options is shown, and written back as an empty text', () => {
  const [before, after] = [{ filter: { X: { rules: [] } } }, { filter: { X: { rules: [''] } } }]
  const differences = compareIptables({ tables: before }, { tables: after })
  const lines = renderRuleDifferences(
    { kind: 'iptables', before: { tables: before }, after: { tables: after }, differences },
    plain,
  )
  expect(lines.join('\n')).toContain('+ 1 (every packet: counted, and goes on)')
  const chains = liveRules({ iptables: '*filter\n:X - [0:0]\n[3:9] -A X\nCOMMIT\n', ip6tables: '', nftables: '' })
  expect(renderRules(chains, plain)).toMatch(/1 {6}3 {6}9 {2}\(every packet: counted, and goes on\)/)
  expect(iptablesValue({ tables: after })).toEqual({ filter: { X: [''] } })
  expect(one('')).toBe('')
})

test('what says nothing equals absence', () => {
  const untouched = '*filter\n:INPUT ACCEPT [5:6]\n:FORWARD ACCEPT [0:0]\nCOMMIT\n'
  expect(savedSpec(parseSave(untouched)).tables).toEqual({})
  expect(desiredIptables({ filter: { INPUT: { policy: 'ACCEPT', rules: [] } } }, context).spec.tables).toEqual({})
})

describe('the schema', () => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictTypes: false })
  const valid = ajv.compile({ ...iptablesSchema, definitions: firewallDefinitions })
  const chain = (rule: unknown) => ({ filter: { FORWARD: [rule] } })
  test.each([
    [null],
    [{}],
    [{ restore: 'docker.iptables-save' }],
    [{ filter: { FORWARD: { policy: 'DROP', rules: ['-j X'] }, X: null, Y: [] }, nat: null }],
    [chain({ protocol: 'tcp', dport: 80, to: 8080, jump: 'REDIRECT' })],
    [chain({ match: { statistic: { mode: 'random', probability: 0.5 }, rpfilter: null } })],
    ...(iptablesSchema.examples as unknown[]).map((example) => [example]),
  ])('takes %j', (value) => expect(valid(value)).toBe(true))
  test.each([
    ['text'],
    [{ restore: 'x', filter: {} }],
    [{ Filter: {} }],
    [{ filter: { FORWARD: { polcy: 'DROP' } } }],
    [{ filter: { FORWARD: { policy: 'REJECT' } } }],
    [chain({ dprt: 80 })],
    [chain({})],
    [chain('-j A\n-j B')],
    [chain(7)],
    [chain({ protocol: 'tcp', dport: 70000 })],
  ])('refuses %j', (value) => expect(valid(value)).toBe(false))
})

test('a spec becomes what a lab file says, and that the same spec', () => {
  const word = fc.string({ minLength: 1, maxLength: 9 }).filter((text) => !text.startsWith('-'))
  fc.assert(
    fc.property(word, fc.boolean(), (text, not) => {
      const saved = text.replaceAll(/["\\]/g, '\\$&')
      const rule = `${not ? '! ' : ''}-s 10.0.0.1/32 -m comment --comment "${saved}" -j DROP`
      const spec = { tables: { filter: { FORWARD: { policy: 'DROP', rules: [rule] }, X: { rules: [] } } } }
      const again = desiredIptables(iptablesValue(spec), context)
      expect(again.problems).toEqual([])
      const dumped = desiredIptables({ restore: 'x' }, { ...context, dump: `*filter\n:FORWARD DROP [0:0]\n:X - [0:0]\n-A FORWARD ${rule}\nCOMMIT\n` }) // prettier-ignore
      expect(compareIptables(again.spec, dumped.spec)).toEqual([])
    }),
  )
})

const list = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 12 })

test('edits lead from one list to the other', () => {
  fc.assert(
    fc.property(list, list, (from, to) => {
      const { kept, removed, inserted } = edits(from, to)
      const result: string[] = kept.map((k) => from[k.from]!)
      for (const index of inserted) result.splice(index, 0, to[index]!)
      expect(result).toEqual(to)
      expect(kept.length + removed.length).toBe(from.length)
    }),
  )
})

test('every rule that is not kept is in exactly one difference', () => {
  fc.assert(
    fc.property(list, list, (from, to) => {
      const { removed, inserted } = edits(from, to)
      const differences = orderedDifferences('x', from, to)
      const places = (side: 'from' | 'to') => differences.flatMap(({ at }) => at?.[side] ?? []).sort((a, b) => a - b)
      expect(places('from')).toEqual(removed.map((i) => i + 1))
      expect(places('to')).toEqual(inserted.map((i) => i + 1))
      for (const d of differences) {
        if (d.from !== undefined) expect(d.from).toBe(from[d.at!.from! - 1])
        if (d.to !== undefined) expect(d.to).toBe(to[d.at!.to! - 1])
      }
    }),
  )
})

/** What the kernel would make of a transaction. */
function played(spec: IptablesSpec, input: string): Record<string, string[]> {
  const chains: Record<string, string[]> = Object.fromEntries(Object.entries(spec.tables.filter ?? {}).map(([c, { rules }]) => [c, [...rules]])) // prettier-ignore
  for (const line of input.split('\n')) {
    const [, op, name = '', rest = ''] = /^-(\w) (\S+) ?(.*)$/.exec(line) ?? []
    const chain = (chains[name] ??= [])
    const [, place = '', rule = ''] = /^(\d+) ?(.*)$/.exec(rest) ?? []
    if (op === 'A') chain.push(rest)
    if (op === 'D') expect(chain.splice(Number(place) - 1, 1)).toHaveLength(1)
    if (op === 'I') chain.splice(Number(place) - 1, 0, rule)
    if (op === 'F' || op === 'X') delete chains[name]
  }
  return Object.fromEntries(Object.entries(chains).filter(([, rules]) => rules.length))
}

test('the transaction of any two rule sets makes the one of the other', () => {
  const spec = fc.dictionary(fc.constantFrom('INPUT', 'FORWARD', 'X', 'Y'), list).map((chains) => ({ tables: { filter: Object.fromEntries(Object.entries(chains).map(([name, rules]) => [name, { rules: rules.map((r) => `-j ${r}`) }])) } })) // prettier-ignore
  const resource = (s: IptablesSpec): Resource<IptablesSpec> => ({
    id: 'ns/iptables',
    kind: 'iptables',
    namespace: 'ns',
    spec: s,
  })
  fc.assert(
    fc.property(spec, spec, (live, desired) => {
      const context = planContext('x')
      const [emission] = iptables.update({ live: resource(live), desired: resource(desired), differences: [] }, context)
      const expected = Object.fromEntries(Object.entries(desired.tables.filter).filter(([, { rules }]) => rules.length).map(([name, { rules }]) => [name, rules])) // prettier-ignore
      expect(played(live, (emission && commandOf(emission.operation).input) ?? '')).toEqual(expected)
      expect(compareIptables(desired, desired)).toEqual([])
    }),
  )
})

test('a plan shows changed rules in their chain, with their places and what is around them', () => {
  const chain = (...rules: string[]) => ({ tables: { filter: { FORWARD: { policy: 'DROP', rules } } } })
  const before = chain('-j A', '-j B', '-j C', '-j D', '-j E', '-j F', '-j G')
  const after = {
    tables: {
      filter: {
        ...chain('-j G', '-j A', '-j B', '-j C', '-j D', '-j X', '-j F').tables.filter,
        NEW: { rules: ['-j RETURN'] },
      },
    },
  }
  const change = { kind: 'iptables', before, after, differences: compareIptables(before, after) }
  expect(renderRuleDifferences(change, plain)).toEqual([
    '          filter/FORWARD (policy DROP)',
    '            + 1 -j G  # was 7',
    '              2 -j A',
    '              3 -j B',
    '              4 -j C',
    '              5 -j D',
    '            - 5 -j E',
    '            + 6 -j X',
    '              7 -j F',
    '            - 7 -j G  # moves to 1',
    '          + filter/NEW',
    '            + 1 -j RETURN',
  ])
  expect(renderRuleDifferences({ ...change, before: null, differences: [] }, plain)).toHaveLength(10)
})

test('live rules come in the order in which a packet meets them, with their counters', () => {
  const iptables = `*filter
:INPUT ACCEPT [1:2]
:FORWARD DROP [3:4]
:LATER - [0:0]
:USED - [0:0]
[5:600] -A FORWARD -i a -j USED
[123456:7890123] -A USED -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
[1:60] -A PREROUTING -j ACCEPT
[0:0] -A POSTROUTING -j MASQUERADE
COMMIT
`
  const nftables = `table inet web {
	chain early {
		type filter hook prerouting priority raw; policy accept;
		tcp dport 22 counter packets 7 bytes 8 accept comment "counter packets 1 bytes 1"
	}
}
table ip nat {
}
`
  const chains = liveRules({ iptables, ip6tables: '', nftables })
  expect(chains.map(({ table, chain }) => `${table}/${chain}`)).toEqual(['web/early', 'nat/PREROUTING', 'filter/FORWARD', 'filter/USED', 'nat/POSTROUTING', 'filter/LATER']) // prettier-ignore
  expect(chains[0]!.rules).toEqual([
    { rule: 'tcp dport 22 counter accept comment "counter packets 1 bytes 1"', packets: 7, bytes: 8 },
  ])
  const text = renderRules(chains, plain)
  expect(text).toContain(
    'forward\n  filter/FORWARD  iptables  policy DROP  3 packets, 4 bytes\n    1      5    600  -i a -j USED\n',
  )
  expect(text).toContain('    1   123k  7890k  -j RETURN\n')
})

test('the planner makes it after its namespace and its links, and leaves its removal to the namespace', () => {
  const spec = { tables: { filter: { FORWARD: { rules: ['-j DROP'] } } } }
  const desired: Resources = new Map<string, Resource>([
    ['ns/iptables', { id: 'ns/iptables', kind: 'iptables', namespace: 'ns', spec }],
    ['ns', { id: 'ns', kind: 'namespace', namespace: 'ns', spec: {} }],
  ])
  const steps = makePlan({ lab: 'web', desired, live: new Map() }).steps
  expect(commandOf(steps.at(-1)!.operation)).toEqual({
    argv: ['iptables-restore', '--noflush', '-w'],
    netns: 'ns',
    input: '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j DROP\nCOMMIT\n',
  })
  const gone = makePlan({ lab: 'web', desired: new Map(), live: desired }).steps
  expect(gone.filter(({ change }) => change === 'ns/iptables')).toEqual([])
  const left = new Map([...desired].filter(([id]) => id === 'ns'))
  expect(
    makePlan({ lab: 'web', desired: left, live: desired }).steps.map(({ operation }) => commandOf(operation).input),
  ).toEqual(['*filter\n-F\n-X\nCOMMIT\n'])
})
