import type { Schema } from './firewall-schema.ts'
import type { Complaint } from './rule-words.ts'

/** A set of ipset. */
export type IpsetSpec = {
  readonly name: string
  /** `hash:net` */
  readonly type: string
  /** In ipset's words; `true` for flags. */
  readonly settings: Readonly<Record<string, string | true>>
  /** Entries without a timeout, sorted, as `ipset save` prints them, without counters. */
  readonly entries: readonly string[]
  /** Desired only: entries with a timeout. They are added when the set is created and are not compared. */
  readonly passing?: readonly string[]
  /** Desired only: rules of the lab add or delete entries. */
  readonly filled?: true
  /** It is as the lab file has it, not in the form of ipset yet. */
  readonly written?: true
}

/** Flags: settings without a value. */
const flags = new Set(['counters', 'comment', 'skbinfo', 'forceadd'])

/** The random seed of the kernel's hash table, which is not a setting. */
const RANDOM = 'initval'

const unquoted = (text: string, replace: (part: string) => string): string =>
  text.replace(/"[^"]*"|[^"]+/g, (part) => (part.startsWith('"') ? part : replace(part)))

/** An entry without its counters, and whether it has a timeout. */
function entryOf(text: string): { entry: string; passes: boolean } {
  let passes = false
  const entry = unquoted(text, (part) =>
    part.replace(/ (packets|bytes) \d+/g, '').replace(/ timeout (\d+)/, (words, seconds) => {
      passes ||= seconds !== '0'
      return words
    }),
  )
  return { entry: entry.trim(), passes }
}

/** What identifies an entry within its set. */
export const entryKey = (entry: string): string => entry.split(' ', 1)[0] ?? ''

/** The names of the sets in a set of type list:set. */
export const setNamesIn = ({ type, entries }: IpsetSpec): string[] => (type === 'list:set' ? entries.map(entryKey) : [])

/** Parses the output of `ipset save`: sets, lists last, without entries that have a timeout. */
export function parseIpsets(text: string): IpsetSpec[] {
  const sets = new Map<string, IpsetSpec & { entries: string[] }>()
  for (const line of text.split('\n')) {
    const [, verb, name = '', rest = ''] = /^(create|add) (\S+) (.*)$/.exec(line) ?? []
    if (verb === 'create') sets.set(name, { name, ...made(rest), entries: [] })
    else if (verb === 'add') {
      const { entry, passes } = entryOf(rest)
      if (!passes) sets.get(name)?.entries.push(entry)
    }
  }
  for (const { entries } of sets.values()) entries.sort()
  return [...sets.values()].sort((a, b) => Number(a.type === 'list:set') - Number(b.type === 'list:set'))
}

/** `hash:net family inet counters` */
function made(text: string): Pick<IpsetSpec, 'type' | 'settings'> {
  const [type = '', ...words] = text.split(' ').filter(Boolean)
  const settings: Record<string, string | true> = {}
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    const value = flags.has(word) ? true : (words[++i] ?? '')
    if (word !== RANDOM) settings[word] = value
  }
  return { type, settings }
}

/** Whether an entry times out, in a set with this default timeout. */
export const passes = (entry: string, timeout: string | true | undefined): boolean => {
  let own: string | undefined
  unquoted(entry, (part) => ((own ??= / timeout (\d+)/.exec(part)?.[1]), part))
  return Number(own ?? timeout ?? 0) > 0
}

/** The kernel keeps 32 bytes for a set's name, the last one zero (IPSET_MAXNAMELEN). */
const LONGEST = 31

