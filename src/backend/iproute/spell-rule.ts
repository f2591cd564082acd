import type { RuleOperation } from '../../model/operation.ts'
import { ruleTerms } from '../../model/rule-spec.ts'

/** `ip rule …`, which cannot tell the family of a rule that names no address: `-6` says it. */
export function ruleCommand(operation: RuleOperation): string[] {
  const { rule } = operation
  const ip = ['ip', ...(rule.family === 6 ? ['-6'] : []), 'rule']
  const terms = ['priority', String(rule.priority), ...ruleTerms(rule)]
  const { protocol } = operation
  const words = [operation.do === 'rule.add' ? 'add' : 'del', ...terms]
  return [...ip, ...words, ...(protocol === undefined ? [] : ['protocol', String(protocol)])]
}
