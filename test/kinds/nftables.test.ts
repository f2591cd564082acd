import { nftRefusals } from '../../src/firewall/refusals.ts'
import { compareNft, isOwnTable, nftProblems, nftables, nftablesResource } from '../../src/kinds/nftables.ts'
import { claimed } from '../../src/firewall/division.ts'
import { elementsOf, parseNft } from '../../src/firewall/nft-parse.ts'
import { nftTransaction } from '../../src/firewall/nft-transaction.ts'
import { offsetInScalar } from '../../src/firewall/scalar-offset.ts'
import type { Dump } from '../../src/model/runner.ts'

const listing = `table inet web { # handle 4
	comment "the web"
	set s { # handle 5
		typeof ip saddr . tcp dport
		comment "s { c"
		elements = { 3.3.3.3 . 1 comment "a, b",
			     1.1.1.1 . 80 }
	}

	chain a { # handle 1
		type filter hook input priority filter; policy drop;
		counter accept comment "x # handle 9" # handle 8
		tcp dport 22 jump {
			accept
		} # handle 10
	}
}
# Warning: table ip nat is managed by iptables-nft, do not touch!
table ip nat { # handle 2
	chain POSTROUTING { # handle 1
		type nat hook postrouting priority srcnat; policy accept;
		counter masquerade # handle 2
	}
}
`

test('the listing of nft is read as tables, sets, chains, rules and handles', () => {
  expect(parseNft(listing).tables['inet web']).toEqual({
    lines: ['comment "the web"'],
    objects: {
      'set s': {
        lines: ['typeof ip saddr . tcp dport', 'comment "s { c"'],
        elements: ['1.1.1.1 . 80', '3.3.3.3 . 1 comment "a, b"'],
      },
    },
    chains: {
      a: {
        hook: 'type filter hook input priority filter',
        policy: 'drop',
        rules: ['counter accept comment "x # handle 9"', 'tcp dport 22 jump {\naccept\n}'],
        handles: [8, 10],
      },
    },
  })
  expect(elementsOf('a, { b, c }, "d, e"')).toEqual(['a', '{ b, c }', '"d, e"'])
})

test('a table that iptables lists is not nftables’', () => {
  const scope = { namespace: 'ns', lab: 'web' }
  const dump = (iptables: string) => ({ nftables: listing, iptables, ip6tables: '' }) as unknown as Dump
  const tables = (iptables: string, ofNft: string[] = []) =>
    Object.keys(nftables.read(dump(iptables), { ...scope, nftables: ofNft })[0]!.spec.tables)
  expect(tables('*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n')).toEqual(['inet web'])
  expect(tables('')).toEqual(['inet web', 'ip nat'])
  expect(tables('*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n', ['ip nat'])).toEqual(['inet web', 'ip nat'])
  expect(tables("# Table `nat' is incompatible, use 'nft' tool.\n")).toEqual(['inet web', 'ip nat'])
})

test.each([
  ['table inet a {\n}\nmonitor\n', 3, 1],
  ['add table inet a; list ruleset', 1, 19],
])('%j is refused where it stands', (text, line, column) => {
  expect(nftProblems(text)).toEqual([
    expect.objectContaining({ place: expect.objectContaining({ line, column }) as object }),
  ])
})

test('the tables called as iptables’ own are found in a text', () => {
  const text = `table ip nat { }
    add table filter; delete table ip6 raw # table ip mangle
    table inet filter { chain c { accept comment "table ip security" }; }; table arp filter; table ip natural`
  expect(claimed(text)).toEqual(['ip nat', 'ip filter', 'ip6 raw'])
})

test('the elements of a set with flags have no order', () => {
  const chain = (rule: string) => parseNft(`table inet a {\n\tchain c {\n\t\t${rule}\n\t}\n}\n`)
  const same = (one: string, other: string) => compareNft(chain(one), chain(other))
  expect(same('tcp flags { syn, syn | ack } accept', 'tcp flags { syn | ack, syn } accept')).toEqual([])
  expect(same('tcp flags vmap { fin | rst : drop, syn : accept }', 'tcp flags vmap { syn : accept, fin | rst : drop }')).toEqual([]) // prettier-ignore
  expect(same('tcp flags { syn, syn | ack } accept', 'tcp flags { fin, syn | ack } accept')).toHaveLength(1)
  const [rule] = chain('tcp flags { syn | ack, fin } log prefix "{ b | c, a }" accept').tables['inet a']!.chains['c']!.rules // prettier-ignore
  expect(rule).toBe('tcp flags { fin, syn | ack } log prefix "{ b | c, a }" accept')
})

test('words in comments and strings are not statements', () => {
  expect(
    nftProblems('# include "x"\ntable inet a {\n chain c {\n accept comment "; list"\n }\n}\nflush ruleset\n'),
  ).toEqual([])
  expect(nftablesResource('ns', '# nothing\n', 'web')).toBeUndefined()
})

