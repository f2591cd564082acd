import type { Code } from './diagnostic-codes.ts'
import type { Dump } from './runner.ts'
import type { Difference, Emission } from './change.ts'
import type { Resource, Resources } from './resource.ts'
import type { Topology } from './topology.ts'

/** Where a dump comes from: what a kind needs to know to turn it into resources. */
export interface ReadContext {
  readonly namespace: string
  readonly root?: true
  /** The lab made what is in it; absent where it took the namespace over, or may. */
  readonly made?: true
  /** The lab that is being read: in the machine's own namespace only what carries its mark is read. */
  readonly lab: string
  /** Tables called as iptables' own that the lab declares under `nftables`: `ip nat`. */
  readonly nftables?: readonly string[]
}

/** An update that was decided on. */
export interface Update<S extends object> {
  readonly live: Resource<S>
  readonly desired: Resource<S>
  readonly differences: readonly Difference[]
}

/** What a kind may look at when it writes commands. */
export interface PlanContext {
  readonly lab: string
  readonly live: Resources
  readonly desired: Resources
  /** Whether the plan deletes or replaces the resource with this id. */
  readonly goes: (id: string) => boolean
  /** Whether it goes because the kernel takes it along with something else: no command removes it. */
  readonly lost: (id: string) => boolean
}

/** Fields of a lab file in its long form. */
export interface LabEntry {
  /** The way from the top of the file to the map that has the fields: `['namespaces', 'h1', 'interfaces', 'eth0']`. */
  readonly at: readonly string[]
  /** What several resources say of one field is joined: lists one after the other, maps key by key. */
  readonly set: Readonly<Record<string, unknown>>
}

/** A way within a lab file, or within an entry of it. */
export type LabPath = readonly (string | number)[]

/** Complains of what is at a path within an entry; `detail` as a function where finding it out takes time. */
type Complain = (
  code: Code,
  path: LabPath,
  summary: string,
  detail?: string | (() => string | undefined),
  on?: 'key' | 'value',
) => void

/** What a kind may look at when it reads an entry of a lab file, whose shape has been checked. */
export interface LabContext {
  readonly namespace: string
  /** The entry is of the machine's own namespace, which has more than the lab knows. */
  readonly root: boolean
  /** The key under which the entry is: the name of a set, a process, a sysctl, or of the interface that has it. */
  readonly name: string
  /** The folder in which the file lies. */
  readonly folder: string
  /** What the file asks for before: the interface and its bridge; to routing, all interfaces and addresses. */
  readonly resources: Resources
  readonly error: Complain
  readonly warning: Complain
  /** The interface by which a neighbour is reached: that of its subnet, if none is named. Undefined where that is wrong, which has been said. */
  readonly deviceTo?: (address: string, named: string | undefined) => string | undefined
}

/**
 * A kind of thing. All of it is pure: the planner calls these functions and never switches on a kind's name.
 * Adding a kind is one file in src/kinds, one line in its table, one fixture folder.
 */
export interface Kind<S extends object = any> {
  readonly name: string
  /** The resources of this kind in a namespace, less what can be told only when all are read: `farEnd`. */
  read(dump: Dump, scope: ReadContext): Resource<S>[]
  /** The field with the id of what is at the other end of a link's `link`/`link_index`: a veth's peer, a lower device. */
  readonly farEnd?: 'peer' | 'link'
  /** The settings that people look for first, in one line. */
  describe(spec: S): string
  /** The settings without what only netlab understands, for programs that read a plan. Default: all of them. */
  published?(spec: S): Readonly<Record<string, unknown>>
  /** What an entry of a lab file asks for; undefined where it asks for nothing, or something is wrong with it, which has been said. */
  fromLab?(entry: any, context: LabContext): S | undefined
  /** What a lab file in its long form says to ask for it, among all these resources; nothing for what a lab cannot ask for. */
  toLab(resource: Resource<S>, resources: Resources): LabEntry[]
  /** What differs; empty when nothing does. Fields that the lab leaves to the kernel are not compared. */
  compare(live: S, desired: S): Difference[]
  /** Ids that must exist first. */
  needs(resource: Resource<S>): string[]
  /** Ids of what it is made on top of, where that is less than what it needs in the end. */
  below?(resource: Resource<S>): string[]
  /** Ids with which the kernel removes this one: its namespace, its interface, its peer. */
  lostWith(resource: Resource<S>, live: Resources): string[]
  /** Ids that the kernel removes when this update is made, though the resource itself stays (a link set down). */
  disturbs?(update: Update<S>, live: Topology): string[]
  create(resource: Resource<S>, context: PlanContext): Emission[]
  update(update: Update<S>, context: PlanContext): Emission[]
  /** What the kernel makes along with it (lo with a namespace). */
  provides?(resource: Resource<S>): Resource[]
  /** Marks one that others made as the lab's (namespaces only). */
  adopt?(id: string, lab: string): Emission[]
  /** The kernel made it by itself: one that the lab does not list is no drift (fe80 addresses). */
  automatic?(resource: Resource<S>): boolean
  /**
   * What goes as well when these go, and with which of them: what hangs on several (the routes of an interface, on its
   * last address).
   */
  lostWithLast?(gone: ReadonlySet<string>, live: Resources): [id: string, by: string][]
  /** Names of the features of the kernel, and of the programs, that it takes: of src/kinds/features.ts. */
  requires?(resource: Resource<S>): string[]
  /** The kernel may leave it behind when `by`, which it is `lostWith`, goes (a process): it is removed all the same. */
  lingers?(resource: Resource<S>, by: string): boolean
  /** What is left of a live resource that stays when these go (a port whose bridge goes has no master). */
  afterLosing?(resource: Resource<S>, goes: (id: string) => boolean, live: Topology): Resource<S>
  /** Empty when something else that goes takes it along. */
  remove(resource: Resource<S>, context: PlanContext): Emission[]
}
