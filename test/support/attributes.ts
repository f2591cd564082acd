import { linkTypes } from '../../src/kinds/links/link-types.ts'
import { portTable } from '../../src/kinds/links/port.ts'
import { settingTable } from '../../src/kinds/settings.ts'
import type { ReadContext } from '../../src/model/kind.ts'
import type { Field, LinkType } from '../../src/model/link-type.ts'
import { metrics } from '../../src/model/metrics.ts'
import type { IpLink } from '../../src/model/runner.ts'

/**
 * What netlab does with an attribute. `compared`: another value is drift, and goes back. `name`: it is part of what
 * identifies an object, so that another value is another object. `ignored`: nothing.
 */
export type Treatment = 'compared' | 'name' | 'ignored'

/** One attribute of iproute2's JSON. */
export interface Attribute {
  readonly treatment: Treatment
  /** Why it is ignored, or when it is not compared. */
  readonly why?: string
}

/** The attributes of one kind of object, by their names in iproute2's JSON. */
export interface AttributesOf {
  /** The kind of object, as the documentation calls it. */
  readonly title: string
  /** The command that prints it. */
  readonly command: string
  readonly attributes: ReadonlyMap<string, Attribute>
}

type Row = readonly [names: string, treatment: Treatment, why?: string]

/** The names that a function takes out of an object. */
function namesIn(use: (object: Record<string, unknown>) => unknown, object: Record<string, unknown> = {}): string[] {
  const names = new Set<string>()
  use(
    new Proxy(object, {
      get: (target, name) => {
        names.add(String(name))
        return target[String(name)]
      },
    }),
  )
  return [...names]
}

const link = { flags: [] as string[] } as unknown as IpLink

const fromField = ({ schema, fallback, required, initial, forces }: Field): Attribute => {
  const why = [
    ...(forces ? ['set when the device is created; for another value netlab creates it again'] : []),
    ...(schema && !required && fallback === undefined && initial === undefined ? ['if the lab sets it'] : []),
  ].join('; ')
  return { treatment: 'compared', ...(why && { why }) }
}

/** What the table of a link type, or of ports, says by itself. */
const ofFields = (fields: Readonly<Record<string, Field>>): [string, Attribute][] =>
  Object.entries(fields)
    .filter(([, { apart }]) => !apart)
    .flatMap(([name, field]) => {
      const { read, json = name } = field
      const names = read ? namesIn((data) => read(data, link)) : [json]
      return names.map((one): [string, Attribute] => [one, fromField(field)])
    })

/** What the table of settings of every interface says by itself. */
const ofSettings = (): [string, Attribute][] =>
  Object.values(settingTable).flatMap(({ read }) =>
    (read
      ? namesIn((l) => read(l as unknown as IpLink, {} as LinkType, { lab: 'x' } as ReadContext), { flags: [] })
      : []
    ).map((one): [string, Attribute] => [one, { treatment: 'compared' }]),
  )

const listed = (rows: readonly Row[]): [string, Attribute][] =>
  rows.flatMap(([names, treatment, why]) =>
    names.split(' ').map((name): [string, Attribute] => [name, { treatment, ...(why && { why }) }]),
  )

const CHOSEN = 'the kernel and the driver choose them; they cannot be set on a living device'
const MADE = 'chosen when the device is created, and not changed later; not in the language yet'
const STATE = 'state that depends on the rest'
const STP = 'results of the spanning tree'

