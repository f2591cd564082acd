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
  ...each({
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
  }),
  ['net.ipv6.conf.all.forwarding', '0'],
  ['net.ipv6.conf.all.disable_ipv6', '0'],
  ['net.ipv6.conf.default.disable_ipv6', '0'],
  ['net.bridge.bridge-nf-call-iptables', '0'],
  ['net.bridge.bridge-nf-call-ip6tables', '0'],
  ['net.bridge.bridge-nf-call-arptables', '0'],
])
