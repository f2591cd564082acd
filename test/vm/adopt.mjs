// What somebody has made by hand of what only the virtual machine's kernel has: adopted as it is, and taken back when that fails.
import { writeFileSync } from 'node:fs'

const mac = (n) => `02:00:00:00:ad:${String(n).padStart(2, '0')}`
const four = (n) => [`local 10.0.0.1 remote 10.1.0.${n}`, { local: '10.0.0.1', remote: `10.1.0.${n}` }]
const six = (n) => [`local fd00::1 remote fd01::${n}`, { local: 'fd00::1', remote: `fd01::${n}` }]
const tunnel = (name, [ends, fields], words = '', more = {}, has = false) => ({
  name,
  ...{ words: `${ends} ${words}`, settings: { ...fields, ...more } },
  ...(has && { mac: true }),
})
const key = 'ab'.repeat(16)

/** Devices by type: the words of `ip link add … type`, and the settings of a lab. `on`: the lower device; `mac`: it has an address. */
const devices = [
  ['dummy', { name: 'eth0', mac: true, settings: { addresses: ['10.0.0.1/24', 'fd00::1/64'] } }],
  ...[1, 2, 3].map((n) => ['dummy', { name: `eth${n}`, mac: true }]),
  ['dummy', { name: 'e4', mac: true, settings: { impairments: { delay: '5ms', loss: '1%' } } }],
  ['dummy', { name: 't0', mac: true, settings: { bridge: 'br0', pvid: 10, vlans: [20] } }],
  ['vlan', { name: 'v10', on: 'eth0', mac: true, words: 'id 10 gvrp on', settings: { id: 10, gvrp: true } }],
  ['vrf', { name: 'vrf0', words: 'table 100', settings: { table: 100 } }],
  ['ipvlan', { name: 'ipv0', on: 'eth1', words: 'mode l3s', settings: { mode: 'l3s' } }],
  ['gre', tunnel('gre1', four(1), 'key 5 ttl 9', { key: 5, ttl: 9 })],
  ['gretap', tunnel('gretap1', four(2), 'csum', { csum: true }, true)],
  ['ipip', tunnel('ipip1', four(3), 'encap fou encap-dport 5555', { encap: 'fou', encap_dport: 5555 })],
  ['sit', tunnel('sit1', four(4), 'tos 0x20', { tos: 32 })],
  ['ip6gre', tunnel('ip6gre1', six(1), 'hoplimit 9', { hoplimit: 9 })],
  ['ip6gretap', tunnel('ip6gretap1', six(2), 'encaplimit none', { encaplimit: 'none' }, true)],
  ['ip6tnl', tunnel('ip6tnl1', six(3), 'encap gue encap-dport 5', { encap: 'gue', encap_dport: 5 })],
  ['vti', tunnel('vti1', four(5), 'key 5', { key: 5 })],
  ['vti6', tunnel('vti61', six(5), 'key 6', { key: 6, mtu: 1400 })],
  ['geneve', { name: 'gen1', mac: true, words: 'id 5 remote 10.0.0.2', settings: { id: 5, remote: '10.0.0.2' } }],
  ['macvtap', { name: 'mvt1', on: 'eth2', mac: true, words: 'mode private', settings: { mode: 'private' } }],
  [
    'macsec',
    {
      ...{ name: 'sec1', on: 'eth3', mac: true, words: 'port 7 encrypt on' },
      settings: {
        ...{ port: 7, encrypt: true, tx: [{ key_file: 'adopt.key', key_id: '01' }] },
        rx: [{ sci: '0200000000cc0001', sas: [{ key_file: 'adopt.key', key_id: '02' }] }],
      },
    },
  ],
  ['xfrm', { name: 'xfrm1', words: 'if_id 5', settings: { if_id: 5 } }],
  ['nlmon', { name: 'nlmon1' }],
  ['wireguard', { name: 'wg1', settings: { private_key_file: 'adopt.wg', listen_port: 51820 } }],
  [
    'bond',
    {
      name: 'bond0',
      mac: true,
      words: 'mode active-backup miimon 100',
      settings: { mode: 'active-backup', miimon: 100 },
    },
  ],
  ['dummy', { name: 'p0', mac: true, master: 'bond0' }],
  ['team', { name: 'team0', mac: true }],
  ['dummy', { name: 'p1', master: 'team0' }],
].map(([type, { name, on, words = '', mac: has, master, settings = {} }], n) => {
  const address = has ? `address ${mac(n)} ` : ''
  const add = `ip -n a link add ${on ? `link ${on} ` : ''}name ${name} ${address}type ${type} ${words}`
  const join = master ? [`ip -n a link set dev ${name} master ${master}`] : []
  return {
    lines: [add, ...join, `ip -n a link set dev ${name} up`],
    entry: [
      name,
      { type, ...(on && { link: on }), ...(has && { mac: mac(n) }), ...(master && { master }), ...settings },
    ],
  }
})

