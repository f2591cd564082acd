import type { Fault } from './fault.ts'
import type { Names } from './names.ts'
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
  /** One-based positions in an ordered list before and after the change: of a rule in its chain. */
  readonly at?: { readonly from?: number; readonly to?: number }
  /** A side effect of the change. */
  readonly note?: string
}

/** What happens to one resource, and why. */
export interface Change {
  readonly id: string
  readonly kind: string
  readonly namespace: string
  readonly action: Action
  /** The resource in one line: the desired one, or the live one when it is deleted. */
  readonly description: string
  readonly before?: Resource
  readonly after?: Resource
  /** For updates and replacements. */
  readonly differences: readonly Difference[]
  /** The id of the resource with which the kernel removes this one, so that it has to be created again. */
  readonly lostWith?: string
  /** One line: why the change is necessary, when the differences do not show it. */
  readonly reason?: string
}

/** Properties of all operations of a stage. */
export interface StageProperties {
  /** Everything before it is done in all namespaces before anything of it starts. */
  readonly barrier?: true
  /** It removes things: that one of them does not exist any more is no failure. */
  readonly removes?: true
  /** It creates links or sets them up: the order matters where links are stacked on other links. */
  readonly links?: true
  /** Bridges start forwarding in this stage. */
  readonly opens?: true
  /** It changes settings of single interfaces. */
  readonly ofLinks?: true
  /** It starts or stops programs of the lab, which wait for each other (`Step.after`). */
  readonly programs?: 'start' | 'stop'
  /** It creates something other than links, addresses, routes and sysctls. */
  readonly more?: true
  /**
   * When a lab that is set up in parts reaches the stage. `lab`: in all namespaces before any link is created; `links` and
   * `namespace`: part by part; `end`: after everything else.
   */
  readonly turn: 'lab' | 'links' | 'namespace' | 'end'
}

/**
 * The stages, in the order in which they run. Between barriers, namespaces do not wait for each other. The kernel requires this
 * order (link up → addresses → routes): docs/kernel.md.
 */
export const stages = [
  { name: 'stop processes', barrier: true, programs: 'stop', turn: 'lab' },
  { name: 'remove homes', barrier: true, turn: 'lab' },
  { name: 'delete rules', barrier: true, removes: true, turn: 'lab' },
  { name: 'delete routes', removes: true, turn: 'lab' },
  { name: 'delete neighbors', removes: true, turn: 'lab' },
  { name: 'clear nexthops', removes: true, turn: 'lab' },
  { name: 'delete qdiscs', removes: true, turn: 'lab' },
  { name: 'delete secondary addresses', removes: true, turn: 'lab' },
  { name: 'delete addresses', removes: true, turn: 'lab' },
  { name: 'delete links', barrier: true, removes: true, turn: 'lab' },
  { name: 'delete namespaces', barrier: true, removes: true, turn: 'lab' },
  { name: 'create namespaces', barrier: true, turn: 'lab' },
  { name: 'share namespaces', barrier: true, turn: 'lab' },
  { name: 'set sysctls of all', barrier: true, turn: 'lab' },
  { name: 'set sysctls', turn: 'lab' },
  { name: 'create links', barrier: true, links: true, turn: 'links' },
  { name: 'set bridges', barrier: true, turn: 'namespace' },
  { name: 'set ports', turn: 'namespace' },
  { name: 'load sets', more: true, turn: 'namespace' },
  { name: 'load firewall', more: true, turn: 'namespace' },
  { name: 'delete sets', removes: true, turn: 'namespace' },
  { name: 'open bridges', barrier: true, opens: true, turn: 'namespace' },
  { name: 'set links', barrier: true, links: true, turn: 'namespace' },
  { name: 'choose ports', barrier: true, turn: 'namespace' },
  { name: 'set link sysctls', barrier: true, ofLinks: true, turn: 'namespace' },
  { name: 'add addresses', turn: 'namespace' },
  { name: 'open tunnels', turn: 'namespace' },
  { name: 'add neighbors', more: true, turn: 'namespace' },
  { name: 'add device routes', turn: 'namespace' },
  { name: 'add nexthops', more: true, turn: 'namespace' },
  { name: 'add nexthop groups', more: true, turn: 'namespace' },
  { name: 'add routes', turn: 'namespace' },
  { name: 'delete nexthops', removes: true, turn: 'namespace' },
  { name: 'add rules', more: true, turn: 'namespace' },
  { name: 'add qdiscs', more: true, turn: 'namespace' },
  { name: 'make homes', barrier: true, more: true, turn: 'end' },
  { name: 'mount folders', more: true, turn: 'end' },
  { name: 'write files', more: true, turn: 'end' },
  { name: 'start processes', barrier: true, more: true, programs: 'start', turn: 'end' },
] as const satisfies readonly ({ readonly name: string } & StageProperties)[]

export type Stage = (typeof stages)[number]['name']

const properties = new Map<Stage, StageProperties>(stages.map((stage) => [stage.name, stage]))

/** The properties of a stage. Throws an Error when no stage has the name. */
export function stageOf(name: Stage): StageProperties {
  const found = properties.get(name)
  if (!found) throw new Error(`there is no stage ${name}`)
  return found
}

/** An operation that a kind asks for, and its stage. */
export interface Emission {
  readonly stage: Stage
  readonly operation: Operation
  /** Of programs: the ids of changes whose steps in the same stage come first. */
  readonly after?: readonly string[]
}

/** One operation of a plan. */
export interface Step {
  /** The id of the change that it is part of. */
  readonly change: string
  readonly stage: Stage
  /** Steps of one wave may run at the same time when their namespaces differ; a wave starts when the one before ended. */
  readonly wave: number
  readonly operation: Operation
  /** Of programs: the ids of changes whose steps in the same wave come first. Without them they run at the same time. */
  readonly after?: readonly string[]
}

/** What a run would do, as plain data: no part of it refers to a file, a process or a connection. */
export interface Plan {
  readonly lab: string
  /** Ids of namespaces and interfaces that others created and that the plan adopts as they are. */
  readonly adopts: readonly string[]
  /** Processes of others in namespaces that the plan deletes: the kernel keeps such a namespace, without a name. */
  readonly strangers: readonly Stranger[]
  readonly changes: readonly Change[]
  readonly steps: readonly Step[]
  /** The faults that somebody has set, which are no drift; absent: none. */
  readonly faults?: readonly Fault[]
  /** The names that programs know, where they are not those of what is desired. */
  readonly names?: Names
}

/** How many changes of each action a plan has. */
export function summarize(changes: readonly Change[]): Record<Action, number> {
  const summary = { create: 0, update: 0, replace: 0, delete: 0 }
  for (const { action } of changes) summary[action]++
  return summary
}
