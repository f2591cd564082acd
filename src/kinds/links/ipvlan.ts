import type { LinkType } from '../../model/link-type.ts'

/** A device that shares the lower device's MAC and has IP addresses of its own (Documentation/networking/ipvlan.rst). */
export const ipvlan: LinkType = {
  name: 'ipvlan',
  description: 'An interface with IP addresses of its own and the MAC address of its lower device.',
  example: 'interfaces:\n  eth0: { type: ipvlan, link: host:eth0, mode: l2, addresses: [192.168.10.3/24] }',
  fields: {
    mode: {
      schema: { enum: ['l2', 'l3', 'l3s'], description: 'Whether it switches or routes. Default: l3.' },
      fallback: 'l3',
      words: (v) => ['mode', String(v)],
    },
    flags: {
      schema: { enum: ['bridge', 'private', 'vepa'], description: 'Who may talk to whom. Default: bridge.' },
      fallback: 'bridge',
      words: (v) => [String(v)],
      read: (d) => (d['private'] ? 'private' : d['vepa'] ? 'vepa' : 'bridge'),
      forces: 'the flag is chosen when it is made',
    },
  },
  lower: 'required',
  noMac: () => true,
  noArp: true,
  mtu: (lower) => lower,
  byType: true,
}
