import type { Difference, Emission } from '../model/change.ts'
import type { Kind } from '../model/kind.ts'
import type { QdiscOperation } from '../model/operation.ts'
import { placeOf } from '../model/place.ts'
import { linkId, type Resource } from '../model/resource.ts'
import type { TcQdisc } from '../model/runner.ts'
import { isLost } from './common.ts'
import { destinationsValue, impairments } from './impairments.ts'
import { ofInterface } from './lab-entry.ts'
import {
  compareQueues,
  describeQueue,
  handleOf,
  isQueue,
  kindOfQueue,
  optionsOf,
  queueOf,
  queueValue,
  type Queue,
} from './queue.ts'
import { compareTrees, isTree, queueKinds, readTree, treeOperations, type Tree } from './tree.ts'
import { TREE } from './tree-filters.ts'

/** The root qdisc of an interface: one queue for all packets, or a tree with one for each destination and one for the rest. */
export type QdiscSpec = { readonly dev: string } & Queue & Tree

/** `ns0/veth0/qdisc` */
export const qdiscId = (namespace: string, dev: string): string => `${linkId(namespace, dev)}/qdisc`

const hasTree = ({ to, from }: QdiscSpec): boolean => to !== undefined || from !== undefined

/** The kind of the root qdisc. */
const kindOf = (spec: QdiscSpec): string => (hasTree(spec) ? 'htb' : kindOfQueue(spec))

/** The root qdisc of an interface. It is changed in place; a change between kinds replaces it. */
export const qdisc: Kind<QdiscSpec> = {
  name: 'qdisc',

  read: (dump, { namespace, root }) =>
    dump.qdiscs.flatMap((q): Resource<QdiscSpec>[] => {
      if (!q.root || isDefault(q)) return []
      const spec = { dev: q.dev, ...(isTree(q) ? readTree(dump, q.dev) : queueOf(q)) }
      return [{ id: qdiscId(namespace, q.dev), kind: 'qdisc', namespace, ...(root && { root }), spec }]
    }),

  fromLab(entry: Readonly<Record<string, unknown>>, context) {
    const wanted = impairments(entry, context)
    return wanted && { dev: context.name, ...wanted }
  },
  toLab: (r, resources) =>
    ofInterface(r, r.spec.dev, resources, { impairments: { ...queueValue(r.spec), ...destinationsValue(r.spec) } }),
  describe: (spec) => [...(isQueue(spec) ? [describeQueue(spec)] : []), ...describeTree(spec)].join(', '),
  published: ({ rest: _, strays: _strays, to, from, ...spec }) => ({
    ...spec,
    ...(to && { to: destinationsValue({ to })['to'] }),
    ...(from && { from: destinationsValue({ from })['from'] }),
  }),

  compare(live, desired) {
    if (hasTree(live) && hasTree(desired)) return compareTrees(live, desired)
    if (!hasTree(live) && !hasTree(desired)) return compareQueues(live, desired)
    const [from, to] = [live, desired].map((spec) => (hasTree(spec) ? 'htb by destination' : kindOf(spec)))
    const kind: Difference = { field: 'kind', from, to, forces: 'it is another queueing discipline' }
    return [kind, ...compareTrees({ to: {} }, desired).filter(({ field }) => field !== 'rest')]
  },

  requires: ({ spec }) => ['tc', ...(hasTree(spec) ? ['htb', 'u32', ...queueKinds(spec)] : [kindOfQueue(spec)])],
  needs: ({ namespace, spec }) => [linkId(namespace, spec.dev)],
  lostWith: ({ namespace, spec }) => [namespace, linkId(namespace, spec.dev)],

  create(r, { live }) {
    const how = isOfAnotherKind(live.get(r.id) as Resource<QdiscSpec> | undefined, r) ? 'replace' : 'add'
    const { dev } = r.spec
    if (!hasTree(r.spec)) return [setting(how, r)]
    const root: QdiscOperation = { do: `qdisc.${how}`, dev, handle: TREE, options: { kind: 'htb', default: 1 } }
    return emitted(r, [root, ...treeOperations(dev, { to: {} }, r.spec)])
  },
  update: ({ live, desired }) =>
    hasTree(desired.spec)
      ? emitted(desired, treeOperations(desired.spec.dev, live.spec, desired.spec))
      : [setting('change', desired, live.spec)],
  remove(r, context) {
    const next = context.desired.get(r.id) as Resource<QdiscSpec> | undefined
    if (isLost(qdisc, r, context) || isOfAnotherKind(next, r)) return []
    return [{ stage: 'delete qdiscs', operation: { do: 'qdisc.delete', place: placeOf(r), dev: r.spec.dev } }]
  },
}

const describeTree = (spec: QdiscSpec): string[] =>
  (['to', 'from'] as const).flatMap((side) =>
    Object.entries(spec[side] ?? {}).map(([name, queue]) => `${side} ${name}: ${describeQueue(queue) || 'nothing'}`),
  )

const emitted = (r: Resource<QdiscSpec>, operations: readonly QdiscOperation[]): Emission[] =>
  operations.map((operation) => ({ stage: 'add qdiscs', operation: { ...operation, place: placeOf(r) } }))

/** Whether the other qdisc is of another kind: tc replaces it at once, so that no packet passes without impairments. */
const isOfAnotherKind = (a: Resource<QdiscSpec> | undefined, b: Resource<QdiscSpec>): boolean =>
  a !== undefined && kindOf(a.spec) !== kindOf(b.spec)

function setting(how: 'add' | 'replace' | 'change', r: Resource<QdiscSpec>, live?: QdiscSpec): Emission {
  const handle = how === 'change' ? undefined : handleOf(r.spec)
  const options = optionsOf(r.spec, live)
  const what = { do: `qdisc.${how}` as const, dev: r.spec.dev, ...(handle !== undefined && { handle }), options }
  return { stage: 'add qdiscs', operation: { ...what, place: placeOf(r) } }
}

const ignored = new Set(['noqueue', 'noop', 'mq'])
/** Whether the kernel attached the qdisc by itself: it then has no handle. */
const isDefault = ({ kind, handle }: TcQdisc): boolean => ignored.has(kind) || handle === '0:'
