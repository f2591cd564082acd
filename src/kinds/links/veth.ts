import type { LinkType } from '../../model/link-type.ts'

/** A virtual cable: what comes in at one end comes out at the other. Both ends are made, and go, together. */
export const veth: LinkType = {
  name: 'veth',
  description: 'One end of a virtual cable; made by an entry of `links`.',
  example: 'links:\n  - endpoints: [ns0:veth0, ns1:veth0]',
  fields: {},
  portCost: 2, // 10 Gbit/s: port_cost in net/bridge/br_if.c
  mtu: () => 1500,
  pair: true,
  byType: false,
}
