import { metrics, type Metric } from '../model/metrics.ts'
import { bool, int, listOf, object, textSchema, type Schema } from './schema-words.ts'

const table = {
  type: ['integer', 'string'],
  description: 'Routing table: a number; main, default, local; or the name of a VRF of the namespace.',
}
const realm: Schema = {
  type: ['integer', 'string'],
  pattern: '^[0-9]+(/[0-9]+)?$',
  description: 'Realm, or FROM/TO (IPv4).',
}
const byte = (description: string): Schema => ({
  type: ['integer', 'string'],
  pattern: '^(0x[0-9a-fA-F]{1,2}|[0-9]{1,3})$',
  minimum: 0,
  maximum: 255,
  description,
})
const range = (description: string, example: string): Schema => ({
  type: ['integer', 'string'],
  minimum: 0,
  pattern: '^[0-9]+(-[0-9]+)?$',
  description,
  examples: [example],
})
const hop = {
  as: {
    type: ['integer', 'string'],
    pattern: '^[0-9]+(/[0-9]+)*$',
    minimum: 0,
    description: 'MPLS: the labels that replace the incoming label. Default: the label is removed.',
    examples: [200, '200/201'],
  },
  via: textSchema('Address of the gateway.', '192.168.0.1'),
  dev: textSchema('Interface through which packets leave. Default: the interface whose subnet contains `via`.'),
  encap: textSchema(
    'Encapsulation, as in `ip route`: mpls, seg6, seg6local, ip, ip6.',
    'mpls 100/200',
    'seg6 mode encap segs fd00::1,fd00::2',
  ),
  realm,
}
const metricSchema = ({ word, perMillisecond, words, most = 0xffffffff, description }: Metric): Schema =>
  perMillisecond !== undefined
    ? { type: 'string', pattern: '^(lock )?[0-9]+m?s$', description, examples: ['250ms'] }
    : words
      ? { type: 'string', pattern: words === 'name' ? '^(lock )?[\\w-]+$' : `^(${words.join('|')})$`, description }
      : {
          type: ['integer', 'string'],
          minimum: word === 'mtu' ? 68 : 1,
          maximum: most,
          pattern: '^lock [1-9][0-9]*$',
          description,
        }
