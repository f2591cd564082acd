import type { TcSpec } from '../model/tc-spec.ts'

type Replacement = readonly [RegExp, string]

/** What tc prints and does not take: units of numbers, and forms of its own. */
const numbers: readonly Replacement[] = [
  [/\b(\d+)p\b/g, '$1'],
  [/\b(\d+)b(?=\s|$)/g, '$1'],
  [/\b(\d+)sec\b/g, '$1'],
]
const filters: Readonly<Record<string, readonly Replacement[]>> = {
  u32: [
    [/\bterminal flowid( \?\?\?)?/, ''],
    [/\bht divisor\b/, 'divisor'],
    [/\bmatch (\w{8})\/(\w{8})\b/g, 'match u32 0x$1 0x$2'],
    [/\bhash mask (\w+) at (\d+)/, 'hashkey mask 0x$1 at $2'],
  ],
  flower: [[/\beth_type \S+/, '']],
  basic: [[/(\S+\(.*\))/, "match '$1'"]],
}
const actions: readonly Replacement[] = [
  [
    /\baction order \d+: mirred \((E|I)gress (R|M)(edirect|irror) to device (\S+)\) \w+/g,
    'action mirred $1gress $2$3 dev $4',
  ],
  [/\baction order \d+: gact action\b/g, 'action'],
  [/\baction order \d+:/g, 'action'],
  [/\b(police .*?) action (\S+)/g, '$1 conform-exceed $2'],
]

const lower = (text: string): string => text.replace(/\baction mirred \S+ \S+/g, (found) => found.toLowerCase())

/** The words with which tc makes what it has printed like this. */
export function printedWords(object: TcSpec['object'], kind: string, text: string, handle = ''): string[] {
  const table =
    object === 'filter' && kind === 'u32' && /^\w+:\w+:/.test(handle) ? ['ht', handle.replace(/\w+$/, '')] : []
  const all = object === 'filter' ? [...(filters[kind] ?? []), ...actions, ...numbers] : numbers
  const words = lower(all.reduce((result, [from, to]) => result.replace(from, to), text))
  return [...table, ...splitWords(words)]
}

/** The words of a line; one in quotes may have spaces in it. */
export const splitWords = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|[^\s'"]+/g)].map(([word, one, two]) => one ?? two ?? word)

/** A line of words, as `splitWords` reads it. */
export const joinWords = (words: readonly string[]): string =>
  words.map((word) => (/\s/.test(word) ? `'${word}'` : word)).join(' ')
