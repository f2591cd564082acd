import { canonicalize } from '../../src/observe/canonical.ts'
import { UserError, type Diagnostic } from '../../src/model/diagnostic.ts'
import type { RulePlace } from '../../src/model/firewall.ts'
import type { Runner } from '../../src/model/runner.ts'
import { firewallIn, nftResource, written, type Firewall } from '../support/firewall.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
let fw: Firewall

beforeAll(async () => {
  world = await openWorld()
  fw = firewallIn(world)
})
afterAll(() => world?.close())

/** A lab file that has every rule on a line of its own: the line is the rule's number, the column its word's. */
const where = (_: string, { path, line, column }: RulePlace) => {
  const index = path.at(-1)
  if (typeof index === 'number') return { position: { file: 'lab.yaml', line: 10 + index, column: column ?? 1 } }
  return { position: { file: 'lab.yaml', line: line ?? 1, column: column ?? 1 } }
}

async function refused(...resources: Parameters<Firewall['canonical']>): Promise<readonly Diagnostic[]> {
  const wanted = resources.filter((r) => r !== undefined)
  const error = await canonicalize(new Map(wanted.map((r) => [r.id, r])), fw.runner as unknown as Runner, where).catch(
    (e: unknown) => e,
  )
  if (!(error instanceof UserError)) throw error
  return error.diagnostics
}

const good = '-p tcp --dport 22 -j ACCEPT'

