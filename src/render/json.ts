import { commandOf } from '../backend/iproute/index.ts'
import { shell } from '../model/command.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { summarize, type Action, type Difference, type Plan, type Stage } from '../model/plan.ts'

/** The version of every JSON document that netlab prints. Fields are added, never changed or removed, within 1. */
export const FORMAT = '1.0'

/** A plan as programs read it, and as the human view is made from. */
export interface PlanJson {
  readonly format_version: string
  readonly lab: string
  readonly adopts: readonly string[]
  /** Processes of others in namespaces that go. */
  readonly foreign_processes: readonly { readonly namespace: string; readonly pid: number; readonly command: string }[]
  readonly changes: readonly {
    readonly id: string
    readonly kind: string
    readonly namespace: string
    readonly action: Action
    readonly description: string
    readonly before: Readonly<Record<string, unknown>> | null
    readonly after: Readonly<Record<string, unknown>> | null
    readonly differences: readonly Difference[]
    /** What the kernel removes it with, or why it is replaced. */
    readonly reason?: string
  }[]
  readonly summary: Readonly<Record<Action, number>>
  readonly steps: readonly {
    readonly change: string
    readonly stage: Stage
    /** The exact command, as one line of shell. */
    readonly command: string
  }[]
}

/** The plan as plain JSON data. */
export function planJson({ lab, adopts, strangers, changes, steps }: Plan): PlanJson {
  const updated = new Set(changes.flatMap(({ id, action }) => (action === 'update' ? [id] : [])))
  const loss = (by: string): string => `the kernel removes it ${updated.has(by) ? `when ${by} changes` : `with ${by}`}`
  return {
    format_version: FORMAT,
    lab,
    adopts,
    foreign_processes: strangers.map(({ namespace, pid, command }) => ({ namespace, pid, command })),
    changes: changes.map(
      ({ id, kind, namespace, action, description, before, after, differences, lostWith, reason }) => ({
        id,
        kind,
        namespace,
        action,
        description,
        before: before?.spec ?? null,
        after: after?.spec ?? null,
        differences,
        ...(reason !== undefined && { reason }),
        ...(lostWith !== undefined && { reason: loss(lostWith) }),
      }),
    ),
    summary: summarize(changes),
    // Written out when somebody reads them: the human view of a large plan does not.
    get steps() {
      return steps.map(({ change, stage, operation }) => ({ change, stage, command: shell(commandOf(operation)) }))
    },
  }
}

/** A resource as programs read it. */
export interface ResourceJson {
  readonly id: string
  readonly kind: string
  readonly namespace: string
  /** In the machine's own namespace. */
  readonly root?: true
  readonly description: string
  readonly spec: Readonly<Record<string, unknown>>
}

/** What `show` prints: the resources of a lab, live or desired. */
export interface ShowJson {
  readonly format_version: string
  readonly lab: string
  readonly resources: readonly ResourceJson[]
}

/** Resources as plain JSON data; `describe` says each in a line. */
export const showJson = (lab: string, resources: Resources, describe: (r: Resource) => string): ShowJson => ({
  format_version: FORMAT,
  lab,
  resources: [...resources.values()].map((r) => ({
    id: r.id,
    kind: r.kind,
    namespace: r.namespace,
    ...(r.root && { root: r.root }),
    description: describe(r),
    spec: r.spec,
  })),
})
