import { quote } from '../model/command.ts'
import type { IptablesSpec, NftSpec } from '../model/firewall.ts'
import { tableText } from './nft-transaction.ts'
import { split } from './rule-words.ts'

/** A rule of iptables-save quoted as for a shell, without the lab's mark, which netlab adds. */
function typed(rule: string): string {
  const words = split(rule.replace(/-m comment --comment "netlab:[a-z0-9-]+" ?/, ''), 'save')
  return 'summary' in words ? rule : words.map(({ text }) => (text === '!' ? text : quote(text))).join(' ')
}

/** The value of `iptables` or `ip6tables` in a lab file for this spec, without the marks of rules. */
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

/** The value of `nftables` in a lab file for this spec. */
export const nftablesValue = ({ tables, text }: NftSpec): string =>
  text ?? `${Object.entries(tables).flatMap(([name, table]) => tableText(name, table)).join('\n')}\n` // prettier-ignore