const linkRows: readonly Row[] = [
  ['ifname', 'name'],
  ['ifindex', 'name', 'other objects refer to it; an object with the same name and another index does not differ'],
  ['linkinfo', 'compared', 'the type; its data are in the tables below'],
  [
    'flags',
    'compared',
    'UP, NOARP, PROMISC, MULTICAST, ALLMULTI. Others are state (LOWER_UP, NO-CARRIER, M-DOWN), or have no effect (DYNAMIC, NOTRAILERS, AUTOMEDIA, PORTSEL, DEBUG). A new VLAN interface copies MULTICAST from its lower device: compared if the lab sets `multicast`',
  ],
  ['mtu', 'compared', 'except for a bridge without `mtu` in the lab: it follows its ports'],
  ['address', 'compared', 'except for a TAP: a program chooses it'],
  ['broadcast', 'compared', 'of Ethernet-like interfaces; for a tunnel it is the remote address'],
  ['master txqlen ifalias link link_index', 'compared'],
  [
    'group',
    'compared',
    'in the machine’s own namespace it is netlab’s mark, together with the alias, which takes precedence',
  ],
  ['link_netnsid', 'compared', 'as the name of the namespace of the other end'],
  [
    'gso_max_size gso_max_segs gro_max_size',
    'compared',
    'since Linux 5.19: older kernels do not print the driver’s limits, and copy limits from lower devices',
  ],
  [
    'link_type link_pointtopoint min_mtu max_mtu tso_max_size tso_max_segs parentbus parentdev permaddr',
    'ignored',
    CHOSEN,
  ],
  [
    'num_tx_queues num_rx_queues',
    'compared',
    'of the ends of links, if the lab sets `queues`; otherwise the driver chooses them',
  ],
  ['operstate promiscuity allmulti', 'ignored', STATE],
  ['qdisc', 'ignored', 'compared as a qdisc'],
  ['altnames', 'ignored', 'second names do not affect the network'],
  ['xdp', 'ignored', 'programs attach them while they run, and remove them'],
  [
    'inet6_addr_gen_mode',
    'ignored',
    'the initial value depends on the type of the interface; compared as `net.ipv6.conf.IF.addr_gen_mode` if the lab sets it',
  ],
  ['inet6_token', 'ignored', 'set by the program that configures addresses'],
]

const macvlans: readonly Row[] = [
  ['macaddr_mode macaddr_count macaddr_data nopromisc', 'ignored', 'not in the language yet'],
  ['usedbcqueuelen', 'ignored', 'state: the longest queue that any macvlan of the lower device requests'],
]

/** What the tables of link types do not say. Entries here take precedence. */
const typeRows: Readonly<Record<string, readonly Row[]>> = {
  bridge: [
    [
      'bridge_id root_id root_port root_path_cost topology_change topology_change_detected hello_timer tcn_timer topology_change_timer gc_timer',
      'ignored',
      STP,
    ],
    ['mcast_hash_elasticity', 'ignored', 'always 16 since Linux 4.20, whatever a program writes'],
    ['mcast_router', 'compared', '3, chosen by the kernel for the time in which a router is heard, counts as 1'],
    ['fdb_max_learned', 'ignored', 'iproute2 6.1 cannot set it'],
    [
      'ageing_time',
      'compared',
      'except while the spanning tree changes: the kernel shortens it meanwhile. The kernel keeps a bridge’s times in ticks; at 250 or 300 a second a tick is not a whole number of hundredths, so 3125 is printed as 3124. netlab ignores a difference of one hundredth',
    ],
  ],
  vxlan: [
    ['port_range limit external gpe vnifilter', 'ignored', MADE],
    ['remcsum_tx remcsum_rx ttl_inherit', 'ignored', MADE],
  ],
  vlan: [['ingress_qos egress_qos', 'ignored', 'not in the language yet']],
  macvlan: macvlans,
  macvtap: macvlans,
  macsec: [
    ['replay_protect', 'compared', 'with `window`'],
    ['offload', 'ignored', 'a setting of hardware: virtual devices have none'],
  ],
  geneve: [['ttl', 'compared', 'absent if it is copied from the inner packets']],
  bond: [['active_slave ad_info', 'ignored', 'results of monitoring and LACP']],
  sit: [['prefix prefixlen relay_prefix relay_prefixlen', 'ignored', '6rd; not in the language yet']],
  ipvlan: [['bridge', 'compared', 'one of the words of `mode_flag`']],
  tap: [
    ['type', 'compared', 'distinguishes a TAP from a TUN'],
    ['pi vnet_hdr multi_queue persist', 'ignored', 'chosen by the program that creates and uses the device'],
  ],
}

const portRows: readonly Row[] = [
  [
    'state id no designated_port designated_cost bridge_id root_id hold_timer message_age_timer forward_delay_timer topology_change_ack config_pending',
    'ignored',
    STP,
  ],
  ['cost', 'compared', 'except for veths it depends on the speed: compared if the lab sets it'],
  ['multicast_router', 'compared', '3, chosen by the kernel for the time in which a router is heard, counts as 1'],
  ['group_fwd_mask_str', 'ignored', '`group_fwd_mask` in words'],
  ['mab mcast_max_groups mcast_n_groups neigh_vlan_suppress backup_nhid', 'ignored', 'iproute2 6.1 cannot set them'],
]

const kind = (title: string, command: string, ...entries: readonly [string, Attribute][]): AttributesOf => ({
  title,
  command,
  attributes: new Map(entries),
})

/** Metrics that iproute2's JSON calls otherwise than its words. */
const printedAs: Readonly<Record<string, string>> = { features: 'ecn', congctl: 'congestion' }

