import type { Field, LinkType } from '../../model/link-type.ts'
import { tagProtocol, u16, u32 } from './attributes.ts'

/** `bit`: VLAN_FLAG_* of if_vlan.h. */
const flag = (word: string, bit: number, description: string, fallback: boolean): Field => ({
  attribute: u32(2, { bit, masked: true, print: 'list' }),
  schema: { type: 'boolean', description: `${description} Default: ${fallback}.` },
  words: (v) => [word, v === true ? 'on' : 'off'],
  read: ({ flags = [] }) => (flags as readonly string[]).includes(word.toUpperCase()),
  fallback,
})

/** The frames of one VLAN of the lower device (IEEE 802.1Q; ip-link(8), "VLAN"). */
export const vlan: LinkType = {
  name: 'vlan',
  description: 'The frames of one VLAN on the lower device. The interface adds and removes the tag.',
  example: 'interfaces:\n  eth0.10: { type: vlan, link: eth0, id: 10, addresses: [10.0.10.1/24] }',
  fields: {
    id: {
      required: true,
      attribute: u16(1),
      schema: { type: 'integer', minimum: 0, maximum: 4094, description: 'VLAN identifier.' },
      forces: 'the tag is chosen when it is made',
    },
    protocol: {
      attribute: tagProtocol(5),
      schema: { enum: ['802.1Q', '802.1ad'], description: 'Type of the VLAN tag. Default: 802.1Q.' },
      fallback: '802.1Q',
      // `ip -N` prints the protocol's number.
      read: (d) => (/34984|802\.1ad/.test(String(d['protocol'])) ? '802.1ad' : '802.1Q'),
      forces: 'the kind of tag is chosen when it is made',
    },
    reorder_hdr: flag('reorder_hdr', 1, 'Whether the tag is removed before packet captures see the frame.', true),
    gvrp: flag('gvrp', 2, 'Whether the VLAN is announced by GVRP.', false),
    mvrp: flag('mvrp', 8, 'Whether the VLAN is announced by MVRP.', false),
    loose_binding: flag('loose_binding', 4, 'Whether the interface stays up when its lower device goes down.', false),
    bridge_binding: flag(
      'bridge_binding',
      16,
      'Whether the interface is up only while its lower device, a bridge, has a port that is in the VLAN and up.',
      false,
    ),
  },
  lower: 'required',
  multicast: 'lower', // vlan_dev_init in net/8021q/vlan_dev.c
  // On MACsec, whose frames are longer already, the tag takes its 4 bytes (netif_reduces_vlan_mtu in include/linux/netdevice.h).
  mtu: (lower, _, on) => (lower !== undefined && on === 'macsec' ? lower - 4 : lower),
  mtuWithinLower: true,
  feature: { module: '8021q', config: 'CONFIG_VLAN_8021Q', probe: 'ip link add name x0 link v0 type vlan id 1' },
  byType: true,
}
