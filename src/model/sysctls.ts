/** Settings of IPv4 that exist for `all`, for `default` and for every interface, with the kernel's defaults. */
const settings4 = {
  accept_local: '0',
  arp_accept: '0',
  arp_announce: '0',
  arp_filter: '0',
  arp_ignore: '0',
  arp_notify: '0',
  bc_forwarding: '0',
  ignore_routes_with_linkdown: '0',
  log_martians: '0',
  promote_secondaries: '0',
  proxy_arp: '0',
  proxy_arp_pvlan: '0',
  route_localnet: '0',
  rp_filter: '0',
  secure_redirects: '1',
  send_redirects: '1',
  shared_media: '1',
  src_valid_mark: '0',
} as const

/**
 * Other settings of interfaces, with the kernel's defaults. The messages about links contain them, so that reading them costs
 * nothing. If one differs, a new namespace is read to learn the proper value, because some distributions change the
 * defaults of IPv4. Settings that the kernel itself changes, or that depend on the type, are left out (docs/kernel.md).
 */
const unpinned = {
  'ipv4.accept_redirects': '1',
  'ipv4.accept_source_route': '1',
  'ipv4.arp_evict_nocarrier': '1',
  'ipv4.bootp_relay': '0',
  'ipv4.disable_policy': '0',
  'ipv4.disable_xfrm': '0',
  'ipv4.drop_gratuitous_arp': '0',
  'ipv4.drop_unicast_in_l2_multicast': '0',
  'ipv4.force_igmp_version': '0',
  'ipv4.igmpv2_unsolicited_report_interval': '10000',
  'ipv4.igmpv3_unsolicited_report_interval': '1000',
  'ipv4.medium_id': '0',
  'ipv4.tag': '0',
  'ipv6.accept_ra': '1',
  'ipv6.accept_ra_defrtr': '1',
  'ipv6.accept_ra_from_local': '0',
  'ipv6.accept_ra_min_hop_limit': '1',
  'ipv6.accept_ra_mtu': '1',
  'ipv6.accept_ra_pinfo': '1',
  'ipv6.accept_redirects': '1',
  'ipv6.accept_source_route': '0',
  'ipv6.autoconf': '1',
  'ipv6.dad_transmits': '1',
  'ipv6.disable_policy': '0',
  'ipv6.drop_unicast_in_l2_multicast': '0',
  'ipv6.drop_unsolicited_na': '0',
  'ipv6.enhanced_dad': '1',
  'ipv6.force_mld_version': '0',
  'ipv6.force_tllao': '0',
  'ipv6.ignore_routes_with_linkdown': '0',
  'ipv6.keep_addr_on_down': '0',
  'ipv6.max_addresses': '16',
  'ipv6.ndisc_notify': '0',
  'ipv6.ndisc_tclass': '0',
  'ipv6.proxy_ndp': '0',
  'ipv6.seg6_enabled': '0',
  'ipv6.suppress_frag_ndisc': '1',
  'ipv6.use_oif_addrs_only': '0',
} as const

/**
 * Sysctls, not of interfaces, that people change, with their values in a new namespace on most kernels. Each takes reading a
 * file, so they are read only in small labs (docs/kernel.md). If one differs, a new namespace is read for the proper value.
 */
export const occasional: ReadonlyMap<string, string> = new Map([
  ['net.core.somaxconn', '4096'],
  ['net.ipv4.icmp_echo_ignore_all', '0'],
  ['net.ipv4.icmp_echo_ignore_broadcasts', '1'],
  ['net.ipv4.ip_default_ttl', '64'],
  ['net.ipv4.ip_nonlocal_bind', '0'],
  ['net.ipv4.ip_unprivileged_port_start', '1024'],
  ['net.ipv4.ping_group_range', '1\t0'],
  ['net.ipv6.bindv6only', '0'],
  ['net.ipv6.conf.default.accept_ra', '1'],
  ['net.ipv6.conf.default.autoconf', '1'],
])

/**
 * Whether the kernel does not tell the value: groups that the user namespace of a sandbox does not have are shown as 65534, which
 * cannot be written back (from_kgid_munged in net/ipv4/sysctl_net_ipv4.c).
 */
