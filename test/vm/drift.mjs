// One change by hand of every attribute that only the virtual machine's kernel has: planned as exactly that, and repaired.
// The attributes are those of test/support/attributes.ts; what iproute2 prints before and after says which of them have changed.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import esbuild from 'esbuild'

/** The exports of a file of test/support. */
function load(file) {
  const options = { bundle: true, platform: 'node', write: false, format: 'cjs' }
  const [{ text }] = esbuild.buildSync({ entryPoints: [file], ...options }).outputFiles
  const module = { exports: {} }
  new Function('module', 'exports', 'require', text)(module, module.exports, createRequire(import.meta.url))
  return module.exports
}

const MAC = '02:00:00:00:ee:01'
const four = (n) => ({ local: '10.0.0.1', remote: `10.1.0.${n}` })
const six = (n) => ({ local: 'fd00::1', remote: `fd01::${n}` })

/**
 * Devices in the lab, each with what is done to it: `set`, words of `ip link set … type`; or `made`, those of `ip link add … type`
 * with which it is made anew. N stands for the number of the device, in words and fields alike.
 */
const ofGre = (type) => [
  [type, four, { set: 'local 10.0.0.3 remote 10.2.0.N ttl 7 tos 0x20 fwmark 9' }, 'local remote ttl tos fwmark'],
  [type, four, { set: 'key 5 csum seq' }, 'ikey okey icsum ocsum iseq oseq mtu'],
  [type, four, { set: 'nopmtudisc ignore-df' }, 'pmtudisc ignore_df'],
  [type, four, { set: 'encap fou encap-sport 5 encap-dport 6' }, 'encap'],
  [type, four, { set: 'dev eth1' }, 'link'],
  [type, four, { made: 'external' }, 'external local remote'],
]
const ofIp6 = (type) => [
  [
    type,
    six,
    { set: 'local fd00::3 remote fd02::N hoplimit 7 encaplimit 2 fwmark 9' },
    'local remote hoplimit encaplimit fwmark',
  ],
  [type, six, { set: 'tclass 0x10 flowlabel 0x55 allow-localremote' }, 'tclass flowlabel allow_localremote'],
  [type, six, { set: 'encaplimit none tclass inherit flowlabel inherit' }, 'encaplimit tclass flowlabel'],
  [type, six, { made: 'local fd00::1 remote fd01::N hoplimit 64 encaplimit 4 dscp inherit' }, 'dscp'],
  [type, six, { set: 'encap fou encap-sport 5 encap-dport 6' }, 'encap'],
  [type, six, { set: 'dev eth1' }, 'link'],
  [type, six, { made: 'external', in: type === 'ip6gretap' ? 'b' : 'a' }, 'external local remote hoplimit encaplimit'],
]
const ofVti = (type, ends, other, mtu = '') => [
  [type, (n) => ({ ...ends(n), key: 5 }), { set: `${other} key 6 fwmark 9` }, `local remote ikey okey fwmark${mtu}`],
  [type, (n) => ({ ...ends(n), key: 5 }), { set: 'dev eth1' }, 'link'],
]
const devices = [
  ...ofGre('gre'),
  ...ofGre('gretap'),
  ...ofIp6('ip6gre'),
  ['ip6gre', six, { set: 'key 5 csum seq' }, 'ikey okey icsum ocsum iseq oseq'],
  ...ofIp6('ip6gretap'),
  ['ip6gretap', six, { set: 'key 5 csum seq' }, 'ikey okey icsum ocsum iseq oseq'],
  ...ofIp6('ip6tnl'),
  ['ip6tnl', six, { set: 'mode ipip6' }, 'mode'],
  ...['ipip', 'sit'].flatMap((type) => [
    [type, four, { set: 'local 10.0.0.3 remote 10.2.0.N ttl 7 tos 0x20 fwmark 9' }, 'local remote ttl tos fwmark'],
    [type, four, { set: 'nopmtudisc' }, 'pmtudisc'],
    [type, four, { set: 'encap fou encap-sport 5 encap-dport 6' }, 'encap'],
    [type, four, { made: `mode ${type === 'sit' ? 'ip6ip' : 'ipip'} local 10.0.0.1 remote 10.1.0.N` }, 'mode'],
    [type, four, { set: 'dev eth1' }, 'link'],
    ...(type === 'ipip' ? [[type, four, { made: 'external' }, 'external local remote']] : []),
  ]),
  ['sit', () => ({ local: '10.0.0.4' }), { made: 'local 10.0.0.4 isatap' }, 'isatap'],
  ...ofVti('vti', four, 'local 10.0.0.3 remote 10.2.0.N'),
  ...ofVti('vti6', six, 'local fd00::3 remote fd02::N', ' mtu'),
  [
    'geneve',
    (n) => ({ id: n, remote: '10.0.0.2' }),
    { set: 'id N remote 10.0.0.9 ttl 7 tos 0x20 df set' },
    'remote ttl tos df mtu',
  ],
  ['geneve', (n) => ({ id: n, remote: 'fd00::2' }), { set: 'id N remote fd00::9 flowlabel 5' }, 'remote label mtu'],
  [
    'geneve',
    (n) => ({ id: n, remote: '10.0.0.2', dstport: 7000 }),
    { made: 'id 999 remote 10.0.0.2 dstport 7001 udpcsum' },
    'id dstport udpcsum mtu',
  ],
  [
    'geneve',
    (n) => ({ id: n, remote: 'fd00::2', dstport: 7002 }),
    { made: 'id N remote fd00::2 dstport 7002 udp6zerocsumtx udp6zerocsumrx' },
    'udp6zerocsumtx udp6zerocsumrx mtu',
  ],
  [
    'geneve',
    (n) => ({ id: n, remote: '10.0.0.2', dstport: 7003 }),
    { made: 'id N remote 10.0.0.2 dstport 7003 innerprotoinherit' },
    'innerprotoinherit mtu arp multicast',
  ],
  [
    'geneve',
    (n) => ({ id: n, remote: '10.0.0.2', dstport: 7004 }),
    { made: 'external dstport 7004' },
    'external id remote mtu',
  ],
  ['macvtap', () => ({ link: 'eth0', mac: MAC }), { set: 'bcqueuelen 50' }, 'bcqueuelen'],
  ['macvtap', () => ({ link: 'eth2', mac: MAC }), { on: 'eth2', made: 'mode private' }, 'mode'],
  [
    'macsec',
    (n) => ({ link: 'eth6', port: n, mac: MAC }),
    { set: 'encrypt on protect off validate check encodingsa 1 replay on window 9 send_sci off end_station on' },
    'encrypt protect validate encodingsa window send_sci end_station',
  ],
  ['macsec', (n) => ({ link: 'eth6', port: n, mac: MAC }), { set: 'send_sci off scb on' }, 'send_sci scb'],
  [
    'macsec',
    (n) => ({ link: 'eth6', port: n, mac: MAC }),
    { on: 'eth6', made: 'port 999 cipher gcm-aes-256 icvlen 12' },
    'port sci cipher icvlen mtu',
  ],
  ['xfrm', (n) => ({ if_id: n }), { made: 'if_id 999' }, 'if_id'],
  ['xfrm', (n) => ({ if_id: n }), { made: 'external' }, 'external if_id'],
  ['vlan', () => ({ link: 'eth0', id: 10 }), { on: 'eth0', made: 'id 11', up: 'arp on' }, 'id'],
  ['vlan', () => ({ link: 'eth0', id: 12 }), { on: 'eth0', made: 'protocol 802.1ad id 12', up: 'arp on' }, 'protocol'],
  ['vlan', () => ({ link: 'eth0', id: 13 }), { set: 'gvrp on' }, 'gvrp'],
  ['vrf', () => ({ table: 100 }), { made: 'table 101' }, 'table'],
  ['ipvlan', () => ({ link: 'eth3' }), { set: 'mode l2' }, 'mode'],
  ['ipvlan', () => ({ link: 'eth4' }), { on: 'eth4', made: 'mode l3 private' }, 'flags'],
  ['ipvlan', () => ({ link: 'eth5' }), { on: 'eth5', made: 'mode l3 vepa' }, 'flags'],
  [
    'bond',
    () => ({ mode: 'active-backup' }),
    {
      set: 'miimon 100 updelay 200 downdelay 300 peer_notify_delay 100 use_carrier 0 primary_reselect better fail_over_mac active resend_igmp 3 num_grat_arp 4 all_slaves_active 1 min_links 1 lp_interval 5',
    },
    'miimon updelay downdelay peer_notify_delay use_carrier primary_reselect fail_over_mac resend_igmp num_grat_arp all_slaves_active min_links lp_interval',
  ],
  [
    'bond',
    () => ({ mode: 'active-backup', arp_interval: 200, arp_ip_target: ['10.9.0.1'] }),
    {
      set: 'arp_interval 300 arp_ip_target 10.9.0.2 ns_ip6_target fd00::9 arp_validate all arp_all_targets all arp_missed_max 5',
    },
    'arp_interval arp_ip_target ns_ip6_target arp_validate arp_all_targets arp_missed_max',
  ],
  [
    'bond',
    () => ({ mode: '802.3ad' }),
    {
      down: true,
      set: 'lacp_active off lacp_rate fast ad_select bandwidth ad_actor_sys_prio 9 ad_user_port_key 7 ad_actor_system 02:00:00:00:00:0a xmit_hash_policy layer3+4',
    },
    'lacp_active lacp_rate ad_select ad_actor_sys_prio ad_user_port_key ad_actor_system xmit_hash_policy',
  ],
  ['bond', () => ({ mode: 'balance-rr' }), { set: 'packets_per_slave 3' }, 'packets_per_slave'],
  ['bond', () => ({ mode: 'balance-xor' }), { down: true, set: 'mode broadcast' }, 'mode'],
  ['bond', () => ({ mode: 'balance-tlb' }), { down: true, set: 'tlb_dynamic_lb 0' }, 'tlb_dynamic_lb'],
].map(([type, base, how, fields], i) => {
  const n = i + 1
  const netns = how.in ?? 'a'
  const [name, say] = [`x${n}`, (words) => words.replaceAll('N', String(n))]
  const set = how.set && `ip -n a link set dev ${name} type ${type} ${say(how.set)}`
  const mac =
    /^(gretap|ip6gretap|geneve|macvtap|vlan|ipvlan|macsec)$/.test(type) && !/innerproto/.test(how.made)
      ? `address ${MAC} `
      : ''
  const lines = how.made
    ? [
        `ip -n ${netns} link del dev ${name}`,
        `ip -n ${netns} link add ${how.on ? `link ${how.on} ` : ''}name ${name} ${type === 'ipvlan' ? '' : mac}type ${type} ${say(how.made)}`,
        `ip -n ${netns} link set dev ${name} ${how.up ?? ''} up`,
      ]
    : how.down
      ? [`ip -n a link set dev ${name} down`, set, `ip -n a link set dev ${name} up`]
      : [set]
  const settings = { type, ...base(n), ...(how.made && mac && type !== 'ipvlan' && { mac: MAC }) }
  return { netns, name, settings, lines, differences: fields.split(' ').map((field) => `${netns}/${name} ${field}`) }
})

