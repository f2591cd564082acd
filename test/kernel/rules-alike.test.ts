import { diagnose } from '../../src/language/load-lab.ts'
import { openWorld } from '../support/netns.ts'

type Pair = readonly [first: string, second: string]

/** What a rule has, and what one has that is added after it with the same priority. */
function pairs(family: '-4' | '-6'): Pair[] {
  const from = family === '-4' ? 'from 10.0.0.0/8' : 'from fd00::/8'
  const selectors = [from, from.replace('from', 'to'), 'tos 0x10', `not ${from}`, 'iif lo', 'fwmark 1', 'uidrange 3-4']
  selectors.push(
    'ipproto 6',
    'sport 5',
    'tun_id 5',
    'suppress_prefixlength 0',
    ...(family === '-4' ? ['realms 3'] : []),
  )
  const some: Pair[] = [
    ...selectors.flatMap((words): Pair[] => [
      [words, ''],
      ['', words],
    ]),
    [`not ${from}`, from],
    [from, `${from} tos 0x10`],
    [`${from} tos 0x10`, 'tos 0x10'],
    [`${from} fwmark 1`, 'fwmark 2'],
    ...(family === '-4' ? [['realms 1/2', 'realms 3'] as const] : []),
  ]
  return [
    ...some.map(([a, b]): Pair => [`${a} table 7`.trim(), `${b} table 7`.trim()]),
    [`${from} goto 2000`, 'goto 3000'],
    [`${from} blackhole`, 'blackhole'],
    [`${from} blackhole`, 'prohibit'],
    [`${from} l3mdev`, 'l3mdev'],
    [`nop ${from}`, 'nop'],
  ]
}

/** The rule of a lab that has these words of ip-rule(8). */
function entry(words: string): object {
  const found: Record<string, unknown> = { priority: 1000 }
  const all = words.split(' ')
  for (let word = all.shift(); word !== undefined; word = all.shift())
    if (/^(not|l3mdev|nop)$/.test(word)) found[word] = true
    else if (/^(blackhole|prohibit)$/.test(word)) found['action'] = word
    else found[word] = /^(uidrange|from|to|iif|realms)$/.test(word) ? all.shift() : Number(all.shift())
  return found
}

test.each(['-4', '-6'] as const)(
  'what the kernel refuses beside another rule is an error, and nothing else: %s',
  async (family) => {
    const world = await openWorld()
    try {
      const all = pairs(family)
      const add = (words: string): string => `ip ${family} rule add priority 1000 ${words}`
      const script = all.map(
        ([a, b]) => `ip ${family} rule flush; ${add(a)} || exit; ${add(b)} && echo taken || echo refused`,
      )
      const { stdout } = await world.run(['sh'], { input: script.join('\n') })
      const said = all.map((pair) => {
        const marks = [2000, 3000].map((priority) => ({ priority, nop: true }))
        const rules = [...pair.map(entry), ...marks].map((rule) => ({
          ...rule,
          family: family === '-4' ? 'inet' : 'inet6',
        }))
        const text = JSON.stringify({ namespaces: { a: { rules } } })
        const [first] = diagnose({ file: 'lab.yaml', text }).filter(({ severity }) => severity === 'error')
        return !first ? 'taken' : /duplicate of the one on line 1 /.test(first.summary) ? 'refused' : first.summary
      })
      const kernel = stdout.trim().split('\n')
      expect(all.map((pair, i) => [...pair, said[i]])).toEqual(all.map((pair, i) => [...pair, kernel[i]]))
    } finally {
      await world.close()
    }
  },
)