const types = linkTypes.flatMap((type): [string, AttributesOf][] => {
  const rows = typeRows[type.name] ?? []
  const lower: Row[] = type.lowerAttribute === undefined || type.name === 'xfrm' ? [] : [['link', 'compared']]
  const fields = ofFields(type.fields).filter(([name]) => !(name in (type.state ?? {})))
  const entries = [...fields, ...listed(lower), ...listed(rows)]
  return entries.length && type.name !== 'wireguard'
    ? [[`type ${type.name}`, kind(`Type ${type.name}`, 'ip -d -j link', ...entries)]]
    : []
})

/** Every attribute that `ip -d -j`, `bridge -d -j` and `tc -j` print, by kind of object. */
export const attributeTable: ReadonlyMap<string, AttributesOf> = new Map([
  ['link', kind('Interfaces', 'ip -d -j link', ...ofSettings(), ...listed(linkRows))],
  ...types,
  ['port', kind('Ports of bridges', 'ip -d -j link', ...ofFields(portTable), ...listed(portRows))],
  [
    'port of a vrf',
    kind(
      'Ports of VRFs',
      'ip -d -j link',
      ...listed([['table', 'ignored', 'the table of the VRF, which is compared there']]),
    ),
  ],
  [
    'port of a bond',
    kind(
      'Ports of bonds',
      'ip -d -j link',
      ...listed([
        ['perm_hwaddr', 'compared', 'the MAC address of the port itself; `address` is the bond’s'],
        [
          'state mii_status link_failure_count ad_aggregator_id ad_actor_oper_port_state ad_actor_oper_port_state_str ad_partner_oper_port_state ad_partner_oper_port_state_str',
          'ignored',
          'results of monitoring and LACP',
        ],
        ['queue_id prio', 'ignored', 'not in the language yet'],
      ]),
    ),
  ],
  [
    'address',
    kind(
      'Addresses',
      'ip -d -j addr',
      ...listed([
        ['family local prefixlen', 'name'],
        ['address', 'name', 'of IPv4; for IPv6 the peer is compared'],
        ['secondary', 'compared', 'as the order of the addresses of a subnet'],
        ['scope label broadcast metric noprefixroute home', 'compared'],
        ['deprecated', 'compared', 'of an address without a lifetime: `preferred_lft: 0`'],
        ['mngtmpaddr', 'compared'],
        [
          'autojoin',
          'ignored',
          'only multicast addresses have it, which no lab can declare: the whole address is drift',
        ],
        [
          'dynamic temporary protocol',
          'ignored',
          'they show the owner: an address from a router or a daemon belongs to others',
        ],
        [
          'preferred_life_time valid_life_time',
          'ignored',
          'an address with a lifetime comes from a router or a daemon, and belongs to others',
        ],
        [
          'nodad optimistic tentative dadfailed stable-privacy',
          'ignored',
          'state of duplicate address detection; netlab adds addresses with `nodad`',
        ],
      ] as Row[]),
    ),
  ],
  [
    'route',
    kind(
      'Routes',
      'ip -d -j route',
      ...listed([
        ['dst tos table metric from', 'name'],
        ['type gateway via dev scope prefsrc pref nhid protocol metrics nexthops encap flow', 'compared'],
        ['to', 'compared', 'the labels that replace the route’s own (MPLS)'],
        [
          'flags',
          'compared',
          '`onlink`; `linkdown`, `dead`, `offload` and `trap` are state, `pervasive` and `notify` cannot be set',
        ],
        ['nh_info', 'ignored', 'the nexthop object, which is compared separately'],
        ['expires age error used users cache', 'ignored', 'state that changes by itself'],
        [
          'ttl-propogate',
          'compared',
          'of MPLS routes: for IPv4 and IPv6 iproute2 6.1 does not print it, and the kernel does not keep it',
        ],
      ] as Row[]),
    ),
  ],
  [
    'next hop',
    kind(
      'Next hops of a route',
      'ip -d -j route',
      ...listed([
        ['gateway via dev weight encap to flow', 'compared'],
        ['dst ttl', 'compared', 'part of an encapsulation; compared as `encap`'],
        ['flags', 'compared', '`onlink`; the others are state'],
      ] as Row[]),
    ),
  ],
  [
    'metrics',
    kind(
      'Metrics of a route',
      'ip -d -j route',
      ...listed([
        [metrics.map(({ word }) => printedAs[word] ?? word).join(' '), 'compared'],
        ['rto_min', 'compared', 'without its lock: iproute2 always locks it'],
      ] as Row[]),
    ),
  ],
  [
    'nexthop',
    kind(
      'Nexthop objects',
      'ip -d -j nexthop',
      ...listed([
        ['id', 'name'],
        ['gateway dev blackhole fdb group type encap', 'compared'],
        ['family', 'compared', 'iproute2 leaves it out of its JSON; netlab asks `ip -4 nexthop` and `ip -6 nexthop`'],
        ['dst ttl', 'compared', 'part of an encapsulation; compared as `encap`'],
        ['resilient_args', 'compared', 'except `unbalanced_time`, which is state'],
        ['flags', 'compared', '`onlink`; the others are state'],
        [
          'protocol',
          'ignored',
          'it shows the owner: an object with a daemon’s protocol belongs to others unless the lab lists it',
        ],
        ['scope', 'ignored', 'the kernel decides it'],
      ] as Row[]),
    ),
  ],
  [
    'rule',
    kind(
      'Rules',
      'ip -d -j rule',
      ...listed([
        ['priority', 'name'],
        [
          'not src srclen dst dstlen iif oif fwmark fwmask tos uid_start uid_end ipproto sport sport_start sport_end dport dport_start dport_end tun_id action table goto nop l3mdev suppress_prefixlen suppress_ifgroup flow_from flow_to',
          'compared',
        ],
        ['protocol', 'ignored', 'it shows who created the rule; rules of VRFs have the kernel’s'],
        ['unresolved', 'ignored', 'state: the rule that `goto` names does not exist'],
      ] as Row[]),
    ),
  ],
  [
    'neighbour',
    kind(
      'Neighbours',
      'ip -j neigh',
      ...listed([
        ['dst dev proxy', 'name'],
        ['lladdr router', 'compared'],
        ['state', 'compared', 'PERMANENT; entries in other states are learnt by the kernel, and are not read'],
        ['protocol extern_learn managed', 'compared', 'a daemon’s entry belongs to others'],
      ] as Row[]),
    ),
  ],
  [
    'fdb',
    kind(
      'Forwarding entries',
      'bridge -d -j fdb',
      ...listed([
        ['mac ifname vlan dst port vni viaIf nhid master', 'name'],
        ['state', 'compared', '`permanent` and `static`; learnt entries expire, and are not read'],
        [
          'flags',
          'compared',
          '`sticky`, `extern_learn`: a daemon’s entry belongs to others unless the lab lists it. Entries with `self` are read from VXLANs only',
        ],
        ['src_vni', 'ignored', 'not in the language yet'],
      ] as Row[]),
    ),
  ],
  [
    'mdb',
    kind(
      'Multicast entries',
      'bridge -d -j mdb',
      ...listed([
        ['dev port grp src vid', 'name'],
        [
          'state',
          'compared',
          '`permanent`; a `temp` entry comes and goes with the hosts that join, and does not belong to the lab',
        ],
        ['protocol', 'ignored', 'it shows the owner: an entry that is not `static` belongs to a daemon'],
        ['index flags filter_mode source_list timer', 'ignored', 'state, or iproute2 6.1 cannot set them'],
      ] as Row[]),
    ),
  ],
  [
    'vlan',
    kind(
      'VLANs of ports',
      'bridge -j vlan',
      ...listed([
        ['vlan vlanEnd', 'name'],
        ['flags', 'compared', 'PVID and Egress Untagged'],
      ] as Row[]),
    ),
  ],
  [
    'macsec',
    kind(
      'Channels of MACsec interfaces',
      'ip -j macsec',
      ...listed([
        [
          'ifname ifindex protect validate encrypt send_sci end_station scb replay window cipher_suite icv_length sci encoding_sa offload',
          'ignored',
          'compared as settings of the interface',
        ],
        ['sa_list rx_sc', 'ignored', 'in the tables below'],
        ['sc sa', 'ignored', STATE],
      ]),
    ),
  ],
  [
    'macsec channel',
    kind(
      'Channels that MACsec interfaces receive',
      'ip -j macsec',
      ...listed([
        ['sci', 'name'],
        ['active', 'compared'],
        ['sa_list', 'ignored', 'in the table below'],
      ]),
    ),
  ],
  [
    'macsec key',
    kind(
      'Keys of MACsec',
      'ip -j macsec',
      ...listed([
        ['an', 'name'],
        ['active', 'compared'],
        ['key', 'compared', 'the name of the key; the kernel never returns the key itself'],
        ['pn', 'ignored', 'counts the frames'],
      ]),
    ),
  ],
  [
    'fou',
    kind(
      'Ports for tunnels',
      'ip -j fou',
      ...listed([
        ['port family', 'name'],
        ['ipproto gue local peer peer_port dev', 'compared'],
      ]),
    ),
  ],
  [
    'qdisc',
    kind(
      'Queueing disciplines',
      'tc -j qdisc',
      ...listed([
        ['dev root', 'name'],
        ['kind', 'compared', 'except for qdiscs that the kernel attaches by itself'],
        [
          'options',
          'compared',
          'of impairments (netem and tbf), in the tables below; of others as `tc -d` prints them',
        ],
        [
          'handle',
          'compared',
          'if the lab sets it, and where netlab stores information in it: for trees of destinations, and for the distribution of a netem',
        ],
        ['parent', 'name'],
        ['refcnt offloaded', 'ignored', 'the kernel counts or chooses them'],
      ] as Row[]),
    ),
  ],
  [
    'class',
    kind(
      'Classes',
      'tc -d class',
      ...listed([
        ['dev parent classid', 'name'],
        ['kind', 'compared'],
        ['prio quantum rate ceil burst cburst linklayer overhead mpu', 'compared', 'of htb'],
        ['sc rt ls ul', 'compared', 'of hfsc'],
        ['weight maxpkt', 'compared', 'of qfq; of drr it is `quantum`'],
        ['root leaf level', 'ignored', 'they depend on the qdiscs and classes below the class'],
      ] as Row[]),
    ),
  ],
  [
    'filter',
    kind(
      'Filters of qdiscs',
      'tc -d filter',
      ...listed([
        ['dev parent protocol pref chain', 'name'],
        ['kind', 'name', 'u32, flower, matchall, fw and basic; any other is not read'],
        [
          'handle',
          'name',
          'a number that the kernel chooses counts as the position among the filters of the preference',
        ],
        ['flowid classid', 'compared'],
        ['match', 'compared', 'all that tc prints of what the filter looks for; no filter changes it in place'],
        ['action', 'compared', 'with its options, as tc prints them'],
        ['index ref bind installed used', 'ignored', 'the kernel counts them'],
        ['in_hw not_in_hw in_hw_count used_hw_stats', 'ignored', 'whether hardware does it: virtual devices have none'],
      ] as Row[]),
    ),
  ],
  [
    'netem',
    kind(
      'netem',
      'tc -j qdisc',
      ...listed([
        ['limit delay loss-random duplicate reorder corrupt rate', 'compared'],
        ['loss-state loss-gemodel ecn gap slot', 'compared', 'no lab can declare them: any is drift, as `other`'],
      ] as Row[]),
    ),
  ],
  [
    'tbf',
    kind(
      'tbf',
      'tc -j qdisc',
      ...listed([
        ['rate burst', 'compared'],
        ['lat', 'compared', 'as `limit`'],
        ['linklayer overhead minburst', 'compared', 'no lab can declare them: any is drift, as `other`'],
      ] as Row[]),
    ),
  ],
])

