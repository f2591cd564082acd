import type { Difference } from '../model/change.ts'
import { parseCidr } from '../model/cidr.ts'
import type { QdiscOperation } from '../model/operation.ts'
import type { FilterName } from '../model/qdisc-options.ts'
import type { Dump, TcQdisc } from '../model/runner.ts'
import {
  compareQueues,
  describeQueue,
  handleOf,
  isQueue,
  kindOfQueue,
  queueIn,
  optionsOf,
  queueOf,
  type Queue,
} from './queue.ts'
import { readNetworkFilters, TREE, type Side } from './tree-filters.ts'

/**
 * Impairments by destination: an htb whose classes only sort, each with a queue of its own, and a filter for each network. What no
 * filter matches goes to the class 1, or past all classes where there is none.
 */
export type Tree = {
  /** By the names that the lab gives them; live, by their networks. */
  readonly to?: Readonly<Record<string, Destination>>
  readonly from?: Readonly<Record<string, Destination>>
  /** Live only: the class of what no filter matches exists; `odd` are settings of it that netlab does not make. */
  readonly rest?: { readonly odd?: string }
  /** Live only: filters that netlab does not make. */
  readonly strays?: readonly (FilterName & { readonly text: string })[]
}

/** A class of the tree, what it does to its packets, and which these are. */
export type Destination = Queue & {
  /** The minor number of the class. */
  readonly class: number
  /** Canonical CIDRs, sorted. */
  readonly networks: readonly string[]
  /** Live only: the filters, in the order of `networks`. */
  readonly filters?: readonly FilterName[]
  /** Live only: settings of the class that netlab does not make. */
  readonly odd?: string
}

const SIDES = ['to', 'from'] as const

/** The class of what no filter sends to another one. */
const REST = 1
const classid = (minor: number): string => `${TREE}${minor.toString(16)}`

/** The classes that destinations have; the handles of their queues have room for 12 bits (`handleOf`). */
const [FIRST, LAST] = [0x10, 0xfff]

/** Classes for the destinations of an interface. Each follows from the name, so that others keep theirs when one comes or goes. */
export function classesFor(names: readonly string[], digest: (text: string) => string): Map<string, number> {
  const taken = new Map<number, string>()
  const result = new Map<string, number>()
  for (const name of [...names].sort()) {
    const room = LAST - FIRST + 1
    let minor = Number.parseInt(digest(name).slice(0, 8), 16) % room
    while (taken.has(minor + FIRST)) minor = (minor + 1) % room
    taken.set(minor + FIRST, name)
    result.set(name, minor + FIRST)
  }
  return result
}
/** How many destinations an interface can have. */
export const MOST = LAST - FIRST + 1

/** Whether a qdisc is the root of such a tree. */
export const isTree = ({ kind, handle, root, options }: TcQdisc): boolean =>
  root === true && kind === 'htb' && handle === TREE && options?.['default'] === '0x1'

/** What to ask `tc -d` for about the tree of an interface. */
export const treeQuestions = (dev: string): string[] => [
  `class show dev ${dev}`,
  `filter show dev ${dev} parent ${TREE}`,
]

/** Longer prefixes first, and destinations before sources. A preference belongs to one protocol alone. */
function prefOf(side: Side, network: string): number {
  const { family, prefix } = parseCidr(network) ?? { family: 4, prefix: 0 }
  return (side === 'to' ? 1000 : 2000) + (family === 4 ? 32 - prefix : 100 + 128 - prefix)
}

