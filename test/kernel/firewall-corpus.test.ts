import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseNft } from '../../src/firewall/nft-parse.ts'
import type { NftTable } from '../../src/model/firewall.ts'
import type { Difference } from '../../src/model/change.ts'
import { openWorld, type World } from '../support/netns.ts'

const folder = resolve(__dirname, '../fixtures/firewalls/nft')
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.nft') ? [file.slice(0, -4)] : []))
/** Not every kernel has what these need. */
const optional = ['flowtable']

/** A rule that every chain takes, and none of the rule sets has. */
const stranger = 'counter comment "put in by hand"'

let world: World
/** The rule sets that this kernel takes; each has a namespace of its name, and another one with `-by-hand` behind it. */
let taken: string[]
let lab = ''

const sh = async (script: string): Promise<string> => {
  const { code, stdout, stderr } = await world.run(['sh', '-c', script])
  if (code !== 0) throw new Error(`${script}: ${stderr}`)
  return stdout
}
const netlab = (args: readonly string[], runner = 'netlink') =>
  world.netlab(args, { env: { NETLAB_RUNNER: runner }, cwd: world.folder })

beforeAll(async () => {
  world = await openWorld()
  cpSync(folder, world.folder, { recursive: true })
  const loaded = await Promise.all(
    names.map(async (name) => {
      const ns = `${name}-by-hand`
      const cable = `ip -n ${ns} link add e0 type veth peer name e1`
      await sh(`ip netns add ${ns}; ${cable}`)
      const { code, stderr } = await world.run(
        ['ip', 'netns', 'exec', ns, 'sh', '-c', `cd ${world.folder} && nft -I . -f ${name}.nft`], // prettier-ignore
      )
      if (code !== 0 && !optional.includes(name)) throw new Error(`${name}: ${stderr}`)
      return code === 0 ? [name] : []
    }),
  )
  taken = loaded.flat()
  lab = join(world.folder, 'corpus.yaml')
  const namespaces = taken.map((name) => `  ${name}: { nftables: { file: ${name}.nft } }\n`)
  const links = taken.map((name) => `  - endpoints: ["${name}:e0", "${name}:e1"]\n`)
  writeFileSync(lab, `namespaces:\n${namespaces.join('')}links:\n${links.join('')}`)
}, 60_000)
afterAll(() => world?.close())

const listing = (ns: string): Promise<string> => sh(`ip netns exec ${ns} nft -a -s list ruleset`)
const tables = async (ns: string): Promise<Record<string, NftTable>> => ({ ...parseNft(await listing(ns)).tables })

/** What the plan says of each rule set. */
async function planned(runner?: string): Promise<Record<string, readonly Difference[]>> {
  const { code, stdout, stderr } = await netlab(['plan', lab, '--json'], runner)
  if (code !== 0) throw new Error(stderr)
  const { changes } = JSON.parse(stdout) as { changes: { id: string; differences: Difference[] }[] }
  return Object.fromEntries(changes.map(({ id, differences }) => [id, differences]))
}

/** Applies, and sees that nothing is left to do, whoever reads. */
async function apply(runner?: string): Promise<void> {
  const { code, stdout, stderr } = await netlab(['apply', lab, '-y'], runner)
  expect([code, code ? stdout + stderr : '']).toEqual([0, ''])
  expect(await planned()).toEqual({})
  expect(await planned('ip')).toEqual({})
}

/** A table as it can be compared: without the kernel's numbers. */
const plain = ({ chains, ...table }: NftTable): unknown => ({
  ...table,
  chains: Object.fromEntries(Object.entries(chains).map(([name, { handles: _, ...chain }]) => [name, chain])),
})

test('what netlab loads is what nft loads', async () => {
  await apply()
  for (const name of taken) {
    const [own, theirs] = [await tables(name), await tables(`${name}-by-hand`)]
    expect(Object.keys(own)).toEqual(Object.keys(theirs))
    for (const table of Object.keys(own)) expect(plain(own[table]!)).toEqual(plain(theirs[table]!))
  }
}, 60_000)

