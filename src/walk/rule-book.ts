import type { LiveChain } from '../model/firewall.ts'
import type { Place } from '../model/place.ts'
import type { Dump, Runner } from '../model/runner.ts'
import type { WayRule } from '../model/packet-way.ts'
import { dumpedFirewall } from '../observe/read-rules.ts'
import type { TraceStep } from './nft-trace.ts'

/** The live rules of a namespace, by what the kernel reports of them. */
export interface RuleBook {
  /** The rule of a step, or the policy of its chain. */
  readonly ruleOf: (step: TraceStep) => WayRule
}

/** The rules of a namespace as `nft -j -a list ruleset` prints them: only their order matters. */
interface Listing {
  readonly nftables?: readonly {
    readonly rule?: { readonly family: string; readonly table: string; readonly chain: string; readonly handle: number }
  }[]
}

/** Reads which rule of a namespace has which handle. `ofNft` as readFirewall has it. */
export async function readRuleBook(
  dump: Dump,
  place: Place,
  runner: Pick<Runner, 'host'>,
  ofNft: readonly string[] | undefined,
  sourceOf: (chain: LiveChain, at: number | undefined) => string | undefined,
): Promise<RuleBook> {
  const { stdout } = await runner.host.run({ argv: ['nft', '-j', '-a', 'list', 'ruleset'], ...place })
  const key = ({ family, table, chain }: Pick<LiveChain, 'family' | 'table' | 'chain'>): string =>
    `${family} ${table} ${chain}`
  const byName = new Map(dumpedFirewall(dump, ofNft).map((chain) => [key(chain), chain]))
  const handles = new Map<string, number[]>()
  for (const { rule } of listed(stdout)) {
    if (!rule) continue
    const name = key(rule)
    const known = handles.get(name)
    if (known) known.push(rule.handle)
    else handles.set(name, [rule.handle])
  }
  return {
    ruleOf(step) {
      const { family, table, chain, kind, handle, verdict } = step
      const live = byName.get(key(step))
      const order = handles.get(key(step)) ?? []
      const at = kind === 'policy' ? -1 : order.indexOf(Number(handle))
      const source = live && sourceOf(live, at < 0 ? undefined : at)
      const common = {
        ...{ table: `${family} ${table}`, chain },
        verdict,
        ...(live?.hook !== undefined && { hook: live.hook }),
        ...(source !== undefined && { source }),
      }
      if (kind === 'policy') return { ...common, text: `policy ${verdict}` }
      // A rule that somebody has changed meanwhile has no place any more.
      const text = live?.rules.length === order.length ? live.rules[at]?.rule : undefined
      return { ...common, ...(at >= 0 && { number: at + 1 }), text: text ?? `rule with handle ${handle}` }
    },
  }
}

function listed(text: string): NonNullable<Listing['nftables']> {
  try {
    return (JSON.parse(text) as Listing).nftables ?? []
  } catch {
    return [] // nft is not installed
  }
}