/** `KIND ATTRIBUTE` of everything that is compared, and `KIND +`, `KIND -` of what comes and goes by a name of its own. */
const comparedOf = ([kind, { attributes }]: readonly [string, AttributesOf]): string[] => {
  const treated = (wanted: Treatment) => [...attributes].filter(([, { treatment }]) => treatment === wanted)
  const comes = treated('name').length > 0 ? [`${kind} +`, `${kind} -`] : []
  return [...treated('compared').map(([name]) => `${kind} ${name}`), ...comes]
}

/** What only the kernel of the virtual machine has: test/vm/drift.mjs changes it by hand there. */
const isOfVm = (one: string): boolean =>
  /^(type (?!bridge |vxlan |macvlan |tap )|netem |vlan |macsec |fou |port of a |type bridge (vlan|mcast_vlan)_|(route|next hop) to$|route ttl-)/.test(
    one,
  )

/** What iproute2 6.1 prints as text: test/kernel/qdiscs.test.ts changes it by hand. */
const IN_WORDS = new Set(['class', 'filter'])
const everything = [...attributeTable].filter(([kind]) => !IN_WORDS.has(kind)).flatMap(comparedOf)
/** What is changed by hand in test/kernel/drift.test.ts, and what in the virtual machine. */
export const changedByHand = {
  here: everything.filter((one) => !isOfVm(one)),
  vm: everything.filter(isOfVm),
}
