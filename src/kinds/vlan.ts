import type { LinkType } from '../model/link.ts'

/** The frames of one VLAN of the lower device (IEEE 802.1Q; ip-link(8), "VLAN"). */
export const vlan: LinkType = {
  name: 'vlan',
  description: 'The frames that carry one VLAN tag on the lower device, without the tag.',
  example: 'interfaces:\n  eth0.10: { type: vlan, link: eth0, id: 10, addresses: [10.0.10.1/24] }',
  fields: {
    id: {
      schema: { type: 'integer', minimum: 0, maximum: 4094, description: 'VLAN identifier.' },
      forces: 'the tag is chosen when it is made',
    },
    protocol: {
      schema: { enum: ['802.1Q', '802.1ad'], description: 'Kind of tag. Default: 802.1Q.' },
      fallback: '802.1Q',
      // `ip -N` prints the protocol's number.
      read: (d) => (/34984|802\.1ad/.test(String(d['protocol'])) ? '802.1ad' : '802.1Q'),
      forces: 'the kind of tag is chosen when it is made',
    },
  },
  lower: 'required',
  mtu: (lower) => lower,
  byType: true,
}