const dummy = { type: 'dummy' }
/** MACsec interfaces of one device, with the channels that `sci` names. */
const secure = (n) => ({ type: 'macsec', link: 'eth6', mac: `02:00:00:00:00:b${n}` })
const sci = (n) => `0200000000b${n}0001`
const key = 'ab'.repeat(16)
const netems = [
  [
    { delay: '5ms' },
    'limit 77 delay 9ms loss 3% duplicate 2% reorder 25% corrupt 1% rate 5mbit',
    'limit delay loss duplicate reorder corrupt rate',
  ],
  [{ delay: '5ms' }, 'limit 1000 delay 5ms loss state 1% 10%', 'other'],
  [{ delay: '5ms' }, 'limit 1000 delay 5ms loss gemodel 1% 10%', 'other'],
  [{ loss: '5%' }, 'limit 1000 loss 5% ecn', 'other'],
  [{ delay: '5ms' }, 'limit 1000 delay 5ms slot 100us 200us', 'other'],
  [{ delay: '5ms', reorder: '25%' }, 'limit 1000 delay 5ms reorder 25% gap 5', 'other'],
]
const settingsIn = (netns) =>
  Object.fromEntries(devices.filter((one) => one.netns === netns).map(({ name, settings }) => [name, settings]))
const of = (n) => `n${n}`

