import { execute, failureText, type Execution } from '../run/execute.ts'
import type { Held } from '../run/hold.ts'
import { readsRareSysctls, schedule } from '../run/schedule.ts'
import { showProgress } from '../run/progress.ts'
import { isLikeIptables } from '../firewall/division.ts'
import { kindOf } from '../kinds/index.ts'
import { loopbackOf } from '../observe/found.ts'
import { adoptedWith } from '../observe/adopted.ts'
import { withListed } from '../observe/others.ts'
import { withTuned } from '../observe/tuned.ts'
import { read, type Live } from '../observe/read.ts'
import type { ReadRequest } from '../observe/read-request.ts'
import type { Change, Plan, Step } from '../model/change.ts'
import { HERE_NAME, placeOf } from '../model/place.ts'
import { linkId, nameOf, type Resource, type Resources } from '../model/resource.ts'
import type { Failure, Runner } from '../model/runner.ts'
import { isLink } from '../model/topology.ts'
import { below } from '../plan/order.ts'
import { restrict } from '../plan/listed.ts'

/** The result of a rollback. */
export interface RolledBack {
  /** The message for the user. */
  readonly text: string
  /** The network is as it was before. */
  readonly complete: boolean
  /** The error messages of the tools. */
  readonly errors: readonly string[]
  /** The changes that would still be necessary. */
  readonly left: readonly Change[]
}

/** What a rollback restores. */
export interface Earlier extends Pick<Live, 'resources' | 'marksOnly'> {
  /** What the run adopts, by id, and the alias that it had: that of `lo` of a namespace. Empty for what has no alias. */
  readonly aliases: ReadonlyMap<string, string>
  /** As in the plan. */
  readonly names?: Plan['names']
}

/** What was there before a plan is carried out, with what it adopts. */
export function earlier({ resources, adoptable, marksOnly, dumps }: Live, { adopts, names }: Plan): Earlier {
  return {
    resources: new Map([...resources, ...adoptedWith(adoptable, new Set(adopts))]),
    ...(marksOnly && { marksOnly }),
    ...(names && { names }),
    aliases: new Map(
      adopts.map((id) => [id, String(adoptable.get(id)?.spec['alias'] ?? loopbackOf(dumps.get(id))?.ifalias ?? '')]),
    ),
  }
}

/**
 * Restores the network: gives the held namespaces their names back, then carries out a plan from the live state to the one
 * before the run. The plan is limited to what the run may have `touched` and to what does not exist any more; changes that
 * others made meanwhile stay. What the run adopted is nobody's again.
 */
export async function rollBack(
  name: string,
  before: Earlier,
  touched: ReadonlySet<string>,
  runner: Runner,
  held: readonly Held[] = [],
): Promise<RolledBack> {
  let unnamed: Failure | undefined
  for (const one of held) unnamed = (await one.restore()) ?? unnamed
  const { failed, left } = before.marksOnly ? { left: [] } : await planBack(name, before, touched, runner)
  const complete = !unnamed && left.length === 0
  const errors = [unnamed?.outcome.stderr.trim(), failed && failureText(failed, runner.host)].flatMap((text) =>
    text ? [text] : [],
  )
  const trouble = errors.map((text) => `error: rolling back: ${text}\n`).join('')
  const still = left.map(({ id, action }) => `  ${id} (still to ${action})\n`).join('')
  return {
    text: `${trouble}${complete ? 'Rolled back: the network is as it was.\n' : `Could not be rolled back:\n${still}`}`,
    complete,
    errors,
    left,
  }
}

/** Carries out a plan from live to desired; returns the failed step and the changes that are left. */
async function planBack(
  lab: string,
  { resources, aliases, names }: Earlier,
  touched: ReadonlySet<string>,
  runner: Runner,
): Promise<{ readonly failed: Execution['failed']; readonly left: readonly Change[] }> {
  const desired = lasting(resources)
  const request = subjectOf(lab, desired)
  const isTouched = ({ id, before }: Change): boolean =>
    touched.has(id) || (before?.borrowed === HERE_NAME && touched.has(linkId(HERE_NAME, nameOf(id))))
  const concerned = (change: Change): boolean => isTouched(change) || change.action === 'create'
  let owned: Resources = new Map()
  const plan = async (): Promise<Plan> => {
    const found = await withTuned(withListed(await read(request, runner), desired), desired, runner)
    owned = found.resources
    const live = lasting(new Map([...found.resources, ...adoptedWith(found.adoptable, new Set(aliases.keys()))]))
    return schedule(restrict({ lab, desired, live, ...(names && { names }) }, concerned).plan, (id) =>
      below(id, desired),
    )
  }
  const execution = await execute((await plan()).steps, runner, showProgress(process.stderr))
  const failed = execution.failed ?? execution.unstarted.find((one) => 'outcome' in one)
  const { changes: left } = await plan()
  if (failed || left.length > 0) return { failed, left }
  const unmarked = [...aliases].flatMap(([id, alias]): Step[] => {
    const r = resources.get(id)
    if (r?.unmarked !== undefined) {
      const released = owned.has(id) ? kindOf(r.kind).release?.(r, lab) : undefined
      return (released ?? []).map((emission) => ({ change: id, wave: 0, ...emission }))
    }
    const where = r && isLink(r) ? { place: placeOf(r), name: nameOf(id) } : { place: { netns: id }, name: 'lo' }
    return [
      {
        ...{ change: id, stage: 'create namespaces', wave: 0 },
        operation: { do: 'link.set', ...where, set: { alias } },
      },
    ]
  })
  return { failed: (await execute(unmarked, runner, showProgress(process.stderr))).failed, left }
}

/** Without resources that the kernel creates by itself, and without inherited sysctls of namespaces that do not exist. */
const lasting = (resources: Resources): Resources =>
  new Map<string, Resource>(
    [...resources].filter(([, r]) => {
      if (r.kind === 'sysctl') return r.borrowed || resources.has(r.namespace)
      return !kindOf(r.kind).automatic?.(r) || r.kind === 'loopback' || r.kind === 'existing'
    }),
  )

function subjectOf(lab: string, resources: Resources): ReadRequest {
  const namespaces = new Map<string, { borrowed?: string; shares?: string }>()
  const sysctls = new Map<string, string[]>()
  const nftables = new Map<string, string[]>()
  for (const { kind, id, namespace, borrowed, spec } of resources.values()) {
    if (borrowed) namespaces.set(namespace, { borrowed })
    else if (kind === 'namespace') namespaces.set(id, {})
    else if (kind === 'share') namespaces.set(id, { shares: String(spec['of']) })
    if (kind === 'nftables') nftables.set(namespace, Object.keys(spec['tables'] as object).filter(isLikeIptables))
    if (kind === 'sysctl') sysctls.set(namespace, [...(sysctls.get(namespace) ?? []), String(spec['key'])])
  }
  return { lab, namespaces, sysctls, nftables, ...(readsRareSysctls(namespaces.size) && { rareSysctls: true }) }
}
