import { execute, failureText } from '../exec/execute.ts'
import { showProgress } from '../exec/progress.ts'
import { kindOf } from '../kinds/index.ts'
import { read } from '../live/read.ts'
import type { Subject } from '../live/subject.ts'
import type { Plan } from '../model/plan.ts'
import type { Resource, Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import { makePlan } from '../plan/plan.ts'

/**
 * Makes the network what it was: plans from what is live now to what was live before, and does that. Returns what to
 * tell, and whether everything is as it was.
 */
export async function rollBack(
  name: string,
  before: Resources,
  runner: Runner,
): Promise<{ text: string; complete: boolean }> {
  const wanted = lasting(before)
  const subject = subjectOf(name, wanted)
  const plan = async (): Promise<Plan> =>
    makePlan({ lab: name, desired: wanted, live: lasting((await read(subject, runner)).resources) })
  const { failed } = await execute((await plan()).steps, runner, showProgress(process.stderr))
  const { changes } = await plan()
  const complete = changes.length === 0
  const trouble = failed ? `error: rolling back: ${failureText(failed)}\n` : ''
  const left = changes.map(({ id, action }) => `  ${id} (still to ${action})\n`).join('')
  return {
    text: `${trouble}${complete ? 'Rolled back: the network is as it was.\n' : `Could not be rolled back:\n${left}`}`,
    complete,
  }
}

/** What stays when it is made again: without what the kernel adds by itself and what namespaces to come would inherit. */
const lasting = (resources: Resources): Resources =>
  new Map<string, Resource>(
    [...resources].filter(([, r]) => {
      if (r.kind === 'sysctl') return r.root || resources.has(r.namespace)
      return !kindOf(r.kind).automatic?.(r) || r.kind === 'loopback'
    }),
  )

function subjectOf(lab: string, resources: Resources): Subject {
  const namespaces = new Map<string, { root?: true; shares?: string }>()
  const sysctls = new Map<string, string[]>()
  for (const { kind, id, namespace, root, spec } of resources.values()) {
    if (root) namespaces.set(namespace, { root })
    else if (kind === 'namespace') namespaces.set(id, {})
    else if (kind === 'share') namespaces.set(id, { shares: String(spec['of']) })
    if (kind === 'sysctl') sysctls.set(namespace, [...(sysctls.get(namespace) ?? []), String(spec['key'])])
  }
  return { lab, namespaces, sysctls }
}