const lab = {
  name: 'drift',
  namespaces: {
    a: {
      sysctls: { 'net.mpls.platform_labels': 1000 },
      interfaces: {
        eth0: { ...dummy, addresses: ['10.0.0.1/24', '10.0.0.3/24', '10.0.0.4/24', 'fd00::1/64', 'fd00::3/64'] },
        ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((n) => [`eth${n}`, dummy])),
        ...settingsIn('a'),
        ports: { type: 'bond', mode: 'active-backup', primary: 'p0' },
        sec1: { ...secure(1), rx: [{ peer: 'a:sec2' }] },
        sec2: { ...secure(2), rx: [{ peer: 'a:sec1' }] },
        sec3: { ...secure(3), link: 'eth7', rx: [{ peer: 'a:sec2' }] },
        p0: { ...dummy, master: 'ports' },
        p1: { ...dummy, master: 'ports' },
        ...Object.fromEntries(netems.map(([impairments], n) => [of(n), { ...dummy, impairments }])),
        t0: { ...dummy, bridge: 'br0', vlans: [10, 20] },
      },
      bridges: { br0: { vlan_filtering: true }, br1: {}, br2: {}, br3: { vlan_filtering: true } },
      fou: [
        { port: 6001, ipproto: 4 },
        { port: 6002, ipproto: 4, local: '10.0.0.1' },
        { port: 6003, ipproto: 41, family: 'inet6' },
        { port: 6004, ipproto: 47 },
        { port: 6005, gue: true },
        { port: 6006, ipproto: 4, local: 'fd00::1' },
      ],
      routes: [
        { to: 100, family: 'mpls', as: 101, via: '10.0.0.2' },
        { to: 101, family: 'mpls', as: 102, via: '10.0.0.2' },
        {
          to: 102,
          family: 'mpls',
          nexthops: [
            { as: 103, via: '10.0.0.2' },
            { as: 104, via: '10.0.0.2' },
          ],
        },
      ],
    },
    // Two types have one device for what routes say.
    b: { interfaces: { eth0: { ...dummy, addresses: ['fd00::1/64'] }, ...settingsIn('b') } },
  },
}

