import type { ReachChangeJson } from './reach-change.ts'
import { commandOf } from '../backend/iproute/command-of.ts'
import { kindOf } from '../kinds/index.ts'
import { shell } from '../model/command.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import type { ChecksJson } from './check-results.ts'
import type { Fault } from '../model/fault.ts'
import type { ProcessState } from '../model/process-state.ts'
import { faultJson, type FaultJson } from './fault-text.ts'
import type { Resource, Resources } from '../model/resource.ts'
import { HERE_NAME, type Place } from '../model/place.ts'
import {
  summarize,
  type Action,
  type Change,
  type Difference,
  type Plan,
  type Stage,
  type Step,
} from '../model/change.ts'

/** The version of every JSON document that netlab prints. Within 1, fields are added, never changed or removed. */
export const FORMAT = '1.0'

/**
 * `not_declared`: the lab does not list it. `requested`: --replace. `other_kind`: it is another kind of thing. `cannot_update`:
 * the kernel cannot change one of the differences in place. `lost`: the kernel removes it along with something else.
 */
export type ReasonCode = 'not_declared' | 'requested' | 'other_kind' | 'cannot_update' | 'lost'

/** A change as programs read it. */
export type ChangeJson = PlanJson['changes'][number]

/** A plan as programs read it, and as the human view is made from. */
export interface PlanJson {
  readonly format_version: typeof FORMAT
  readonly lab: string
  readonly adopts: readonly string[]
  /** Processes of others in namespaces that the plan deletes. */
  readonly foreign_processes: readonly { readonly namespace: string; readonly pid: number; readonly command: string }[]
  readonly changes: readonly {
    readonly id: string
    readonly kind: string
    readonly namespace: string
    /** Of a lab on several machines: the one on which it is; absent: where netlab runs. */
    readonly machine?: string
    readonly action: Action
    readonly description: string
    readonly before: Readonly<Record<string, unknown>> | null
    readonly after: Readonly<Record<string, unknown>> | null
    readonly differences: readonly Difference[]
    /** Why it is replaced, in words. */
    readonly reason?: string
    /** Why it is deleted or replaced, for programs. */
    readonly reason_code?: ReasonCode
    /** With `reason_code` `lost`: the id of the resource with which the kernel removes it. */
    readonly lost_with?: string
  }[]
  readonly summary: Readonly<Record<Action, number>>
  /** With `--reach`: which pairs gain and lose reachability. */
  readonly reach?: ReachChangeJson
  /** The faults that somebody has set: no drift. Absent: none. */
  readonly faults?: readonly FaultJson[]
  /** With --test: what the checks say after it. */
  readonly tests?: ChecksJson
  /** A drill is under way, and `changes` and `steps` are left out. */
  readonly concealed?: true
  readonly steps: readonly {
    readonly change: string
    readonly stage: Stage
    /** Steps of one wave may run at the same time where their places differ. */
    readonly wave: number
    /** The namespace that it runs in; empty: where netlab runs. */
    readonly place: Place
    /** Of a lab on several machines: the one on which it runs; absent: where netlab runs. */
    readonly machine?: string
    readonly argv: readonly string[]
    /** What it reads on standard input. */
    readonly input?: string
    /** The exact command, as one line of shell. */
    readonly command: string
    /** What a person would type instead, where the command is a script of netlab's own. */
    readonly instead?: string
  }[]
}

/** The plan as plain JSON data. */
export function planJson({ lab, adopts, strangers, changes, steps, faults }: Plan): PlanJson {
  const updated = new Set(changes.flatMap(({ id, action }) => (action === 'update' ? [id] : [])))
  const loss = (by: string): string => `the kernel removes it ${updated.has(by) ? `when ${by} changes` : `with ${by}`}`
  return {
    format_version: FORMAT,
    lab,
    adopts,
    foreign_processes: strangers.map(({ namespace, pid, command }) => ({ namespace, pid, command })),
    changes: changes.map((change) => {
      const { id, kind, namespace, action, description, before, after, differences, lostWith, reason } = change
      return {
        id,
        kind,
        namespace,
        action,
        description,
        before: before ? published(before) : null,
        after: after ? published(after) : null,
        differences,
        ...(reason !== undefined && { reason }),
        ...(lostWith !== undefined && { reason: loss(lostWith) }),
        ...reasonCode(change),
        ...(lostWith !== undefined && { lost_with: lostWith }),
      }
    }),
    summary: summarize(changes),
    ...(faults?.length && { faults: faults.map(faultJson) }),
    // A getter, because the text of a large plan does not need the steps.
    get steps() {
      return steps.map(stepJson)
    },
  }
}

