import { bool, cidr, int, object, textSchema, type Schema } from './schema-words.ts'

/** An item of a list of addresses, in the words of ip-address(8). */
export const addressSchema: Schema = {
  anyOf: [
    cidr,
    object(
      {
        address: { ...cidr, description: 'The address and its prefix length.' },
        peer: textSchema(
          'Address at the other end of a point-to-point link; a prefix length is that of its network.',
          '10.0.0.2/32',
        ),
        scope: {
          enum: ['global', 'site', 'link', 'host'],
          description: 'IPv4: where the address is valid. Default: global.',
        },
        label: textSchema('IPv4: a name that begins with that of the interface.', 'eth0:1'),
        broadcast: textSchema('IPv4: the broadcast address, or `+` for the last of the subnet. Default: none.', '+'),
        metric: int('Of the route to the subnet that the kernel makes.', 0, 4294967295),
        preferred_lft: { const: 0, description: '`0`: no connection begins with it as source.' },
        noprefixroute: bool('Without a route to the subnet. Default: false.'),
        home: bool('IPv6: a home address of Mobile IPv6. Default: false.'),
        mngtmpaddr: bool('IPv6: the kernel makes temporary addresses from it. Default: false.'),
      },
      'An address with more settings, in the words of `ip address`.',
      ['address'],
    ),
  ],
  description: 'An address and its prefix length, or an address with more settings.',
}
/** What a namespace or an interface says of what the lab does not list there. */
export const others: Schema = {
  enum: ['keep'],
  description:
    'Addresses, interfaces, routes, neighbours, rules, and firewalls where the lab has none, that the lab does not list there are somebody else’s: they are left alone.',
}

/** An item of a list of neighbours. */
export const neighborSchema = object(
  {
    to: textSchema('IP address.'),
    lladdr: textSchema('MAC address; a proxy entry has none.'),
    dev: textSchema('Interface.'),
    proxy: bool('The namespace answers for this address itself. Default: false.'),
    router: bool('It is a router. Default: false.'),
  },
  'A static ARP or NDP entry.',
  ['to'],
)