const others = [
  ['ip -n a link set dev ports type bond primary p1', 'a/ports primary'],
  [
    'ip -n a link set dev p1 nomaster; ip -n a link set dev p1 down; ip -n a link set dev p1 address 02:00:00:00:ee:09; ip -n a link set dev p1 master ports; ip -n a link set dev p1 up',
    'a/p1 mac',
  ],
  ...netems.map(([, words, fields], n) => [
    `tc -n a qdisc replace dev ${of(n)} root netem ${words}`,
    ...fields.split(' ').map((field) => `a/${of(n)}/qdisc ${field}`),
  ]),
  [`ip -n a macsec set sec1 rx sci ${sci(2)} off`, `a/sec1/macsec rx ${sci(2)}`],
  ['ip -n a macsec set sec1 tx sa 0 off', 'a/sec1/macsec tx 0'],
  [`ip -n a macsec add sec2 tx sa 1 pn 1 on key 08 ${key}`, 'a/sec2/macsec tx 1'],
  [
    `ip -n a macsec set sec2 rx sci ${sci(1)} sa 0 off; ip -n a macsec del sec2 rx sci ${sci(1)} sa 0; ip -n a macsec add sec2 rx sci ${sci(1)} sa 0 pn 1 on key 09 ${key}`,
    `a/sec2/macsec rx ${sci(1)} 0`,
  ],
  ['ip -n a macsec add sec2 rx sci 0200000000cc0001 on', 'a/sec2/macsec rx 0200000000cc0001'],
  [`ip -n a macsec del sec3 rx sci ${sci(2)}`, `a/sec3/macsec rx ${sci(2)}`, `a/sec3/macsec rx ${sci(2)} 0`],
  ['ip -n a fou del port 6001', 'a/fou/6001 create'],
  ['ip -n a fou add port 6009 ipproto 4', 'a/fou/6009 delete'],
  [
    'ip -n a fou del port 6002 local 10.0.0.1; ip -n a fou add port 6002 local 10.0.0.3 gue',
    'a/fou/6002 ipproto',
    'a/fou/6002 local',
  ],
  [
    'ip -n a fou del port 6003 -6; ip -n a fou add port 6003 -6 local fd00::1 dev eth0 ipproto 41',
    'a/fou/6003 inet6 local',
    'a/fou/6003 inet6 dev',
  ],
  [
    'ip -n a fou del port 6004; ip -n a fou add port 6004 local 10.0.0.1 peer 10.0.0.9 peer_port 7 ipproto 47',
    ...['local', 'peer', 'peer_port'].map((field) => `a/fou/6004 ${field}`),
  ],
  ['ip -n a fou del port 6005; ip -n a fou add port 6005 ipproto 47', 'a/fou/6005 ipproto'],
  ['ip -n a link set dev br1 type bridge vlan_filtering 1', 'a/br1 vlan_filtering'],
  ['ip -n a link set dev br2 type bridge vlan_stats_per_port 1', 'a/br2 vlan_stats_per_port'],
  [
    'ip -n a link set dev br3 type bridge vlan_default_pvid 7 vlan_stats_enabled 1 vlan_protocol 802.1ad mcast_vlan_snooping 1',
    ...['group_address', 'vlan_default_pvid', 'vlan_stats_enabled', 'vlan_protocol', 'mcast_vlan_snooping'].map(
      (field) => `a/br3 ${field}`,
    ),
  ],
  [
    'bridge -n a vlan add dev t0 vid 10 untagged; bridge -n a vlan del dev t0 vid 20; bridge -n a vlan add dev t0 vid 30',
    'a/t0/vlans vlan 10',
    'a/t0/vlans vlan 20',
    'a/t0/vlans vlan 30',
  ],
  ['ip -n a -M route replace 100 as 201 via inet 10.0.0.2', 'a/route/mpls 100 as'],
  ['ip -n a -M route replace 101 as 102 via inet 10.0.0.2 ttl-propagate disabled', 'a/route/mpls 101 ttl_propagate'],
  [
    'ip -n a -M route replace 102 nexthop as 103 via inet 10.0.0.2 nexthop as 204 via inet 10.0.0.2',
    'a/route/mpls 102 nexthops',
  ],
]

