import type { LinkType } from '../../model/link-type.ts'

/** An interface that swallows what it is sent: a place for addresses. */
export const dummy: LinkType = {
  name: 'dummy',
  description: 'An interface with nothing behind it, for addresses and routes. It discards the packets it sends.',
  example: 'interfaces:\n  dummy0: { type: dummy, addresses: [10.9.9.9/32] }',
  fields: {},
  multicast: false, // dummy_setup in drivers/net/dummy.c
  mtu: () => 1500,
  noArp: true,
  feature: { module: 'dummy', config: 'CONFIG_DUMMY', probe: 'ip link add name x0 type dummy' },
  byType: true,
}
