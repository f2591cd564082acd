import type { LinkType } from '../../model/link-type.ts'
import { layer3 } from './tunnels.ts'

/** What the namespace says over netlink, for programs that capture (drivers/net/nlmon.c). */
export const nlmon: LinkType = {
  ...layer3,
  name: 'nlmon',
  description: 'A monitor of the namespace’s netlink messages, for tcpdump.',
  example: 'interfaces:\n  nlmon0: { type: nlmon }',
  fields: {},
  mtu: () => 3776, // NLMSG_GOODSIZE of include/linux/netlink.h, where pages have 4096 bytes
  feature: { module: 'nlmon', config: 'CONFIG_NLMON', probe: 'ip link add name x0 type nlmon' },
  byType: true,
}
