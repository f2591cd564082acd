import type { Operation } from './operation.ts'
import type { Resource } from './resource.ts'
import type { Stranger } from './runner.ts'

export type Action = 'create' | 'update' | 'replace' | 'delete'

/** The symbols that plans show, as Terraform does. */
export const symbols: Readonly<Record<Action, string>> = { create: '+', update: '~', replace: '-/+', delete: '-' }

/** One field of a resource that differs. An absent side has no value. */
export interface Difference {
  readonly field: string
  readonly from?: unknown
  readonly to?: unknown
  /** Why the kernel cannot change it in place. */
  readonly forces?: string
  /** One-based places in an ordered list, before and after: a rule in its chain. */
  readonly at?: { readonly from?: number; readonly to?: number }
  /** What else comes with the change. */
  readonly note?: string
}

/** What happens to one resource, and why. */
export interface Change {
  readonly id: string
  readonly kind: string
  readonly namespace: string
  readonly action: Action
  /** The resource in one line, as it will be (as it is, when it goes). */
  readonly description: string
  readonly before?: Resource
  readonly after?: Resource
  /** For updates and replacements. */
  readonly differences: readonly Difference[]
  /** The id of what takes it along: the kernel removes it, and it has to be made again. */
  readonly lostWith?: string
  /** One line: what makes it necessary, where the differences do not say it. */
  readonly reason?: string
}

/**
 * When things happen. Stages run in this order; where `barrier` is true, everything before is done in all namespaces
 * before anything of it starts. Between barriers every namespace goes its own way.
 * The order itself (link up → addresses → routes) is the kernel's: docs/kernel.md.
 */
export const stages = [
  { name: 'stop processes', barrier: true },
  { name: 'delete rules', barrier: true },
  { name: 'delete routes', barrier: false },
  { name: 'delete neighbors', barrier: false },
  { name: 'delete qdiscs', barrier: false },
  { name: 'delete secondary addresses', barrier: false },
  { name: 'delete addresses', barrier: false },
  { name: 'delete links', barrier: true },
  { name: 'delete namespaces', barrier: true },
  { name: 'create namespaces', barrier: true },
  { name: 'share namespaces', barrier: true },
  { name: 'set sysctls of all', barrier: true },
  { name: 'set sysctls', barrier: false },
  { name: 'create links', barrier: true },
  { name: 'set bridges', barrier: true },
  { name: 'set ports', barrier: false },
  { name: 'load sets', barrier: false },
  { name: 'load firewall', barrier: false },
  { name: 'delete sets', barrier: false },
  { name: 'open bridges', barrier: true },
  { name: 'set links', barrier: true },
  { name: 'set link sysctls', barrier: true },
  { name: 'add addresses', barrier: false },
  { name: 'add neighbors', barrier: false },
  { name: 'add device routes', barrier: false },
  { name: 'add routes', barrier: false },
  { name: 'add rules', barrier: false },
  { name: 'add qdiscs', barrier: false },
  { name: 'start processes', barrier: true },
] as const

export type Stage = (typeof stages)[number]['name']

/** An operation that a kind asks for, and when. */
export interface Emission {
  readonly stage: Stage
  readonly operation: Operation
}

/** One operation of a plan. */
export interface Step {
  /** The id of the change that it is part of. */
  readonly change: string
  readonly stage: Stage
  /** Steps of one wave may run at the same time when their namespaces differ; a wave starts when the one before ended. */
  readonly wave: number
  readonly operation: Operation
}

/** What a run would do: plain data. Nothing in it refers to a file, a process or a connection. */
export interface Plan {
  readonly lab: string
  /** Namespaces that others made and that the plan takes over as they are. */
  readonly adopts: readonly string[]
  /** Processes of others in namespaces that the plan deletes: the kernel keeps such a namespace, without its name. */
  readonly strangers: readonly Stranger[]
  readonly changes: readonly Change[]
  readonly steps: readonly Step[]
}

/** How many changes of each action a plan has. */
export function summarize(changes: readonly Change[]): Record<Action, number> {
  const summary = { create: 0, update: 0, replace: 0, delete: 0 }
  for (const { action } of changes) summary[action]++
  return summary
}
