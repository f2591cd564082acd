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
    description: 'Labels that take the place of the label (MPLS). Without them it is taken off.',
    examples: [200, '200/201'],
  },
  via: textSchema('Address of the gateway.', '192.168.0.1'),
  dev: textSchema('Interface it leaves by; found from `via` when it is absent.'),
  encap: textSchema(
    'What packets are wrapped in, in the words of `ip route`: mpls, seg6, seg6local, ip, ip6.',
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
      description: '`default`, or the network as a CIDR; a label with `family: mpls`.',
      examples: ['default', '10.0.0.0/8', 100],
    },
    family: { const: 'mpls', description: 'A route of MPLS: `to` is the label of the packets.' },
    ttl_propagate: bool(
      'Whether the TTL of a label that is taken off goes into what it was on (MPLS). Default: `net.mpls.ip_ttl_propagate`.',
    ),
    ...hop,
    src: textSchema('Source address that the kernel prefers for it.'),
    metric: int('Preference among routes to the same network; the lowest wins.', 0, 4294967295),
    table,
    scope: { enum: ['global', 'site', 'link', 'host', 'nowhere'], description: 'How far the destination is.' },
    onlink: bool('The gateway is on the link although no subnet says so.'),
    vrf: textSchema('The VRF of the namespace whose table it is in.'),
    tos: byte('Type of service (IPv4).'),
    pref: { enum: ['low', 'medium', 'high'], description: 'Preference among routers (IPv6). Default: medium.' },
    from: textSchema('Network of the sources that it is for (IPv6).', 'fd00::/64'),
    ...Object.fromEntries(metrics.map((metric) => [metric.word, metricSchema(metric)])),
    type: {
      enum: [
        ...['unicast', 'blackhole', 'unreachable', 'prohibit', 'throw'],
        ...['local', 'broadcast', 'anycast', 'multicast'],
      ],
      description: 'Default: unicast.',
    },
    nexthop: int('The id of one of the `nexthops` of the namespace, instead of `via` and `dev`.', 1, 4294967295),
    nexthops: listOf(
      object({ ...hop, weight: int('Share of the flows.', 1, 256) }, 'One way.'),
      'Several ways to share the load between.',
    ),
  },
  'A route, in the words of `ip route`.',
  ['to'],
)
const nexthopNumber = int('Its number, by which routes and groups name it.', 1, 4294967295)
/** The schema of a nexthop object. */
export const nexthopSchema = object(
  {
    id: nexthopNumber,
    via: hop.via,
    dev: hop.dev,
    onlink: bool('The gateway is on the link although no subnet says so.'),
    encap: hop.encap,
    blackhole: { const: true, description: 'It discards what comes.' },
    family: { enum: ['inet', 'inet6'], description: 'For one without `via`. Default: inet.' },
    group: {
      type: 'array',
      minItems: 1,
      items: {
        anyOf: [
          { type: 'integer', minimum: 1, maximum: 4294967295 },
          object({ id: nexthopNumber, weight: int('Share of the flows. Default: 1.', 1, 256) }, 'A member.', ['id']),
        ],
      },
      description: 'The nexthops among which flows are divided, by their numbers, or as maps with `weight`.',
      examples: [[1, { id: 2, weight: 3 }]],
    },
    fdb: {
      const: true,
      description: 'It is for forwarding entries of VXLANs, not for routes: `via` is the other VXLAN.',
    },
    type: {
      enum: ['mpath', 'resilient'],
      description: 'Kind of group; `resilient`: flows stay where they are when another member goes. Default: mpath.',
    },
    buckets: int('Buckets of a resilient group: a power of two is best. Required there.', 1, 65535),
    idle_timer: int('Seconds without a packet after which a bucket may move. Default: 120.', 0, 42949672),
    unbalanced_timer: int('Seconds after which buckets in use move as well; 0: never. Default: 0.', 0, 42949672),
  },
  'A nexthop object, in the words of `ip nexthop`.',
  ['id'],
)
/** The schema of a rule. */
export const ruleSchema = object(
  {
    priority: int('Rules are tried from the lowest. Default: 1000, 1010, … in the order of the list.', 0, 4294967295),
    from: textSchema('Source network.'),
    to: textSchema('Destination network.'),
    iif: textSchema('Interface it came in by.'),
    oif: textSchema('Interface it is bound to.'),
    fwmark: { type: ['string', 'integer'], description: 'Mark, or mark/mask.', examples: ['0x1/0xff'] },
    table,
    action: { enum: ['blackhole', 'unreachable', 'prohibit'], description: 'Refuse instead of looking in a table.' },
    not: { const: true, description: 'It holds for what the selectors do not match.' },
    tos: byte('Type of service that the packet has.'),
    uidrange: range('Users whose packets they are: numbers.', '1000-1999'),
    ipproto: {
      type: ['integer', 'string'],
      minimum: 1,
      maximum: 255,
      description: 'Protocol: a number, or tcp, udp, icmp, ipv6-icmp, sctp, gre, esp, ah, ospf.',
    },
    sport: range('Source port, or a range.', '1024-2048'),
    dport: range('Destination port, or a range.', '80'),
    tun_id: int('Id of the tunnel that it came by.', 1, Number.MAX_SAFE_INTEGER),
    suppress_prefixlength: int('Routes with a prefix of at most this length do not count.', 0, 128),
    suppress_ifgroup: int('Routes by way of interfaces of this group do not count.', 0, 4294967294),
    realms: realm,
    goto: int('The priority of a later rule to go on at, instead of a table.', 1, 4294967295),
    nop: { const: true, description: 'It does nothing: a place to go to.' },
    l3mdev: { const: true, description: 'The table is that of the VRF of the interface.' },
    family: { enum: ['inet', 'inet6'], description: 'For rules that name no address. Default: inet.' },
  },
  'A routing policy rule, in the words of `ip rule`.',
)
