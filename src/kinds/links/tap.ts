import type { LinkType } from '../../model/link-type.ts'

/** An Ethernet device whose other end is a program: a virtual machine, a VPN (Documentation/networking/tuntap.rst). */
export const tap: LinkType = {
  name: 'tap',
  description: 'An interface whose other end is a program, such as a virtual machine.',
  example: 'interfaces:\n  tap0: { type: tap, addresses: [10.0.5.1/24] }',
  fields: {
    user: {
      schema: {
        type: 'string',
        pattern: '^[a-z_][a-z0-9_-]*$',
        description: 'Name of the user who may open it; default: root only.',
      },
      read: (d) => d['user'],
      forces: 'its owner is chosen when it is made',
    },
  },
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
  byType: true,
}
