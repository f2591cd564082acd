import { sysctlResource } from '../kinds/sysctl.ts'
import type { Resources } from '../model/resource.ts'
import type { Dump, Runner } from '../model/runner.ts'

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
const defaults: ReadonlyMap<string, string> = new Map([
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

/** The sysctls that are pinned to the kernel's defaults unless the lab says otherwise. */
export const inheritable: readonly string[] = [...defaults.keys()]

/** The sysctls that say something: those that the lab sets, and those that are not as a lab has them by default. */
export const telling = (values: Dump['sysctls'], declared: readonly string[] = []): Dump['sysctls'] =>
  new Map([...values].filter(([key, value]) => declared.includes(key) || defaults.get(key) !== value))

/** What a namespace that is made now gets: read in one that is gone again when this returns. */
export async function fresh(runner: Runner): Promise<ReadonlyMap<string, string>> {
  const files = inheritable.map((key) => `/proc/sys/${key.replaceAll('.', '/')}`)
  const { stdout } = await runner.capture({ argv: ['unshare', '--net', 'grep', '-sH', '', ...files] })
  return new Map(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => [
        line.slice('/proc/sys/'.length, line.indexOf(':')).replaceAll('/', '.'),
        line.slice(line.indexOf(':') + 1),
      ]),
  )
}

/**
 * The desired resources, and for every live sysctl that is pinned and that the lab does not set: its default.
 * `live` decides which exist on this kernel. The machine's own namespace is left alone; in one that was taken over only
 * forwarding is pinned: a lab that does not say it does not forward.
 */
export function pinned(desired: Resources, live: Resources): Resources {
  const result = new Map(desired)
  for (const r of live.values()) {
    if (r.kind !== 'sysctl' || r.root || desired.has(r.id) || !desired.has(r.namespace)) continue
    const value = defaults.get(String(r.spec['key']))
    const adopted = live.get(r.namespace)?.spec['adopted'] === true
    if (value !== undefined && (!adopted || /forward/.test(String(r.spec['key']))))
      result.set(r.id, { ...sysctlResource(r.namespace, String(r.spec['key']), value), implied: true })
  }
  return result
}
