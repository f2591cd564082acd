/** The other selectors of ip-rule(8), in the order in which they stand in an id: `true` for words without a value. */
export const ruleWords = [
  'not',
  'tos',
  'uidrange',
  'ipproto',
  'sport',
  'dport',
  'tun_id',
  'suppress_prefixlength',
  'suppress_ifgroup',
  'realms',
  'goto',
  'nop',
  'l3mdev',
] as const

export type RuleSpec = {
  readonly family: 4 | 6
  readonly priority: number
  readonly from?: string
  readonly to?: string
  readonly iif?: string
  readonly oif?: string
  /** `0x1` or `0x1/0xff`, hexadecimal. */
  readonly fwmark?: string
  readonly table?: number
  /** What is done instead of looking in a table. */
  readonly action?: 'blackhole' | 'unreachable' | 'prohibit'
} & { readonly [K in (typeof ruleWords)[number]]?: string | number | true }

/** What it looks at and what it does, in the words of ip-rule(8): less of it is another rule to the kernel. */
export const ruleTerms = (s: RuleSpec): string[] => [
  ...(['from', 'to', 'iif', 'oif', 'fwmark'] as const).flatMap((word) =>
    s[word] === undefined ? [] : [word, s[word]],
  ),
  ...ruleWords.flatMap((word) => {
    const value = s[word]
    return value === undefined ? [] : value === true ? [word] : [word, String(value)]
  }),
  ...(s.action ? [s.action] : s.table === undefined ? [] : ['table', String(s.table)]),
]