export const isUntold = (key: string, value: string): boolean =>
  key === 'net.ipv4.ping_group_range' && value.trim() === '65534\t65534'

/** Whether the proper value of this sysctl, unless the lab sets it, is that of a new namespace. */
export function isUnpinned(key: string): boolean {
  const [, family, name] = /^net\.(ipv[46])\.conf\.[^.]+\.(\w+)$/.exec(key) ?? []
  return occasional.has(key) || `${family}.${name}` in unpinned
}

/**
 * The settings that are read of every interface (`ipv4.rp_filter`) and the kernel's default, which dumps leave out; undefined
 * for those that are always in a dump, because they are compared with the value of `all`.
 */
export const ofInterfaces: ReadonlyMap<string, string | undefined> = new Map([
  ...Object.entries(settings4).map(([name, value]) => [`ipv4.${name}`, value] as const),
  ...Object.entries(unpinned),
  ...['ipv4.forwarding', 'ipv6.forwarding', 'ipv6.disable_ipv6'].map((setting) => [setting, undefined] as const),
])

const each = (settings: Readonly<Record<string, string>>): [string, string][] =>
  ['all', 'default'].flatMap((which) =>
    Object.entries(settings).map(([name, value]): [string, string] => [`net.ipv4.conf.${which}.${name}`, value]),
  )

/**
 * Sysctls that a new namespace inherits from the machine or from loaded modules, with the kernel's defaults. netlab sets them, so
 * that a lab file gives the same network on a Docker host (ip_forward=1) and on Debian (rp_filter=2). IPv4 settings are copied
 * from the machine's own namespace (devconf_inherit_init_net=0, Documentation/admin-guide/sysctl/net.rst); bridge-nf-call-*
 * are 1 when br_netfilter is loaded: bridged frames then pass through FORWARD.
 */
export const defaults: ReadonlyMap<string, string> = new Map([
  ['net.ipv4.ip_forward', '0'],
  ...each(settings4),
  ['net.ipv4.conf.default.forwarding', '0'],
  ['net.ipv6.conf.all.forwarding', '0'],
  ['net.ipv6.conf.default.forwarding', '0'],
  ['net.ipv6.conf.all.disable_ipv6', '0'],
  ['net.ipv6.conf.default.disable_ipv6', '0'],
  ['net.bridge.bridge-nf-call-iptables', '0'],
  ['net.bridge.bridge-nf-call-ip6tables', '0'],
  ['net.bridge.bridge-nf-call-arptables', '0'],
])

/**
 * The sysctl whose value this one has unless it was set itself: for an interface that of `default`, and for `default` that of
 * `all` if the kernel writes it to all interfaces. Undefined for others.
 */
export function general(key: string): string | undefined {
  const [, head, which, name] = /^(net\.\w+\.(?:conf|neigh))\.([^.]+)\.(\w+)$/.exec(key) ?? []
  if (head === undefined || which === 'all') return undefined
  return which === 'default' ? spread.get(key) : `${head}.default.${name}`
}

/**
 * Sysctls of `default` → the sysctl of `all` that the kernel, when it is written, writes to `default` and to each interface
 * (inet_forward_change in net/ipv4/devinet.c, addrconf_fixup_forwarding and addrconf_disable_ipv6 in net/ipv6/addrconf.c).
 */
export const spread: ReadonlyMap<string, string> = new Map([
  ['net.ipv4.conf.default.forwarding', 'net.ipv4.ip_forward'],
  ['net.ipv6.conf.default.forwarding', 'net.ipv6.conf.all.forwarding'],
  ['net.ipv6.conf.default.disable_ipv6', 'net.ipv6.conf.all.disable_ipv6'],
])

const spreading = new Set(spread.values())

/** Whether the kernel copies the value of this sysctl to others when it is written. */
export const isSpread = (key: string): boolean => spreading.has(key)

/** The sysctl that the kernel copies to this one when it is written; undefined: none. */
export const spreadFrom = (key: string): string | undefined => spread.get(key) ?? spread.get(general(key) ?? '')

/** The path of a sysctl's file: dots become slashes and slashes dots (sysctl(8)). */
export const sysctlFile = (key: string): string =>
  `/proc/sys/${key
    .split('.')
    .map((part) => part.replaceAll('/', '.'))
    .join('/')}`