const lab = {
  name: 'adopt',
  namespaces: {
    a: {
      sysctls: { 'net.mpls.platform_labels': 1000 },
      interfaces: Object.fromEntries(devices.map(({ entry }) => entry)),
      bridges: { br0: { vlan_filtering: true, mac: '02:00:00:00:ad:b0' } },
      routes: [{ to: 100, family: 'mpls', as: 101, via: '10.0.0.2' }],
      fou: [{ port: 5555, ipproto: 4 }],
    },
  },
}

const made = `
ip netns add a; ip -n a link set dev lo up; ip netns exec a sysctl -qw net.mpls.platform_labels=1000
ip -n a link add br0 address 02:00:00:00:ad:b0 type bridge vlan_filtering 1; ip -n a link set dev br0 up
${devices.flatMap(({ lines }) => lines).join('\n')}
ip -n a link set dev t0 master br0
bridge -n a vlan del dev t0 vid 1; bridge -n a vlan add dev t0 vid 10 pvid untagged; bridge -n a vlan add dev t0 vid 20
ip -n a addr add 10.0.0.1/24 dev eth0; ip -n a addr add fd00::1/64 dev eth0 nodad
ip -n a link set dev v10 arp on; ip -n a link set dev vti61 mtu 1400
tc -n a qdisc add dev e4 root netem delay 5ms loss 1%
ip -n a macsec add sec1 tx sa 0 pn 1 on key 01 ${key}
ip -n a macsec add sec1 rx sci 0200000000cc0001 on
ip -n a macsec add sec1 rx sci 0200000000cc0001 sa 0 pn 1 on key 02 ${key}
ip netns exec a wg set wg1 private-key /tmp/adopt.wg listen-port 51820
ip -n a -M route add 100 as 101 via inet 10.0.0.2
ip -n a fou add port 5555 ipproto 4
`

const changed = [
  ['ip -n a link set dev gen1 type geneve id 5 remote 10.0.0.9', 'a/gen1 remote', 'a/gen1 mtu'],
  ['ip -n a link set dev sec1 type macsec encrypt off', 'a/sec1 encrypt'],
  ['ip -n a macsec set sec1 rx sci 0200000000cc0001 off', 'a/sec1/macsec rx 0200000000cc0001'],
  ['ip -n a link set dev bond0 type bond miimon 200', 'a/bond0 miimon'],
  ['ip -n a link set dev p1 nomaster', 'a/p1 master', 'a/p1 up'],
  ['bridge -n a vlan add dev t0 vid 30', 'a/t0/vlans vlan 30'],
  ['tc -n a qdisc change dev e4 root netem delay 7ms loss 1%', 'a/e4/qdisc delay'],
  ['ip -n a fou del port 5555; ip -n a fou add port 5555 gue', 'a/fou/5555 ipproto'],
  ['ip -n a -M route replace 100 as 102 via inet 10.0.0.2', 'a/route/mpls 100 as'],
]

/** `tools`: what test/vm/run.mjs has for its parts. */
export function adopt(tools) {
  try {
    adoptAll(tools)
  } finally {
    tools.run(['ip', 'netns', 'del', 'a'])
  }
}

function adoptAll({ check, must, netlab, run, sh }) {
  const file = '/tmp/adopt.yaml'
  writeFileSync(file, JSON.stringify(lab))
  writeFileSync('/tmp/adopt.key', key)
  writeFileSync('/tmp/adopt.wg', sh('wg genkey'))
  sh('modprobe -a fou fou6 mpls_router')
  sh(made)
  const planned = (...args) =>
    JSON.parse(must(netlab('plan', file, '--json', ...args)))
      .changes.flatMap(({ id, action, differences }) =>
        differences.length ? differences.map(({ field }) => `${id} ${field}`) : [`${id} ${action}`],
      )
      .sort()
  check('adopt: it is as the lab says', planned('--adopt'), [])
  for (const [line] of changed) sh(line)
  const expected = changed.flatMap(([, ...differences]) => differences).sort()
  check('adopt: what differs of it', planned('--adopt'), expected)
  const { stderr } = run([
    'env',
    'NETLAB_FAULT=fail:7',
    process.execPath,
    'dist/netlab.cjs',
    'apply',
    file,
    '-y',
    '--adopt',
  ])
  check('adopt: an adoption that fails is taken back', /Rolled back/.test(stderr) || stderr, true)
  check('adopt: it is as it was', planned('--adopt'), expected)
  must(netlab('apply', file, '-y', '--adopt'))
  check('adopt: it is the lab’s', planned(), [])
  must(netlab('destroy', file, '-y'))
}
