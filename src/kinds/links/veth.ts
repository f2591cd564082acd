import type { LinkType } from '../../model/link-type.ts'

/** A virtual cable: what comes in at one end comes out at the other. Both ends are made, and go, together. */
export const veth: LinkType = {
  name: 'veth',
  description: 'One end of a virtual cable. An entry of `links` creates both ends.',
  example: 'links:\n  - endpoints: [ns0:veth0, ns1:veth0]',
  fields: {
    queues: {
      schema: {
        type: 'integer',
        minimum: 1,
        maximum: 4096,
        description:
          'Number of receive and of transmit queues with which the end of a link is created, all of them in use. Default: one in use, and `channels` can use as many as the machine has processors.',
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
