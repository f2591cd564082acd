import type { LinkType } from '../../model/link-type.ts'
import { ends4, ends6, fwmark, keys, layer3, likeKernels } from './tunnels.ts'

/** IFLA_VTI_* of linux/if_tunnel.h. */
const [LINK, IKEY, OKEY, LOCAL, REMOTE, FWMARK] = [1, 2, 3, 4, 5, 6]
const common = { ...layer3, lower: 'optional', lowerAttribute: LINK, tunnel: true, byType: true } as const

/** What IPsec over IPv4 encrypts (ip-link(8), "VTI"): policies and states whose mark is the key. */
export const vti: LinkType = {
  ...common,
  name: 'vti',
  description:
    'A tunnel interface for IPsec over IPv4: packets sent here are encrypted by the states and policies whose mark is its key.',
  example: 'interfaces:\n  vti0: { type: vti, local: 192.0.2.1, remote: 192.0.2.2, key: 5, addresses: [10.0.0.1/30] }',
  fields: { ...ends4(REMOTE, LOCAL), ...keys(IKEY, OKEY), fwmark: fwmark(FWMARK) },
  mtu: (lower = 1500) => lower - 20,
  wrong: (spec) => likeKernels('vti', spec),
  feature: { module: 'ip_vti', config: 'CONFIG_NET_IPVTI', probe: 'ip link add name x0 type vti remote 192.0.2.1' },
}

/** The same over IPv6. */
export const vti6: LinkType = {
  ...common,
  name: 'vti6',
  description:
    'A tunnel interface for IPsec over IPv6: packets sent here are encrypted by the states and policies whose mark is its key.',
  example: 'interfaces:\n  vti0: { type: vti6, local: "fd00::1", remote: "fd00::2", key: 5, addresses: [10.0.0.1/30] }',
  fields: { ...ends6(REMOTE, LOCAL), ...keys(IKEY, OKEY), fwmark: fwmark(FWMARK) },
  mtu: (lower = 1500) => lower - 40,
  wrong: ({ local, remote }) =>
    local === undefined && remote === undefined
      ? ['type', 'a vti6 needs remote or local: the kernel’s own has neither']
      : undefined,
  feature: { module: 'ip6_vti', config: 'CONFIG_IPV6_VTI', probe: 'ip link add name x0 type vti6 remote 2001:db8::1' },
}
