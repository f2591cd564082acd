import type { LinkType } from '../../model/link-type.ts'
import { u16 } from './attributes.ts'

/** A device that shares the lower device's MAC and has IP addresses of its own (Documentation/networking/ipvlan.rst). */
export const ipvlan: LinkType = {
  name: 'ipvlan',
  description: 'An interface with its own IP addresses and the MAC address of its lower device.',
  example: 'interfaces:\n  eth0: { type: ipvlan, link: host:eth0, mode: l2, addresses: [192.168.10.3/24] }',
  fields: {
    mode: {
      attribute: u16(1, { words: { l2: 0, l3: 1, l3s: 2 } }),
      schema: {
        enum: ['l2', 'l3', 'l3s'],
        description: 'Whether the interface switches (l2) or routes (l3, l3s). Default: l3.',
      },
      fallback: 'l3',
    },
    flags: {
      // They are the lower device's, and the last one that is made decides.
      attribute: u16(2, { words: { bridge: 0, private: 1, vepa: 2 }, always: true, print: 'name' }),
      schema: {
        enum: ['bridge', 'private', 'vepa'],
        description: 'Which interfaces on the same lower device can reach each other. Default: bridge.',
      },
      fallback: 'bridge',
      words: (v) => [String(v)],
      read: (d) => (d['private'] ? 'private' : d['vepa'] ? 'vepa' : 'bridge'),
      forces: 'the flag is chosen when it is made',
    },
  },
  lower: 'required',
  taker: 'ipvlan',
  noMac: () => true,
  noArp: true,
  mtu: (lower) => lower,
  feature: { module: 'ipvlan', config: 'CONFIG_IPVLAN', probe: 'ip link add name x0 link v0 type ipvlan' },
  byType: true,
}
