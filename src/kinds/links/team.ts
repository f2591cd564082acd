import type { LinkType } from '../../model/link-type.ts'

/** Several interfaces as one, of which a program, teamd, decides who works; without it none does (drivers/net/team). */
export const team: LinkType = {
  name: 'team',
  description:
    'A team: several interfaces that act as one. Its ports name it as `master`. A process of the lab (teamd) decides how they share the traffic.',
  example: 'interfaces:\n  team0: { type: team }\n  eth0: { master: team0 }\n  eth1: { master: team0 }',
  fields: {},
  mtu: () => 1500,
  feature: { module: 'team', config: 'CONFIG_NET_TEAM', probe: 'ip link add name x0 type team' },
  hasPorts: true,
  bundles: true,
  byType: true,
}
