import type { LinkType } from '../../model/link-type.ts'

/** A virtual cable: what comes in at one end comes out at the other. Both ends are made, and go, together. */
export const veth: LinkType = {
  name: 'veth',
  description: 'One end of a virtual cable; made by an entry of `links`.',
  example: 'links:\n  - endpoints: [ns0:veth0, ns1:veth0]',
  fields: {
    queues: {
      schema: {
        type: 'integer',
        minimum: 1,
        maximum: 4096,
        description:
          'Queues in each direction that a link’s end is made with, all of them in use. Default: one in use, and as many as there are processors for `channels`.',
      },
      // What an end is made with by default depends on the machine: it is read only where the lab says it (src/observe/tuned.ts).
      read: () => undefined,
      forces: 'queues are made with the link',
    },
  },
  portCost: 2, // 10 Gbit/s: port_cost in net/bridge/br_if.c
  mtu: () => 1500,
  pair: true,
  byType: false,
}
