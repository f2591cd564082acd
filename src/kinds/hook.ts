import type { Kind } from '../model/kind.ts'
import { linkId, type Resource } from '../model/resource.ts'
import { covered, within } from './common.ts'
import { qdiscId } from './qdisc.ts'

/** What tc has put on an interface beside its root qdisc: live only, a lab cannot ask for it. */
export type HookSpec = {
  readonly dev: string
  readonly kind: string
  /** The class that it hangs on (`8001:1`); absent: it is the ingress qdisc, or clsact. */
  readonly parent?: string
}

/** TC_H_INGRESS, as tc prints it (linux/pkt_sched.h); TC_H_CLSACT is the same. */
const INGRESS = 'ffff:fff1'

const place = ({ parent, kind }: HookSpec): string[] => (parent === undefined ? [kind] : ['parent', parent])

/** An ingress or clsact qdisc, or one below a netem or a tbf. Filters are on the former only, and go with it. */
export const hook: Kind<HookSpec> = {
  name: 'hook',
  read(dump, { namespace, root }) {
    const roots = new Map(dump.qdiscs.flatMap((q) => (q.root ? [[q.dev, q]] : [])))
    return dump.qdiscs.flatMap(({ dev, kind, parent, handle }): Resource<HookSpec>[] => {
      if (parent === undefined || handle === '0:') return []
      const above = roots.get(dev)
      // Below another kind of qdisc it is no drift of its own.
      const below = parent !== INGRESS && (above?.kind === 'netem' || above?.kind === 'tbf')
      if (parent !== INGRESS && !below) return []
      const spec = { dev, kind, ...(below && { parent }) }
      const id = `${qdiscId(namespace, dev)}/${parent === INGRESS ? kind : 'child'}`
      return [{ id, kind: 'hook', namespace, ...(root && { root }), spec }]
    })
  },
  describe: ({ kind, parent }) => (parent === undefined ? `${kind}, with its filters` : `${kind} below ${parent}`),
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
  create: (r) => [
    {
      stage: 'add qdiscs',
      operation: within(
        r,
        ...['tc', 'qdisc', 'add', 'dev', r.spec.dev, ...place(r.spec)],
        ...(r.spec.parent === undefined ? [] : [r.spec.kind]),
      ),
    },
  ],
  update: () => [],
  remove: (r, context) =>
    covered(hook, r, context)
      ? []
      : [
          {
            stage: 'delete qdiscs',
            operation: within(r, 'tc', 'qdisc', 'del', 'dev', r.spec.dev, ...place(r.spec)),
          },
        ],
}