test('the lab’s tables in the machine’s own namespace are known by their names exactly', () => {
  expect(isOwnTable('inet netlab_a', 'a')).toBe(true)
  expect(isOwnTable('inet netlab_a.nat', 'a')).toBe(true)
  expect(isOwnTable('inet netlab_a_b', 'a')).toBe(false)
  expect(isOwnTable('inet netlab_a_b.x', 'a-b')).toBe(true)
  expect(isOwnTable('inet web', 'web')).toBe(false)
})

test('a rule of several lines, a set and a table survive being written and read again', () => {
  const spec = parseNft(listing)
  const text = nftTransaction({ tables: {} }, spec).lines.join('\n')
  expect(compareNft(parseNft(text), spec)).toEqual([])
  expect(nftTransaction(spec, { tables: {} })).toEqual({
    lines: ['delete table inet web', 'delete table ip nat'],
    byHandle: false,
  })
})

test('a transaction that puts a rule before another, or takes one away, names rules by their handles', () => {
  const rules = (...listed: string[]) =>
    parseNft(`table inet a {\n\tchain c {\n${listed.map((rule) => `\t\t${rule}\n`).join('')}\t}\n}\n`)
  const live = rules('tcp dport 22 accept # handle 4', 'drop # handle 5')
  const to = (...wanted: string[]) => nftTransaction(live, rules(...wanted))
  expect(to('tcp dport 22 accept', 'drop', 'counter comment " handle 7"')).toEqual({
    lines: ['add rule inet a c counter comment " handle 7"'],
    byHandle: false,
  })
  expect(to('tcp dport 22 accept', 'counter', 'drop')).toEqual({
    lines: ['list sets', 'insert rule inet a c handle 5 counter'],
    byHandle: true,
  })
  expect(to('drop')).toEqual({ lines: ['delete rule inet a c handle 4'], byHandle: true })
})

test.each([
  ['what packets put into a set is theirs', 'flags dynamic', 'a, x', 'a', []],
  ['of what the lab puts there, nothing may be missing', 'flags dynamic', 'x, b counter', 'a, b', ['→a']],
  ['elements that run out are not missed', 'flags timeout', 'a', 'a, b timeout 1h', []],
  ['elements that run out are not too many', 'flags timeout', 'a, b timeout 1h comment "x"', 'a', []],
  [
    'elements without a timeout are compared',
    'flags timeout',
    'a, b comment " timeout 1h"',
    'a, c',
    ['b comment " timeout 1h"→', '→c'],
  ],
  ['in a set with a timeout every element runs out', 'timeout 1m', 'a', 'b', []],
  ['otherwise elements are compared', 'flags interval', 'a', 'b', ['a→', '→b']],
])('%s', (_, line, live, desired, expected) => {
  const set = (elements: string) => parseNft(`table inet t {\n\tset s {\n\t\ttype ipv4_addr\n\t\t${line}\n\t\telements = { ${elements} }\n\t}\n}\n`) // prettier-ignore
  const found = compareNft(set(live), set(desired)).map(({ from, to }) => `${String(from ?? '')}→${String(to ?? '')}`)
  expect(found).toEqual(expected)
  const lines = expected.map((change) => {
    const [from, to] = change.split('→')
    return from ? `delete element inet t s { ${from.split(' ')[0]} }` : `add element inet t s { ${to} }`
  })
  expect(nftTransaction(set(live), set(desired)).lines).toEqual(lines)
})

test.each([
  ['nftables: |\n    ab\n    cd\n', 2, 2, 'd'],
  ['nftables: |2\n    ab\n    cd\n', 2, 3, 'c'],
  ['nftables: |\n\n   ab\n', 2, 1, 'a'],
  ['x: "abcd"', 1, 3, 'c'],
  ["x: 'abcd'", 1, 1, 'a'],
  ['x: abcd', 1, 4, 'd'],
  ['x: >\n  ab\n', 1, 1, '>'],
  ['x: "a\\tb"', 1, 3, '"'],
])('in %j the value’s %d:%d is found', (source, line, column, found) => {
  const start = source.search(/(?<=: )./)
  expect(source[offsetInScalar(source, start, line, column)]).toBe(found)
})

test('of what nft says after a syntax error nothing is believed', () => {
  const said = (n: number, words: string) => `/dev/stdin:${n}:3-5: Error: ${words}\nline\n  ^^^\n`
  expect(
    nftRefusals(said(1, 'No symbol type information') + said(2, 'syntax error, unexpected chain') + said(3, 'x')),
  ).toEqual([
    { line: 1, column: 3, length: 3, words: 'No symbol type information' },
    { line: 2, column: 3, length: 3, words: 'syntax error, unexpected chain' },
  ])
})
