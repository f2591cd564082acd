import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseNft } from '../../src/firewall/nft-parse.ts'
import { ipsetValue, parseIpsets } from '../../src/firewall/ipset-text.ts'
import { elementKey } from '../../src/firewall/nft-elements.ts'
import type { NftChain, NftTable } from '../../src/model/firewall.ts'
import type { Difference } from '../../src/model/change.ts'
import { dumpContent } from '../support/firewall.ts'
import { openWorld, type World } from '../support/netns.ts'

/**
 * Rule sets as other programs and people write them: `nft/NAME.nft`, and `iptables/NAME.iptables-save` or `.ip6tables-save` with
 * the sets that it names in `NAME.ipset`.
 */
const folder = resolve(__dirname, '../fixtures/firewalls')
/** Not every kernel has what these need. */
const optional = ['flowtable']

interface RuleSet {
  /** That of its namespace. */
  readonly name: string
  readonly file: string
  readonly kind: 'nftables' | 'iptables' | 'ip6tables'
  /** The file with its sets, as ipset saves them. */
  readonly sets?: string
}

const sets: readonly RuleSet[] = [
  ...readdirSync(join(folder, 'nft')).flatMap((file): RuleSet[] =>
    file.endsWith('.nft') ? [{ name: file.slice(0, -4), file, kind: 'nftables' }] : [],
  ),
  ...readdirSync(join(folder, 'iptables')).flatMap((file, _, all): RuleSet[] => {
    const [, name = '', kind = ''] = /^(.*)\.(ip6?tables)-save$/.exec(file) ?? []
    if (kind !== 'iptables' && kind !== 'ip6tables') return []
    const beside = `${name}.ipset`
    return [{ name: `${name}-xt`, file, kind, ...(all.includes(beside) && { sets: beside }) }]
  }),
]

/** A rule that every chain of nftables takes, and none of the rule sets has; its siblings. */
const stranger = 'counter comment "put in by hand"'
const replacement = (kind: RuleSet['kind'], who: 'hand' | 'file'): string => {
  if (kind === 'nftables') return `counter comment "changed by ${who}"`
  const host = who === 'hand' ? 9 : 7
  return kind === 'iptables' ? `-s 203.0.113.${host}/32 -j RETURN` : `-s 2001:db8::${host}/128 -j RETURN`
}

let world: World
/** The rule sets that this kernel takes; each has a namespace of its name, and another one with `-by-hand` behind it. */
let taken: readonly RuleSet[]
let lab = ''

const sh = async (script: string, input = ''): Promise<string> => {
  const { code, stdout, stderr } = await world.run(['sh', '-c', script], { input, cwd: world.folder })
  if (code !== 0) throw new Error(`${script}: ${stderr}`)
  return stdout
}
const inside = (ns: string, program: string, input = ''): Promise<string> =>
  sh(`exec ip netns exec ${ns} sh -c '${program}'`, input)
const netlab = (args: readonly string[], runner = 'netlink') =>
  world.netlab(args, { env: { NETLAB_RUNNER: runner }, cwd: world.folder })

const load = ({ file, kind, sets }: RuleSet): string =>
  kind === 'nftables' ? `nft -I . -f ${file}` : `${sets ? `ipset restore <${sets}; ` : ''}${kind}-restore <${file}`

/** Writes a lab with these files as the firewalls of namespaces with these names. */
function writeLab(fileOf: (set: RuleSet) => string, to = lab, suffix = ''): void {
  const namespaces = taken.map((set) => {
    const { name, kind, sets } = set
    const ipsets = sets && parseIpsets(readFileSync(join(world.folder, sets), 'utf8'))
    const declared = ipsets && Object.fromEntries(ipsets.map((spec) => [spec.name, ipsetValue(spec)]))
    const rules = { [kind]: kind === 'nftables' ? { file: fileOf(set) } : { restore: fileOf(set) } }
    return `  ${name}${suffix}: ${JSON.stringify({ ...rules, ...(declared && { ipsets: declared }) })}\n`
  })
  const links = taken
    .filter(({ kind }) => kind === 'nftables')
    .map(({ name }) => `  - endpoints: ["${name}${suffix}:e0", "${name}${suffix}:e1"]\n`)
  writeFileSync(to, `namespaces:\n${namespaces.join('')}links:\n${links.join('')}`)
}

