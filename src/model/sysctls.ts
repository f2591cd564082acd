/** Settings of IPv4 that there are for `all`, for `default`, and for every interface, as the kernel has them first. */
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
 * What is read of every interface (`ipv4.rp_filter`) unless it is as the kernel has it first; undefined: whatever it is, for
 * it is what all interfaces have.
 */
export const ofInterfaces: ReadonlyMap<string, string | undefined> = new Map([
  ...Object.entries(settings4).map(([name, value]) => [`ipv4.${name}`, value] as const),
  ...['ipv4.forwarding', 'ipv6.forwarding', 'ipv6.disable_ipv6'].map((setting) => [setting, undefined] as const),
])

const each = (settings: Readonly<Record<string, string>>): [string, string][] =>
  ['all', 'default'].flatMap((which) =>
    Object.entries(settings).map(([name, value]): [string, string] => [`net.ipv4.conf.${which}.${name}`, value]),
  )

/**
 * What a new namespace takes over from the machine, or from modules that happen to be loaded, and the kernel's own
 * defaults: the same lab file gives the same network on a Docker host (ip_forward=1) and on Debian (rp_filter=2).
 * IPv4 settings are copied from the machine's own namespace (devconf_inherit_init_net=0, Documentation/admin-guide/
 * sysctl/net.rst), bridge-nf-call-* are 1 where br_netfilter is there: bridged frames then pass through FORWARD.
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
 * The sysctl whose value this one has unless it was set apart: an interface's, that of `default`, and that one, where the
 * kernel spreads it, that of all.
 */
export function general(key: string): string | undefined {
  const [, head, which, name] = /^(net\.\w+\.(?:conf|neigh))\.([^.]+)\.(\w+)$/.exec(key) ?? []
  if (head === undefined || which === 'all') return undefined
  return which === 'default' ? spread.get(key) : `${head}.default.${name}`
}

/**
 * What the kernel writes to all interfaces, it writes to each and to `default` as well (inet_forward_change in
 * net/ipv4/devinet.c, addrconf_fixup_forwarding and addrconf_disable_ipv6 in net/ipv6/addrconf.c): of `default` → of all.
 */
export const spread: ReadonlyMap<string, string> = new Map([
  ['net.ipv4.conf.default.forwarding', 'net.ipv4.ip_forward'],
  ['net.ipv6.conf.default.forwarding', 'net.ipv6.conf.all.forwarding'],
  ['net.ipv6.conf.default.disable_ipv6', 'net.ipv6.conf.all.disable_ipv6'],
])

const spreading = new Set(spread.values())

/** Whether the kernel writes to others what is written to this sysctl. */
export const isSpread = (key: string): boolean => spreading.has(key)

/** The sysctl that is written to this one as well. */
export const spreadFrom = (key: string): string | undefined => spread.get(key) ?? spread.get(general(key) ?? '')

/** The file of a sysctl; dots and slashes change places (sysctl(8)). */
export const sysctlFile = (key: string): string =>
  `/proc/sys/${key
    .split('.')
    .map((part) => part.replaceAll('/', '.'))
    .join('/')}`
