import type { Field, LinkType } from '../../model/link-type.ts'
import { u16, u8 } from './attributes.ts'
import { encap, ends4, external, FIXED, fwmark, layer3, overIpv4, pmtudisc, toggle, tos, ttl } from './tunnels.ts'

/** IFLA_IPTUN_* of linux/if_tunnel.h. The kernel's own default is one protocol; that of iproute2 is any. */
const fields = (protocols: Readonly<Record<string, number>>, description: string): Record<string, Field> => ({
  mode: {
    attribute: u8(9, { words: { any: 0, ...protocols }, always: true }),
    json: 'proto',
    schema: { enum: ['any', ...Object.keys(protocols)], description: `${description} Default: any.` },
    fallback: 'any',
    forces: FIXED,
  },
  ...ends4(3, 2),
  ttl: ttl(4),
  tos: tos(5),
  pmtudisc: pmtudisc(10),
  fwmark: fwmark(20),
  ...encap(15),
})

/** IPv4 packets, and those of MPLS, in IPv4 (RFC 2003; ip-link(8), "IPIP, SIT Type Support"). */
export const ipip: LinkType = {
  ...layer3,
  ...overIpv4('ipip'),
  description: 'One end of a tunnel that carries IPv4 packets in IPv4 packets.',
  example:
    'interfaces:\n  tun0: { type: ipip, local: 192.0.2.1, remote: 192.0.2.2, ttl: 64, addresses: [10.0.0.1/30] }',
  fields: {
    ...fields({ ipip: 4, mplsip: 137 }, 'Which packets the tunnel carries: IPv4 (ipip), MPLS (mplsip), or both (any).'),
    external: external(19),
  },
  feature: { module: 'ipip', config: 'CONFIG_NET_IPIP', probe: 'ip link add name x0 type ipip remote 192.0.2.1' },
}

/** IPv6 packets, and others, in IPv4 (RFC 4213; ip-link(8), "IPIP, SIT Type Support"). */
export const sit: LinkType = {
  ...layer3,
  ...overIpv4('sit'),
  description: 'One end of a tunnel that carries IPv6 packets in IPv4 packets.',
  example:
    'interfaces:\n  tun0: { type: sit, local: 192.0.2.1, remote: 192.0.2.2, ttl: 64, addresses: ["fd00::1/64"] }',
  fields: {
    ...fields({ ip6ip: 41, ipip: 4, mplsip: 137 }, 'Which packets the tunnel carries: IPv6 (ip6ip), IPv4 (ipip), MPLS (mplsip), or all (any).'), // prettier-ignore
    ttl: { ...ttl(4), attribute: u8(4, { always: true }) }, // the kernel's own is 64 (ipip6_tunnel_init in net/ipv6/sit.c)
    isatap: {
      ...toggle('isatap', 'Whether the tunnel takes the other end from ISATAP addresses (RFC 5214).', u16(8, { bit: 1, print: 'true' })), // prettier-ignore
      words: (v) => (v === true ? ['isatap'] : []),
      forces: FIXED,
    },
  },
  feature: { module: 'sit', config: 'CONFIG_IPV6_SIT', probe: 'ip link add name x0 type sit remote 192.0.2.1' },
}
