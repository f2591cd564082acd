import type { Place, Problem } from '../../model/firewall.ts'
import { builtin, isBuiltin, isTable, named } from './save.ts'
import {
  chainFault,
  needsRule,
  policyFault,
  ruleOf,
  writtenSpec,
  type Context,
  type TableDraft,
  type Written,
} from './written.ts'

interface Reading {
  readonly problems: Problem[]
  readonly tables: Record<string, TableDraft>
  table?: string
}

/** One line of a dump; what is wrong with it goes to the problems. */
function line(text: string, number: number, reading: Reading, context: Context): void {
  const place: Place = { path: ['restore'], line: number, column: 1, dump: true }
  const complain = (summary: string, detail?: string) =>
    void reading.problems.push({ summary, ...(detail !== undefined && { detail }), place })
  const { table } = reading
  const chains = table === undefined ? undefined : reading.tables[table]?.chains
  if (text.trim() === '' || text.startsWith('#')) return
  if (text.startsWith('*')) {
    const name = text.slice(1).trim()
    if (table !== undefined) return complain(`table ${table} has no COMMIT before this line`)
    if (!isTable(name)) return complain(`there is no table ${name}`, `Tables: ${Object.keys(builtin).join(', ')}.`)
    if (reading.tables[name]) return complain(`table ${name} appears twice`)
    reading.tables[name] = { place, chains: named() }
    reading.table = name
  } else if (text.trim() === 'COMMIT') {
    if (table === undefined) return complain('COMMIT without a table')
    delete reading.table
  } else if (table === undefined || !chains) {
    complain('this line stands in no table', 'A dump is what iptables-save prints.')
  } else if (text.startsWith(':')) {
    const [, name = '', policy = ''] = /^:(\S+) (\S+)(?: \[\d+:\d+\])?\s*$/.exec(text) ?? []
    const custom = policy === '-'
    const fault =
      chainFault(table, name) ?? (custom ? undefined : policyFault(table, name, policy, context.root === true))
    if (fault) return complain(fault.summary, fault.detail)
    if (chains[name]) return complain(`chain ${name} appears twice`)
    chains[name] = { ...(!custom && { policy }), rules: [], place }
  } else {
    const [head = '', name = '', rule = ''] = /^(?:\[\d+:\d+\] )?-A (\S+) (.*)$/.exec(text)?.slice(0) ?? []
    const chain = chains[name]
    if (!head) return complain('this is no line of a dump', 'A dump is what iptables-save prints: `-A CHAIN …`.')
    if (!chain) return complain(`chain ${name} is not declared in this dump`)
    const result = ruleOf(rule, { ...place, column: head.length - rule.length + 1, length: rule.length }, context)
    if ('summary' in result) reading.problems.push(result)
    else chain.rules.push(result)
  }
}

/** The rule set of an iptables-save dump, of whatever version; its counters are ignored. */
export function restored(dump: string, context: Context): Written {
  const reading: Reading = { problems: [], tables: named() }
  for (const [index, text] of dump.split(/\r?\n/).entries()) line(text, index + 1, reading, context)
  const end: Place = { path: ['restore'], dump: true, line: dump.split('\n').length, column: 1 }
  if (reading.table !== undefined)
    reading.problems.push({ summary: `table ${reading.table} has no COMMIT`, place: end })
  for (const [table, { chains }] of Object.entries(reading.tables))
    for (const [name, { rules, place }] of Object.entries(chains))
      if (context.root && !isBuiltin(table, name) && rules.length === 0)
        reading.problems.push({ ...needsRule(name), place })
  return { spec: writtenSpec(reading.tables), problems: reading.problems }
}