/** The schema of a route. */
export const routeSchema = object(
  {
    to: {
      type: ['string', 'integer'],
      description: '`default`, or the network as a CIDR; with `family: mpls`, a label.',
      examples: ['default', '10.0.0.0/8', 100],
    },
    family: { const: 'mpls', description: 'An MPLS route: `to` is the label of the packets.' },
    ttl_propagate: bool(
      'MPLS: whether the TTL of a removed label is copied into the packet under it. Default: `net.mpls.ip_ttl_propagate`.',
    ),
    ...hop,
    src: textSchema('Source address that the kernel prefers for packets of this route.'),
    metric: int('Preference among routes to the same network; the lowest wins.', 0, 4294967295),
    table,
    scope: { enum: ['global', 'site', 'link', 'host', 'nowhere'], description: 'Scope of the destination.' },
    onlink: bool('Treat the gateway as directly reachable, even if no subnet of the interface contains it.'),
    vrf: textSchema('A VRF of the namespace: the route is put in its table.'),
    tos: byte('Type of service (IPv4).'),
    pref: { enum: ['low', 'medium', 'high'], description: 'Preference among routers (IPv6). Default: medium.' },
    from: textSchema('Only packets from this network use the route (IPv6).', 'fd00::/64'),
    ...Object.fromEntries(metrics.map((metric) => [metric.word, metricSchema(metric)])),
    type: {
      enum: [
        ...['unicast', 'blackhole', 'unreachable', 'prohibit', 'throw'],
        ...['local', 'broadcast', 'anycast', 'multicast'],
      ],
      description: 'Default: unicast.',
    },
    nexthop: int('The id of an entry of the namespace’s `nexthops`, instead of `via` and `dev`.', 1, 4294967295),
    nexthops: listOf(
      object({ ...hop, weight: int('Share of the flows. Default: 1.', 1, 256) }, 'A next hop.'),
      'Several next hops that share the load.',
    ),
  },
  'A route. The fields are named as in `ip route`.',
  ['to'],
)
const nexthopNumber = int('Number of the nexthop. Routes and groups refer to it.', 1, 4294967295)
/** The schema of a nexthop object. */
export const nexthopSchema = object(
  {
    id: nexthopNumber,
    via: hop.via,
    dev: hop.dev,
    onlink: bool('Treat the gateway as directly reachable, even if no subnet of the interface contains it.'),
    encap: hop.encap,
    blackhole: { const: true, description: 'Discard the packets.' },
    family: { enum: ['inet', 'inet6'], description: 'Address family of a nexthop without `via`. Default: inet.' },
    group: {
      type: 'array',
      minItems: 1,
      items: {
        anyOf: [
          { type: 'integer', minimum: 1, maximum: 4294967295 },
          object({ id: nexthopNumber, weight: int('Share of the flows. Default: 1.', 1, 256) }, 'A member.', ['id']),
        ],
      },
      description: 'The nexthops that share the flows: their ids, or maps with `id` and `weight`.',
      examples: [[1, { id: 2, weight: 3 }]],
    },
    fdb: {
      const: true,
      description:
        'The nexthop is for forwarding entries of a VXLAN, not for routes: `via` is the address of the remote VXLAN.',
    },
    type: {
      enum: ['mpath', 'resilient'],
      description:
        'Type of the group. In a `resilient` group, flows keep their nexthop when another member is removed. Default: mpath.',
    },
    buckets: int(
      'Number of hash buckets of a resilient group, preferably a power of two. Required for `type: resilient`.',
      1,
      65535,
    ),
    idle_timer: int(
      'Seconds without a packet after which a bucket may move to another nexthop. Default: 120.',
      0,
      42949672,
    ),
    unbalanced_timer: int('Seconds after which buckets in use move, too; 0: never. Default: 0.', 0, 42949672),
  },
  'A nexthop object. The fields are named as in `ip nexthop`.',
  ['id'],
)
/** The schema of a rule. */
export const ruleSchema = object(
  {
    priority: int(
      'The rule with the lowest priority is tried first. Default: 1000, 1010, … in the order of the list.',
      0,
      4294967295,
    ),
    from: textSchema('Source network.'),
    to: textSchema('Destination network.'),
    iif: textSchema('Incoming interface.'),
    oif: textSchema('Interface to which the sending socket is bound.'),
    fwmark: { type: ['string', 'integer'], description: 'Mark, or mark/mask.', examples: ['0x1/0xff'] },
    table,
    action: {
      enum: ['blackhole', 'unreachable', 'prohibit'],
      description: 'Refuse the packet instead of looking up a table.',
    },
    not: { const: true, description: 'The rule applies to packets that the selectors do not match.' },
    tos: byte('Type of service of the packet.'),
    uidrange: range('User id of the sender, or a range.', '1000-1999'),
    ipproto: {
      type: ['integer', 'string'],
      minimum: 1,
      maximum: 255,
      description: 'Protocol: a number, or tcp, udp, icmp, ipv6-icmp, sctp, gre, esp, ah, ospf.',
    },
    sport: range('Source port, or a range.', '1024-2048'),
    dport: range('Destination port, or a range.', '80'),
    tun_id: int('Id of the tunnel through which the packet came.', 1, Number.MAX_SAFE_INTEGER),
    suppress_prefixlength: int('Ignore routes whose prefix is at most this long.', 0, 128),
    suppress_ifgroup: int('Ignore routes through interfaces of this group.', 0, 4294967294),
    realms: realm,
    goto: int(
      'Continue at the rule with this priority, which comes later, instead of looking up a table.',
      1,
      4294967295,
    ),
    nop: { const: true, description: 'Do nothing: the rule is a target of `goto`.' },
    l3mdev: { const: true, description: 'Look up the table of the VRF that the interface belongs to.' },
    family: { enum: ['inet', 'inet6'], description: 'Address family of a rule without addresses. Default: inet.' },
  },
  'A routing policy rule. The fields are named as in `ip rule`.',
)
