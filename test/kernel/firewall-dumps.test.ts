import { readdirSync, readFileSync, writeFileSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { desiredIptables } from '../../src/kinds/iptables.ts'
import { fullLoad, restoreInput } from '../../src/firewall/transaction.ts'
import { openWorld, type World } from '../support/netns.ts'

/** Rule sets as other programs and people write them: `NAME.iptables-save`, `NAME.ip6tables-save`. */
const folder = join(__dirname, '../fixtures/firewalls/iptables')
const dumps = readdirSync(folder).map((file) => {
  const [name = '', program = ''] = file.split('.')
  return { file, name, kind: program.replace('-save', '') }
})

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world?.close())

const sh = async (script: string, input = ''): Promise<string> => {
  const { code, stdout, stderr } = await world.run(['sh', '-c', script], {
    input,
  })
  if (code !== 0) throw new Error(`${script}: ${stderr}`)
  return stdout
}
const inside = (name: string, script: string, input = ''): Promise<string> =>
  sh(`exec ip netns exec ${name} sh -c '${script}'`, input)

/** The lines of a dump by table, in whatever order, without counters and remarks. */
const content = (save: string): string[] =>
  save
    .split(/^(?=\*)/m)
    .map((table) => table.replace(/^#.*\n|^\[\d+:\d+\] | \[\d+:\d+\]$|^:\w+ ACCEPT.*\n/gm, ''))
    .filter((table) => /^[:-]/m.test(table))
    .sort()

interface Change {
  readonly id: string
  readonly action: string
  readonly differences: readonly { from?: string; to?: string }[]
}
const planned = async (file: string): Promise<readonly Change[]> => {
  const { code, stdout, stderr } = await world.netlab(['plan', '--json', file])
  if (code !== 0) throw new Error(stderr)
  return (JSON.parse(stdout) as { changes: Change[] }).changes
}

/** Rules of dumps without their counters, each with a number of its own. */
const numbered = (save: string): string => {
  let count = 0
  return save.replace(/^\[\d+:\d+\] -A/gm, () => `[${++count}:${count * 10}] -A`)
}

test('dumps of others are applied as their own tool loads them, and one changed rule is repaired alone', async () => {
  const file = join(world.folder, 'dumps.yaml')
  const sets = '{ bridges-v4: { type: hash:net, entries: [172.17.0.0/16] }, services: { type: "hash:ip,port", entries: ["10.0.0.1,tcp:80"] } }' // prettier-ignore
  for (const { file: dump } of dumps) copyFileSync(join(folder, dump), join(world.folder, dump))
  const namespaces = dumps.map(({ file: dump, name, kind }) => `  ${name}: { ${kind}: { restore: ${dump} }${name === 'docker-ipset' ? `, ipsets: ${sets}` : ''} }\n`) // prettier-ignore
  writeFileSync(file, `name: dumps\nnamespaces:\n${namespaces.join('')}`)
  const apply = async () => {
    const { code, stderr } = await world.netlab(['apply', '-y', file])
    expect([code, stderr]).toEqual([0, expect.stringContaining('verified')])
  }
  await apply()
  expect(await planned(file)).toEqual([])

  const before = new Map<string, string>()
  const [strange, other] = ['-s 203.0.113.9/32 -j RETURN', '-s 2001:db8::9/128 -j RETURN']
  for (const { file: dump, name, kind } of dumps) {
    const byHand = await sh(
      `exec unshare -n sh -c 'ipset create bridges-v4 hash:net; ipset create services hash:ip,port; ${kind}-restore && ${kind}-save'`,
      readFileSync(join(folder, dump), 'utf8'),
    )
    const live = await inside(name, `${kind}-save -c`)
    expect(content(live)).toEqual(content(byHand))
    // One rule of the largest chain is replaced; every other has a count by which it is known.
    const chains = [...live.matchAll(/^\[\d+:\d+\] -A (\S+)/gm)].map(([, chain]) => chain!)
    const sizes = new Map(chains.map((chain) => [chain, chains.filter((c) => c === chain).length]))
    const [largest = ''] = [...sizes].sort(([, a], [, b]) => b - a)[0] ?? []
    const [, table = ''] =
      [...live.matchAll(/^\*(\w+)$[^*]*/gm)].find(([text]) => text.includes(`-A ${largest} `)) ?? []
    await inside(name, `${kind}-restore -c`, numbered(live))
    before.set(name, await inside(name, `${kind}-save -c`))
    await inside(name, `${kind} -t ${table} -R "${largest}" 2 ${kind === 'iptables' ? strange : other}`)
  }
  const drift = await planned(file)
  expect(drift.map(({ id, action, differences }) => [id, action, differences.length])).toEqual(
    dumps.map(({ name, kind }) => [`${name}/${kind}`, 'update', 1]),
  )
  expect(drift.every(({ differences }) => [strange, other].includes(String(differences[0]?.from)))).toBe(true)
  await apply()
  for (const { name, kind } of dumps) {
    const lines = (save: string | undefined) => (save ?? '').split('\n').filter((line) => line.startsWith('['))
    const [old, now] = [lines(before.get(name)), lines(await inside(name, `${kind}-save -c`))]
    const changed = old.flatMap((line, i) => (line === now[i] ? [] : [[line.replace(/^\S+/, '[0:0]'), now[i]]]))
    // ip6tables-restore 1.8.9 takes no counters: then all of them are zero, as is that of the new rule.
    const counted = kind === 'iptables' || old.some((line) => !line.startsWith('[0:0]'))
    expect([name, changed.length]).toEqual([name, counted ? 1 : 0])
    for (const [was, is] of changed) expect(is).toBe(was)
  }
})

test('whatever iptables-restore takes of a dump is taken and means the same, and nothing else is', async () => {
  const chains = ['INPUT', 'A', 'B~x', 'C&#']
  const bodies = ['-j ACCEPT', '', '-g A', '-j B~x', '-p tcp --dport 80 -j C&#', '-m comment --comment "a b"x', '# x', 'word', '! -s 10.0.0.1'] // prettier-ignore
  const heads = ['-A', '-A', '-I', '-N', '-P', '[1:2] -A', '[1:2]-A', '  -A', '--append', '--insert', '-I CHAIN 1', '-I CHAIN 2', '-I CHAIN 0', '[x] -A'] // prettier-ignore
  const lines = [':A - [0:0]', ':B~x ACCEPT', ':INPUT DROP', ':INPUT REJECT', ':A', ' ', '# remark', ' # remark', 'Some words.', 'COMMIT ', 'COMMIT now', '*nat', '* filter and more'] // prettier-ignore
  let state = 7
  const pick = <T>(list: readonly T[]): T => {
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return list[(state >> 8) % list.length]!
  }
  const made = Array.from({ length: 120 }, () => {
    const chain = pick(chains)
    const head = pick(heads)
    const rule = `${head.includes('CHAIN') ? head.replace('CHAIN', chain) : `${head} ${chain}`} ${pick(bodies)}`
    const declared = [':A - [0:0]', ':B~x - [0:0]', ':C&# - [0:0]'].slice(pick([0, 0, 0, 1]))
    return ['*filter', ...declared, `-A INPUT -p udp`, pick([rule, rule, pick(lines)]), '-A INPUT -j ACCEPT', 'COMMIT', pick(['', '', '', '', ' ', 'The end.']), ''].join('\n') // prettier-ignore
  })
  const load = async (texts: readonly string[]): Promise<string[]> => {
    texts.forEach((text, i) => writeFileSync(join(world.folder, `${i}.dump`), text))
    const each =
      'for f; do unshare -n sh -c "iptables-restore <$f 2>/dev/null && iptables-save || echo refused"; echo --; done'
    const files = texts.map((_, i) => join(world.folder, `${i}.dump`))
    return (await world.run(['sh', '-c', each, 'sh', ...files])).stdout.split('--\n').slice(0, -1)
  }
  const read = made.map((dump) => desiredIptables({ restore: 'x' }, { kind: 'iptables', lab: 'x', dump }))
  const theirs = await load(made)
  const ours = await load(read.map(({ spec }) => restoreInput(fullLoad(spec))))
  const settled = (save: string) => (save === 'refused\n' ? save : content(save))
  made.forEach((dump, i) => {
    const mine = read[i]!.problems.length ? 'refused\n' : settled(ours[i]!)
    expect([dump, mine]).toEqual([dump, settled(theirs[i]!)])
  })
  const taken = theirs.filter((text) => text !== 'refused\n').length
  expect([taken > 20, taken < 100]).toEqual([true, true])
}, 60_000)
