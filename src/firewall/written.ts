import type { IptablesChain, IptablesKind, IptablesSpec, RulePlace, Problem, WrittenTable } from '../model/firewall.ts'
import { objectWords } from './object.ts'
import { builtin, isBuiltin, isTable, named, specOf } from './save.ts'
import { joined, refused, split, type Complaint } from './rule-words.ts'

/** The context of the value of an `iptables` or `ip6tables` field. */
export interface RuleContext {
  readonly kind: IptablesKind
  readonly lab: string
  /** The machine's own namespace: rules get the lab's mark, policies are refused. */
  readonly borrowed?: string
  /** The text of the file that `restore` names. */
  readonly dump?: string
}

/** The valid part of a rule set, and the errors in it. */
export interface Written {
  readonly spec: IptablesSpec
  readonly problems: readonly Problem[]
}

/** A rule in words that iptables-restore reads, and where it is written. */
export interface WrittenRule {
  readonly text: string
  readonly place: RulePlace
}

/** A table as it was written. */
export interface TableDraft {
  readonly place: RulePlace
  readonly chains: Record<string, { policy?: string; rules: WrittenRule[]; place: RulePlace }>
}

/** The spec of tables as they were written. */
export function writtenSpec(tables: Readonly<Record<string, TableDraft>>): IptablesSpec {
  const written = named<WrittenTable>()
  const chainOf = ({ policy, rules }: TableDraft['chains'][string]): IptablesChain => ({
    ...(policy !== undefined && policy !== 'ACCEPT' && { policy }),
    rules: rules.map(({ text }) => text),
  })
  const entries = Object.entries(tables).map(([table, { place, chains }]) => {
    const places = named<RulePlace[]>()
    for (const [name, { rules }] of Object.entries(chains)) places[name] = rules.map((rule) => rule.place)
    written[table] = { place, chains: places }
    return [table, Object.entries(chains).map(([name, chain]) => [name, chainOf(chain)] as const)] as const
  })
  return { ...specOf(entries), written }
}

/** Verdicts, which cannot be names of chains (iptables(8)). */
const verdicts = new Set(['ACCEPT', 'DROP', 'QUEUE', 'RETURN'])

/** The kernel keeps 29 bytes for a chain's name, the last one zero (XT_EXTENSION_MAXNAMELEN). */
const LONGEST = 28

/**
 * The names of chains that iptables accepts (measured with each character at the start, inside and at the end), without invisible
 * characters and `"`, which iptables-save prints in a form that iptables-restore cannot read.
 */
