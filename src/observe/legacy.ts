import { parseSave } from '../firewall/save.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import type { Live } from './read.ts'

/** Tables of iptables-legacy that are in use in a namespace. */
interface LegacyRules {
  readonly namespace: string
  /** `iptables-legacy` or `ip6tables-legacy` */
  readonly program: string
  readonly tables: readonly string[]
}

/** The tables of iptables-legacy in namespaces that are the lab's, or can become it. The program runs only where such tables exist. */
export async function legacyRules({ dumps, resources, adoptable }: Live, host: Host): Promise<LegacyRules[]> {
  const isNamespace = (name: string): boolean => (resources.get(name) ?? adoptable.get(name))?.kind === 'namespace'
  const found = await Promise.all(
    [...dumps].flatMap(([namespace, { legacy }]) =>
      legacy && isNamespace(namespace)
        ? (['ip', 'ip6'] as const).map(async (family): Promise<LegacyRules> => {
            const all = legacy.flatMap((table) =>
              table.startsWith(`${family} `) ? [table.slice(family.length + 1)] : [],
            )
            const program = `${family}tables-legacy`
            return { namespace, program, tables: all.length ? await inUse(all, namespace, program, host) : [] }
          })
        : [],
    ),
  )
  return found.filter(({ tables }) => tables.length > 0)
}

/**
 * Warns of rules of iptables-legacy: the kernel keeps them apart from the rules of iptables-nft and nftables, and packets pass
 * through both.
 */
export const legacyWarnings = async (live: Live, { host }: Pick<Runner, 'host'>): Promise<Diagnostic[]> =>
  (await legacyRules(live, host)).map(({ namespace, program, tables }) => {
    const flush = tables.map((table) => `ip netns exec ${namespace} ${program} -t ${table} -F`)
    return {
      code: 'legacy-rules',
      severity: 'warning',
      summary: `${namespace} has rules of ${program}, which no lab has: ${tables.length === 1 ? 'table' : 'tables'} ${tables.join(', ')}`,
      detail: `Packets meet them as well. To see them: ip netns exec ${namespace} ${program}-save\nTo remove them: ${flush.join('; ')}`,
    }
  })

/** The tables that contain rules, chains or policies; all of them when the program is missing. */
async function inUse(tables: readonly string[], netns: string, program: string, host: Host) {
  const { code, stdout } = await host.run({ argv: [`${program}-save`], netns })
  if (code !== 0) return tables
  const saved = parseSave(stdout)
  return tables.filter((table) =>
    [...(saved.get(table)?.values() ?? [])].some(({ policy, rules }) => rules.length > 0 || policy !== 'ACCEPT'),
  )
}
