import type { Field, LinkType } from '../../model/link-type.ts'
import {
  encap,
  encapBytes,
  encapFields,
  ends6,
  external,
  fwmark,
  greBytes,
  greFields,
  layer3,
  saidByRoutes,
  toggle,
} from './tunnels.ts'

const hex = (name: string, word: string, maximum: number, description: string): Field => ({
  schema: {
    description: `${description} Default: 0.`,
    anyOf: [{ type: 'integer', minimum: 0, maximum }, { const: 'inherit' }],
    examples: ['inherit'],
  },
  words: (v) => [word, v === 'inherit' ? 'inherit' : `0x${Number(v).toString(16)}`],
  read: ({ [name]: value, [`ip6_tnl_f_use_orig_${name}`]: inherits }) => (inherits ? 'inherit' : Number(value ?? 0)),
  fallback: 0,
})
/** With `external`, iproute2 leaves these to the kernel. */
const ownPackets = { only: { field: 'external', values: [false] } } as const

/** What is read and set by `ip` alone: a field is spread over several attributes there (IFLA_GRE_FLAGS, IFLA_GRE_FLOWINFO). */
const common: Readonly<Record<string, Field>> = {
  ...ends6(),
  hoplimit: {
    json: 'ttl',
    schema: { type: 'integer', minimum: 0, maximum: 255, description: 'Hop limit of the outer packets; 0: that of the inner packet. Default: 64.' }, // prettier-ignore
    initial: 64,
    ...ownPackets,
  },
  encaplimit: {
    schema: {
      description: 'Tunnel encapsulation limit (RFC 2473): how many more tunnels a packet may be nested in; none: packets carry no limit. Default: 4.', // prettier-ignore
      anyOf: [{ type: 'integer', minimum: 0, maximum: 255 }, { const: 'none' }],
      examples: ['none'],
    },
    read: ({ encap_limit, ip6_tnl_f_ign_encap_limit: none }) => (none ? 'none' : encap_limit),
    initial: 4,
    ...ownPackets,
  },
  tclass: hex('tclass', 'tclass', 255, 'Traffic class of the outer packets; inherit: that of the inner packet.'),
  flowlabel: hex('flowlabel', 'flowlabel', 0xfffff, 'Flow label of the outer packets; inherit: that of the inner packet.'), // prettier-ignore
  dscp: {
    schema: { enum: ['keep', 'inherit'], description: 'inherit: received packets get the DSCP of the outer packet. Default: keep.' }, // prettier-ignore
    words: (v) => (v === 'inherit' ? ['dscp', 'inherit'] : []),
    read: ({ ip6_tnl_f_rcv_dscp_copy: copies }) => (copies ? 'inherit' : 'keep'),
    fallback: 'keep',
    forces: 'ip has no word that takes it back',
  },
  allow_localremote: {
    ...toggle('allow-localremote', 'Whether `remote` may be an address of this namespace.'),
    read: ({ ip6_tnl_f_allow_local_remote: allowed }) => allowed === true,
  },
  fwmark: fwmark(),
  ...encap(),
  external: external(),
}
const limitBytes = ({ encaplimit, external }: Readonly<Record<string, unknown>>): number => (encaplimit === 'none' && external !== true ? 0 : 8) // prettier-ignore
const base = { lower: 'optional', lowerAttribute: 1, tunnel: true, setWith: encapFields, byType: true } as const
const wrong =
  (type: string): NonNullable<LinkType['wrong']> =>
  ({ external, remote, local, encap, encap_dport, ...spec }) => {
    if (external === true) return saidByRoutes({ remote, local, ikey: spec['ikey'], okey: spec['okey'], encap })
    if (remote === undefined && local === undefined)
      return ['type', `an ${type} needs remote or local: the kernel’s own has neither`]
    return encap !== undefined && encap_dport === undefined ? ['encap', 'encap needs encap_dport'] : undefined
  }

const requires =
  (type: string): NonNullable<LinkType['requires']> =>
  ({ encap }) => [type, ...(encap === undefined ? [] : ['fou6'])]

/** IP packets in IPv6 by GRE (ip-link(8), "IP6GRE/IP6GRETAP"). */
export const ip6gre: LinkType = {
  ...base,
  ...layer3,
  name: 'ip6gre',
  description: 'One end of a tunnel that carries IP packets in IPv6 packets, by GRE.',
  example: 'interfaces:\n  tun0: { type: ip6gre, local: "fd00::1", remote: "fd00::2", key: 5, addresses: [10.0.0.1/30] }', // prettier-ignore
  fields: { ...common, ...greFields(false) },
  mtu: (lower = 1500, spec) => lower - 40 - limitBytes(spec) - greBytes(spec) - encapBytes(spec),
  wrong: wrong('ip6gre'),
  requires: requires('ip6gre'),
  feature: {
    module: 'ip6_gre',
    config: 'CONFIG_IPV6_GRE',
    probe: 'ip link add name x0 type ip6gre remote 2001:db8::1',
  },
}

/** Ethernet frames in IPv6 by GRE. */
export const ip6gretap: LinkType = {
  ...base,
  name: 'ip6gretap',
  description:
    'One end of a tunnel that carries Ethernet frames in IPv6 packets, by GRE; it can be a port of a bridge.',
  example: 'interfaces:\n  tap0: { type: ip6gretap, local: "fd00::1", remote: "fd00::2", bridge: br0 }',
  fields: { ...common, ...greFields(false) },
  mtu: (lower = 1500, spec) => lower - 40 - limitBytes(spec) - greBytes(spec) - encapBytes(spec) - 14,
  wrong: wrong('ip6gretap'),
  requires: requires('ip6gretap'),
  feature: { module: 'ip6_gre', config: 'CONFIG_IPV6_GRE', probe: 'ip link add name x0 type ip6gretap remote 2001:db8::1' }, // prettier-ignore
}

/** IP packets in IPv6 (RFC 2473; ip-link(8), "IP6TNL"). */
export const ip6tnl: LinkType = {
  ...base,
  ...layer3,
  name: 'ip6tnl',
  description: 'One end of a tunnel that carries IP packets in IPv6 packets.',
  example: 'interfaces:\n  tun0: { type: ip6tnl, mode: ipip6, local: "fd00::1", remote: "fd00::2", addresses: [10.0.0.1/30] }', // prettier-ignore
  fields: {
    mode: {
      json: 'proto',
      schema: { enum: ['any', 'ip6ip6', 'ipip6'], description: 'Which packets the tunnel carries: IPv6 (ip6ip6), IPv4 (ipip6), or both (any). Default: any.' }, // prettier-ignore
      fallback: 'any',
    },
    ...common,
  },
  mtu: (lower = 1500, spec) => lower - 40 - limitBytes(spec) - encapBytes(spec),
  wrong: wrong('ip6tnl'),
  requires: requires('ip6tnl'),
  feature: { module: 'ip6_tunnel', config: 'CONFIG_IPV6_TUNNEL', probe: 'ip link add name x0 type ip6tnl remote 2001:db8::1' }, // prettier-ignore
}
