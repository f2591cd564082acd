import type { Difference, Emission } from '../model/change.ts'
import type { Kind } from '../model/kind.ts'
import type { QdiscOperation } from '../model/operation.ts'
import { placeOf } from '../model/place.ts'
import { linkId, type Resource } from '../model/resource.ts'
import type { Dump } from '../model/runner.ts'
import type { TcSpec } from '../model/tc-spec.ts'
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
import { createTc, inWords, isDefault, isTc, readInWords, removeTc, tc, updateTc } from './tc.ts'
import { compareTrees, isTree, queueKinds, readTree, treeOperations, type Tree } from './tree.ts'
import { TREE } from './tree-filters.ts'

/** The root qdisc that impairments make: one queue for all packets, or a tree with one for each destination and one for the rest. */
export type Shaper = { readonly dev: string } & Queue & Tree
/** The root qdisc of an interface: that of impairments, or one in tc's own words. */
export type QdiscSpec = Shaper | TcSpec

/** `ns0/veth0/qdisc` */
export const qdiscId = (namespace: string, dev: string): string => `${linkId(namespace, dev)}/qdisc`

const hasTree = ({ to, from }: Shaper): boolean => to !== undefined || from !== undefined

/** The kind of the root qdisc. */
const kindOf = (spec: QdiscSpec): string => (isTc(spec) ? spec.kind : hasTree(spec) ? 'htb' : kindOfQueue(spec))

function readRoots(dump: Dump): QdiscSpec[] {
  if (dump.qdiscs.length === 0) return []
  const others = inWords(dump)
  const told =
    others.size === 0 ? [] : readInWords(dump, ({ object, parent }) => object === 'qdisc' && parent === 'root')
  return dump.qdiscs.flatMap((q): QdiscSpec[] => {
    if (!q.root || isDefault(q)) return []
    const own = others.get(q.dev)?.includes(q) ? told.find(({ dev }) => dev === q.dev) : undefined
    return [own ?? { dev: q.dev, ...(isTree(q) ? readTree(dump, q.dev) : queueOf(q)) }]
  })
}

/** The root qdisc of an interface. It is changed in place; a change between kinds replaces it. */
export const qdisc: Kind<QdiscSpec> = {
  name: 'qdisc',
  read: (dump, { namespace, borrowed }) =>
    readRoots(dump).map((spec) => ({
      id: qdiscId(namespace, spec.dev),
      kind: 'qdisc',
      namespace,
      ...(borrowed && { borrowed }),
      spec,
    })),

  fromLab(entry: Readonly<Record<string, unknown>>, context) {
    const wanted = impairments(entry, context)
    return wanted && { dev: context.name, ...wanted }
  },
  toLab(r, resources) {
    const { spec } = r
    if (isTc(spec)) return tc.toLab({ ...r, spec }, resources)
    return ofInterface(r, spec.dev, resources, { impairments: { ...queueValue(spec), ...destinationsValue(spec) } })
  },
  describe: (spec) =>
    isTc(spec)
      ? tc.describe(spec)
      : [...(isQueue(spec) ? [describeQueue(spec)] : []), ...describeTree(spec)].join(', '),
  published(whole) {
    if (isTc(whole)) return tc.published?.(whole) ?? {}
    const { rest: _, strays: _strays, to, from, ...spec } = whole
    return {
      ...spec,
      ...(to && { to: destinationsValue({ to })['to'] }),
      ...(from && { from: destinationsValue({ from })['from'] }),
    }
  },

  compare(live, desired) {
    if (isTc(live) && isTc(desired)) return tc.compare(live, desired)
    if (isTc(desired) || (isTc(live) && !hasTree(desired)))
      return [{ field: 'kind', from: kindOf(live), to: kindOf(desired), forces: 'it is another queueing discipline' }]
    if (!isTc(live)) {
      if (hasTree(live) && hasTree(desired)) return compareTrees(live, desired)
      if (!hasTree(live) && !hasTree(desired)) return compareQueues(live, desired)
    }
    const [from, to] = [live, desired].map((s) => (!isTc(s) && hasTree(s) ? 'htb by destination' : kindOf(s)))
    const kind: Difference = { field: 'kind', from, to, forces: 'it is another queueing discipline' }
    return [kind, ...compareTrees({ to: {} }, desired).filter(({ field }) => field !== 'rest')]
  },

  requires({ spec, ...r }) {
    if (isTc(spec)) return tc.requires?.({ ...r, spec }) ?? []
    return ['tc', ...(hasTree(spec) ? ['htb', 'u32', ...queueKinds(spec)] : [kindOfQueue(spec)])]
  },
  needs: ({ namespace, spec }) => [linkId(namespace, spec.dev)],
  lostWith: ({ namespace, spec }) => [namespace, linkId(namespace, spec.dev)],

  create(r, { live }) {
    const { spec } = r
    if (isTc(spec)) return createTc({ ...r, spec })
    const how = isOfAnotherKind(live.get(r.id) as Resource<QdiscSpec> | undefined, r) ? 'replace' : 'add'
    if (!hasTree(spec)) return [setting(how, { ...r, spec })]
    const { dev } = spec
    const root: QdiscOperation = { do: `qdisc.${how}`, dev, handle: TREE, options: { kind: 'htb', default: 1 } }
    return emitted(r, [root, ...treeOperations(dev, { to: {} }, spec)])
  },
  update({ live: { spec: live }, desired }) {
    const { spec } = desired
    if (isTc(spec) || isTc(live)) return isTc(spec) && isTc(live) ? updateTc({ ...desired, spec }, live) : []
    return hasTree(spec)
      ? emitted(desired, treeOperations(spec.dev, live, spec))
      : [setting('change', { ...desired, spec }, live)]
  },
  remove(r, context) {
    const next = context.desired.get(r.id) as Resource<QdiscSpec> | undefined
    if (isLost(qdisc, r, context) || (next && !isTc(next.spec) && isOfAnotherKind(next, r))) return []
    const { spec } = r
    if (isTc(spec)) return removeTc({ ...r, spec }, context.live)
    return [{ stage: 'delete qdiscs', operation: { do: 'qdisc.delete', place: placeOf(r), dev: spec.dev } }]
  },
}

const describeTree = (spec: Tree): string[] =>
  (['to', 'from'] as const).flatMap((side) =>
    Object.entries(spec[side] ?? {}).map(([name, queue]) => `${side} ${name}: ${describeQueue(queue) || 'nothing'}`),
  )

const emitted = (r: Resource<QdiscSpec>, operations: readonly QdiscOperation[]): Emission[] =>
  operations.map((operation) => ({ stage: 'add qdiscs', operation: { ...operation, place: placeOf(r) } }))

/** Whether the other qdisc is of another kind: tc replaces it at once, so that no packet passes without impairments. */
const isOfAnotherKind = (a: Resource<QdiscSpec> | undefined, b: Resource<QdiscSpec>): boolean =>
  a !== undefined && kindOf(a.spec) !== kindOf(b.spec)

function setting(how: 'add' | 'replace' | 'change', r: Resource<Shaper>, live?: Shaper): Emission {
  const handle = how === 'change' ? undefined : handleOf(r.spec)
  const options = optionsOf(r.spec, live)
  const what = { do: `qdisc.${how}` as const, dev: r.spec.dev, ...(handle !== undefined && { handle }), options }
  return { stage: 'add qdiscs', operation: { ...what, place: placeOf(r) } }
}
