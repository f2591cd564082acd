import type { LinkType } from '../../model/link-type.ts'
import { u32 } from './attributes.ts'
import { external, FIXED, layer3, saidByRoutes } from './tunnels.ts'

/** Where IPsec states and policies of one `if_id` take and give packets (ip-link(8), "XFRM"). IFLA_XFRM_* of linux/if_link.h. */
export const xfrm: LinkType = {
  ...layer3,
  name: 'xfrm',
  description:
    'A tunnel interface for IPsec: packets sent here are encrypted by the states and policies with its if_id.',
  example: 'interfaces:\n  ipsec0: { type: xfrm, if_id: 5, addresses: [10.0.0.1/30] }',
  fields: {
    if_id: {
      attribute: u32(2, { print: 'hex or nothing' }),
      schema: { type: 'integer', minimum: 1, maximum: 4294967295, description: 'Number that links the interface to its IPsec states and policies.' }, // prettier-ignore
      words: (v) => ['if_id', `0x${Number(v).toString(16)}`],
      read: ({ if_id }) => (if_id === undefined ? undefined : Number(if_id)),
      forces: FIXED,
    },
    external: external(3, 'the if_id of each packet. A namespace can have one such xfrm.'),
  },
  wrong: ({ if_id, external }) => {
    if (external === true) return saidByRoutes({ if_id })
    return if_id === undefined ? ['type', 'an xfrm needs if_id'] : undefined
  },
  lower: 'optional',
  lowerAttribute: 1,
  tunnel: true,
  mtu: () => 1500, // ETH_DATA_LEN, whatever its lower device has (xfrmi_dev_setup in net/xfrm/xfrm_interface.c)
  feature: {
    module: 'xfrm_interface',
    config: 'CONFIG_XFRM_INTERFACE',
    probe: 'ip link add name x0 type xfrm if_id 1',
  },
  byType: true,
}
