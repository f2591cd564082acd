import type { LinkType } from '../../model/link-type.ts'
import { u8, user } from './attributes.ts'

/** An Ethernet device whose other end is a program: a virtual machine, a VPN (Documentation/networking/tuntap.rst). */
export const tap: LinkType = {
  name: 'tap',
  kind: 'tun',
  description: 'An interface for a program, such as a virtual machine, at its other end.',
  example: 'interfaces:\n  tap0: { type: tap, addresses: [10.0.5.1/24] }',
  fields: {
    user: {
      attribute: user(1),
      schema: {
        type: 'string',
        pattern: '^[a-z_][a-z0-9_-]*$',
        description: 'Name of the user who may open the interface. Default: only root.',
      },
      forces: 'its owner is chosen when it is made',
    },
  },
  state: { type: u8(3, { words: { tun: 1, tap: 2 } }) },
  addWords: (name, { user }) => [
    'ip',
    'tuntap',
    'add',
    'dev',
    name,
    'mode',
    'tap',
    ...(typeof user === 'string' ? ['user', user] : []),
  ],
  mtu: () => 1500,
  feature: { module: 'tun', config: 'CONFIG_TUN', probe: 'ip tuntap add dev x0 mode tap' },
  byType: true,
}
