import { canonicalAddress, familyOf } from '../../model/cidr.ts'
import type { Field, LinkType } from '../../model/link-type.ts'
import { ipAddress, be16, be32, toggled, u8 } from './attributes.ts'

/** Bits of IFLA_GRE_IFLAGS and IFLA_GRE_OFLAGS (if_tunnel.h), and the attributes themselves. */
const [CSUM, KEY, SEQ] = [0x8000, 0x2000, 0x1000]
const [IFLAGS, OFLAGS] = [2, 3]
const KEYS = 0xffffffff

const end = (description: string, number: number, wrong: (value: string) => string | undefined): Field => ({
  attribute: ipAddress(number),
  schema: { type: 'string', description },
  normal: (value) => canonicalAddress(String(value)),
  wrong: (value) => {
    const text = canonicalAddress(String(value))
    return text === undefined || familyOf(text) !== 4 ? `"${String(value)}" is no IPv4 address` : wrong(text)
  },
})

const key = (word: string, number: number, flags: number, description: string): Field => ({
  attribute: be32(number, { print: 'dotted', with: { number: flags, as: 'be16', bit: KEY } }),
  schema: { type: 'integer', minimum: 0, maximum: KEYS, description: `${description} Default: none.` },
  words: (v) => (v === 'none' ? [`no${word}`] : [word, String(v)]),
  read: ({ [word]: text }) =>
    typeof text === 'string' ? text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0) : undefined,
  fallback: 'none',
})

const short = (type: string, standsFor: readonly [string, string], more: object = {}): Field => ({
  schema: { type, ...more, description: `Short for \`${standsFor[0]}\` and \`${standsFor[1]}\`.` },
  apart: true,
  standsFor,
})

const toggle = (word: string, description: string, more: Partial<Field>, fallback = false): Field => ({
  schema: { type: 'boolean', description: `${description} Default: ${fallback}.` },
  words: (v) => [v === true ? word : `no${word}`],
  fallback,
  ...more,
})
const bit = (flags: number, bit: number): Partial<Field> => ({ attribute: be16(flags, { bit, print: 'true' }) })

/** IP packets in IPv4 (RFC 2784, RFC 2890; ip-link(8), "IPIP, SIT Type Support" and "GRE Type Support"). */
export const gre: LinkType = {
  name: 'gre',
  description: 'One end of a tunnel that carries IP packets in IPv4 packets.',
  example:
    'interfaces:\n  tun0: { type: gre, local: 192.0.2.1, remote: 192.0.2.2, key: 5, ttl: 64, addresses: [10.0.0.1/30] }',
  fields: {
    remote: {
      ...end('IPv4 address of the other end.', 7, (text) =>
        Number.parseInt(text, 10) >= 224 ? `${text} is no address of one host` : undefined,
      ),
      required: true, // the kernel cannot give one to, or take it from, a living one
      read: ({ remote }) => (remote === 'any' ? undefined : remote),
    },
    local: {
      ...end('IPv4 address of this end. Default: any.', 6, () => undefined),
      fallback: 'any',
    },
    ttl: {
      attribute: u8(8),
      schema: { type: 'integer', minimum: 0, maximum: 255, description: 'TTL of the outer packets; 0: that of the inner ones. Default: 0.' }, // prettier-ignore
      fallback: 0,
    },
    tos: {
      attribute: u8(9, { print: 'hex or nothing' }),
      schema: { type: 'integer', minimum: 0, maximum: 255, description: 'Type of service of the outer packets; 1: that of the inner ones. Default: 0.' }, // prettier-ignore
      words: (v) => ['tos', `0x${Number(v).toString(16)}`], // iproute2 takes any number for hexadecimal
      read: ({ tos }) => Number(tos ?? 0),
      fallback: 0,
    },
    key: short('integer', ['ikey', 'okey'], { minimum: 0, maximum: KEYS }),
    ikey: key('ikey', 4, IFLAGS, 'Key that received packets must have.'),
    okey: key('okey', 5, OFLAGS, 'Key of what is sent.'),
    csum: short('boolean', ['icsum', 'ocsum']),
    icsum: toggle('icsum', 'Whether received packets must have a checksum.', bit(IFLAGS, CSUM)),
    ocsum: toggle('ocsum', 'Whether what is sent has a checksum.', bit(OFLAGS, CSUM)),
    seq: short('boolean', ['iseq', 'oseq']),
    iseq: toggle('iseq', 'Whether received packets must have sequence numbers, in order.', bit(IFLAGS, SEQ)),
    oseq: toggle('oseq', 'Whether what is sent has sequence numbers.', bit(OFLAGS, SEQ)),
    pmtudisc: toggle('pmtudisc', 'Whether the outer packets must not be fragmented.', { attribute: toggled(10) }, true),
    ignore_df: toggle(
      'ignore-df',
      'Whether inner packets are fragmented even where they forbid it; needs `pmtudisc: false`.',
      { attribute: u8(19, { print: 'true' }) },
    ),
  },
  wrong: ({ ignore_df, pmtudisc }) =>
    ignore_df === true && pmtudisc !== false ? ['ignore_df', 'ignore_df needs pmtudisc: false'] : undefined,
  feature: { module: 'ip_gre', config: 'CONFIG_NET_IPGRE', probe: 'ip link add name x0 type gre remote 192.0.2.1' },
  lower: 'optional',
  lowerAttribute: 1,
  multicast: false,
  noMac: () => true,
  noArp: true,
  // The outer header, and what gre_calc_hlen in include/net/gre.h counts.
  mtu: (lower = 1500, { okey, ocsum, oseq }) =>
    lower - 24 - 4 * [okey !== undefined, ocsum, oseq].filter(Boolean).length,
  byType: true,
}
