import { parseSave } from '../firewall/save.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { Runner } from '../model/runner.ts'
import type { Live } from './read.ts'

/**
 * Warns of rules of iptables-legacy in namespaces of the lab: the kernel keeps them apart from the rules of iptables-nft and
 * nftables, and packets pass through both. The program runs only where such tables exist.
 */
export async function legacyWarnings({ dumps, resources }: Live, runner: Pick<Runner, 'host'>): Promise<Diagnostic[]> {
  const found = [...dumps].filter(([name, { legacy }]) => legacy && resources.get(name)?.kind === 'namespace')
  const warnings = await Promise.all(
    found.flatMap(([name, { legacy = [] }]) =>
      (['ip', 'ip6'] as const).map(async (family): Promise<Diagnostic[]> => {
        const tables = legacy.flatMap((table) =>
          table.startsWith(`${family} `) ? [table.slice(family.length + 1)] : [],
        )
        const program = `${family}tables-legacy`
        const used = tables.length ? await inUse(tables, name, program, runner) : []
        if (used.length === 0) return []
        const flush = used.map((table) => `ip netns exec ${name} ${program} -t ${table} -F`)
        return [
          {
            code: 'legacy-rules',
            severity: 'warning',
            summary: `${name} has rules of ${program}, which no lab has: ${used.length === 1 ? 'table' : 'tables'} ${used.join(', ')}`,
            detail: `Packets meet them as well. To see them: ip netns exec ${name} ${program}-save\nTo remove them: ${flush.join('; ')}`,
          },
        ]
      }),
    ),
  )
  return warnings.flat()
}

/** The tables that contain rules, chains or policies; all of them when the program is missing. */
async function inUse(tables: readonly string[], netns: string, program: string, runner: Pick<Runner, 'host'>) {
  const { code, stdout } = await runner.host.run({ argv: [`${program}-save`], netns })
  if (code !== 0) return tables
  const saved = parseSave(stdout)
  return tables.filter((table) =>
    [...(saved.get(table)?.values() ?? [])].some(({ policy, rules }) => rules.length > 0 || policy !== 'ACCEPT'),
  )
}
