import { canonicalAddress, familyOf, isMulticast } from '../../model/cidr.ts'
import type { Field, LinkType } from '../../model/link-type.ts'
import { be16, be32, ipAddress, present, toggled, u32, u8 } from './attributes.ts'
import { external, FIXED, hexadecimal, saidByRoutes, toggle, tos } from './tunnels.ts'

/** A setting of the checksums over one family. */
const checksums = (word: string, json: string, number: number, over: 4 | 6, description: string): Field => ({
  ...toggle(word, description, toggled(number)),
  json,
  only: ({ remote }) => remote !== undefined && familyOf(String(remote)) === over,
  forces: FIXED,
})

/** A virtual layer 2 network over UDP with room for metadata (RFC 8926; ip-link(8), "GENEVE"). */
export const geneve: LinkType = {
  name: 'geneve',
  description: 'One end of a layer 2 tunnel between two hosts, carried in UDP (Geneve).',
  example: 'interfaces:\n  gnv0: { type: geneve, id: 7, remote: 10.0.0.2, ttl: 64, addresses: [192.168.7.1/24] }',
  fields: {
    id: {
      attribute: u32(1),
      schema: { type: 'integer', minimum: 0, maximum: 16777215, description: 'Virtual network identifier (VNI).' },
      only: { field: 'external', values: [false] },
      forces: FIXED,
    },
    remote: {
      attribute: ipAddress(2, { number6: 7 }),
      schema: { type: 'string', description: 'Address of the other end, IPv4 or IPv6.' },
      normal: (value) => canonicalAddress(String(value)),
      wrong: (value) => {
        const text = canonicalAddress(String(value))
        if (text === undefined) return `"${String(value)}" is not an address`
        return isMulticast(text) ? `${text} is not an address of one host` : undefined
      },
      read: ({ remote, remote6 }) => remote ?? remote6,
      forces: (from, to) =>
        familyOf(String(from)) === familyOf(String(to)) ? undefined : 'it cannot change between IPv4 and IPv6',
    },
    ttl: {
      attribute: u8(3),
      schema: {
        description:
          'TTL of the outer packets; 0: the system’s default; inherit: that of the inner packet. Default: 0.',
        anyOf: [{ type: 'integer', minimum: 0, maximum: 255 }, { const: 'inherit' }],
        examples: ['inherit'],
      },
      words: (v) => ['ttl', v === 0 ? 'auto' : String(v)],
      // Inherited, it is another attribute, and `ip` prints none.
      read: ({ ttl, ttl_inherit }) => (ttl_inherit ? 'inherit' : (ttl ?? 'inherit')),
      fallback: 0,
    },
    tos: tos(4),
    df: {
      attribute: u8(13, { words: { unset: 0, set: 1, inherit: 2 } }),
      schema: { enum: ['unset', 'set', 'inherit'], description: 'Over IPv4: the don’t-fragment bit of the outer packets; inherit: that of the inner packet. Default: unset.' }, // prettier-ignore
      fallback: 'unset',
    },
    label: hexadecimal('label', 'Over IPv6: flow label of the outer packets.', 0xfffff, be32(11), 'flowlabel'),
    dstport: {
      attribute: be16(5),
      json: 'port',
      schema: { type: 'integer', minimum: 1, maximum: 65535, description: 'UDP port. Default: 6081.' },
      fallback: 6081,
      forces: FIXED,
    },
    udpcsum: checksums('udpcsum', 'udp_csum', 8, 4, 'Over IPv4: whether the outer packets have UDP checksums.'),
    udp6zerocsumtx: checksums(
      'udp6zerocsumtx',
      'udp_zero_csum6_tx',
      9,
      6,
      'Over IPv6: send the outer packets without UDP checksums.',
    ),
    udp6zerocsumrx: checksums('udp6zerocsumrx', 'udp_zero_csum6_rx', 10, 6, 'Over IPv6: accept outer packets without UDP checksums.'), // prettier-ignore
    innerprotoinherit: {
      attribute: present(14),
      json: 'inner_proto_inherit',
      schema: {
        type: 'boolean',
        description: 'Whether the tunnel carries IP packets without Ethernet headers. Default: false.',
      },
      words: (v) => (v === true ? ['innerprotoinherit'] : []),
      fallback: false,
      forces: FIXED,
    },
    external: external(6, 'the destination of each packet (`encap ip`). A namespace can have one such geneve.'),
  },
  state: { ttl_inherit: u8(12, { print: 'true' }) },
  setSingly: true,
  setWith: ['id'],
  wrong: ({ id, remote, external, label, df, udpcsum, ...spec }) => {
    if (external === true) return saidByRoutes({ remote })
    if (id === undefined) return ['type', 'a geneve needs id']
    if (remote === undefined) return ['type', 'a geneve needs remote']
    const four = { df, udpcsum }
    const six = { label, udp6zerocsumtx: spec['udp6zerocsumtx'], udp6zerocsumrx: spec['udp6zerocsumrx'] }
    const over = familyOf(String(remote))
    const odd = Object.entries(over === 4 ? six : four).find(([, value]) => value !== undefined)
    return odd && [odd[0], `${odd[0]} is of IPv${over === 4 ? 6 : 4}, and remote is ${String(remote)}`]
  },
  noMac: ({ innerprotoinherit }) => innerprotoinherit === true,
  mtu: () => 1500,
  feature: {
    module: 'geneve',
    config: 'CONFIG_GENEVE',
    probe: 'ip link add name x0 type geneve id 1 remote 192.0.2.1',
  },
  byType: true,
}
