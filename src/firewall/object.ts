import { split, type Complaint } from './rule-words.ts'

/** The words, or an error and its field. */
type Result = string[] | (Complaint & { readonly key?: string })

/** A value and whether a leading `!` negates it. */
function negatable(value: unknown): { not: string[]; text: string } {
  const text = String(value)
  return text.startsWith('!') ? { not: ['!'], text: text.slice(1).trim() } : { not: [], text }
}

const option = (name: string, value: unknown): string[] => {
  const { not, text } = negatable(value)
  return [...not, name, text]
}

const listed = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value))

/** One port, or a range, by `--dport`; a list by the multiport match. */
function ports(end: 'sport' | 'dport', value: unknown): string[] {
  const text = listed(value)
  return text.includes(',') ? ['-m', 'multiport', ...option(`--${end}s`, text)] : option(`--${end}`, text)
}

/** The option that takes `to`, by target. */
const targets: ReadonlyMap<string, string> = new Map([
  ['DNAT', '--to-destination'],
  ['SNAT', '--to-source'],
  ['MASQUERADE', '--to-ports'],
  ['REDIRECT', '--to-ports'],
  ['NETMAP', '--to'],
])

/** The option that takes `to` in this rule. */
const toOption = ({ jump }: Readonly<Record<string, unknown>>) =>
  targets.get(typeof jump === 'string' ? (jump.split(' ', 1)[0] ?? '') : '')

/** `match: addrtype --dst-type LOCAL`, with `-m` before it or without, a list of such, or a map from match to option to value. */
function matches(value: unknown): Result {
  if (Array.isArray(value)) return chained(value.map(matches))
  if (typeof value === 'string') {
    const words = split(value, 'shell')
    if ('summary' in words) return words
    const list = words.map(({ text }) => text)
    return /^[-!]/.test(list[0] ?? '') ? list : ['-m', ...list]
  }
  return Object.entries(value as Record<string, Record<string, unknown> | null>).flatMap(([match, options]) => [
    '-m',
    match,
    ...Object.entries(options ?? {}).flatMap(([name, argument]) => {
      if (typeof argument === 'boolean') return [...(argument ? [] : ['!']), `--${name}`]
      return option(`--${name}`, listed(argument))
    }),
  ])
}

function chained(results: Result[]): Result {
  const words: string[] = []
  for (const result of results) {
    if (!Array.isArray(result)) return result
    words.push(...result)
  }
  return words
}

/** `-j TARGET …`: the target may bring options of its own. */
function target(flag: '-j' | '-g', value: unknown): Result {
  const words = split(String(value), 'shell')
  return 'summary' in words ? words : [flag, ...words.map(({ text }) => text)]
}

type Writer = (value: unknown, rule: Readonly<Record<string, unknown>>, family: string) => Result

/** The fields of a rule, in the order in which their options are written. */
const writers: Readonly<Record<string, Writer>> = {
  source: (value) => option('-s', listed(value)),
  destination: (value) => option('-d', listed(value)),
  in: (value) => option('-i', value),
  out: (value) => option('-o', value),
  protocol: (value) => option('-p', value),
  fragment: (value) => (value ? ['-f'] : ['!', '-f']),
  icmp_type: (value, _, family) => option(family === 'ip6tables' ? '--icmpv6-type' : '--icmp-type', value),
  sport: (value) => ports('sport', value),
  dport: (value) => ports('dport', value),
  ctstate: (value) => ['-m', 'conntrack', ...option('--ctstate', listed(value))],
  mark: (value) => ['-m', 'mark', ...option('--mark', value)],
  limit: (value, { limit_burst: burst }) => [
    '-m',
    'limit',
    '--limit',
    String(value),
    ...(typeof burst === 'number' ? ['--limit-burst', String(burst)] : []),
  ],
  limit_burst: () => [],
  match: matches,
  comment: (value) => ['-m', 'comment', '--comment', String(value)],
  jump: (value) => target('-j', value),
  goto: (value) => target('-g', value),
  to: (value, rule) => [toOption(rule) ?? '', String(value)],
}

/** The error when a field needs another one that is missing; undefined when there is none. */
function misfit(rule: Readonly<Record<string, unknown>>): (Complaint & { key: string }) | undefined {
  const has = (key: string) => rule[key] !== undefined
  const port = has('dport') ? 'dport' : has('sport') ? 'sport' : has('icmp_type') ? 'icmp_type' : undefined
  if (port && !has('protocol'))
    return { key: port, summary: `${port} needs a protocol`, detail: 'Add `protocol: tcp`, `udp`, … to the rule.' }
  if (has('limit_burst') && !has('limit')) return { key: 'limit_burst', summary: 'limit_burst needs a limit' }
  if (has('jump') && has('goto')) return { key: 'goto', summary: 'a rule has either jump or goto' }
  if (has('to') && toOption(rule) === undefined)
    return { key: 'to', summary: `to goes with jump: ${[...targets.keys()].join(', ')}` }
  return undefined
}

/** The words of a rule that is written as an object, or an error; its `key` is the field. */
export function objectWords(rule: Readonly<Record<string, unknown>>, family: string): Result {
  const wrong = misfit(rule)
  if (wrong) return wrong
  const unknown = Object.keys(rule).find((key) => !Object.hasOwn(writers, key))
  if (unknown) return { key: unknown, summary: `a rule has no field ${unknown}` }
  const words: string[] = []
  for (const [key, write] of Object.entries(writers)) {
    if (rule[key] === undefined || rule[key] === null) continue
    const written = write(rule[key], rule, family)
    if (!Array.isArray(written)) return { ...written, key }
    words.push(...written)
  }
  return words.length ? words : { summary: 'a rule says something' }
}