test('a rule put in by hand goes, and nothing else is touched', async () => {
  const before = new Map<string, string>()
  const expected: Record<string, Difference[]> = {}
  for (const name of taken) {
    before.set(name, await listing(name))
    const chains = Object.entries(await tables(name)).flatMap(([table, { chains }]) =>
      Object.keys(chains).map((chain) => `${table} ${chain}`),
    )
    await sh(`ip netns exec ${name} nft -f - <<'E'\n${chains.map((c) => `insert rule ${c} ${stranger}`).join('\n')}\nE`)
    expected[`${name}/nftables`] = chains.map((chain) => ({
      field: chain.replace(/ (?=\S+$)/, '/'),
      from: stranger,
      at: { from: 1 },
    }))
  }
  expect(await planned('netlink')).toEqual(expected)
  await apply('netlink')
  for (const name of taken) expect(parseNft(await listing(name))).toEqual(parseNft(before.get(name)!))
}, 60_000)

test('a rule and an element removed by hand come back, in place', async () => {
  const before = new Map<string, Record<string, NftTable>>()
  const expected: Record<string, number> = {}
  for (const name of taken) {
    const live = await tables(name)
    before.set(name, live)
    const commands = Object.entries(live).flatMap(([table, { chains, objects }]) => [
      // The first of several, so that it has to be put before others.
      ...Object.entries(chains).flatMap(([chain, { rules, handles = [] }]) =>
        rules.length > 1 && !rules[0]!.includes('\n') ? [`delete rule ${table} ${chain} handle ${handles[0]}`] : [],
      ),
      ...Object.entries(objects).flatMap(([head, { elements = [] }]) => {
        const key = elements[0]?.split(/ : | comment | counter/, 1)[0]
        return key === undefined ? [] : [`delete element ${table} ${head.split(' ')[1]} { ${key} }`]
      }),
    ])
    if (commands.length === 0) continue
    await sh(`ip netns exec ${name} nft -f - <<'E'\n${commands.join('\n')}\nE`)
    expected[`${name}/nftables`] = commands.length
  }
  const found = Object.entries(await planned('ip')).map(([id, differences]) => [id, differences.length])
  expect(Object.fromEntries(found)).toEqual(expected)
  await apply('ip')
  for (const name of taken)
    for (const [table, { chains }] of Object.entries(await tables(name)))
      for (const [chain, { handles = [] }] of Object.entries(chains)) {
        const old = before.get(name)![table]!.chains[chain]!.handles ?? []
        expect(handles.slice(1)).toEqual(old.slice(1))
      }
}, 60_000)

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
    const inside = (ns: string, command: string) => sh(`ip netns exec ${ns} ${command}`)
    await inside('theirs', "nft 'add set ip filter s { type ipv4_addr ; }'")
    await inside('theirs', 'nft add rule ip filter INPUT ip saddr @s drop')
    await inside('theirs', "nft 'add chain ip filter mine { type filter hook input priority 5 ; }'")
    await inside('both', 'nft insert rule ip nat POSTROUTING tcp dport 22 accept')
    const said = await plan()
    expect(said).toMatch(/- theirs\/nftables +ip filter: set s, chain mine/)
    expect(said).toMatch(/both\/nftables[^]*ip nat\/POSTROUTING[^]*- 1 tcp dport 22 accept/)
    const before = await inside('theirs', 'nft -a list chain ip filter INPUT')
    expect((await netlab(['apply', file, '-y'], runner)).code).toBe(0)
    expect(await plan()).toMatch(/^No changes/)
    expect(await inside('theirs', 'nft -a list chain ip filter INPUT')).toBe(before.replace(/.*@s.*\n/, ''))
    expect((await netlab(['show', file, '--rules'], runner)).stdout).toMatch(/nat\/POSTROUTING +nft ip/)
    expect((await netlab(['destroy', file, '-y'], runner)).code).toBe(0)
  },
  60_000,
)
