import { canonicalAddress } from '../../model/cidr.ts'
import type { Field, LinkType } from '../../model/link-type.ts'

const FIXED = 'the kernel takes it only when the device is made'
const address = (description: string) => ({
  schema: { type: 'string', description },
  normal: (value: unknown) => canonicalAddress(String(value)),
  wrong: (value: unknown) =>
    canonicalAddress(String(value)) === undefined ? `"${String(value)}" is no address` : undefined,
  forces: FIXED,
})

const toggle = (word: string, description: string, printed = word, fallback = false): Field => ({
  schema: { type: 'boolean', description: `${description} Default: ${fallback}.` },
  words: (v) => [v === true ? word : `no${word}`],
  read: ({ [printed]: value }) => (value === undefined ? undefined : value !== false),
  fallback,
  forces: FIXED,
})
const hexadecimal = (name: string, description: string, maximum: number, word = name): Field => ({
  schema: { type: 'integer', minimum: 0, maximum, description: `${description} Default: 0.` },
  words: (v) => [word, String(v)],
  // `0x4`; 0 is not printed.
  read: ({ [name]: value }) => Number(value ?? 0),
  fallback: 0,
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
    local: { ...address('Source address of the outer packets.'), read: (d) => d['local'] ?? d['local6'] },
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
    tos: hexadecimal('tos', 'Type of service of the outer packets; 1: that of the inner ones.', 255),
    label: hexadecimal('label', 'Flow label of the outer packets, over IPv6.', 0xfffff, 'flowlabel'),
    df: {
      schema: {
        enum: ['unset', 'set', 'inherit'],
        description: 'Whether the outer packets, over IPv4, must not be fragmented. Default: unset.',
      },
      fallback: 'unset',
      forces: FIXED,
    },
    ageing: {
      schema: {
        type: 'integer',
        minimum: 0,
        maximum: 4294967295,
        description: 'Seconds after which a learnt address is forgotten. Default: 300.',
      },
      fallback: 300,
      forces: FIXED,
    },
    proxy: toggle('proxy', 'Whether it answers ARP for what it knows.'),
    rsc: toggle('rsc', 'Whether it sends to destinations of routes directly.'),
    l2miss: toggle('l2miss', 'Whether programs are told of unknown MAC addresses.'),
    l3miss: toggle('l3miss', 'Whether programs are told of unknown IP addresses.'),
    gbp: toggle('gbp', 'Whether it carries marks of group policies.'),
    udpcsum: toggle('udpcsum', 'Whether the outer packets have checksums, over IPv4.', 'udp_csum', true),
    udp6zerocsumtx: toggle('udp6zerocsumtx', 'Whether those over IPv6 have none.', 'udp_zero_csum6_tx'),
    udp6zerocsumrx: toggle('udp6zerocsumrx', 'Whether it takes those that have none.', 'udp_zero_csum6_rx'),
  },
  lower: 'optional',
  lowerWord: 'dev',
  mtu: (lower, spec) =>
    lower === undefined ? 1500 : lower - (String(spec['remote'] ?? spec['group'] ?? '').includes(':') ? 70 : 50),
  byType: true,
}