test.each([
  ['an unknown option', '-p tcp --bogus 1 -j ACCEPT', /unknown option "--bogus"/, 8],
  ['an unknown match', '-m nosuch -j ACCEPT', /Couldn't load match `nosuch'/, 4],
  ['an unknown chain or target', '-j NOPE', /Chain 'NOPE' does not exist/, 4],
  ['a port that is none', '-p tcp --dport 99999 -j ACCEPT', /invalid port\/service `99999'/, 16],
  ['an address that is none', '-s 1.2.3.4.5 -j ACCEPT', /host\/network `1.2.3.4.5' not found/, 4],
  ['a target of another table', '-j DNAT --to-destination 1.2.3.4', /RULE_APPEND failed/, 1],
])('%s is refused with the tool’s words, line and column', async (_, rule, words, column) => {
  const diagnostics = await refused(written('ns', { filter: { FORWARD: [good, rule, good] } }))
  expect(diagnostics).toHaveLength(1)
  expect(diagnostics[0]!.summary).toMatch(words)
  expect(diagnostics[0]!.position).toEqual({ file: 'lab.yaml', line: 11, column })
})

test('several bad rules are found at once', async () => {
  const rules = ['--bogus', good, '-j NOPE', '-j DNAT --to-destination 1.2.3.4', good, '-p tcp --dport htpp -j DROP']
  const diagnostics = await refused(written('ns', { filter: { FORWARD: rules } }))
  expect(diagnostics.map(({ position }) => position?.line)).toEqual([10, 12, 13, 15])
})

test('chains that jump in a circle are refused', async () => {
  const diagnostics = await refused(written('ns', { filter: { FORWARD: ['-j A'], A: ['-j B'], B: ['-j A'] } }))
  expect(diagnostics[0]!.detail).toMatch(/circle/)
})

test('the line of a dump is said', async () => {
  const dump = '*filter\n:FORWARD DROP [1:2]\n# remark\n[5:6] -A FORWARD -p tcp -j NOPE\nCOMMIT\n'
  const [diagnostic] = await refused(written('ns', { restore: 'x' }, { dump }))
  expect(diagnostic!.position).toEqual({ file: 'lab.yaml', line: 4, column: 28 })
})

test.each([
  ['a word nft does not know', 'table inet a {\n  chain c {\n    tcp dport 22 acept\n  }\n}\n', 3, 23],
  ['a chain that is not there', 'table inet a {\n  chain c {\n    jump nowhere\n  }\n}\n', 3, 10],
  ['a service that is none', 'table inet a {\n  chain c {\n    tcp dport htpp accept\n  }\n}\n', 3, 15],
  ['a device that is not there', 'table inet a {\n  chain c {\n    iif nodev accept\n  }\n}\n', 3, 9],
])('in nft: %s', async (_, text, line, column) => {
  const [diagnostic] = await refused(nftResource('ns', text))
  expect(diagnostic!.summary).toMatch(/^nft refuses this in ns: ./)
  expect(diagnostic!.position).toEqual({ file: 'lab.yaml', line, column })
})

const inBridge = (rule: string) =>
  `table bridge a {\n chain c {\n type filter hook prerouting priority 0;\n ${rule}\n }\n}\n`

test('a rule that nft lists as another one, or cannot read back, is refused, or survives', async () => {
  const lossy = nftResource('ns', inBridge('ether type 8021ad vlan id 1 vlan type 8021q vlan id 2 vlan type ip drop'))
  const [kept] = await fw.canonical(lossy).catch(() => [])
  if (kept) expect(JSON.stringify(kept.spec)).toContain('8021ad')
  else expect((await refused(lossy))[0]).toMatchObject({ summary: expect.stringContaining('8021ad as another one') as string, position: { line: 4, column: 13 } }) // prettier-ignore
  const bytes = nftResource('ns', inBridge('@ll,96,16 0x88a8 @ll,112,16 & 0xfff == 1 drop'))
  expect((await fw.canonical(bytes))[0]!.spec.tables['bridge a'].chains.c.rules).toHaveLength(1)
  const unreadable = nftResource('ns', 'table ip a {\n chain c {\n ip protocol set 1\n }\n}\n')
  const [read] = await fw.canonical(unreadable).catch(() => [])
  if (!read)
    expect((await refused(unreadable))[0]!.summary).toMatch(/cannot read its own listing of: ip protocol set icmp/)
})

test('one table cannot be nftables’ and iptables’', async () => {
  const text = 'table ip filter {\n chain input {\n type filter hook input priority 0;\n }\n}\n'
  await fw.canonical(nftResource('ns', text))
  const [diagnostic] = await refused(nftResource('ns', text), written('ns', { filter: { FORWARD: [good] } }))
  expect(diagnostic!.summary).toMatch(/table ip filter is declared under nftables and under iptables/)
})

test('the throwaway namespace is used once per distinct rule set', async () => {
  fw.runner.captures = 0
  const rules = (n: number) => ({
    filter: { INPUT: Array.from({ length: 40 }, (_, i) => `-p tcp --dport ${1000 * n + i} -j DROP`) },
  })
  const wanted = Array.from({ length: 40 }, (_, i) => written(`ns${i}`, rules(1 + (i % 2))))
  const result = await fw.canonical(...wanted)
  expect(result).toHaveLength(40)
  expect(fw.runner.captures).toBe(2)
  expect(result[3]!.spec).toEqual(result[1]!.spec)
  expect(result[3]!.spec).not.toEqual(result[0]!.spec)
})

test('validate tries the rules, and says when it could not', async () => {
  const file = '/tmp/validate-rules.yaml'
  const text = `namespaces:
  a:
    iptables:
      filter:
        INPUT: [-p tcp -j nope, -p nonsense -j DROP]`
  await world.run(['sh', '-c', 'printf %s "$1" > "$2"', 'sh', text, file])
  const all = await world.netlab(['validate', file, '--json'])
  expect(all.code).toBe(1)
  expect(JSON.parse(all.stdout)).toMatchObject({ valid: false, rules_tried: true })
  const { diagnostics } = JSON.parse(all.stdout) as { diagnostics: { code: string; line: number; column: number }[] }
  expect(diagnostics.map(({ code, line, column }) => [code, line, column])).toEqual([
    ['rule-refused', 5, 27],
    ['rule-refused', 5, 36],
  ])
  const none = await world.run(['env', 'PATH=/nowhere', process.execPath, 'dist/netlab.cjs', 'validate', file])
  expect(none.code).toBe(0)
  expect(none.stderr).toMatch(/The rules of firewalls were not tried: .*iptables-restore/)
  expect(none.stderr).toContain('warning[unknown-chain]')
  const document = await world.run([
    'env',
    'PATH=/nowhere',
    process.execPath,
    'dist/netlab.cjs',
    'validate',
    file,
    '--json',
  ])
  expect(JSON.parse(document.stdout)).toMatchObject({
    valid: true,
    rules_tried: false,
    rules_untried_because: expect.stringContaining('iptables-restore') as string,
  })
  expect((await world.run(['ip', 'netns', 'list'])).stdout).toBe('')
})
