import type { LinkFeature } from '../model/link-type.ts'
import daemons from './daemons.json'
import { linkTypes } from './links/link-types.ts'

/** A feature that a kernel may lack; it is tested by using it in a throw-away namespace. */
export interface Feature extends LinkFeature {
  /** The purpose for which labs use it. */
  readonly purpose: string
  /** No lab works without it. */
  readonly essential?: true
}

const link = (words: string): string => `ip link add name x0 ${words}`
const qdisc = (words: string): string => `tc qdisc add dev v0 root handle 1: ${words}`
const filter = (words: string): string =>
  `${qdisc('htb')} && tc filter add dev v0 parent 1: protocol ip pref 1 ${words}`

const netdev = (hook: string): string =>
  `! command -v nft || nft 'table netdev ${hook} { chain c { type filter hook ${hook} device "v0" priority 0; policy drop; }; }'`

/** What `qdiscs` may need: names of kinds and actions, the module, the words that try it. */
const traffic: readonly (readonly [name: string, module: string, probe: string])[] = [
  ['hfsc', 'sch_hfsc', qdisc('hfsc')],
  ['prio', 'sch_prio', qdisc('prio')],
  ['fq_codel', 'sch_fq_codel', qdisc('fq_codel')],
  ['cake', 'sch_cake', qdisc('cake')],
  ['fq', 'sch_fq', qdisc('fq')],
  ['sfq', 'sch_sfq', qdisc('sfq')],
  ['red', 'sch_red', qdisc('red limit 60kb min 15kb max 45kb avpkt 1000 bandwidth 10mbit')],
  ['drr', 'sch_drr', qdisc('drr')],
  ['clsact', 'sch_ingress', 'tc qdisc add dev v0 clsact && tc qdisc del dev v0 clsact'],
  ['ingress', 'sch_ingress', 'tc qdisc add dev v0 ingress && tc qdisc del dev v0 ingress'],
  ['flower', 'cls_flower', filter('flower ip_proto tcp')],
  ['matchall', 'cls_matchall', filter('matchall classid 1:1')],
  ['fw', 'cls_fw', filter('handle 1 fw classid 1:1')],
  ['basic', 'cls_basic', filter("basic match 'meta(priority eq 1)' classid 1:1")],
  ['mirred', 'act_mirred', filter('u32 match u32 0 0 action mirred egress redirect dev v1')],
  ['police', 'act_police', filter('u32 match u32 0 0 police rate 1mbit burst 10k drop')],
  ['skbedit', 'act_skbedit', filter('u32 match u32 0 0 action skbedit priority 1')],
]
/** The features that the words of `qdiscs` name. */
export const trafficFeatures: readonly string[] = [...traffic.map(([name]) => name), 'htb', 'tbf', 'netem', 'u32']

/** `CONFIG_NET_SCH_HTB` for `sch_htb`, `CONFIG_NET_ACT_GACT` for `act_gact`. */
const configOf = (module: string): string => `CONFIG_NET_${module.toUpperCase()}`

/** The features by name; a type of interface has its feature in its own file, under its own name. */
export const features: Readonly<Record<string, Feature>> = {
  veth: { purpose: 'links', essential: true, module: 'veth', config: 'CONFIG_VETH', probe: link('type veth') },
  bridge: { purpose: 'bridges', module: 'bridge', config: 'CONFIG_BRIDGE', probe: link('type bridge') },
  vlan_filtering: {
    purpose: 'bridges with vlan_filtering',
    module: 'bridge',
    config: 'CONFIG_BRIDGE_VLAN_FILTERING',
    probe: link('type bridge vlan_filtering 1'),
  },
  ...Object.fromEntries(
    linkTypes.flatMap(({ name, feature }) => (feature ? [[name, { purpose: `type: ${name}`, ...feature }]] : [])),
  ),
  mpls: {
    purpose: 'routes with family: mpls or encap: mpls',
    module: 'mpls_iptunnel',
    config: 'CONFIG_MPLS_IPTUNNEL',
    probe: 'ip link set v0 up && ip route add 10.99.0.0/16 encap mpls 100 dev v0',
  },
  seg6: {
    purpose: 'routes with encap: seg6 or seg6local',
    module: 'ipv6',
    config: 'CONFIG_IPV6_SEG6_LWTUNNEL',
    probe: 'ip link set v0 up && ip route add fd99::/64 encap seg6 mode encap segs fd99::1 dev v0',
  },
  fou: {
    purpose: 'tunnels with encap',
    module: 'fou',
    config: 'CONFIG_NET_FOU_IP_TUNNELS',
    probe: link('type ipip remote 192.0.2.1 encap fou encap-sport auto encap-dport 5555'),
  },
  fou_port: {
    purpose: 'fou: ports for tunnels',
    module: 'fou',
    config: 'CONFIG_NET_FOU',
    probe: 'ip fou add port 5555 ipproto 4',
  },
  fou6: {
    purpose: 'tunnels over IPv6 with encap',
    module: 'fou6',
    config: 'CONFIG_IPV6_FOU_TUNNEL',
    probe: link('type ip6tnl remote 2001:db8::1 encap fou encap-sport auto encap-dport 5555'),
  },
  netem: {
    purpose: 'impairments',
    module: 'sch_netem',
    config: 'CONFIG_NET_SCH_NETEM',
    probe: 'tc qdisc add dev v0 root netem delay 1ms',
  },
  tbf: {
    purpose: 'impairments with a rate alone',
    module: 'sch_tbf',
    config: 'CONFIG_NET_SCH_TBF',
    probe: 'tc qdisc add dev v0 root tbf rate 1mbit burst 5kb limit 10kb',
  },
  htb: {
    purpose: 'impairments by destination',
    module: 'sch_htb',
    config: 'CONFIG_NET_SCH_HTB',
    probe: 'tc qdisc add dev v0 root handle 1: htb',
  },
  u32: {
    purpose: 'impairments by destination',
    module: 'cls_u32',
    config: 'CONFIG_NET_CLS_U32',
    probe: 'tc qdisc add dev v0 root handle 1: htb && tc filter add dev v0 parent 1: protocol ip u32 match u32 0 0',
  },
  ...Object.fromEntries(
    traffic.map(([name, module, probe]) => [
      name,
      { purpose: `qdiscs with ${name}`, module, config: configOf(module), probe },
    ]),
  ),
  nf_tables: {
    purpose: 'nftables, iptables, faults',
    module: 'nf_tables',
    config: 'CONFIG_NF_TABLES',
    probe: 'nft add table inet x0 || { ! command -v nft && iptables -w -L; }',
  },
  nft_ingress: {
    purpose: 'faults: cuts of cables',
    module: 'nf_tables',
    config: 'CONFIG_NF_TABLES_NETDEV',
    probe: netdev('ingress'),
  },
  nft_egress: {
    purpose: 'faults: cuts of what is no cable (Linux 5.16)',
    module: 'nf_tables',
    config: 'CONFIG_NETFILTER_EGRESS',
    probe: netdev('egress'),
  },
  ip_set: {
    purpose: 'ipsets',
    module: 'ip_set',
    config: 'CONFIG_IP_SET',
    probe: '! command -v ipset || ipset create x0 hash:ip',
  },
}

