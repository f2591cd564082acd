import type { LinkType } from '../../model/link-type.ts'

/** A device that traffic is redirected to, so that what comes in can be shaped as if it went out (tc-mirred(8)). */
export const ifb: LinkType = {
  name: 'ifb',
  description: 'A device to which incoming traffic is redirected for shaping.',
  example: 'interfaces:\n  ifb0: { type: ifb }',
  fields: {},
  multicast: false, // ifb_setup in drivers/net/ifb.c
  mtu: () => 1500,
  noArp: true,
  txqueuelen: 32,
  feature: { module: 'ifb', config: 'CONFIG_IFB', probe: 'ip link add name x0 type ifb' },
  byType: true,
}