beforeAll(async () => {
  world = await openWorld()
  for (const part of ['nft', 'iptables']) cpSync(join(folder, part), world.folder, { recursive: true })
  const loaded = await Promise.all(
    sets.map(async (set) => {
      const ns = `${set.name}-by-hand`
      await sh(`ip netns add ${ns}; ip -n ${ns} link add e0 type veth peer name e1`)
      const { code, stderr } = await world.run(['ip', 'netns', 'exec', ns, 'sh', '-c', load(set)], { cwd: world.folder }) // prettier-ignore
      if (code !== 0 && !optional.includes(set.name)) throw new Error(`${set.name}: ${stderr}`)
      return code === 0 ? [set] : []
    }),
  )
  taken = loaded.flat()
  lab = join(world.folder, 'corpus.yaml')
  writeLab(({ file }) => file)
}, 60_000)
afterAll(() => world?.close())

const tablesIn = (listing: string): Record<string, NftTable> => ({ ...parseNft(listing).tables })
const tables = async (ns: string) => tablesIn(await inside(ns, 'nft -a -s list ruleset 2>/dev/null'))

/** What the plan says of each rule set. */
async function planned(runner: string, ...args: string[]): Promise<Record<string, readonly Difference[]>> {
  const { code, stdout, stderr } = await netlab(['plan', '--json', ...(args.length ? args : [lab])], runner)
  if (code !== 0) throw new Error(stderr)
  const { changes } = JSON.parse(stdout) as { changes: { id: string; differences: Difference[] }[] }
  return Object.fromEntries(changes.map(({ id, differences }) => [id, differences]))
}

/** Applies, which reads again what it made, and sees that the other runner finds nothing left to do either. */
async function apply(runner: 'netlink' | 'ip'): Promise<void> {
  const { code, stdout, stderr } = await netlab(['apply', lab, '-y'], runner)
  expect([code, code ? stdout + stderr : '']).toEqual([0, ''])
  expect(await planned(runner === 'ip' ? 'netlink' : 'ip')).toEqual({})
}

/** A table as it can be compared: without the kernel's numbers. */
const plain = ({ chains, ...table }: NftTable): unknown => ({
  ...table,
  chains: Object.fromEntries(Object.entries(chains).map(([name, { handles: _, ...chain }]) => [name, chain])),
})

test('what netlab loads is what the rules’ own tools load', async () => {
  await apply('netlink')
  for (const { name, kind } of taken) {
    if (kind !== 'nftables') {
      const [own, theirs] = [await inside(name, `${kind}-save`), await inside(`${name}-by-hand`, `${kind}-save`)]
      expect([name, dumpContent(own)]).toEqual([name, dumpContent(theirs)])
      continue
    }
    const [own, theirs] = [await tables(name), await tables(`${name}-by-hand`)]
    expect(Object.keys(own)).toEqual(Object.keys(theirs))
    for (const table of Object.keys(own)) expect(plain(own[table]!)).toEqual(plain(theirs[table]!))
  }
}, 60_000)