/** The queue of what no filter matches, and the destinations, as they are live. */
export function readTree(dump: Dump, dev: string): Tree & Queue {
  const [classes = '', filters = ''] = treeQuestions(dev).map((words) => dump.traffic?.get(words))
  const queues = new Map(dump.qdiscs.flatMap((q) => (q.dev === dev && q.parent ? [[q.parent, q] as const] : [])))
  const found = new Map<number, { side: Side; networks: Map<string, FilterName>; odd?: string }>()
  for (const [, minor = '', settings = ''] of classes.matchAll(/^class htb 6e6c:(\w+) (.*)$/gm)) {
    const odd = CLASS.exec(settings.trim()) ? undefined : settings.replace(/leaf \S+ /, '').trim()
    found.set(Number.parseInt(minor, 16), { side: 'to', networks: new Map(), ...(odd !== undefined && { odd }) })
  }
  const strays: (FilterName & { text: string })[] = []
  for (const one of readNetworkFilters(filters)) {
    const { side, network, minor, text, ...name } = one
    const destination = minor === REST ? undefined : found.get(minor)
    const mine = destination && (destination.networks.size === 0 || destination.side === side)
    if (!mine || network === undefined || name.pref !== prefOf(side, network) || destination.networks.has(network))
      strays.push({ ...name, text })
    else {
      destination.side = side
      destination.networks.set(network, name)
    }
  }
  const tree: Record<Side, Record<string, Destination>> = { to: {}, from: {} }
  for (const [minor, { side, networks, odd }] of found) {
    if (minor === REST) continue
    const all = [...networks.keys()].sort()
    const queue = queues.get(classid(minor))
    const name = all.map((network) => network.replace(network.includes(':') ? '/128' : '/32', '')).join(', ')
    tree[side][name || `class ${minor.toString(16)}`] = {
      ...(queue && queueOf(queue)),
      class: minor,
      networks: all,
      filters: all.flatMap((network) => networks.get(network) ?? []),
      ...(odd !== undefined && { odd }),
    }
  }
  const [queue, rest] = [queues.get(classid(REST)), found.get(REST)]
  return {
    ...(queue && queueOf(queue)),
    ...(rest && { rest: rest.odd === undefined ? {} : { odd: rest.odd } }),
    to: tree.to,
    ...(Object.keys(tree.from).length && { from: tree.from }),
    ...(strays.length && { strays }),
  }
}

/** What `tc -d class show` prints of a class of a tree. */
const CLASS = /^root (?:leaf \S+ )?prio 0 quantum 60000 rate 100Gbit ceil 100Gbit linklayer ethernet /

interface Named {
  readonly side: Side
  readonly name: string
  readonly is: Destination
}

const all = (tree: Tree): Named[] =>
  SIDES.flatMap((side) => Object.entries(tree[side] ?? {}).map(([name, is]) => ({ side, name, is })))

/** The destinations of both sides, in pairs: those of the lab, then what only the kernel has. */
function pairs(live: Tree, desired: Tree): { readonly was?: Named; readonly is?: Named }[] {
  const byClass = new Map(all(live).map((one) => [one.is.class, one]))
  const wanted = all(desired).map((is) => {
    const was = byClass.get(is.is.class)
    byClass.delete(is.is.class)
    return { is, ...(was && { was }) }
  })
  return [...wanted, ...[...byClass.values()].map((was) => ({ was }))]
}

/** The networks whose filters are right. */
const kept = (was: Named | undefined, { side, is }: Named): readonly string[] =>
  was?.side === side ? was.is.networks.filter((network) => is.networks.includes(network)) : []

/** The differences between two trees. */
export function compareTrees(live: Tree & Queue, desired: Tree & Queue): Difference[] {
  const rest = compareDestination('rest', '', restOf(live), restOf(desired))
  const strays =
    desired.strays === live.strays
      ? []
      : (live.strays ?? []).map(({ text }): Difference => ({ field: 'filter', from: text }))
  const each = pairs(live, desired).flatMap(({ was, is }): Difference[] => {
    const named = is ?? was
    if (!named) return []
    const label = `${named.side} ${named.name}`
    const missing = was && is && kept(was, is).length < Math.max(is.is.networks.length, was.is.networks.length)
    const networks: Difference[] = missing
      ? [{ field: `${label} networks`, from: was.is.networks.join(', '), to: is.is.networks.join(', ') }]
      : []
    return compareDestination(label, `${label} `, was?.is, is?.is, networks)
  })
  return [...rest, ...strays, ...each]
}

