import { canonicalAddress, familyOf } from '../../model/cidr.ts'
import type { Field, LinkAttribute, LinkType } from '../../model/link-type.ts'
import { ipAddress, be16, be32, present, toggled, u32, u8 } from './attributes.ts'

const FIXED = 'the kernel takes it only when the device is made'
const host = (description: string, attribute: LinkAttribute) => ({
  attribute,
  schema: { type: 'string', description },
  normal: (value: unknown) => canonicalAddress(String(value)),
  wrong: (value: unknown) =>
    canonicalAddress(String(value)) === undefined ? `"${String(value)}" is not an address` : undefined,
  forces: FIXED,
})

const toggle = (word: string, attribute: LinkAttribute, description: string, json = word, fallback = false): Field => ({
  attribute,
  json,
  schema: { type: 'boolean', description: `${description} Default: ${fallback}.` },
  words: (v) => [v === true ? word : `no${word}`],
  read: ({ [json]: value }) => (value === undefined ? undefined : value !== false),
  fallback,
  forces: FIXED,
})
const hexadecimal = (
  name: string,
  attribute: LinkAttribute,
  description: string,
  maximum: number,
  word = name,
): Field => ({
  attribute: { ...attribute, print: 'hex or nothing' },
  schema: { type: 'integer', minimum: 0, maximum, description: `${description} Default: 0.` },
  // iproute2 takes any number for hexadecimal (rtnl_dsfield_a2n in lib/rt_names.c).
  words: (v) => [word, `0x${Number(v).toString(16)}`],
  // `0x4`; 0 is not printed.
  read: ({ [name]: value }) => Number(value ?? 0),
  fallback: 0,
  forces: FIXED,
})

/** A virtual layer 2 network over UDP (RFC 7348; ip-link(8), "VXLAN"). */
export const vxlan: LinkType = {
  name: 'vxlan',
  description: 'One end of a virtual layer 2 network between hosts, carried in UDP (VXLAN).',
  example:
    'interfaces:\n  flannel.1: { type: vxlan, id: 1, local: 10.4.7.21, remote: 10.4.7.22, dstport: 8472, link: eth0, mtu: 1450 }',
  fields: {
    id: {
      required: true,
      attribute: u32(1),
      schema: { type: 'integer', minimum: 0, maximum: 16777215, description: 'VXLAN network identifier (VNI).' },
      forces: FIXED,
    },
    local: {
      ...host('Source address of the outer packets.', ipAddress(4, { number6: 17, multicast: false })),
      read: (d) => d['local'] ?? d['local6'],
    },
    remote: {
      ...host(
        'Address to which frames without a learnt destination are sent.',
        ipAddress(2, { number6: 16, multicast: false }),
      ),
      read: (d) => d['remote'] ?? d['remote6'],
    },
    group: {
      ...host(
        'Multicast group to which frames without a learnt destination are sent; needs `link`.',
        ipAddress(2, { number6: 16, multicast: true }),
      ),
      read: (d) => d['group'] ?? d['group6'],
    },
    dstport: {
      schema: { type: 'integer', minimum: 1, maximum: 65535, description: 'UDP port. Default: 4789.' },
      initial: 4789, // the kernel's own is 8472, from before the port was assigned
      json: 'port',
      attribute: be16(15),
      forces: FIXED,
    },
    ttl: {
      attribute: u8(5),
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
      attribute: { ...toggled(7), always: true },
      schema: {
        type: 'boolean',
        description: 'Whether the VXLAN learns remote MAC addresses from received packets. Default: true.',
      },
      fallback: true,
      words: (v) => [v === true ? 'learning' : 'nolearning'],
      read: (d) => d['learning'] !== false,
      forces: FIXED,
    },
    tos: hexadecimal('tos', u8(6), 'Type of service of the outer packets; 1: that of the inner packet.', 255),
    label: hexadecimal('label', be32(26), 'Over IPv6: flow label of the outer packets.', 0xfffff, 'flowlabel'),
    df: {
      attribute: u8(29, { words: { unset: 0, set: 1, inherit: 2 } }),
      schema: {
        enum: ['unset', 'set', 'inherit'],
        description:
          'Over IPv4: the don’t-fragment bit of the outer packets; inherit: that of the inner packet. Default: unset.',
      },
      fallback: 'unset',
      forces: FIXED,
    },
    ageing: {
      attribute: u32(8),
      schema: {
        type: 'integer',
        minimum: 0,
        maximum: 4294967295,
        description: 'Seconds after which a learnt MAC address expires. Default: 300.',
      },
      fallback: 300,
      forces: FIXED,
    },
    proxy: toggle(
      'proxy',
      u8(11, { print: 'true' }),
      'Whether the VXLAN answers ARP requests for neighbours it knows.',
    ),
    rsc: toggle(
      'rsc',
      u8(12, { print: 'true' }),
      'Whether packets to a router are sent directly to the router’s destination, if the VXLAN knows it (short-circuit).',
    ),
    l2miss: toggle(
      'l2miss',
      u8(13, { print: 'true' }),
      'Whether the kernel notifies programs of unknown destination MAC addresses.',
    ),
    l3miss: toggle(
      'l3miss',
      u8(14, { print: 'true' }),
      'Whether the kernel notifies programs of unknown destination IP addresses.',
    ),
    gbp: toggle('gbp', present(23), 'Whether the VXLAN carries packet marks as group policies (GBP).'),
    udpcsum: toggle(
      'udpcsum',
      toggled(18),
      'Over IPv4: whether the outer packets have UDP checksums.',
      'udp_csum',
      true,
    ),
    udp6zerocsumtx: toggle(
      'udp6zerocsumtx',
      toggled(19),
      'Over IPv6: send the outer packets without UDP checksums.',
      'udp_zero_csum6_tx',
    ),
    udp6zerocsumrx: toggle(
      'udp6zerocsumrx',
      toggled(20),
      'Over IPv6: accept outer packets without UDP checksums.',
      'udp_zero_csum6_rx',
    ),
  },
  wrong: ({ local, remote, group }) =>
    local !== undefined && familyOf(String(local)) !== familyOf(String(remote ?? group ?? local))
      ? ['local', `${String(local)} and ${String(remote ?? group)} are of different families: IPv4 and IPv6`]
      : undefined,
  lower: 'optional',
  lowerAttribute: 3,
  mtu: (lower, spec) =>
    lower === undefined
      ? 1500
      : lower - (String(spec['remote'] ?? spec['group'] ?? spec['local'] ?? '').includes(':') ? 70 : 50),
  mtuWithinLower: true,
  feature: { module: 'vxlan', config: 'CONFIG_VXLAN', probe: 'ip link add name x0 type vxlan id 1 dstport 4789' },
  byType: true,
}
