import type { Field, LinkAttribute, LinkType } from '../../model/link-type.ts'
import { linkId, oncePer, type Resource, type Resources } from '../../model/resource.ts'
import { mac, tagProtocol, u16, u32, u64, u8 } from './attributes.ts'
import { groupMask, multicastRouter } from './port.ts'

/** USER_HZ: bridge timers are in hundredths of a second in the kernel's interface and in iproute2's. */
const HUNDREDTHS = 100
const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, min: 60 }

/** A duration such as `4s` or `1500ms`, or a number in hundredths of a second, as hundredths of a second. */
export function hundredths(value: unknown): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|min)$/.exec(String(value))
  return match ? Math.round(Number(match[1]) * (units[match[2] ?? 's'] ?? 1) * HUNDREDTHS) : Number(value)
}

const timer = (description: string, fallback: number, minimum: number, maximum: number): Field => ({
  schema: {
    description: `${description} A duration (\`4s\`), or a number in hundredths of a second as in iproute2. Default: ${fallback / HUNDREDTHS}s.`,
    anyOf: [
      { type: 'integer', minimum, maximum },
      { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|min)$' },
    ],
    examples: ['4s', fallback],
  },
  normal: hundredths,
  wrong: (value) => {
    const [time, least, most] = [hundredths(value), minimum, maximum].map((n) => n / HUNDREDTHS) as [
      number,
      number,
      number,
    ]
    return time < least || time > most ? `${time} s is not within ${least} s and ${most} s` : undefined
  },
  // The kernel counts in ticks, which may be longer than a hundredth and no whole number of them (clock_t_to_jiffies).
  same: (a, b) => Math.abs(Number(a) - Number(b)) <= 1,
  fallback,
})
const toggle = (description: string, fallback = false): Field => ({
  schema: { type: 'boolean', description: `${description} Default: ${fallback}.` },
  words: (v) => [v === true ? '1' : '0'],
  fallback,
})
const number = (description: string, fallback: number, minimum: number, maximum: number): Field => ({
  schema: { type: 'integer', minimum, maximum, description: `${description} Default: ${fallback}.` },
  fallback,
})
/** `word` is what `ip link` takes, `json` what it prints. What this kernel does not tell of is as it always is. */
const option = (word: string, attribute: LinkAttribute, field: Field, json = word): Field => ({
  ...field,
  attribute,
  json,
  words: (v) => [word, ...(field.words?.(v) ?? [String(v)])],
  read: ({ [json]: value }) =>
    typeof field.fallback === 'boolean' && value !== undefined ? value === 1 || value === true : value,
})
/** BR_BOOLOPT_* of if_bridge.h: bits of IFLA_BR_MULTI_BOOLOPT. */
const bit = (bit: number): LinkAttribute => u32(46, { bit, masked: true })
/** The longest multicast query and response intervals, in hundredths of a second: a day. */
const LONG = 24 * 60 * 60 * HUNDREDTHS
const interval = (name: string, number: number, description: string, fallback: number): Record<string, Field> => ({
  [`mcast_${name}_interval`]: option(
    `mcast_${name}_interval`,
    u64(number),
    timer(description, fallback, 1, LONG),
    `mcast_${name}_intvl`,
  ),
})
/** What IGMP and MLD do (RFC 3376, RFC 3810; ip-link(8), "bridge type support"). */
const multicast: Readonly<Record<string, Field>> = {
  mcast_snooping: option(
    'mcast_snooping',
    u8(23),
    toggle('Whether multicast is forwarded only to ports with known listeners.', true),
  ),
  mcast_vlan_snooping: option(
    'mcast_vlan_snooping',
    bit(1 << 1),
    toggle('Whether multicast snooping is done separately for each VLAN.'),
  ),
  mcast_router: multicastRouter('mcast_router', 22, 'Whether the bridge itself is a multicast router.'),
  mcast_querier: option('mcast_querier', u8(25), toggle('Whether the bridge sends multicast queries.')),
  mcast_query_use_ifaddr: option(
    'mcast_query_use_ifaddr',
    u8(24),
    toggle('Whether queries carry the bridge’s own address as source instead of 0.0.0.0.'),
  ),
  mcast_igmp_version: option('mcast_igmp_version', u8(43), number('IGMP version.', 2, 2, 3)),
  mcast_mld_version: option('mcast_mld_version', u8(44), number('MLD version.', 1, 1, 2)),
  mcast_hash_max: option('mcast_hash_max', u32(27), number('Maximum number of multicast groups.', 4096, 1, 4294967295)),
  mcast_last_member_count: option(
    'mcast_last_member_count',
    u32(28),
    number('Number of queries sent before a group is removed.', 2, 0, 255),
    'mcast_last_member_cnt',
  ),
  mcast_startup_query_count: option(
    'mcast_startup_query_count',
    u32(29),
    number('Number of queries sent at startup.', 2, 0, 255),
    'mcast_startup_query_cnt',
  ),
  ...interval('last_member', 30, 'Time between the queries sent before a group is removed.', 100),
  ...interval('membership', 31, 'Time after which a group without reports is removed.', 26000),
  ...interval(
    'querier',
    32,
    'Time after which another querier that stopped sending queries is no longer expected.',
    25500,
  ),
  ...interval('query', 33, 'Time between general queries.', 12500),
  ...interval('query_response', 34, 'Time within which listeners must answer a query.', 1000),
  ...interval('startup_query', 35, 'Time between the queries at startup.', 3125),
  mcast_stats_enabled: option('mcast_stats_enabled', u8(42), toggle('Whether IGMP and MLD messages are counted.')),
}
/** VLANs (bridge(8), "bridge vlan"). */
const vlans: Readonly<Record<string, Field>> = {
  vlan_filtering: option('vlan_filtering', u8(7), toggle('Whether the bridge filters by VLAN.')),
  vlan_protocol: {
    schema: { enum: ['802.1Q', '802.1ad'], description: 'Type of the VLAN tag. Default: 802.1Q.' },
    attribute: tagProtocol(8),
    words: (v) => ['vlan_protocol', String(v)],
    // `ip -N` prints the protocol's number.
    read: ({ vlan_protocol }) => (/34984|802\.1ad/.test(String(vlan_protocol)) ? '802.1ad' : '802.1Q'),
    fallback: '802.1Q',
  },
  vlan_default_pvid: option(
    'vlan_default_pvid',
    u16(39),
    number('VLAN of untagged frames at ports without a `pvid` of their own; 0: none.', 1, 0, 4094),
  ),
  vlan_stats_enabled: option('vlan_stats_enabled', u8(41), toggle('Whether traffic is counted for each VLAN.')),
  vlan_stats_per_port: {
    ...option('vlan_stats_per_port', u8(45), toggle('Whether traffic is counted for each VLAN at each port.')),
    forces: 'the kernel takes it only while the bridge has no ports', // br_vlan_set_stats_per_port
  },
}