test('namespaces in which their own tools loaded them are adopted as they are', async () => {
  const file = join(world.folder, 'by-hand.yaml')
  writeLab(({ file }) => file, file, '-by-hand')
  const changes = await planned('netlink', '--adopt', file)
  expect(changes['fw4-by-hand/e0']).toBeDefined()
  expect(Object.keys(changes).filter((id) => /tables$|\/ipset\//.test(id))).toEqual([])
}, 60_000)

/** Rules of dumps, each with a count of its own. ip6tables-restore 1.8.9 ignores it. */
const numbered = (save: string): string => {
  let count = 0
  return save.replace(/^\[\d+:\d+\] -A/gm, () => `[${++count}:${count * 10}] -A`)
}

/** By table and chain: the handle of each rule, by which the kernel knows it, and its counters where a tool shows them. */
async function identities({ name, kind }: RuleSet): Promise<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {}
  for (const [table, { chains }] of Object.entries(await tables(name)))
    for (const [chain, { handles = [] }] of Object.entries(chains)) found[`${table}/${chain}`] = handles.map(String)
  if (kind === 'nftables') return found
  for (const text of (await inside(name, `${kind}-save -c`)).split(/^(?=\*)/m)) {
    const table = /^\*(\w+)/.exec(text)?.[1] ?? ''
    const seen: Record<string, string[]> = {}
    for (const [, counts, chain] of text.matchAll(/^(\S+) -A (\S+)/gm)) (seen[chain!] ??= []).push(counts!)
    const family = kind === 'iptables' ? 'ip' : 'ip6'
    for (const [chain, counts] of Object.entries(seen)) {
      const field = `${family} ${table}/${chain}`
      found[field] = counts.map((count, i) => `${count} ${found[field]?.[i]}`)
    }
  }
  return found
}

/** A rule that is changed, from the middle of the longest chain of its table. */
interface Picked {
  readonly table: string
  readonly chain: string
  /** Zero-based. */
  readonly index: number
  readonly handle: number
  readonly rule: string
}

const pickIn = (table: string, chains: Readonly<Record<string, NftChain>>): Picked[] => {
  const [chain, { rules, handles = [] }] = Object.entries(chains).sort(([, a], [, b]) => b.rules.length - a.rules.length)[0] ?? ['', { rules: [] }] // prettier-ignore
  const index = rules.findIndex((rule, i) => i >= Math.floor(rules.length / 2) && !rule.includes('\n'))
  return index < 0 ? [] : [{ table, chain, index, handle: handles[index]!, rule: rules[index]! }]
}

type Change = Pick<Difference, 'field' | 'from' | 'to'>

/** What has been done to a rule set, and what it was before. */
interface Done {
  readonly picks: readonly Picked[]
  readonly identities: Record<string, readonly string[]>
  /** What the plan must say. */
  readonly changes: readonly Change[]
  /** `TABLE/CHAIN INDEX` of the rules that are made anew. */
  readonly anew: ReadonlySet<string>
}

/** Changes every rule set. For nftables `more` says what else is done to each other chain and to each object. */
async function change(
  who: 'hand' | 'file',
  more: (table: string, found: NftTable, chain: string | undefined) => { commands: string[]; changes: Change[]; anew: string[] }, // prettier-ignore
): Promise<Map<RuleSet, Done>> {
  const done = new Map<RuleSet, Done>()
  for (const set of taken) {
    const { name, kind } = set
    if (kind !== 'nftables') await inside(name, `${kind}-restore -c`, numbered(await inside(name, `${kind}-save -c`)))
    const live = await tables(name)
    const picks = Object.entries(live).flatMap(([table, { chains }]) => pickIn(table, chains))
    const mine = replacement(kind, who)
    const mores = kind === 'nftables' ? Object.entries(live).map(([table, found]) => more(table, found, picks.find((p) => p.table === table)?.chain)) : [] // prettier-ignore
    const texts = picks.map(({ table, chain, rule }) => {
      const field = `${kind === 'nftables' ? table : table.replace(/^\S+ /, '')}/${chain}`
      const own = kind === 'nftables' ? rule : (expect.any(String) as unknown)
      return who === 'hand' ? { field, from: mine, to: own } : { field, from: own, to: mine }
    })
    done.set(set, {
      picks,
      identities: await identities(set),
      changes: [...texts, ...mores.flatMap(({ changes }) => changes)],
      anew: new Set([...picks.map((p) => `${p.table}/${p.chain} ${p.index}`), ...mores.flatMap(({ anew }) => anew)]),
    })
    if (who === 'file') {
      const dump = await inside(name, kind === 'nftables' ? 'nft -s list ruleset' : `${kind}-save -c`)
      writeFileSync(join(world.folder, `${name}.edited`), edited(dump, set, picks))
    } else if (kind !== 'nftables')
      for (const { table, chain, index } of picks)
        await inside(name, `${kind} -t ${table.replace(/^\S+ /, '')} -R "${chain}" ${index + 1} ${mine}`)
    const commands = mores.flatMap(({ commands }) => commands)
    if (kind === 'nftables' && who === 'hand')
      commands.push(...picks.map(({ table, chain, handle }) => `replace rule ${table} ${chain} handle ${handle} ${mine}`)) // prettier-ignore
    if (commands.length) await inside(name, 'nft -f -', `${commands.join('\n')}\n`)
  }
  return done
}

const inOrder = (changes: readonly Change[] = []) =>
  changes
    .map(({ field, from, to }) => ({ field, from, to }))
    .sort((a, b) => (`${a.field} ${String(a.from)}` < `${b.field} ${String(b.from)}` ? -1 : 1))

function expectPlanned(plan: Record<string, readonly Difference[]>, done: ReadonlyMap<RuleSet, Done>): void {
  for (const [{ name, kind }, { changes }] of done)
    expect([name, inOrder(plan[`${name}/${kind}`])]).toEqual([name, inOrder(changes)])
}

/** Sees that of all rules only those that were changed have been made anew: the handles and counters of all others stayed. */
async function expectUntouched(done: ReadonlyMap<RuleSet, Done>): Promise<void> {
  for (const [set, { identities: before, anew }] of done) {
    const others = (of: Record<string, readonly string[]>) =>
      Object.entries(of).map(([field, list]) => [field, list.filter((_, i) => !anew.has(`${field} ${i}`))])
    expect([set.name, others(await identities(set))]).toEqual([set.name, others(before)])
  }
}

test('what is changed by hand is the plan, goes, and no other rule is touched', async () => {
  const done = await change('hand', (table, { chains, objects }, picked) => {
    const others = Object.keys(chains).filter((chain) => chain !== picked)
    const removed = Object.entries(objects).flatMap(([head, { lines, elements = [] }]) => {
      const element = lines.some((line) => line.startsWith('timeout ')) ? undefined : elements.find((e) => !e.includes(' timeout ')) // prettier-ignore
      return element === undefined ? [] : [{ head, element }]
    })
    return {
      commands: [
        ...others.map((chain) => `insert rule ${table} ${chain} ${stranger}`),
        ...removed.map(({ head, element }) => `delete element ${table} ${head.split(' ')[1]} { ${elementKey(element)} }`), // prettier-ignore
      ],
      changes: [
        ...others.map((chain) => ({ field: `${table}/${chain}`, from: stranger })),
        ...removed.map(({ head, element }) => ({ field: `${table}/${head}/elements`, to: element })),
      ],
      anew: [],
    }
  })
  expectPlanned(await planned('netlink'), done)
  expectPlanned(await planned('ip'), done)
  await apply('netlink')
  await expectUntouched(done)
}, 120_000)

test('a rule that is changed in the file is the plan, beside those that were removed by hand, and no other is touched', async () => {
  const done = await change('file', (table, { chains }, picked) => {
    // The first of several, so that it has to be put before others.
    const first = Object.entries(chains).flatMap(([chain, { rules, handles = [] }]) =>
      chain !== picked && rules.length > 1 && !rules[0]!.includes('\n')
        ? [{ chain, rule: rules[0]!, handle: handles[0] }]
        : [],
    )
    return {
      commands: first.map(({ chain, handle }) => `delete rule ${table} ${chain} handle ${handle}`),
      changes: first.map(({ chain, rule }) => ({ field: `${table}/${chain}`, to: rule })),
      anew: first.map(({ chain }) => `${table}/${chain} 0`),
    }
  })
  writeLab(({ name }) => `${name}.edited`)
  expectPlanned(await planned('ip'), done)
  await apply('ip')
  await expectUntouched(done)
  writeLab(({ file }) => file)
}, 120_000)

/** A dump with other rules in these places. */
function edited(dump: string, { kind }: RuleSet, picks: readonly Picked[]): string {
  let [table, chain] = ['', '']
  const seen = new Map<string, number>()
  const isPicked = (): boolean => {
    const key = `${table} ${chain}`
    const index = seen.get(key) ?? 0
    seen.set(key, index + 1)
    return picks.some((p) => `${p.table} ${p.chain}`.endsWith(key) && p.index === index)
  }
  return dump
    .split('\n')
    .map((line) => {
      table = /^(?:table |\*)(\w+(?: \S+)?)/.exec(line)?.[1] ?? table
      chain = /^(?:\tchain|\S+ -A) (\S+)/.exec(line)?.[1] ?? chain
      if (kind !== 'nftables')
        return / -A /.test(line) && isPicked() ? `-A ${chain} ${replacement(kind, 'file')}` : line
      if (/^\t\S/.test(line)) chain = /^\tchain (\S+)/.exec(line)?.[1] ?? ''
      const isRule = chain !== '' && /^\t\t[^\t}]/.test(line) && !/^\t\t(type \S+ hook|comment ")/.test(line)
      return isRule && isPicked() ? `\t\t${replacement(kind, 'file')}` : line
    })
    .join('\n')
}

test('what is refused in an included file is said there', async () => {
  const part = join(world.folder, 'parts/10-services.nft')
  const text = readFileSync(part, 'utf8')
  writeFileSync(part, text.replace('udp dport', 'udp dprt'))
  const { code, stderr } = await netlab(['plan', lab])
  writeFileSync(part, text)
  expect(code).toBe(1)
  expect(stderr).toMatch(/parts\/10-services\.nft:3:6/)
})

test.each(['netlink', 'ip'])(
  'a table is whose the lab says it is, and what nft adds to iptables’ is seen (%s)',
  async (runner) => {
    const file = join(world.folder, 'mixed.yaml')
    const text = `namespaces:
  both:
    iptables: { filter: { INPUT: [-s 192.0.2.1 -j DROP] } }
    nftables: |
      table ip nat {
        chain POSTROUTING { type nat hook postrouting priority srcnat; oifname "x" counter masquerade
        }
      }
  theirs:
    iptables: { filter: { INPUT: [-s 192.0.2.1 -j DROP, -s 192.0.2.2 -j DROP] } }
`
    const plan = async (): Promise<string> => (await netlab(['plan', file], runner)).stdout
    writeFileSync(file, text)
    expect((await netlab(['apply', file, '-y'], runner)).code).toBe(0)
    expect(await plan()).toMatch(/^No changes/)
    const run = (ns: string, command: string) => sh(`ip netns exec ${ns} ${command}`)
    await run('theirs', "nft 'add set ip filter s { type ipv4_addr ; }'")
    await run('theirs', 'nft add rule ip filter INPUT ip saddr @s drop')
    await run('theirs', "nft 'add chain ip filter mine { type filter hook input priority 5 ; }'")
    await run('both', 'nft insert rule ip nat POSTROUTING tcp dport 22 accept')
    const said = await plan()
    expect(said).toMatch(/- theirs\/nftables +ip filter: set s, chain mine/)
    expect(said).toMatch(/both\/nftables[^]*ip nat\/POSTROUTING[^]*- 1 tcp dport 22 accept/)
    const before = await run('theirs', 'nft -a list chain ip filter INPUT')
    expect((await netlab(['apply', file, '-y'], runner)).code).toBe(0)
    expect(await plan()).toMatch(/^No changes/)
    expect(await run('theirs', 'nft -a list chain ip filter INPUT')).toBe(before.replace(/.*@s.*\n/, ''))
    expect((await netlab(['show', file, '--rules'], runner)).stdout).toMatch(/nat\/POSTROUTING +nft ip/)
    expect((await netlab(['destroy', file, '-y'], runner)).code).toBe(0)
  },
  60_000,
)
