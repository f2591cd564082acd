import { diagnose, loadLab } from '../../src/language/load-lab.ts'

const files: Readonly<Record<string, string>> = {
  'rules.nft': 'table ip nat { }\n',
  'more/a.nft': 'table inet a { }',
  'more/b.nft': 'include "a.nft"\ntable inet b {\n  monitor\n}\n',
  'alone.nft': '# flush ruleset\nflush ruleset\ntable inet b { }',
  'round.nft': 'include "round.nft"\n',
  '/etc/own.nft': 'table inet own { }',
}
const input = (nftables: string) => ({
  file: 'lab.yaml',
  text: `namespaces:\n  ns:\n    nftables: ${nftables}\n`,
  readBeside: (path: string): string => {
    if (path in files) return files[path]!
    throw new Error('no such file')
  },
  listBeside: (pattern: string) => (pattern === 'more/*.nft' ? ['more/a.nft', 'more/b.nft'] : []),
})
const text = (nftables: string) => loadLab(input(nftables)).resources.get('ns/nftables')?.spec['text']
const said = (nftables: string) =>
  diagnose(input(nftables)).map(({ severity, summary, position }) => [
    severity,
    summary,
    position?.file,
    position?.line,
  ])

test('a rule set is a text, a file, or several of them', () => {
  expect(text('{ file: rules.nft }')).toBe('table ip nat { }\n')
  expect(text('[{ file: rules.nft }, "table inet b { }"]')).toBe('table ip nat { }\n\ntable inet b { }')
  expect(said('rules.nft')).toEqual([['error', '"rules.nft" is not a rule set', 'lab.yaml', 3]])
  expect(diagnose(input('rules.nft'))[0]!.detail).toMatch(/nftables: \{ file: rules\.nft \}/)
})

test('files are included from where the file lies that names them', () => {
  expect(text('|\n      include "more/a.nft"; table inet c { }')).toBe('\ntable inet a { }\n table inet c { }\n')
  expect(text('|\n      table inet c { }\n      include "nothing/*.nft"')).toBe('table inet c { }\n\n\n')
  expect(text(`'table inet c { chain d { accept comment "; include"; }; }'`)).toMatch(/include/)
})

test('a rule set may begin by removing what there is', () => {
  expect(said('[{ file: alone.nft }, "table inet a { }"]')).toEqual([])
})

test('a lab says which tables are nftables’, those of its files too', () => {
  expect(loadLab(input('|\n      include "rules.nft"')).nftables.get('ns')).toEqual(['ip nat'])
  expect(loadLab(input('"table inet filter { }"')).nftables.size).toBe(0)
})

test.each([
  ['{ file: none.nft }', 'error', 'cannot read none.nft', 'lab.yaml', 3],
  ['|\n      table inet a { }\n      include "none.nft"', 'error', 'cannot read none.nft', 'lab.yaml', 5],
  ['|\n      include nothing', 'error', 'include needs a file in double quotes', 'lab.yaml', 4],
  ['|\n      include "more/*.nft"', 'error', 'monitor has no place here', 'more/b.nft', 3],
  ['{ file: /etc/own.nft }', 'warning', "/etc/own.nft is outside the lab's folder", 'lab.yaml', 3],
  ['|\n      include "../*.nft"', 'warning', "../*.nft is outside the lab's folder", 'lab.yaml', 4],
  ['["table inet a { }", "\\n flush ruleset\\ntable inet b { }"]', 'warning', 'flush ruleset removes the tables above it', 'lab.yaml', 3], // prettier-ignore
  [
    '[{ file: more/a.nft }, { file: alone.nft }]',
    'warning',
    'flush ruleset removes the tables above it',
    'alone.nft',
    2,
  ],
  ['{ file: round.nft }', 'error', 'round.nft includes itself', 'round.nft', 1],
  ['|\n      table inet a { }\n      table inet netlab-trace { }', 'error', 'netlab itself makes tables called netlab-trace', 'lab.yaml', 5], // prettier-ignore
  ['"table ip netlab_fault_0a1b2c3d {}"', 'error', 'netlab itself makes tables called netlab_fault_0a1b2c3d', 'lab.yaml', 3], // prettier-ignore
])('%s: %s, %s at %s:%d', (nftables, ...expected) => {
  expect(said(nftables)).toEqual([expected])
})
