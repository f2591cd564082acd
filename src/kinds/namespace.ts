import type { Kind } from '../model/kind.ts'
import { HERE } from '../model/place.ts'
import { labelled, marked, notesIn, ownerOf } from '../model/owner.ts'
import { linkId } from '../model/resource.ts'
import { ofNamespace } from './lab-entry.ts'

export type NamespaceSpec = {
  /** Desired only: what the lab does not list is left alone. */
  readonly others?: 'keep'
  /** A plain file under /run/netns that a crash or a reboot left: no namespace. */
  readonly stale?: true
  /** Others made it, and the lab took it over: what it inherited when it was made is left as it is. */
  readonly adopted?: true
  /** The sysctls that earlier runs set (live side only). */
  readonly sysctls?: readonly string[]
}

/**
 * A network namespace with a name. It is marked as the lab's (alias on `lo`), and `lo` is up, before it gets its name,
 * so that a run which is killed at any moment never leaves one that is nobody's.
 */
export const namespace: Kind<NamespaceSpec> = {
  name: 'namespace',

  read(dump, { namespace: id, root, lab }) {
    const lo = dump.links.find((link) => link.flags.includes('LOOPBACK'))
    if (root || ownerOf(lo?.ifalias) !== lab) return []
    const { adopted, sysctls } = notesIn(lo?.ifalias)
    const spec = { ...(adopted && { adopted }), ...(sysctls.length > 0 && { sysctls }) }
    return [{ id, kind: 'namespace', namespace: id, spec }]
  },

  describe: () => 'network namespace',
  toLab: (r) => ofNamespace(r, { others: r.spec.others }),

  compare: (live) =>
    live.stale
      ? [{ field: 'file', from: 'left over', forces: 'a crash or a reboot left a plain file of that name' }]
      : [],

  needs: () => [],
  lostWith: () => [],

  provides: ({ id }) => [{ id: linkId(id, 'lo'), kind: 'loopback', namespace: id, spec: { mtu: 65536, up: true } }],

  create: ({ id }, { lab }) => [
    {
      stage: 'create namespaces',
      operation: { do: 'netns.add', place: HERE, name: id, alias: labelled(lab) },
    },
  ],

  update: () => [],

  adopt: (id, lab) => [
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