/** The package managers for which netlab prints install commands, by their programs. */
export const managers = {
  'apt-get': 'apt-get install',
  dnf: 'dnf install',
  apk: 'apk add',
  pacman: 'pacman -S',
} as const
export type Manager = keyof typeof managers

/** A program that netlab runs. */
export interface Program {
  readonly purpose: string
  readonly essential?: true
  /** The arguments that print its version. */
  readonly version: readonly string[]
  readonly packages: Readonly<Record<Manager, string>>
  /** Only labs run it, as a process: `netlab doctor` without a lab does not look for it. */
  readonly process?: true
}

const same = (name: string, others: Partial<Record<Manager, string>> = {}): Program['packages'] => ({
  'apt-get': name,
  dnf: name,
  apk: name,
  pacman: name,
  ...others,
})
const utilLinux = same('util-linux', { apk: 'util-linux-misc' })
const iptables = same('iptables', { dnf: 'iptables-nft' })

/**
 * Programs that labs often run, by the package of Debian; the packages of others where they are called otherwise. `labs`: those of this
 * project run it, so scripts/setup.mjs installs it for the tests.
 */
const processes: readonly {
  readonly programs: string
  readonly package: string
  readonly others?: Partial<Record<Manager, string>>
}[] = daemons

/** The programs by name. */
export const programs: Readonly<Record<string, Program>> = {
  ip: {
    purpose: 'everything',
    essential: true,
    version: ['-V'],
    packages: same('iproute2', { dnf: 'iproute' }),
  },
  tc: {
    purpose: 'reading what is live, impairments',
    essential: true,
    version: ['-V'],
    packages: same('iproute2', { dnf: 'iproute-tc' }),
  },
  bridge: {
    purpose: 'pvid and vlans of bridge ports',
    version: ['-V'],
    packages: same('iproute2', { dnf: 'iproute' }),
  },
  unshare: { purpose: 'making namespaces', essential: true, version: ['--version'], packages: utilLinux },
  setpriv: { purpose: 'processes with a user or a group', version: ['--version'], packages: utilLinux },
  nsenter: { purpose: 'working in namespaces', essential: true, version: ['--version'], packages: utilLinux },
  sysctl: {
    purpose: 'forwarding and sysctls',
    essential: true,
    version: ['--version'],
    packages: same('procps', { dnf: 'procps-ng', apk: 'procps-ng', pacman: 'procps-ng' }),
  },
  nft: { purpose: 'nftables, faults', version: ['--version'], packages: same('nftables') },
  'iptables-restore': { purpose: 'iptables', version: ['--version'], packages: iptables },
  'iptables-save': { purpose: 'iptables', version: ['--version'], packages: iptables },
  'ip6tables-restore': { purpose: 'ip6tables', version: ['--version'], packages: iptables },
  'ip6tables-save': { purpose: 'ip6tables', version: ['--version'], packages: iptables },
  ipset: { purpose: 'ipsets', version: ['--version'], packages: same('ipset') },
  ping: {
    purpose: 'checks that ping',
    version: ['-V'],
    packages: same('iputils-ping', { dnf: 'iputils', apk: 'iputils', pacman: 'iputils' }),
  },
  ethtool: { purpose: 'offload, channels', version: ['--version'], packages: same('ethtool') },
  wg: { purpose: 'type: wireguard', version: ['--version'], packages: same('wireguard-tools') },
  ...Object.fromEntries(
    processes.flatMap((one) =>
      one.programs
        .split(' ')
        .map((name): [string, Program] => [
          name,
          { purpose: 'processes of the lab', version: [], packages: same(one.package, one.others), process: true },
        ]),
    ),
  ),
}