const chainName = /^(?![-!])[^\p{C}\p{Z}"]+$/u

const allBuiltin = new Set(Object.values(builtin).flat())

/** The error in the name of a chain in this table; undefined when it is valid. */
export function chainFault(table: string, chain: string): Complaint | undefined {
  if (isBuiltin(table, chain)) return undefined
  if (allBuiltin.has(chain))
    return {
      summary: `table ${table} has no chain ${chain}`,
      detail: `Its built-in chains: ${builtin[table]?.join(', ')}.`,
    }
  if (verdicts.has(chain)) return { summary: `a chain cannot be called ${chain}`, detail: 'That is a verdict.' }
  if (!chainName.test(chain) || Buffer.byteLength(chain) > LONGEST)
    return {
      summary: `"${chain}" cannot be a chain's name`,
      detail: `At most ${LONGEST} bytes without spaces and ", and the first is no - and no !.`,
    }
  return undefined
}

/** The error in a policy; undefined when it is valid. */
export function policyFault(table: string, chain: string, policy: string, borrowed: boolean): Complaint | undefined {
  if (!isBuiltin(table, chain))
    return {
      summary: `${chain} cannot have a policy`,
      detail: 'Only built-in chains have one; end the chain with a rule.',
    }
  if (policy !== 'ACCEPT' && policy !== 'DROP') return { summary: 'a policy is ACCEPT or DROP' }
  if (borrowed && policy !== 'ACCEPT')
    return {
      summary: `the policy of ${chain} is the machine's`,
      detail: "In the machine's own namespace a lab adds rules and chains of its own and changes nothing else.",
    }
  return undefined
}

/** The words of the mark of a rule in the machine's own namespace. */
const markWords = (lab: string): string[] => ['-m', 'comment', '--comment', `netlab:${lab}`]

/** One rule, checked, or the error in it. An empty text is a rule that matches every packet and only counts it. */
export function ruleOf(value: unknown, place: RulePlace, { kind, borrowed, lab }: RuleContext): WrittenRule | Problem {
  const isText = typeof value === 'string'
  const complain = ({ at, length, key, ...what }: Complaint & { key?: string }): Problem => ({
    ...what,
    place: {
      ...place,
      ...(key !== undefined && { path: [...place.path, key] }),
      ...(isText && at !== undefined && { line: place.line ?? 1, column: (place.column ?? 1) + at }),
      ...(isText && length !== undefined && { length }),
    },
  })
  const words = isText
    ? split(value, place.dump ? 'save' : 'shell')
    : objectWords(value as Record<string, unknown>, kind)
  if ('summary' in words) return complain(words)
  const list = words.map((word) => (typeof word === 'string' ? { text: word, at: 0 } : word))
  const unfit = refused(list) ?? unprintable(list.map(({ text }) => text))
  if (unfit) return complain(unfit)
  const text = joined([...list.map((word) => word.text), ...(borrowed ? markWords(lab) : [])])
  return { text, place: isText ? { ...place, text: value } : place }
}

const unprintable = (words: readonly string[]): Complaint | undefined =>
  words.some((word) => /[\n\r\0]/.test(word)) ? { summary: 'a rule is one line' } : undefined

const isProblem = (result: WrittenRule | Problem): result is Problem => 'summary' in result

/** The value of `iptables` or `ip6tables` as tables, chains and rules. The value has passed the schema. */
export function structured(value: Readonly<Record<string, unknown>>, context: RuleContext): Written {
  const problems: Problem[] = []
  const tables = named<TableDraft>()
  for (const [table, chains] of Object.entries(value)) {
    const place = { path: [table] }
    if (!isTable(table)) {
      problems.push({
        summary: `there is no table ${table}`,
        detail: `Tables: ${Object.keys(builtin).join(', ')}.`,
        place,
      })
      continue
    }
    const drafted: TableDraft['chains'] = named()
    for (const [name, chain] of Object.entries((chains ?? {}) as Record<string, unknown>)) {
      const at = [table, name]
      const { policy, rules = [] } = (Array.isArray(chain) ? { rules: chain } : (chain ?? {})) as {
        policy?: string
        rules?: unknown[]
      }
      const faults = [
        [chainFault(table, name), at],
        [
          policy === undefined ? undefined : policyFault(table, name, policy, context.borrowed !== undefined),
          [...at, 'policy'],
        ],
        [context.borrowed && !isBuiltin(table, name) && rules.length === 0 ? needsRule(name) : undefined, at],
      ] as const
      for (const [fault, path] of faults) if (fault) problems.push({ ...fault, place: { path } })
      const results = rules.map((rule, index) => {
        const path = Array.isArray(chain) ? [...at, index] : [...at, 'rules', index]
        return ruleOf(rule, { path }, context)
      })
      problems.push(...results.filter(isProblem))
      const good = results.filter((result): result is WrittenRule => !isProblem(result))
      drafted[name] = { ...(policy !== undefined && { policy }), rules: good, place: { path: at } }
    }
    tables[table] = { chains: drafted, place }
  }
  return { spec: writtenSpec(tables), problems }
}

/** The error for an empty chain in the machine's own namespace, where the rules of a chain have the lab's mark. */
export const needsRule = (chain: string): Complaint => ({
  summary: `${chain} needs a rule`,
  detail: "In the machine's own namespace a chain is known as the lab's by the mark of its rules.",
})
