const ANYBODY = '00:00:00:00:00:00'
const destinations = [
  { mac: ANYBODY, dst: '10.0.0.3' },
  { mac: ANYBODY, dst: '10.0.0.4' },
  { mac: '02:00:00:00:bb:03', dst: '10.0.0.3', port: 4790, vni: 7, via: 'e9' },
  { mac: '02:00:00:00:bb:06', dst: '10.0.0.3', state: 'static', extern_learn: true },
]
const entries = [
  { mac: '02:00:00:00:bb:01' },
  { mac: '02:00:00:00:BB:02' },
  { mac: '02:00:00:00:bb:05', extern_learn: true },
]
const groups = [
  { grp: '239.1.1.1' },
  { grp: '239.1.1.2', src: '10.0.0.9', vid: 7 },
  { grp: 'ff05::0:5' },
  { grp: '01:02:03:04:05:06' },
]

const addresses = [...[0, 1, 2, 3, 4].map((i) => `10.9.${i}.1/24`), 'fd09::1/64', 'fd0a::1/64', 'fd0b::1/64']

/** A switch with two cables and a tunnel, and something of every type that small kernels have. */
export const linksLab = {
  namespaces: {
    sw: {
      bridges: {
        br0: { fdb: [{ mac: '02:00:00:00:bb:04' }], mdb: [{ grp: '01:00:5e:00:00:77' }] },
        br2: { mac: '02:00:00:00:cc:03' },
        br1: { mcast_query_interval: '31.25s', group_fwd_mask: 16384, mcast_igmp_version: 3 },
      },
      interfaces: {
        vx0: { type: 'vxlan', id: 1, local: 'fd00::1', remote: 'fd00::2', bridge: 'br0', port_learning: false },
        vx1: { type: 'vxlan', id: 2, local: '10.0.0.1', remote: '10.0.0.2', ageing: 60 },
        vx2: { type: 'vxlan', id: 3, local: '10.0.0.1', remote: '10.0.0.2', fdb: destinations },
        mv0: { type: 'macvlan', link: 'e9' },
      },
    },
    ...Object.fromEntries(['h1', 'h2', 'h3'].map((name) => [name, {}])),
    h9: {
      neighbors: ['10.9.0.6', 'fd09::6', 'fd09::7'].map((to) => ({ to, lladdr: '02:00:00:00:dd:01' })),
    },
  },
  links: [
    { endpoints: { 'h1:e0': null, 'sw:br0': { isolated: true, hairpin: true, cost: 7, fdb: entries, mdb: groups } } },
    {
      endpoints: {
        'h2:e0': { multicast: false, allmulticast: true, group: 9, mac: '02:00:00:00:cc:02' },
        'sw:br0': {},
      },
    },
    {
      endpoints: {
        'h3:e0': null,
        'sw:br1': { neigh_suppress: true, fdb: [{ mac: '02:00:00:00:bb:07' }], mdb: [{ grp: '239.1.1.1' }] },
      },
    },
    { endpoints: { 'h9:e0': addresses, 'sw:e9': { impairments: { rate: '10mbit' } } } },
  ],
}

/**
 * What is done by hand in a namespace, and what the plan then lists of it: `ID FIELD`, with the live and the wanted value or
 * without, or `ID ACTION`.
 */
export type HandMade = readonly [netns: string, command: string, ...differences: string[]]

