import type { LinkSpec, LinkType } from '../../model/link-type.ts'
import { linkId, type Resource, type Resources } from '../../model/resource.ts'
import { u32 } from './attributes.ts'

/** A routing domain of its own: its ports look up routes in its table (Documentation/networking/vrf.rst). */
export const vrf: LinkType = {
  name: 'vrf',
  description: 'A routing domain. Interfaces that name it as `master` use its routing table.',
  example: 'interfaces:\n  red: { type: vrf, table: 10 }\n  eth0: { master: red, addresses: [10.0.0.1/24] }',
  fields: {
    table: {
      required: true,
      attribute: u32(1),
      schema: { type: 'integer', minimum: 1, maximum: 4294967295, description: 'Routing table of the domain.' },
      forces: 'the table is chosen when it is made',
    },
  },
  hasPorts: true,
  noMac: () => true,
  noArp: true,
  multicast: false,
  mtu: () => undefined,
  feature: { module: 'vrf', config: 'CONFIG_NET_VRF', probe: 'ip link add name x0 type vrf table 10' },
  byType: true,
}

/** Whether the interface is a port of a VRF. */
export const isInVrf = (resources: Resources, { namespace, spec }: Resource<LinkSpec>): boolean =>
  spec.master !== undefined && resources.get(linkId(namespace, spec.master))?.kind === 'vrf'
