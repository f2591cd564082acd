/** The other selectors of ip-rule(8), in their order in an id. */
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
  /** What the rule does instead of looking up a table. */
  readonly action?: 'blackhole' | 'unreachable' | 'prohibit'
} & { readonly [K in (typeof ruleWords)[number]]?: string | number | true }

/** The selectors and the action in the words of ip-rule(8). All are needed to delete exactly this rule. */
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