/** The error in the name of a set; undefined when it is valid. */
export function setNameFault(name: string): Complaint | undefined {
  if (name.startsWith('netlab.')) return { summary: 'names of sets that begin with netlab. are netlab’s own' }
  if (/^(?![-:!])[^\p{C}\p{Z}"'\\]+$/u.test(name) && Buffer.byteLength(name) <= LONGEST) return undefined
  return {
    summary: `"${name}" cannot be the name of a set`,
    detail: `At most ${LONGEST} bytes without spaces, quotes and backslashes, and the first is no - : or !.`,
  }
}

/** Words of an entry: none is an option of the program, and only a comment is quoted. */
const entryShape = /^[^-\s"'\\][^\s"'\\]*(?: (?:comment "[^"\\\p{C}]*"|[^-\s"'\\][^\s"'\\]*))*$/u

/** The error in an entry or the value of a setting; undefined when it is valid. */
export const entryFault = (text: string): Complaint | undefined =>
  entryShape.test(text) && !/\p{C}/u.test(text)
    ? undefined
    : {
        summary: 'this is not an entry of a set',
        detail: 'Write what follows `ipset add NAME`: 10.0.0.0/8, or 10.0.0.1 timeout 300 comment "a guest".',
      }

/** The value of a lab file's `ipsets.NAME` that asks for this set. */
export const ipsetValue = ({ type, settings, entries, passing = [] }: IpsetSpec): Record<string, unknown> => ({
  type,
  ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, isNumber(key) ? Number(value) : value])),
  ...(entries.length + passing.length > 0 && { entries: [...entries, ...passing] }),
})

const isNumber = (setting: string): boolean => ipsetSettings[setting]?.['type'] === 'integer'

const number = (description: string, minimum: number, maximum: number): Schema => ({
  description,
  type: 'integer',
  minimum,
  maximum,
})
const flag = (description: string): Schema => ({ description, const: true })
const word = (description: string, example: string): Schema => ({
  description,
  type: 'string',
  pattern: '^[A-Za-z0-9][A-Za-z0-9./:-]*$',
  examples: [example],
})

/** The settings of a set, in ipset's words. */
export const ipsetSettings: Readonly<Record<string, Schema>> = {
  family: { description: 'Address family of a `hash`. Default: inet.', enum: ['inet', 'inet6'] },
  range: word('The addresses or ports that a `bitmap` covers.', '10.0.0.0/16'),
  netmask: number('Prefix length: addresses are stored as networks of this length.', 1, 128),
  bitmask: word('Mask of the address bits that are stored.', '255.255.255.0'),
  markmask: word('Mask of the mark bits that are stored.', '0xff'),
  hashsize: number('Initial size of a `hash`; the kernel enlarges it as needed.', 1, 1 << 30),
  bucketsize: number('Maximum number of entries in a bucket of a `hash`.', 2, 14),
  maxelem: number('Maximum number of entries of a `hash`. Default: 65536.', 1, 4294967295),
  size: number('Maximum number of sets in a `list:set`. Default: 8.', 1, 65536),
  timeout: number('Seconds after which an entry without its own timeout expires; 0: never.', 0, 2147483),
  counters: flag('Entries count packets and bytes.'),
  comment: flag('Entries may have a comment.'),
  skbinfo: flag('Entries may carry packet marks, priorities and queues.'),
  forceadd: flag('If the set is full, a new entry replaces a random one.'),
}

/** The schema of a set. */
export const ipsetSchema: Schema = {
  description: 'A set. The fields are named as in `ipset`.',
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: {
      description: 'Type of the set: how it stores entries, and of what they consist.',
      type: 'string',
      pattern: '^(hash|bitmap|list):[a-z0-9,]+$',
      examples: ['hash:net', 'hash:ip,port', 'bitmap:port', 'list:set'],
    },
    ...ipsetSettings,
    entries: {
      description: 'The entries: each is the text after `ipset add NAME` on a command line.',
      type: 'array',
      items: { type: ['string', 'integer'], minLength: 1 },
      examples: [['10.0.0.0/8', '192.168.0.0/16 nomatch']],
    },
  },
  examples: [{ type: 'hash:net', entries: ['10.0.0.0/8'] }],
}
