import type { RulePlace, Problem } from '../model/firewall.ts'
import { builtin, isBuiltin, isTable, named } from './save.ts'
import {
  chainFault,
  needsRule,
  policyFault,
  ruleOf,
  writtenSpec,
  type RuleContext,
  type TableDraft,
  type Written,
  type WrittenRule,
} from './written.ts'
import { targetOf, type Complaint } from './rule-words.ts'

type Chains = TableDraft['chains']

/** The table whose lines are being read. */
interface Current {
  readonly name: string
  readonly chains: Chains
}

interface Reading {
  readonly problems: Problem[]
  readonly tables: Record<string, TableDraft>
  current?: Current
}

/** The counters of a rule, then a command as iptables-save or people write it, then its chain. */
const commandLine =
  /^(?<counters>\[[^:\]]+:[^\]]+\])?[ \t]*(?<command>-[AINP]|--(?:append|insert|new-chain|policy))(?<gap>[ \t]*)(?<name>[^ \t]+)(?<rest>.*)$/

const commands: Readonly<Record<string, string>> = {
  '--append': '-A',
  '--insert': '-I',
  '--new-chain': '-N',
  '--policy': '-P',
}

/** Words that strtok(3) would find: what follows `*` and `:`. */
const fields = (text: string): string[] => text.slice(1).split(/[ \t]+/).filter(Boolean) // prettier-ignore

/** `:CHAIN POLICY`: sets the policy of a built-in chain, and flushes any other. Counters are ignored. */
function declare(
  text: string,
  { name: table, chains }: Current,
  place: RulePlace,
  { borrowed }: RuleContext,
): Complaint | undefined {
  const [name, policy] = fields(text)
  if (name === undefined) return { summary: 'the name of a chain is missing' }
  const fault = chainFault(table, name)
  const own = !isBuiltin(table, name)
  // After an error in its name, the rules of the chain are still checked.
  if (own) chains[name] = { rules: [], place: chains[name]?.place ?? place }
  if (fault) return fault
  if (policy === undefined) return { summary: `the policy of ${name} is missing`, detail: `Write :${name} -` }
  return own || policy === '-'
    ? undefined
    : setPolicy(name, policy, { name: table, chains }, place, borrowed !== undefined)
}

function setPolicy(
  name: string,
  policy: string,
  { name: table, chains }: Current,
  place: RulePlace,
  borrowed: boolean,
) {
  const fault = policyFault(table, name, policy, borrowed)
  if (!fault) chains[name] = { rules: [], place, ...chains[name], policy }
  return fault
}

