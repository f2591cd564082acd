import { quote } from '../model/command.ts'
import type { IptablesSpec, NftSpec } from '../model/firewall.ts'
import { tableText } from './nft-transaction.ts'
import { split } from './rule-words.ts'

/** A rule in iptables-save's form as one would type it: the two quote differently. The lab's mark is netlab's to add. */
function typed(rule: string): string {
  const words = split(rule.replace(/-m comment --comment "netlab:[a-z0-9-]+" ?/, ''), 'save')
  return 'summary' in words ? rule : words.map(({ text }) => (text === '!' ? text : quote(text))).join(' ')
}

/** The value of a lab file's `iptables` or `ip6tables` that asks for this spec. The mark of rules in the machine's own namespace is left out. */
export function iptablesValue({ tables }: IptablesSpec): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(tables).map(([table, chains]) => [
      table,
      Object.fromEntries(
        Object.entries(chains).map(([name, { policy, rules }]) => {
          const list = rules.map(typed)
          return [name, policy === undefined ? list : { policy, rules: list }]
        }),
      ),
    ]),
  )
}

/** The value of a lab file's `nftables` that asks for this spec. */
export const nftablesValue = ({ tables, text }: NftSpec): string =>
  text ?? `${Object.entries(tables).flatMap(([name, table]) => tableText(name, table)).join('\n')}\n` // prettier-ignore
