import { isMulticast } from '../../model/cidr.ts'
import type { Field, LinkType } from '../../model/link-type.ts'
import { u8 } from './attributes.ts'
import { encap, ends4, external, fwmark, greBytes, greFields, layer3, overIpv4, pmtudisc, toggle, tos, ttl } from './tunnels.ts' // prettier-ignore

/** IFLA_GRE_* of linux/if_tunnel.h; `moves`: see `ends4`. */
const fields = (moves: boolean): Record<string, Field> => ({
  ...ends4(7, 6, moves),
  ttl: ttl(8),
  tos: tos(9),
  ...greFields(true),
  pmtudisc: pmtudisc(10),
  ignore_df: {
    ...toggle(
      'ignore-df',
      'Whether inner packets are fragmented even if their don’t-fragment bit is set; needs `pmtudisc: false`.',
      u8(19, { print: 'true' }),
    ),
    // A living tunnel that ignores it does not get the other (ipgre_netlink_parms in net/ipv4/ip_gre.c).
    first: ({ pmtudisc }) => pmtudisc !== false,
  },
  fwmark: fwmark(20),
  ...encap(14),
  external: external(18),
})

/** IP packets in IPv4 (RFC 2784, RFC 2890; ip-link(8), "IPIP, SIT Type Support" and "GRE Type Support"). */
export const gre: LinkType = {
  ...overIpv4('gre', greBytes),
  description: 'One end of a tunnel that carries IP packets in IPv4 packets.',
  example:
    'interfaces:\n  tun0: { type: gre, local: 192.0.2.1, remote: 192.0.2.2, key: 5, ttl: 64, addresses: [10.0.0.1/30] }',
  fields: fields(false),
  feature: { module: 'ip_gre', config: 'CONFIG_NET_IPGRE', probe: 'ip link add name x0 type gre remote 192.0.2.1' },
  ...layer3,
  // ipgre_open in net/ipv4/ip_gre.c joins the group.
  opensLate: ({ remote }) => typeof remote === 'string' && isMulticast(remote),
}

/** Ethernet frames in IPv4. */
export const gretap: LinkType = {
  ...overIpv4('gretap', (spec) => 14 + greBytes(spec)),
  description: 'One end of a tunnel that carries Ethernet frames in IPv4 packets; it can be a port of a bridge.',
  example: 'interfaces:\n  tap0: { type: gretap, local: 192.0.2.1, remote: 192.0.2.2, key: 5, bridge: br0 }',
  fields: fields(true),
  feature: { module: 'ip_gre', config: 'CONFIG_NET_IPGRE', probe: 'ip link add name x0 type gretap remote 192.0.2.1' },
}
