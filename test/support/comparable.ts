import { linkTypes } from '../../src/kinds/links/link-types.ts'
import { nexthop } from '../../src/kinds/nexthop.ts'
import { nftables } from '../../src/kinds/nftables.ts'
import type { Dump } from '../../src/model/runner.ts'

const known = new Set<string | undefined>(linkTypes.map(({ name, kind = name }) => kind))
type Fields = Record<string, unknown>
const pick = (from: object, ...names: string[]): Fields =>
  Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)))

/** The output of a save program without its time and counters. */
const timeless = (saved: string): string => saved.replace(/^#.*\n/gm, '').replace(/\[\d+:\d+\]/g, '[]')

/** The settings without what iproute2 6.1 leaves out: an inherited TTL of GENEVE; the lower device of an xfrm is the interface's `link`. */
function printed(kind: string | undefined, data: Fields = {}): Fields {
  const { ttl_inherit, ...rest } = data
  const { link: _, ...unlinked } = rest
  const { ttl: __, ...inheriting } = rest
  return kind === 'xfrm' ? unlinked : ttl_inherit === true ? inheriting : rest
}

/** The fields of the model, without those that change by themselves, such as the carrier. */
export function comparable(dump: Dump | null | undefined): unknown {
  if (!dump) return dump
  const settled = (flags: readonly string[] = []): string[] =>
    flags.filter((flag) => !['NO-CARRIER', 'LOWER_UP', 'M-DOWN', 'linkdown', 'dead'].includes(flag))
  // State that is not a setting, and fields that nothing reads, are left out.
  const state =
    /timer$|^(bridge_id|root_id|root_port|root_path_cost|designated_\w+|topology_change_\w+|config_pending|state|no)$|^(mcast_hash_elasticity|group_fwd_mask_str|port_range|usedbcqueuelen|(relay_)?prefix(len)?|macaddr_\w+|persist|pi|vnet_hdr|multi_queue)$/
  const settings = (data: Fields = {}, ...others: string[]): Fields =>
    Object.fromEntries(
      // ip prints a missing address as `any`.
      Object.entries(data).filter(([name, value]) => !state.test(name) && !others.includes(name) && value !== 'any'),
    )
  const links = dump.links.map((link) => ({
    ...pick(link, 'ifindex', 'ifname', 'mtu', 'address', 'ifalias', 'group', 'txqlen', 'master', 'link', 'link_index'),
    ...pick(
      link,
      'broadcast',
      'linkmode',
      'proto_down',
      'gso_max_size',
      'gso_max_segs',
      'gro_max_size',
      'tso_max_size',
    ),
    ...pick(link, 'tso_max_segs'),
    flags: settled(link.flags),
    netns: link.link_netnsid === undefined ? undefined : (dump.nsids as unknown as Fields)[link.link_netnsid],
    kind: link.linkinfo?.info_kind,
    slave: link.linkinfo?.info_slave_kind,
    // Nothing reads the settings of kinds that no lab can have.
    data: known.has(link.linkinfo?.info_kind) && settings(printed(link.linkinfo?.info_kind, link.linkinfo?.info_data)),
    port: link.linkinfo?.info_slave_kind === 'bridge' && settings(link.linkinfo.info_slave_data, 'id'),
  }))
  return {
    ...dump,
    links,
    nsids: undefined,
    ...(dump.fdb && {
      fdb: dump.fdb.map((entry) =>
        pick(entry, 'mac', 'ifname', 'master', 'dst', 'vlan', 'port', 'vni', 'viaIf', 'flags', 'state'),
      ),
    }),
    ...(dump.mdb && {
      mdb: dump.mdb.map((entry) => pick(entry, 'dev', 'port', 'grp', 'src', 'vid', 'state', 'protocol', 'flags')),
    }),
    nexthops: nexthop.read(dump, { namespace: 'n', lab: 'web' }),
    iptables: timeless(dump.iptables),
    ip6tables: timeless(dump.ip6tables),
    // Without the tables that iptables lists.
    nftables: nftables.read(dump, { namespace: 'n', lab: 'web' }),
    addresses: dump.addresses.map(({ ifname, addr_info }) => ({
      ifname,
      addr_info: addr_info.map((a) =>
        pick(
          { ...a, scope: a.scope ?? '0' },
          ...['family', 'local', 'prefixlen', 'address', 'secondary', 'dynamic', 'temporary', 'mngtmpaddr', 'scope'],
          ...['label', 'broadcast', 'metric', 'deprecated', 'noprefixroute', 'home', 'autojoin'],
        ),
      ),
    })),
    routes: dump.routes
      .filter(({ type, protocol, dst }) => !(protocol === '2' && (dst.includes(':') || type !== '1')))
      .map((route) => ({
        ...route,
        flags: settled(route.flags),
        ...(route.nexthops && { nexthops: route.nexthops.map((hop) => ({ ...hop, flags: settled(hop.flags) })) }),
      })),
    // Their order is that of a hash table.
    neighbors: dump.neighbors
      .map((n) => JSON.stringify(n, ['dst', 'dev', 'lladdr', 'state', 'protocol', 'proxy', 'router', 'extern_learn']))
      .sort(),
    rules: dump.rules.map(attached),
    rules6: dump.rules6.map(attached),
    qdiscs: dump.qdiscs.map((qdisc) => pick(qdisc, 'kind', 'handle', 'dev', 'root', 'parent', 'options')),
  }
}

/** ip also prints that the interface of a rule does not exist (`[detached]`). */
const attached = (rule: object): Fields =>
  pick(rule, ...Object.keys(rule).filter((name) => !name.endsWith('_detached')))
