import { canonicalize } from '../observe/canonical.ts'
import { mustBeInstalled } from '../observe/missing-features.ts'
import { throwaway } from '../observe/throwaway.ts'
import { startRunner } from '../run/choose-runner.ts'
import { scale } from '../run/schedule.ts'
import type { Lab } from '../language/load-lab.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Resources } from '../model/resource.ts'

/** The kinds of rules and sets. */
export const ofFirewall: ReadonlySet<string> = new Set(['iptables', 'ip6tables', 'nftables', 'ipset'])

/** The rules and sets that the kernel refuses, or why they could not be tried. */
export type RulesTried = { readonly refused: readonly Diagnostic[] } | { readonly untried: string }

/** Why these rules cannot be loaded in a throw-away namespace here; undefined: they can. */
export async function whyUntried(rules: Resources, host: Host): Promise<string | undefined> {
  try {
    mustBeInstalled(rules, host)
  } catch (error) {
    if (error instanceof UserError) return error.diagnostics.map(({ summary }) => summary).join(', ')
    throw error
  }
  const { code, stderr } = await host.run({ argv: [...throwaway(host), 'true'] })
  return code === 0 ? undefined : `no network namespace can be made here (${stderr.trim()})`
}

/** Loads the rules of a lab in throw-away namespaces, which change nothing on the machine. */
export async function tryRules({ resources, where }: Lab, host: Host): Promise<RulesTried> {
  const rules = new Map([...resources].filter(([, { kind }]) => ofFirewall.has(kind)))
  if (rules.size === 0) return { refused: [] }
  const untried = await whyUntried(rules, host)
  if (untried !== undefined) return { untried }
  try {
    await canonicalize(resources, startRunner(host), where, scale.nftInProcess)
    return { refused: [] }
  } catch (error) {
    if (error instanceof UserError) return { refused: error.diagnostics }
    throw error
  }
}
