import { canonicalAddress } from '../model/cidr.ts'
import type { LinkType } from '../model/link.ts'

const FIXED = 'the kernel takes it only when the device is made'
const address = (description: string) => ({
  schema: { type: 'string', description },
  normal: (value: unknown) => canonicalAddress(String(value)),
  wrong: (value: unknown) =>
    canonicalAddress(String(value)) === undefined ? `"${String(value)}" is no address` : undefined,
  forces: FIXED,
})

/** A virtual layer 2 network over UDP (RFC 7348; ip-link(8), "VXLAN"). */
export const vxlan: LinkType = {
  name: 'vxlan',
  description: 'One end of a virtual layer 2 network that is carried in UDP between hosts.',
  example:
    'interfaces:\n  flannel.1: { type: vxlan, id: 1, local: 10.4.7.21, remote: 10.4.7.22, dstport: 8472, link: eth0, mtu: 1450 }',
  fields: {
    id: {
      schema: { type: 'integer', minimum: 0, maximum: 16777215, description: 'VXLAN network identifier (VNI).' },
      forces: FIXED,
    },
    local: address('Source address of the outer packets.'),
    remote: { ...address('Where to send what has no learnt destination.'), read: (d) => d['remote'] ?? d['remote6'] },
    group: {
      ...address('Multicast group to send what has no learnt destination to; needs `link`.'),
      read: (d) => d['group'] ?? d['group6'],
    },
    dstport: {
      schema: { type: 'integer', minimum: 1, maximum: 65535, description: 'UDP port. Default: 4789.' },
      initial: 4789, // the kernel's own is 8472, from before the port was assigned
      read: (d) => d['port'],
      words: (v) => ['dstport', String(v)],
      forces: FIXED,
    },
    ttl: {
      schema: {
        type: 'integer',
        minimum: 0,
        maximum: 255,
        description: 'TTL of the outer packets; 0: the system’s default.',
      },
      fallback: 0,
      forces: FIXED,
    },
    learning: {
      schema: {
        type: 'boolean',
        description: 'Whether remote MAC addresses are learnt from what arrives. Default: true.',
      },
      fallback: true,
      words: (v) => [v === true ? 'learning' : 'nolearning'],
      read: (d) => d['learning'] !== false,
      forces: FIXED,
    },
  },
  lower: 'optional',
  lowerWord: 'dev',
  mtu: (lower, spec) =>
    lower === undefined ? 1500 : lower - (String(spec['remote'] ?? spec['group'] ?? '').includes(':') ? 70 : 50),
  byType: true,
}
