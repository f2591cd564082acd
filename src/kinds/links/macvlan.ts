import type { LinkType } from '../../model/link-type.ts'
import { u32 } from './attributes.ts'

/** IFLA_MACVLAN_* of linux/if_link.h. */
const fields: LinkType['fields'] = {
  mode: {
    schema: {
      enum: ['private', 'vepa', 'bridge', 'passthru'],
      description: 'Which interfaces on the same lower device can reach each other. Default: bridge.',
    },
    attribute: u32(1, { words: { private: 1, vepa: 2, bridge: 4, passthru: 8, source: 16 } }),
    initial: 'bridge',
    forces: 'the mode is chosen when it is made',
  },
  bcqueuelen: {
    attribute: u32(7),
    schema: {
      type: 'integer',
      minimum: 0,
      maximum: 4294967295,
      description: 'Length of the queue for broadcast and multicast packets. Default: 1000.',
    },
    fallback: 1000, // MACVLAN_DEFAULT_BC_QUEUE_LEN in drivers/net/macvlan.c
  },
}
const common = {
  fields,
  lower: 'required',
  taker: 'macvlan',
  noMac: ({ mode }) => mode === 'passthru', // it has its lower device's (macvlan_common_newlink in drivers/net/macvlan.c)
  mtu: (lower) => lower,
  mtuWithinLower: true,
  byType: true,
} satisfies Partial<LinkType>

/** A device with a MAC of its own directly on the lower device's segment (ip-link(8), "MACVLAN and MACVTAP"). */
export const macvlan: LinkType = {
  ...common,
  name: 'macvlan',
  description:
    'An interface with its own MAC address on the segment of its lower device. The two cannot reach each other.',
  example: 'interfaces:\n  eth0: { type: macvlan, link: host:eth0, mode: bridge, addresses: [192.168.10.2/24] }',
  feature: { module: 'macvlan', config: 'CONFIG_MACVLAN', probe: 'ip link add name x0 link v0 type macvlan' },
}

/** The same with a file, /dev/tapN, N being its index, by which a program such as QEMU is its other end. */
export const macvtap: LinkType = {
  ...common,
  name: 'macvtap',
  description:
    'A macvlan for a program, such as a virtual machine, which opens /dev/tapN (N: the index of the interface).',
  example: 'interfaces:\n  vm0: { type: macvtap, link: eth0, mode: bridge }',
  txqueuelen: 500, // TUN_READQ_SIZE in include/linux/if_tap.h
  feature: { module: 'macvtap', config: 'CONFIG_MACVTAP', probe: 'ip link add name x0 link v0 type macvtap' },
}
