import type { Kind } from '../model/kind.ts'
import { placeOf } from '../model/place.ts'
import type { HookSpec } from '../model/qdisc-options.ts'
import { linkId, type Resource } from '../model/resource.ts'
import { isLost } from './common.ts'
import { qdiscId } from './qdisc.ts'
import { isTree } from './tree.ts'
import { TREE } from './tree-filters.ts'

/** TC_H_INGRESS, as tc prints it (linux/pkt_sched.h); TC_H_CLSACT is the same. */
const INGRESS = 'ffff:fff1'

/**
 * An ingress or clsact qdisc, or one below a netem or tbf. Live only: a lab cannot ask for it. Filters are removed along with
 * an ingress or clsact qdisc.
 */
export const hook: Kind<HookSpec> = {
  name: 'hook',
  read(dump, { namespace, root }) {
    const roots = new Map(dump.qdiscs.flatMap((q) => (q.root ? [[q.dev, q]] : [])))
    return dump.qdiscs.flatMap(({ dev, kind, parent, handle }): Resource<HookSpec>[] => {
      if (parent === undefined || handle === '0:') return []
      const above = roots.get(dev)
      const inTree = above !== undefined && isTree(above)
      // One below another kind of root qdisc is part of the drift of that qdisc; a queue of a tree is part of the tree.
      const below =
        parent !== INGRESS && (inTree ? !parent.startsWith(TREE) : above?.kind === 'netem' || above?.kind === 'tbf')
      if (parent !== INGRESS && !below) return []
      const spec = { dev, kind, ...(below && { parent }) }
      const id = `${qdiscId(namespace, dev)}/${parent === INGRESS ? kind : inTree ? `child ${parent}` : 'child'}`
      return [{ id, kind: 'hook', namespace, ...(root && { root }), spec }]
    })
  },
  describe: ({ kind, parent }) => (parent === undefined ? `${kind}, with its filters` : `${kind} below ${parent}`),
  toLab: () => [],
  compare: (live, desired) =>
    live.kind === desired.kind
      ? []
      : [{ field: 'kind', from: live.kind, to: desired.kind, forces: 'it is another queueing discipline' }],
  needs: ({ namespace, spec }) => [linkId(namespace, spec.dev)],
  lostWith: ({ namespace, spec }) => [
    namespace,
    linkId(namespace, spec.dev),
    ...(spec.parent === undefined ? [] : [qdiscId(namespace, spec.dev)]),
  ],
  create: (r) => [{ stage: 'add qdiscs', operation: { do: 'hook.add', place: placeOf(r), hook: r.spec } }],
  update: () => [],
  remove: (r, context) =>
    isLost(hook, r, context)
      ? []
      : [{ stage: 'delete qdiscs', operation: { do: 'hook.delete', place: placeOf(r), hook: r.spec } }],
}
