import { chainLines } from '../../src/firewall/nft-lines.ts'

const TEXT = `# a comment with { a brace
define web = 10.0.0.1
table inet guard {
  set known { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }
  chain forward {
    type filter hook forward priority filter; policy drop;
    comment "drop { all; }"
    tcp dport 22 accept; tcp dport 23 drop

    ip saddr {
      10.0.0.1,
      10.0.0.2
    } accept
    tcp dport \\
      80 accept
    drop }
  chain empty {}
}
table guard { chain forward { accept; } }
table ip twice { chain a { accept; } }
table ip twice { chain a { drop; } }
`

test.each([
  ['inet guard', 'forward', { chain: 5, rules: [8, 8, 10, 14, 16] }],
  ['inet guard', 'empty', { chain: 17, rules: [] }],
  ['ip guard', 'forward', { chain: 19, rules: [19] }],
  ['ip twice', 'a', undefined],
  ['inet guard', 'known', undefined],
  ['ip6 guard', 'forward', undefined],
])('the lines of %s %s', (table, chain, lines) => {
  expect(chainLines(TEXT, table, chain)).toEqual(lines)
})
