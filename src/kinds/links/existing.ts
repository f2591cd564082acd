import type { Kind } from '../../model/kind.ts'
import { linkId, nameOf } from '../../model/resource.ts'
import { ofInterface } from '../lab-entry.ts'

export type ExistingSpec = {
  readonly up: boolean
  /** It can have ports. */
  readonly bridge?: true
  /** Live only: bytes. */
  readonly mtu?: number
}

/**
 * An interface of the machine's own namespace that a lab uses, as a port's bridge, as a lower device, or for addresses, and
 * never makes, changes or removes. Whether it is there is looked at when a plan is made.
 */
export const existing: Kind<ExistingSpec> = {
  name: 'existing',
  read: (dump, { namespace, borrowed }) =>
    borrowed
      ? dump.links.map(({ ifname, flags, mtu, linkinfo }) => ({
          ...{ id: linkId(namespace, ifname), kind: 'existing', namespace, borrowed },
          spec: { up: flags.includes('UP'), mtu, ...(linkinfo?.info_kind === 'bridge' && { bridge: true }) },
        }))
      : [],
  describe: ({ bridge }) => (bridge ? 'bridge of the machine’s own' : 'the machine’s own'),
  toLab: (r, resources) => ofInterface(r, nameOf(r.id), resources, { existing: true }),
  automatic: () => true,
  compare: () => [],
  needs: () => [],
  lostWith: ({ namespace }) => [namespace],
  create: () => [],
  update: () => [],
  remove: () => [],
}
