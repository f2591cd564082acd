import type { LinkType } from '../../model/link-type.ts'

/** `lo`: made by the kernel with its namespace, brought up by netlab. */
export const loopback: LinkType = {
  name: 'loopback',
  description: 'The loopback interface lo. Every namespace has one, and netlab brings it up.',
  example: 'interfaces:\n  lo: 10.255.0.1/32',
  fields: {},
  multicast: false,
  mtu: () => 65536,
  builtin: true,
  noMac: () => true,
  byType: false,
}