/** `tools`: what test/vm/run.mjs has for its parts. */
export function drift({ check, must, netlab, plan, sh }) {
  const { changedByHand } = load('test/support/attributes.ts')
  const { differing, printAll } = load('test/support/printed.ts')
  const file = '/tmp/drift.yaml'
  writeFileSync(file, JSON.stringify(lab))
  sh('modprobe -a fou fou6 mpls_router mpls_iptunnel')
  const differences = () =>
    plan(file)
      .changes.flatMap(({ id, action, differences }) =>
        differences.length ? differences.map(({ field }) => `${id} ${field}`) : [`${id} ${action}`],
      )
      .sort()
  must(netlab('apply', file, '-y'))
  check('drift: the plan after apply is empty', differences(), [])
  const before = sh(printAll(['a', 'b']))
  const errors = []
  for (const line of [...devices.flatMap(({ lines }) => lines), ...others.map(([line]) => line)])
    try {
      sh(line)
    } catch (error) {
      errors.push(`${line}: ${error.message}`)
    }
  check('drift: all of it can be done', errors, [])
  const seen = differing(before, sh(printAll(['a', 'b'])))
  const expected = [...devices.flatMap(({ differences }) => differences), ...others.flatMap(([, ...all]) => all)].sort()
  const found = differences()
  check(
    'drift: what is planned, and was not done',
    found.filter((one) => !expected.includes(one)),
    [],
  )
  check(
    'drift: what was done, and is not planned',
    expected.filter((one) => !found.includes(one)),
    [],
  )
  check(
    'drift: every attribute that is compared was changed',
    changedByHand.vm.filter((one) => !seen.has(one)),
    [],
  )
  must(netlab('apply', file, '-y'))
  check('drift: it is repaired', differences(), [])
  must(netlab('destroy', file, '-y'))
}
