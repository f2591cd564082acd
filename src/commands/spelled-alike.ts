import type { Host } from '../model/host.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { isLink } from '../model/topology.ts'
import { canonicalize } from '../observe/canonical.ts'
import { startRunner } from '../run/choose-runner.ts'
import { scale } from '../run/schedule.ts'
import { UserError } from '../model/diagnostic.ts'
import { ofFirewall, whyUntried } from './try-rules.ts'

/** Both sides of a comparison, and why their rules are as they are written; absent: they are as the tools print them. */
interface SpelledAlike {
  readonly sides: readonly [Resources, Resources]
  readonly untried?: string
}

/**
 * Both sides with the rule sets that they write differently in the form that the tools print, so that only what means something else differs.
 * Loads them in throw-away namespaces, which change nothing on the machine. Where that is not possible, the sides are as they were.
 */
export async function spelledAlike(first: Resources, second: Resources, host: Host): Promise<SpelledAlike> {
  const sides = [first, second] as const
  const differing = new Map(
    [...first].filter(([id, { kind, spec }]) => {
      const other = second.get(id)
      return ofFirewall.has(kind) && other?.kind === kind && said(spec) !== said(other.spec)
    }),
  )
  if (differing.size === 0) return { sides }
  const untried = await whyUntried(differing, host)
  if (untried !== undefined) return { sides, untried }
  const runner = startRunner(host)
  const inForm = async (side: Resources): Promise<Resources> => {
    // Rules name interfaces and sets.
    const needed = (r: Resource): boolean => differing.has(r.id) || r.kind === 'ipset' || isLink(r)
    const part = new Map([...side].filter(([, r]) => needed(r)))
    const formed = await canonicalize(part, runner, undefined, scale.nftInProcess)
    return new Map(
      [...side].flatMap(([id, r]) => {
        const now = part.has(id) ? formed.get(id) : r
        return now ? [[id, now] as const] : []
      }),
    )
  }
  try {
    return { sides: [await inForm(first), await inForm(second)] }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { sides, untried: error.diagnostics.map(({ summary }) => summary).join(', ') }
  }
}

/** What a rule set says, without the places where it is written. */
const said = ({ written: _, ...spec }: Resource['spec']): string => JSON.stringify(spec)
