import type { Code } from './diagnostic-codes.ts'
import type { Dump } from './runner.ts'
import type { Difference, Emission } from './change.ts'
import type { Resource, Resources } from './resource.ts'
import type { Topology } from './topology.ts'

/** What a kind needs to know about the namespace of a dump to turn it into resources. */
export interface ReadContext {
  readonly namespace: string
  /** As in a resource: only what carries the mark of the lab is read. */
  readonly borrowed?: string
  /** The lab created the namespace; absent when it has adopted it, or may adopt it. */
  readonly made?: true
  /** In a borrowed namespace: what has no mark is read as well, because the lab may adopt it. */
  readonly unmarked?: true
  /** The lab that is being read. */
  readonly lab: string
  /** Tables that the lab declares under `nftables` and that have names iptables uses as well: `ip nat`. */
  readonly nftables?: readonly string[]
}

/** An update in place, with both sides. */
export interface Update<S extends object> {
  readonly live: Resource<S>
  readonly desired: Resource<S>
  readonly differences: readonly Difference[]
}

/** What a kind may look at when it returns operations. */
export interface PlanContext {
  readonly lab: string
  readonly live: Resources
  readonly desired: Resources
  /** Whether the plan deletes or replaces the resource with this id. */
  readonly goes: (id: string) => boolean
  /** Whether the kernel removes it along with something else, so that it needs no operation of its own. */
  readonly lost: (id: string) => boolean
  /** The names that programs know, as lines of a hosts(5) file. */
  readonly hosts: () => string
}

/** What else is in a borrowed namespace, for what a lab may adopt there. */
export interface Borrowed {
  /** Whether the resource with this id is the lab's, or may become it. */
  readonly isLabs: (id: string) => boolean
  /** What there is of the kinds that have protocols for their marks, whoever it belongs to. */
  readonly all: readonly Resource[]
}

/** Fields of one map in the long form of a lab file. */
export interface LabEntry {
  /** The path from the top of the file to the map: `['namespaces', 'h1', 'interfaces', 'eth0']`. */
  readonly at: readonly string[]
  /** The fields. Values of one field from several resources are joined: lists by appending, maps key by key. */
  readonly set: Readonly<Record<string, unknown>>
}

/** A path within a lab file, or within an entry of it. */
export type LabPath = readonly (string | number)[]

/** Reports an error at a path within an entry; `detail` is a function when it takes time to find. */
type Complain = (
  code: Code,
  path: LabPath,
  summary: string,
  detail?: string | (() => string | undefined),
  on?: 'key' | 'value',
) => void

/** What a kind may look at when it reads an entry of a lab file that has passed the schema. */
export interface LabContext {
  readonly namespace: string
  /** The entry belongs to the machine's own namespace, which contains more than the lab file lists. */
  readonly root: boolean
  /** The key of the entry: the name of a set, a process, a sysctl, or of the interface that has the entry. */
  readonly name: string
  /** The folder of the file. */
  readonly folder: string
  /** The resources from earlier entries: at least the interface and its bridge; for routing, all interfaces and addresses. */
  readonly resources: Resources
  readonly error: Complain
  readonly warning: Complain
  /** The addresses of a namespace of the lab as canonical CIDRs of a single host; undefined when there is no such namespace. */
  readonly addressesOf?: (namespace: string) => readonly string[] | undefined
  /** The interface that reaches a neighbour: the one `named`, else that of its subnet. Undefined after reporting an error. */
  readonly deviceTo?: (address: string, named: string | undefined) => string | undefined
}

/**
 * A kind of resource. All functions are pure: the planner calls them and never switches on a kind's name. CONTRIBUTING.md says
 * how to add one.
 */
export interface Kind<S extends object = any> {
  readonly name: string
  /** The resources of this kind in a namespace, without `farEnd`, which is known only when all namespaces have been read. */
  read(dump: Dump, scope: ReadContext): Resource<S>[]
  /** The field with the id of what is at the other end of a link's `link`/`link_index`: a veth's peer, a lower device. */
  readonly farEnd?: 'peer' | 'link'
  /** The most important settings in one line, for people. */
  describe(spec: S): string
  /** The settings for programs that read a plan, without those that only netlab needs. Default: all settings. */
  published?(spec: S): Readonly<Record<string, unknown>>
  /** The settings that an entry of a lab file asks for; undefined when it asks for nothing, or after reporting an error. */
  fromLab?(entry: any, context: LabContext): S | undefined
  /** The entries of the long form that ask for the resource, one of `resources`; empty when a lab cannot ask for it. */
  toLab(resource: Resource<S>, resources: Resources): LabEntry[]
  /** The differences; empty when there are none. Fields that the lab leaves to the kernel are not compared. */
  compare(live: S, desired: S): Difference[]
  /** Ids that must exist first. */
  needs(resource: Resource<S>): string[]
  /** Of those, the ids of what may be on another machine: programs wait for each other across machines. */
  awaits?(resource: Resource<S>): string[]
  /** Ids of what it is created on top of, when that is only a part of what it `needs`. */
  below?(resource: Resource<S>): string[]
  /** Ids of resources with which the kernel removes this one: its namespace, its interface, its peer. */
  lostWith(resource: Resource<S>, live: Resources): string[]
  /** Ids of what the kernel removes during this update, though the resource itself stays (a link that is set down). */
  disturbs?(update: Update<S>, live: Topology): string[]
  create(resource: Resource<S>, context: PlanContext): Emission[]
  update(update: Update<S>, context: PlanContext): Emission[]
  /** The resources that the kernel creates along with it (lo with a namespace). */
  provides?(resource: Resource<S>): Resource[]
  /** The operations that mark what others made as the lab's (namespaces; interfaces, routes and rules of borrowed ones). */
  adopt?(resource: Resource<S>, lab: string): Emission[]
  /** The operations that give an adopted one its earlier mark back, where that is a protocol. */
  release?(resource: Resource<S>, lab: string): Emission[]
  /** Why a lab must not adopt something unmarked: others depend on it, or it on others. Undefined when it may. */
  bound?(resource: Resource<S>, borrowed: Borrowed): string | undefined
  /** Whether the kernel created it by itself, so that it is no drift when the lab does not list it (fe80 addresses). */
  automatic?(resource: Resource<S>): boolean
  /**
   * What the kernel removes with the last of several resources (the routes of an interface, with its last address): pairs of
   * its id and the id in `gone` with which it is removed.
   */
  lostWithLast?(gone: ReadonlySet<string>, live: Resources): [id: string, by: string][]
  /** The kernel features (src/kinds/features.ts) and the programs that it needs, by name. */
  requires?(resource: Resource<S>): string[]
  /** Whether the kernel may leave it behind when `by`, which it is `lostWith`, is removed (a process). */
  lingers?(resource: Resource<S>, by: string): boolean
  /** It is removed after everything that used it is changed, so that nothing is lost with it unless it is replaced. */
  readonly removedLast?: true
  /** The live resource after others are removed: a port whose bridge is removed has no master. */
  afterLosing?(resource: Resource<S>, goes: (id: string) => boolean, live: Topology): Resource<S>
  /** The operations that remove it; empty when the kernel removes it along with something else. */
  remove(resource: Resource<S>, context: PlanContext): Emission[]
}