export const linkChanges: readonly HandMade[] = [
  ['sw', 'bridge mdb del dev br0 port h1~e0 grp 239.1.1.1', 'h1~e0/mdb/239.1.1.1 create'],
  [
    'sw',
    'bridge mdb del dev br0 port h1~e0 grp 239.1.1.2 src 10.0.0.9 vid 7',
    'h1~e0/mdb/239.1.1.2 src 10.0.0.9 vid 7 create',
  ],
  ['sw', 'bridge mdb del dev br0 port h1~e0 grp 01:02:03:04:05:06', 'h1~e0/mdb/01:02:03:04:05:06 create'],
  ['sw', 'bridge mdb del dev br0 port br0 grp 01:00:5e:00:00:77', 'br0/mdb/01:00:5e:00:00:77 create'],
  ['sw', 'bridge mdb add dev br0 port h2~e0 grp 239.1.1.3 vid 9 permanent', 'h2~e0/mdb/239.1.1.3 vid 9 delete'],
  ['sw', 'bridge mdb add dev br0 port h2~e0 grp ff05::6 src fd00::9 permanent', 'h2~e0/mdb/ff05::6 src fd00::9 delete'],
  // What was joined lasts for a while.
  ['sw', 'bridge mdb add dev br0 port h2~e0 grp 239.1.1.4 temp'],
  ['sw', 'bridge mdb add dev br0 port br0 grp 239.1.1.5'],
  ...(
    [
      ['mcast_snooping', '0', 'false', 'true'],
      ['mcast_querier', '1', 'true', 'false'],
      ['mcast_router', '2', '2', '1'],
      ['mcast_query_use_ifaddr', '1', 'true', 'false'],
      ['mcast_igmp_version', '3', '3', '2'],
      ['mcast_mld_version', '2', '2', '1'],
      ['mcast_hash_max', '512', '512', '4096'],
      ['mcast_last_member_count', '5', '5', '2'],
      ['mcast_startup_query_count', '6', '6', '2'],
      ['mcast_last_member_interval', '200', '200', '100'],
      ['mcast_membership_interval', '27000', '27000', '26000'],
      ['mcast_querier_interval', '26000', '26000', '25500'],
      ['mcast_query_interval', '13000', '13000', '12500'],
      ['mcast_query_response_interval', '1200', '1200', '1000'],
      ['mcast_startup_query_interval', '4000', '4000', '3125'],
      ['mcast_stats_enabled', '1', 'true', 'false'],
      ['group_fwd_mask', '8', '8', '0'],
      ['group_address', '01:80:c2:00:00:0a', '01:80:c2:00:00:0a', '01:80:c2:00:00:00'],
      ['no_linklocal_learn', '1', 'true', 'false'],
      ['nf_call_ip6tables', '1', 'true', 'false'],
      ['nf_call_arptables', '1', 'true', 'false'],
    ] as const
  ).map(
    ([word, value, from, to]) =>
      ['sw', `ip link set dev br0 type bridge ${word} ${value}`, `br0 ${word} ${from} ${to}`] as const,
  ),
  ...(
    [
      ['stp_state', '1', 'stp true false'],
      ['forward_delay', '1200', 'forward_delay 1200 1500'],
      ['hello_time', '300', 'hello_time 300 200'],
      ['max_age', '1500', 'max_age 1500 2000'],
      ['ageing_time', '20000', 'ageing_time 20000 30000'],
      ['priority', '4096', 'priority 4096 32768'],
      ['nf_call_iptables', '1', 'nf_call_iptables true false'],
    ] as const
  ).map(
    ([word, value, difference]) =>
      ['sw', `ip link set dev br2 type bridge ${word} ${value}`, `br2 ${difference}`] as const,
  ),
  ['sw', 'ip link set dev br1 type bridge group_fwd_mask 8', 'br1 group_fwd_mask 8 16384'],
  ...(
    [
      ['cost', '9', '9', '2'],
      ['priority', '5', '5', '32'],
      ['guard', 'on', 'true', 'false'],
      ['root_block', 'on', 'true', 'false'],
      ['fastleave', 'on', 'true', 'false'],
      ['learning', 'off', 'false', 'true'],
      ['flood', 'off', 'false', 'true'],
      ['mcast_flood', 'off', 'false', 'true'],
      ['bcast_flood', 'off', 'false', 'true'],
      ['mcast_router', '2', '2', '1'],
      ['mcast_to_unicast', 'on', 'true', 'false'],
      ['proxy_arp', 'on', 'true', 'false'],
      ['proxy_arp_wifi', 'on', 'true', 'false'],
      ['neigh_suppress', 'on', 'true', 'false'],
      ['vlan_tunnel', 'on', 'true', 'false'],
      ['isolated', 'on', 'true', 'false'],
      ['locked', 'on', 'true', 'false'],
      ['group_fwd_mask', '8', '8', '0'],
      ['backup_port', 'h1~e0', 'h1~e0', ''],
    ] as const
  ).map(
    ([word, value, from, to]) =>
      ['sw', `ip link set dev h2~e0 type bridge_slave ${word} ${value}`, `h2~e0 ${word} ${from} ${to}`] as const,
  ),
  ['sw', 'ip link set dev h1~e0 type bridge_slave isolated off', 'h1~e0 isolated false true'],
  ['sw', 'ip link set dev h1~e0 type bridge_slave hairpin off', 'h1~e0 hairpin false true'],
  ['sw', 'ip link set dev h1~e0 type bridge_slave cost 3', 'h1~e0 cost 3 7'],
  ['sw', 'ip link set dev vx0 type bridge_slave learning on', 'vx0 port_learning true false'],
  // It begins anew with another bridge.
  [
    'sw',
    'ip link set dev h3~e0 master br0',
    'h3~e0 master br0 br1',
    'h3~e0 neigh_suppress false true',
    'h3~e0/fdb/02:00:00:00:bb:07 create',
    'h3~e0/mdb/239.1.1.1 create',
  ],
  ['sw', 'ip link set dev vx1 type vxlan id 2 ageing 30', 'vx1 ageing 30 60'],
  ['sw', 'ip link set dev vx1 type vxlan id 2 tos 4', 'vx1 tos 4 0'],
  ['sw', 'ip link set dev mv0 type macvlan bcqueuelen 50', 'mv0 bcqueuelen 50 1000'],
  ['sw', 'ip link set dev mv0 protodown on', 'mv0 protodown true false'],
  ['sw', 'bridge fdb del 02:00:00:00:bb:01 dev h1~e0 master', 'h1~e0/fdb/02:00:00:00:bb:01 create'],
  ['sw', 'bridge fdb del 00:00:00:00:00:00 dev vx2 dst 10.0.0.4', 'vx2/fdb/00:00:00:00:00:00 dst 10.0.0.4 create'],
  [
    'sw',
    'bridge fdb replace 02:00:00:00:bb:02 dev h1~e0 master permanent',
    'h1~e0/fdb/02:00:00:00:bb:02 state permanent static',
  ],
  ['sw', 'bridge fdb del 02:00:00:00:bb:05 dev h1~e0 master', 'h1~e0/fdb/02:00:00:00:bb:05 create'],
  [
    'sw',
    'bridge fdb replace 02:00:00:00:bb:06 dev vx2 dst 10.0.0.3 static',
    'vx2/fdb/02:00:00:00:bb:06 dst 10.0.0.3 extern_learn false true',
  ],
  ['h1', 'ip link set dev e0 group 5', 'e0 group 5 0'],
  ['h1', 'ip link set dev e0 mtu 1400', 'e0 mtu 1400 1500'],
  ['h1', 'ip link set dev e0 alias uplink', 'e0 alias uplink '],
  ['h1', 'ip link set dev e0 txqueuelen 500', 'e0 txqueuelen 500 1000'],
  ['h1', 'ip link set dev e0 promisc on', 'e0 promisc true false'],
  ['h1', 'ip link set dev e0 arp off', 'e0 arp false true'],
  ['h2', 'ip link set dev e0 address 02:00:00:00:cc:01', 'e0 mac 02:00:00:00:cc:01 02:00:00:00:cc:02'],
  ['h3', 'ip link set dev e0 down', 'e0 up false true'],
  ['h1', 'ip link set dev e0 multicast off', 'e0 multicast false true'],
  ['h1', 'ip link set dev e0 allmulticast on', 'e0 allmulticast true false'],
  ['h1', 'ip link set dev e0 mode dormant', 'e0 linkmode dormant default'],
  ['h1', 'ip link set dev e0 gso_max_size 4000', 'e0 gso_max_size 4000 65536'],
  ['h1', 'ip link set dev e0 gso_max_segs 7', 'e0 gso_max_segs 7 65535'],
  ['h1', 'ip link set dev e0 gro_max_size 5000', 'e0 gro_max_size 5000 65536'],
  ['h1', 'ip link set dev e0 broadcast ff:ff:ff:ff:ff:fe', 'e0 broadcast ff:ff:ff:ff:ff:fe ff:ff:ff:ff:ff:ff'],
  ['h2', 'ip link set dev e0 group 0', 'e0 group 0 9'],
  ['h2', 'ip link set dev e0 multicast on', 'e0 multicast true false'],
  ['h2', 'ip link set dev e0 allmulticast off', 'e0 allmulticast false true'],
  // Entries that somebody put in; what is learnt or kept by a daemon, and what the kernel has by itself, is none.
  ['sw', 'bridge fdb add 02:00:00:00:aa:01 dev h1~e0 master static', 'h1~e0/fdb/02:00:00:00:aa:01 delete'],
  ['sw', 'bridge fdb add 02:00:00:00:aa:02 dev h1~e0 master permanent', 'h1~e0/fdb/02:00:00:00:aa:02 delete'],
  ['sw', 'bridge fdb add 02:00:00:00:aa:03 dev br0 self permanent', 'br0/fdb/02:00:00:00:aa:03 delete'],
  ['sw', 'bridge fdb add 02:00:00:00:aa:04 dev h1~e0 master extern_learn'],
  ['sw', 'bridge fdb add 02:00:00:00:aa:05 dev h1~e0 master dynamic'],
  [
    'sw',
    'bridge fdb add 02:00:00:00:aa:06 dev vx2 self static dst 10.0.0.6 port 99 vni 7',
    'vx2/fdb/02:00:00:00:aa:06 dst 10.0.0.6 port 99 vni 7 delete',
  ],
  ['sw', 'bridge fdb append 00:00:00:00:00:00 dev vx2 dst 10.0.0.7', 'vx2/fdb/00:00:00:00:00:00 dst 10.0.0.7 delete'],
  [
    'sw',
    'bridge fdb append 00:00:00:00:00:00 dev vx0 dst fd00::3 self',
    'vx0/fdb/00:00:00:00:00:00 dst fd00::3 delete',
  ],
  ['h9', 'ip addr change 10.9.0.1/24 dev e0 metric 50', 'e0/10.9.0.1/24 metric 50 undefined'],
  ['h9', 'ip addr change 10.9.1.1/24 dev e0 preferred_lft 0', 'e0/10.9.1.1/24 preferred_lft 0 undefined'],
  [
    'h9',
    "sh -c 'ip addr del 10.9.2.1/24 dev e0; ip addr add 10.9.2.1/24 dev e0 label e0:x'",
    'e0/10.9.2.1/24 label e0:x undefined',
  ],
  [
    'h9',
    "sh -c 'ip addr del 10.9.3.1/24 dev e0; ip addr add 10.9.3.1/24 dev e0 broadcast 10.9.3.255'",
    'e0/10.9.3.1/24 broadcast 10.9.3.255 undefined',
  ],
  [
    'h9',
    "sh -c 'ip addr del 10.9.4.1/24 dev e0; ip addr add 10.9.4.1/24 dev e0 scope link'",
    'e0/10.9.4.1/24 scope link undefined',
  ],
  ['h9', 'ip addr change fd0a::1/64 dev e0 noprefixroute', 'e0/fd0a::1/64 noprefixroute true undefined'],
  ['h9', 'ip addr change fd0b::1/64 dev e0 home', 'e0/fd0b::1/64 home true undefined'],
  [
    'h9',
    'ip neigh replace 10.9.0.6 lladdr 02:00:00:00:dd:09 dev e0',
    'e0/neighbor/10.9.0.6 lladdr 02:00:00:00:dd:09 02:00:00:00:dd:01',
  ],
  ['h9', 'ip neigh del fd09::6 dev e0', 'e0/neighbor/fd09::6 create'],
  [
    'h9',
    'ip neigh replace fd09::7 lladdr 02:00:00:00:dd:01 router dev e0',
    'e0/neighbor/fd09::7 router true undefined',
  ],
  ['h9', 'ip neigh add proxy 10.9.0.8 dev e0', 'e0/proxy/10.9.0.8 delete'],
  ['h1', 'tc qdisc add dev e0 clsact', 'e0/qdisc/clsact delete'],
  ['h2', 'tc qdisc add dev e0 ingress', 'e0/qdisc/ingress delete'],
  [
    'sw',
    `sh -c 'tc qdisc replace dev e9 parent $(tc qdisc show dev e9 | head -1 | cut -d" " -f3)1 handle 20: pfifo'`,
    'e9/qdisc/child delete',
  ],
]
