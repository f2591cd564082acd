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

/** The number of a protocol in a live rule, which has it as a number or as `ipproto-17`. */
export const ipprotoNumber = (text: string): number => Number(text.replace(/^ipproto-/, ''))

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

/** What a rule that is added may leave out: the kernel then takes any rule there is for it (fib4_rule_compare in net/ipv4/fib_rules.c). */
const anyWhereLeftOut = ['from', 'to', 'tos', 'realms'] as const

/** What the kernel compares of two rules, but for `fields`. It looks neither at `not` nor where `goto` leads (rule_exists in net/core/fib_rules.c). */
function essence(spec: RuleSpec, fields: readonly string[]): string {
  const { from: _, to: _to, tos: _tos, realms: _realms, not: _not, goto, ...exact } = spec
  const some = fields.map((field) => [field, spec[field as keyof RuleSpec]])
  return JSON.stringify([Object.entries({ ...exact, goto: goto !== undefined }).sort(), some])
}
const given = (spec: RuleSpec): (typeof anyWhereLeftOut)[number][] =>
  anyWhereLeftOut.filter((field) => spec[field] !== undefined)

/** What a rule looks like to the kernel when it is added: it is refused where a rule of the namespace `passesFor` the same. */
export const looksLike = (added: RuleSpec): string => essence(added, given(added))

/** What a rule that exists passes for when another is added. */
export const passesFor = (existing: RuleSpec): string[] =>
  given(existing)
    .reduce<string[][]>((sets, field) => [...sets, ...sets.map((set) => [...set, field])], [[]])
    .map((fields) => essence(existing, fields))
