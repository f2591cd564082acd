import { bool, cidr, int, object, textSchema, type Schema } from './schema-words.ts'

/** An item of a list of addresses, in the words of ip-address(8). */
export const addressSchema: Schema = {
  anyOf: [
    cidr,
    object(
      {
        address: { ...cidr, description: 'The address and its prefix length.' },
        peer: textSchema(
          'Address of the other end of a point-to-point link, optionally with the prefix length of its network.',
          '10.0.0.2/32',
        ),
        scope: {
          enum: ['global', 'site', 'link', 'host'],
          description: 'IPv4: the scope in which the address is valid. Default: global.',
        },
        label: textSchema('IPv4: a label that begins with the name of the interface.', 'eth0:1'),
        broadcast: textSchema(
          'IPv4: the broadcast address, or `+` for the last address of the subnet. Default: none.',
          '+',
        ),
        metric: int('Metric of the subnet route that the kernel adds for the address.', 0, 4294967295),
        preferred_lft: {
          const: 0,
          description:
            '`0` marks the address as deprecated: the kernel does not choose it as source of new connections.',
        },
        noprefixroute: bool('Do not add a route to the subnet. Default: false.'),
        home: bool('IPv6: a home address of Mobile IPv6. Default: false.'),
        mngtmpaddr: bool('IPv6: the kernel derives temporary addresses from this one. Default: false.'),
      },
      'An address with more settings. The fields are named as in `ip address`.',
      ['address'],
    ),
  ],
  description: 'An address and its prefix length, or an address with more settings.',
}
/** What a namespace or an interface says of what the lab does not list there. */
export const others: Schema = {
  enum: ['keep'],
  description:
    'Leave alone what the lab does not declare there: addresses, interfaces, routes, neighbours and rules, and the firewall if the lab declares none.',
}

/** An item of a list of neighbours. */
export const neighborSchema = object(
  {
    to: textSchema('IP address.'),
    lladdr: textSchema('MAC address. A proxy entry has none.'),
    dev: textSchema('Interface.'),
    proxy: bool('The namespace answers for this address itself. Default: false.'),
    router: bool('The neighbour is a router. Default: false.'),
  },
  'A static ARP or NDP entry.',
  ['to'],
)

/** An item of a list of ports for tunnels. */
export const fouSchema = object(
  {
    port: int('Number of the UDP port.', 1, 65535),
    ipproto: int('Protocol of the packets in UDP (`encap: fou`): 4 is IPv4, 41 IPv6, 47 GRE.', 1, 255),
    gue: { const: true, description: 'A header in each packet says its protocol (`encap: gue`).' },
    family: {
      enum: ['inet', 'inet6'],
      description: 'Whether the outer packets are IPv4 or IPv6. Default: as `local`, or inet.',
    },
    local: textSchema('Address at which it receives. Default: any.', '10.0.0.1'),
  },
  'A UDP port that receives the packets of tunnels, in the words of `ip fou`.',
  ['port'],
)
