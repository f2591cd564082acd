import type { Kind } from '../model/kind.ts'
import { HERE } from '../model/place.ts'
import { labelled, marked, notesIn, ownerOf } from '../model/owner.ts'
import { linkId } from '../model/resource.ts'
import { ofNamespace } from './lab-entry.ts'

export type NamespaceSpec = {
  /** Desired side only: what the lab does not list is left alone. */
  readonly others?: 'keep'
  /** It is a plain file under /run/netns, left by a crash or a reboot, and no namespace. */
  readonly stale?: true
  /** Others created it and the lab has adopted it: sysctls that it inherited are left as they are. */
  readonly adopted?: true
  /** The sysctls that earlier runs set (live side only). */
  readonly sysctls?: readonly string[]
  /** The mark of a drill (src/model/drill.ts). */
  readonly drill?: string
}

/**
 * A named network namespace. Its `lo` gets the lab's mark as alias, and is set up, before the namespace gets its name, so that a
 * run that is killed never leaves an unmarked namespace.
 */
export const namespace: Kind<NamespaceSpec> = {
  name: 'namespace',

  read(dump, { namespace: id, borrowed, lab }) {
    const lo = dump.links.find((link) => link.flags.includes('LOOPBACK'))
    if (borrowed || ownerOf(lo?.ifalias) !== lab) return []
    const { adopted, sysctls, drill } = notesIn(lo?.ifalias)
    const spec = {
      ...(adopted && { adopted }),
      ...(sysctls.length > 0 && { sysctls }),
      ...(drill !== undefined && { drill }),
    }
    return [{ id, kind: 'namespace', namespace: id, spec }]
  },

  describe: () => 'network namespace',
  toLab: (r) => ofNamespace(r, { others: r.spec.others }),

  compare(live, desired) {
    if (live.stale)
      return [{ field: 'file', from: 'left over', forces: 'a crash or a reboot left a plain file of that name' }]
    return live.drill === desired.drill ? [] : [{ field: 'drill', from: live.drill, to: desired.drill }]
  },

  needs: () => [],
  lostWith: () => [],

  provides: ({ id }) => [{ id: linkId(id, 'lo'), kind: 'loopback', namespace: id, spec: { mtu: 65536, up: true } }],

  create: ({ id }, { lab }) => [
    {
      stage: 'create namespaces',
      operation: { do: 'netns.add', place: HERE, name: id, alias: labelled(lab) },
    },
  ],

  update: ({ live, desired: { id, spec } }, { lab }) => [
    {
      stage: 'share namespaces',
      operation: {
        do: 'link.set',
        place: { netns: id },
        name: 'lo',
        set: {
          alias: marked(lab, {
            adopted: live.spec.adopted === true,
            sysctls: live.spec.sysctls ?? [],
            drill: spec.drill,
          }),
        },
      },
    },
  ],

  adopt: ({ id }, lab) => [
    {
      stage: 'create namespaces',
      operation: {
        do: 'link.set',
        place: { netns: id },
        name: 'lo',
        set: { alias: marked(lab, { adopted: true, sysctls: [] }) },
      },
    },
  ],

  remove: ({ id }) => [{ stage: 'delete namespaces', operation: { do: 'netns.delete', place: HERE, name: id } }],
}
