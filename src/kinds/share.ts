import type { Kind } from '../model/kind.ts'
import { HERE } from '../model/place.ts'
import { labelled } from '../model/owner.ts'
import { ofNamespace } from './lab-entry.ts'

export type ShareSpec = {
  /** The namespace of which this is a second name. */
  readonly of: string
}

/** A second name of a namespace, as with docker's `--net container:X`. `read` in src/observe makes the live ones. */
export const share: Kind<ShareSpec> = {
  name: 'share',
  read: () => [],
  describe: ({ of }) => `second name of ${of}`,
  toLab: (r) => ofNamespace(r, { shares: r.spec.of }),
  compare: (live, desired) =>
    live.of === desired.of
      ? []
      : [{ field: 'shares', from: live.of, to: desired.of, forces: 'a name cannot be moved to another namespace' }],
  needs: ({ spec }) => [spec.of],
  lostWith: () => [],
  create: ({ id, spec }, { lab }) => [
    {
      stage: 'share namespaces',
      operation: { do: 'netns.name', place: HERE, file: `/run/netns/${spec.of}`, name: id, alias: labelled(lab) },
    },
  ],
  update: () => [],
  remove: ({ id }) => [{ stage: 'delete namespaces', operation: { do: 'netns.delete', place: HERE, name: id } }],
}
