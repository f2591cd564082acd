import { canonicalAddress, familyOf } from '../model/cidr.ts'
import type { Kind } from '../model/kind.ts'
import { linkId, type Resource } from '../model/resource.ts'
import { covered, ip } from './common.ts'

export type NeighborSpec = {
  /** The neighbour's IP address, canonical. */
  readonly to: string
  readonly dev: string
  readonly family: 4 | 6
  /** Its MAC address, lower-case. */
  readonly lladdr: string
}

/** `ns0/veth0/neighbor/10.0.0.9` */
export const neighborId = (namespace: string, { dev, to }: Pick<NeighborSpec, 'dev' | 'to'>): string =>
  `${linkId(namespace, dev)}/neighbor/${to}`

const words = ({ to, lladdr, dev }: NeighborSpec): string[] => [to, 'lladdr', lladdr, 'dev', dev, 'nud', 'permanent']

/** A static neighbour (ARP or NDP) entry. */
export const neighbor: Kind<NeighborSpec> = {
  name: 'neighbor',
  read: (dump, { namespace, root }) =>
    dump.neighbors.flatMap(({ dst, dev, lladdr, state }): Resource<NeighborSpec>[] => {
      const to = canonicalAddress(dst)
      if (!state?.includes('PERMANENT') || lladdr === undefined || to === undefined) return []
      const spec = { to, dev, family: familyOf(to), lladdr }
      return [{ id: neighborId(namespace, spec), kind: 'neighbor', namespace, ...(root && { root }), spec }]
    }),
  describe: ({ lladdr }) => `is at ${lladdr}`,
  compare: (live, desired) =>
    live.lladdr === desired.lladdr ? [] : [{ field: 'lladdr', from: live.lladdr, to: desired.lladdr }],
  needs: ({ namespace, spec }) => [linkId(namespace, spec.dev)],
  lostWith: ({ namespace, spec }) => [namespace, linkId(namespace, spec.dev)],
  // The kernel may have learnt it already.
  create: (r) => [{ stage: 'add neighbors', operation: ip(r, 'neigh', 'replace', ...words(r.spec)) }],
  update: ({ desired }) => [
    { stage: 'add neighbors', operation: ip(desired, 'neigh', 'replace', ...words(desired.spec)) },
  ],
  remove: (r, outlook) =>
    covered(neighbor, r, outlook)
      ? []
      : [{ stage: 'delete neighbors', operation: ip(r, 'neigh', 'del', r.spec.to, 'dev', r.spec.dev) }],
}