/** `-A`, `-I`, `-N` and `-P`. */
function perform(
  text: string,
  current: Current,
  place: RulePlace,
  context: RuleContext,
): Complaint | Problem | undefined {
  const { name: table, chains } = current
  const { command: written = '', gap = '', name: quoted = '', rest = '' } = commandLine.exec(text)?.groups ?? {}
  if (!written || (written.startsWith('--') && !gap))
    return {
      summary: 'this is not a line of a dump',
      detail: 'Its lines begin with * : # or COMMIT, or are -A CHAIN …, -I CHAIN [N] …, -N CHAIN, -P CHAIN POLICY.',
    }
  const command = commands[written] ?? written
  const name = quoted.replace(/^"(.*)"$/, '$1')
  const words = rest.split(/[ \t]+/).filter(Boolean)
  if (command === '-P') return setPolicy(name, words.join(' '), current, place, context.borrowed !== undefined)
  if (command === '-N') {
    if (chains[name] || isBuiltin(table, name)) return { summary: `chain ${name} exists already` }
    if (words.length) return { summary: '-N CHAIN takes nothing more' }
    chains[name] = { rules: [], place }
    return chainFault(table, name)
  }
  if (isBuiltin(table, name)) chains[name] ??= { rules: [], place }
  const chain = chains[name]
  if (!chain) return { summary: `chain ${name} is not declared above this line`, detail: `Write :${name} - first.` }
  const number = command === '-I' ? /^[ \t]+([^-! \t"][^ \t]*)(?=[ \t]|$)/.exec(rest) : null
  const at = Number(number?.[1] ?? 1)
  if (command === '-I' && !(Number.isInteger(at) && at >= 1 && at <= chain.rules.length + 1))
    return {
      summary: `no rule can be put in place ${number?.[1]} of ${name}`,
      detail: `It has ${chain.rules.length} rules so far.`,
    }
  const rule = rest.slice(number?.[0].length ?? 0).replace(/^[ \t]+/, '')
  const column = text.length - rule.length + 1
  const result = ruleOf(rule, { ...place, column, length: Math.max(1, rule.length) }, context)
  if ('summary' in result) return result
  chain.rules.splice(command === '-I' ? at - 1 : chain.rules.length, 0, result)
  return undefined
}

/** Reads one line of a dump and adds its errors to the problems. */
function line(text: string, number: number, reading: Reading, context: RuleContext): void {
  const place: RulePlace = { path: ['restore'], line: number, column: 1, dump: true }
  const complain = (fault: Complaint | Problem | undefined): void =>
    void (fault && reading.problems.push({ place, ...fault }))
  const { current } = reading
  if (text === '' || text.startsWith('#')) return
  if (text.startsWith('*')) {
    const [name = ''] = fields(text)
    if (current) complain({ summary: `table ${current.name} has no COMMIT before this line` })
    const chains: Chains = named()
    // Like iptables-restore, which starts a table from empty each time.
    if (isTable(name)) reading.tables[name] = { place, chains }
    else complain({ summary: `there is no table ${name}`, detail: `Tables: ${Object.keys(builtin).join(', ')}.` })
    reading.current = { name, chains }
  } else if (!current) {
    complain({ summary: 'this line stands in no table', detail: 'A dump is what iptables-save prints.' })
  } else if (text === 'COMMIT') delete reading.current
  else if (text.trim() === '')
    complain({ summary: 'a blank line with spaces', detail: 'iptables-restore refuses it: leave the line empty.' })
  else if (text.trim() === 'COMMIT')
    complain({ summary: 'COMMIT stands alone in its line', detail: 'iptables-restore refuses spaces around it.' })
  else if (isTable(current.name))
    complain(text.startsWith(':') ? declare(text, current, place, context) : perform(text, current, place, context))
}

/** Errors for rules that jump to a chain which is declared below them, where iptables-restore does not know it yet. */
const early = (chains: Chains): Problem[] =>
  Object.values(chains).flatMap(({ rules }) =>
    rules.flatMap(({ text, place }: WrittenRule): Problem[] => {
      const name = targetOf(text) ?? ''
      return (chains[name]?.place.line ?? 0) > (place.line ?? 0)
        ? [{ summary: `chain ${name} is declared only below this line`, detail: `Write :${name} - before it.`, place }]
        : []
    }),
  )

/** The rule set that iptables-restore would make from a dump of any version; counters are ignored. */
export function restored(dump: string, context: RuleContext): Written {
  const reading: Reading = { problems: [], tables: named() }
  for (const [index, text] of dump.split(/\r?\n/).entries()) line(text, index + 1, reading, context)
  const { current, problems, tables } = reading
  const end: RulePlace = { path: ['restore'], dump: true, line: dump.split('\n').length, column: 1 }
  if (current) problems.push({ summary: `table ${current.name} has no COMMIT`, place: end })
  for (const [table, { chains }] of Object.entries(tables)) {
    problems.push(...early(chains))
    for (const [name, { rules, place }] of Object.entries(chains))
      if (context.borrowed && !isBuiltin(table, name) && rules.length === 0)
        problems.push({ ...needsRule(name), place })
  }
  return { spec: writtenSpec(tables), problems }
}
