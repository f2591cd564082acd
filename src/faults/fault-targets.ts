import { UserError } from '../model/diagnostic.ts'
import type { Endpoint } from '../model/fault.ts'
import { isPattern, parseTarget, type FaultTarget } from '../model/fault-target.ts'
import { namePattern } from '../model/name-pattern.ts'
import { readSites, type FaultNet } from './sites.ts'

/** `h[1..3]` in a word. */
const RANGE_IN_WORD = /\[(\d{1,6})\.\.(\d{1,6})\]/
/** More words than that would hardly be meant. */
const MOST_WORDS = 10_000

/** The words that a range stands for. */
export function wordsOf(word: string): string[] {
  const [range, from, to] = RANGE_IN_WORD.exec(word) ?? []
  if (range === undefined) return [word]
  const [first, last] = [Number(from), Number(to)]
  if (last < first || last - first >= MOST_WORDS) throw UserError.of('bad-option', `${range} is no range`)
  return Array.from({ length: last - first + 1 }, (_, i) => word.replace(range, String(first + i))).flatMap(wordsOf)
}

/** The namespaces that a word stands for. Throws a UserError when there are none. */
export function namespacesNamed(word: string, net: FaultNet): string[] {
  const names = [...net.places.keys()]
  return wordsOf(word).flatMap((one) => {
    const found = isPattern(one) ? names.filter(namePattern(one)) : net.places.has(one) ? [one] : []
    if (found.length === 0) throw unknownNamespace(one, names)
    return found
  })
}

const unknownNamespace = (word: string, names: readonly string[]): UserError =>
  UserError.of(
    'unknown-reference',
    `there is no namespace ${word} of a lab`,
    names.length ? `There are: ${names.join(' ')}` : 'No lab is live here.',
  )

/** What words name: `NS`, `NS:IF`, and `NS:IF-NS:IF` for both ends of a cable, with ranges and patterns. Throws a UserError. */
export const namedTargets = (words: readonly string[], net: FaultNet): FaultTarget[] =>
  words.flatMap(wordsOf).flatMap((word) => {
    const ends = parseTarget(word, (name) => net.places.has(name))
    if (!ends) throw UserError.of('bad-option', `${word} is neither NS, NS:IF nor NS:IF-NS:IF`)
    return ends.flatMap((end) => namespacesNamed(end.namespace, net).map((namespace) => ({ ...end, namespace })))
  })

/** The interfaces that words name, each once. A namespace stands for all its interfaces but `lo`. */
export async function endpointsNamed(words: readonly string[], net: FaultNet): Promise<Endpoint[]> {
  const all = namedTargets(words, net)
  const sites = await readSites(
    net,
    all.map(({ namespace }) => namespace),
  )
  const found = all.flatMap(({ namespace, device = '*' }): Endpoint[] => {
    if (!isPattern(device)) return [{ namespace, device }]
    const links = sites.get(namespace)?.dump.links ?? []
    const names = links.flatMap(({ ifname, flags }) => (flags.includes('LOOPBACK') ? [] : [ifname]))
    const chosen = names.filter(namePattern(device))
    if (chosen.length === 0)
      throw UserError.of(
        'unknown-reference',
        `${namespace} has no interface${device === '*' ? ' but lo' : ` ${device}`}`,
        names.length ? `It has: ${names.join(' ')}` : undefined,
      )
    return chosen.map((one) => ({ namespace, device: one }))
  })
  return [...new Map(found.map((one) => [`${one.namespace}:${one.device}`, one])).values()]
}
