import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { desiredIptables } from '../../src/kinds/iptables.ts'
import { fullLoad, restoreInput } from '../../src/firewall/transaction.ts'
import { dumpContent } from '../support/firewall.ts'
import { openWorld, type World } from '../support/netns.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world?.close())

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
  const settled = (save: string) => (save === 'refused\n' ? save : dumpContent(save))
  made.forEach((dump, i) => {
    const mine = read[i]!.problems.length ? 'refused\n' : settled(ours[i]!)
    expect([dump, mine]).toEqual([dump, settled(theirs[i]!)])
  })
  const taken = theirs.filter((text) => text !== 'refused\n').length
  expect([taken > 20, taken < 100]).toEqual([true, true])
}, 60_000)