function stepJson({ change, stage, wave, operation }: Step): PlanJson['steps'][number] {
  const command = commandOf(operation)
  const { argv, input } = command
  const { place } = operation
  const instead = operation.do === 'run' ? operation.instead : undefined
  return {
    ...{ change, stage, wave, place, argv, ...(input !== undefined && { input }), command: shell(command) },
    ...(instead !== undefined && { instead }),
  }
}

function reasonCode({ action, differences, lostWith, reason }: Change): { reason_code?: ReasonCode } {
  if (lostWith !== undefined) return { reason_code: 'lost' }
  if (action === 'delete') return { reason_code: 'not_declared' }
  if (action !== 'replace') return {}
  if (reason !== undefined) return { reason_code: 'requested' }
  return { reason_code: differences.some(({ field }) => field === 'kind') ? 'other_kind' : 'cannot_update' }
}

/** The settings of a resource, without those that only netlab needs. */
const published = ({ kind, spec }: Resource): Readonly<Record<string, unknown>> =>
  kindOf(kind).published?.(spec) ?? spec

/** A resource as programs read it. */
export interface ResourceJson {
  readonly id: string
  readonly kind: string
  readonly namespace: string
  /** It is in the machine's own namespace. */
  readonly root?: true
  /** It belongs to others: a daemon's, or covered by `others: keep`. */
  readonly others?: true
  /** The program that it comes from, by its protocol: `ospf`, `dhcp`; `ra` for router advertisements; a number that has no name. */
  readonly learnt_by?: string
  readonly description: string
  /** Of a live process or setup: what it does at the moment. */
  readonly process?: ProcessState
  readonly spec: Readonly<Record<string, unknown>>
}

/** What `show` prints: the resources of a lab, live or desired. */
export interface ShowJson {
  readonly format_version: typeof FORMAT
  readonly lab: string
  readonly resources: readonly ResourceJson[]
  /** The faults that somebody has set, the oldest first. Absent: none. */
  readonly faults?: readonly FaultJson[]
}

function learntBy({ spec }: Resource): { learnt_by?: string } {
  const by = spec['protocol'] ?? spec['proto'] ?? (spec['origin'] === 'slaac' ? 'ra' : undefined)
  return typeof by === 'string' ? { learnt_by: by } : {}
}

/** Resources as plain JSON data. */
export const showJson = (
  lab: string,
  resources: Resources,
  states: ReadonlyMap<string, ProcessState> = new Map(),
  faults: readonly Fault[] = [],
): ShowJson => ({
  format_version: FORMAT,
  lab,
  ...(faults.length && { faults: faults.map(faultJson) }),
  resources: [...resources.values()].map((r) => ({
    id: r.id,
    kind: r.kind,
    namespace: r.namespace,
    ...(r.borrowed === HERE_NAME && { root: true as const }),
    ...(r.others && { others: r.others, ...learntBy(r) }),
    description: kindOf(r.kind).describe(r.spec),
    ...(states.has(r.id) && { process: states.get(r.id)! }),
    spec: published(r),
  })),
})

/** A diagnostic as programs read it; `file`, `line` and `column` (from 1) where it concerns a file. */
export interface DiagnosticJson extends Pick<Diagnostic, 'severity' | 'code' | 'summary'> {
  readonly detail: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

/** What a command with `--json` prints when it fails before it has a result. */
export interface ErrorJson {
  readonly format_version: typeof FORMAT
  readonly error: { readonly diagnostics: readonly DiagnosticJson[] }
}

/** A diagnostic as plain JSON data. */
export const diagnosticJson = ({ severity, code, summary, detail, position }: Diagnostic): DiagnosticJson => ({
  severity,
  code,
  summary,
  detail: detail ?? '',
  ...(position && { file: position.file, line: position.line, column: position.column }),
})

/** A failure as plain JSON data. */
export const errorJson = (diagnostics: readonly Diagnostic[]): ErrorJson => ({
  format_version: FORMAT,
  error: { diagnostics: diagnostics.map(diagnosticJson) },
})