/** The differences of a destination: of its whole under `name`, of its settings under their names after `prefix`. */
function compareDestination(
  name: string,
  prefix: string,
  live: Destination | undefined,
  desired: Destination | undefined,
  networks: readonly Difference[] = [],
): Difference[] {
  if (!live) return desired ? [{ field: name, to: describeQueue(desired) || 'nothing' }] : []
  if (!desired) return [{ field: name, from: describeQueue(live) || 'nothing' }]
  const odd: Difference[] =
    live.odd === desired.odd ? [] : [{ field: `${prefix}class`, from: live.odd, to: desired.odd }]
  const queue: Difference[] =
    isQueue(live) || !isQueue(desired)
      ? compareQueues(live, desired).map(({ forces: _, field, ...more }) => ({ field: `${prefix}${field}`, ...more }))
      : [{ field: `${prefix}queue`, to: describeQueue(desired) }]
  return [...odd, ...networks, ...queue]
}

/** The class of what no filter matches, as a destination. */
const restOf = ({ rest, ...queue }: Tree & Queue): Destination | undefined =>
  rest || isQueue(queue) ? { ...queueIn(queue), ...rest, class: REST, networks: [] } : undefined

/** The operations that turn the classes and filters of one tree into those of another; none of them touches what is right. */
export function treeOperations(dev: string, live: Tree & Queue, desired: Tree & Queue): QdiscOperation[] {
  const [was, is] = [live, desired].map((tree): Named | undefined => {
    const rest = restOf(tree)
    return rest && { side: 'to', name: '', is: rest }
  })
  const both = [...pairs(live, desired), { was, is }]
  const removeFilter = (filter: FilterName): QdiscOperation => {
    const { parent, protocol, pref, kind, handle } = filter
    return { do: 'filter.delete', dev, filter: { parent, protocol, pref, kind, handle } }
  }
  const removed = both.flatMap(({ was, is }): QdiscOperation[] => {
    const right = is ? kept(was, is) : []
    return (was?.is.filters ?? []).filter((_, i) => !right.includes(was?.is.networks[i] ?? '')).map(removeFilter)
  })
  const classes = both.flatMap(({ was, is }): QdiscOperation[] => {
    if (!is) return was ? [{ do: 'class.delete', dev, classid: classid(was.is.class) }] : []
    const id = classid(is.is.class)
    const made: QdiscOperation[] = !was
      ? [{ do: 'class.add', dev, classid: id }]
      : was.is.odd === undefined
        ? []
        : [{ do: 'class.change', dev, classid: id }]
    return [...made, ...queueOperations(dev, id, was && isQueue(was.is) ? was.is : undefined, is.is)]
  })
  const added = both.flatMap(({ was, is }): QdiscOperation[] => {
    if (!is) return []
    const right = kept(was, is)
    const { side } = is
    const flowid = classid(is.is.class)
    return is.is.networks
      .filter((network) => !right.includes(network))
      .map((network) => {
        const filter = { parent: TREE, pref: prefOf(side, network), side, network, flowid }
        return { do: 'filter.add', dev, filter }
      })
  })
  return [...(live.strays ?? []).map(removeFilter), ...removed, ...classes, ...added]
}

function queueOperations(dev: string, parent: string, live: Queue | undefined, desired: Destination): QdiscOperation[] {
  if (!isQueue(desired)) return live ? [{ do: 'qdisc.delete', dev, parent }] : []
  const handle = handleOf(desired, desired.class)
  const setting = (how: 'add' | 'replace' | 'change'): QdiscOperation => ({
    do: `qdisc.${how}`,
    dev,
    parent,
    ...(how !== 'change' && handle !== undefined && { handle }),
    options: optionsOf(desired, how === 'change' ? live : undefined),
  })
  if (!live) return [setting('add')]
  const differences = compareQueues(live, desired)
  if (differences.length === 0) return []
  if (kindOfQueue(live) !== kindOfQueue(desired)) return [setting('replace')]
  if (differences.every(({ forces }) => forces === undefined)) return [setting('change')]
  return [{ do: 'qdisc.delete', dev, parent }, setting('add')]
}

/** The kinds of the queues of a tree. */
export const queueKinds = (tree: Tree & Queue): string[] =>
  [tree, ...all(tree).map(({ is }) => is)].filter(isQueue).map(kindOfQueue)