/** A learning switch in software (ip-link(8), "bridge type support"; the kernel's Documentation/networking/bridge.rst). */
export const bridge: LinkType = {
  name: 'bridge',
  description:
    'A software switch: it learns MAC addresses, floods frames to unknown ones, and can have IP addresses itself.',
  example: 'bridges:\n  br0:\n    addresses: [172.17.0.1/16]\n    stp: true\n    forward_delay: 4s',
  fields: {
    stp: option('stp_state', u32(5), toggle('Whether the bridge uses the spanning tree protocol (STP).')),
    forward_delay: option(
      'forward_delay',
      u32(1),
      timer('How long a port listens and learns before it forwards, with STP.', 1500, 0, 3000),
    ),
    hello_time: option('hello_time', u32(2), timer('Time between hello packets of the root bridge.', 200, 100, 1000)),
    max_age: option(
      'max_age',
      u32(3),
      timer('Time after which information from the last hello packet expires.', 2000, 600, 4000),
    ),
    ageing_time: {
      ...option(
        'ageing_time',
        u32(4),
        timer('How long a MAC address is kept after it was last seen.', 30000, 0, 100000000),
      ),
      // While the tree changes the kernel has another for the moment; it stays for good when the protocol is turned off
      // meanwhile (__br_set_topology_change in net/bridge/br_stp.c).
      read: ({ ageing_time, stp_state, topology_change, forward_delay }) =>
        stp_state === 1 && topology_change === 1 && ageing_time === 2 * Number(forward_delay) ? undefined : ageing_time,
    },
    priority: option('priority', u16(6), {
      schema: {
        type: 'integer',
        minimum: 0,
        maximum: 65535,
        description: 'Priority in the election of the root bridge; the lowest wins. Default: 32768.',
      },
      fallback: 32768,
    }),
    // BR_GROUPFWD_RESTRICTED in net/bridge/br_private.h.
    group_fwd_mask: groupMask(
      9,
      'Bit mask of the link-local groups that the bridge forwards; 16384 forwards LLDP.',
      0b111,
      'STP, pause frames and link aggregation (1, 2, 4) are never passed on',
    ),
    group_address: {
      schema: {
        type: 'string',
        pattern: '^01:80:[cC]2:00:00:0[0-9a-fA-F]$',
        description: 'MAC address to which STP packets are sent. Default: 01:80:c2:00:00:00.',
      },
      normal: (value) => String(value).toLowerCase(),
      // br_changelink and group_addr_store in net/bridge refuse the addresses of others.
      wrong: (value) => (/0[123]$/.test(String(value)) ? `${String(value)} is not for spanning trees` : undefined),
      json: 'group_addr',
      attribute: mac(20),
      fallback: '01:80:c2:00:00:00',
    },
    no_linklocal_learn: option(
      'no_linklocal_learn',
      bit(1 << 0),
      toggle('Do not learn MAC addresses from link-local frames.'),
    ),
    ...vlans,
    ...multicast,
    nf_call_iptables: option(
      'nf_call_iptables',
      u8(36),
      toggle('Whether bridged IPv4 packets pass through iptables’ chains.'),
    ),
    nf_call_ip6tables: option(
      'nf_call_ip6tables',
      u8(37),
      toggle('Whether bridged IPv6 packets pass through ip6tables’ chains.'),
    ),
    nf_call_arptables: option(
      'nf_call_arptables',
      u8(38),
      toggle('Whether bridged ARP packets pass through arptables’ chains.'),
    ),
  },
  state: { topology_change: u8(14) },
  setSingly: true,
  // Without STP the kernel takes any (br_set_forward_delay in net/bridge/br_stp.c).
  wrong: ({ stp, forward_delay = 1500 }) =>
    stp === true && Number(forward_delay) < 200
      ? ['forward_delay', 'with stp, ports listen for 2 s at least']
      : undefined,
  mtu: () => undefined,
  requires: (spec) => ['bridge', ...(Object.keys(vlans).some((name) => name in spec) ? ['vlan_filtering'] : [])],
  hasPorts: true,
  followsPorts: true,
  byType: false,
}

/** The smallest MTU of the ports of each bridge. */
const smallestMtus = oncePer((desired): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  for (const { namespace, spec } of desired.values())
    if (spec['master'] !== undefined && typeof spec['mtu'] === 'number') {
      const id = linkId(namespace, String(spec['master']))
      found.set(id, Math.min(found.get(id) ?? Infinity, spec['mtu']))
    }
  return found
})

/** The smallest MTU of the bridge's ports, as the kernel would choose it (1500 when it has none). */
export const portsMtu = (bridge: Resource<any>, desired: Resources): number =>
  smallestMtus(desired).get(bridge.id) ?? 1500
