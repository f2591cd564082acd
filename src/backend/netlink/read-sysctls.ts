import type { Slice } from './message.ts'
import type { Dump } from '../../model/runner.ts'
import { ofInterfaces, sysctlFile } from '../../model/sysctls.ts'
import { NotUnderstood, attributes, decodedOnce, endOf, messages, string, valueOf } from './answer.ts'

/** NETCONFA_… of netconf.h: what RTM_GETNETCONF reports for `all` and `default`. */
const NETCONFA = { ifindex: 1, forwarding: 2, rpFilter: 3, proxyNeigh: 5, ignoreLinkdown: 6, bcForwarding: 8 } as const
const [ALL, DEFAULT] = [-1, -2]
const [AF_INET, AF_INET6] = [2, 10]

/** A key for one attribute of `all` or `default` in one family. Attribute 0: whether there was any answer for it. */
const slot = (family: number, index: number, attribute = 0): number =>
  family * 64 + (index === DEFAULT ? 32 : 0) + attribute
const settings4 = {
  forwarding: NETCONFA.forwarding,
  rp_filter: NETCONFA.rpFilter,
  proxy_arp: NETCONFA.proxyNeigh,
  ignore_routes_with_linkdown: NETCONFA.ignoreLinkdown,
  bc_forwarding: NETCONFA.bcForwarding,
} as const
/** Sysctl → the slot that has its value in an answer to RTM_GETNETCONF. */
const places: ReadonlyMap<string, number> = new Map([
  ['net.ipv4.ip_forward', slot(AF_INET, ALL, NETCONFA.forwarding)],
  ...Object.entries(settings4).flatMap(([name, attribute]): [string, number][] => [
    [`net.ipv4.conf.all.${name}`, slot(AF_INET, ALL, attribute)],
    [`net.ipv4.conf.default.${name}`, slot(AF_INET, DEFAULT, attribute)],
  ]),
  ['net.ipv6.conf.all.forwarding', slot(AF_INET6, ALL, NETCONFA.forwarding)],
  ['net.ipv6.conf.default.forwarding', slot(AF_INET6, DEFAULT, NETCONFA.forwarding)],
])

/** How a list of sysctls is read: many of them come in one answer to RTM_GETNETCONF, the others are read from files. */
export interface Recipe {
  readonly keys: readonly string[]
  /** Paths under /proc of those that the answer does not have, in the order of `keys`. */
  readonly files: readonly string[]
  /** The values by answer and contents of the files, because most namespaces have equal ones. */
  readonly values: WeakMap<Netconf, WeakMap<readonly (string | undefined)[], Dump['sysctls']>>
}

/** The recipe for a list of sysctls. */
export const recipe = (keys: readonly string[]): Recipe => ({
  keys,
  files: filesOf(keys.filter((key) => !places.has(key))),
  values: new WeakMap(),
})

/** The files of sysctls, under /proc. */
export const filesOf = (keys: readonly string[]): string[] => keys.map((key) => sysctlFile(key).slice('/proc/'.length))

/** The values in an answer to RTM_GETNETCONF, by slot. */
export type Netconf = ReadonlyMap<number, number>

/** Reads an answer to RTM_GETNETCONF for all families. */
export const readNetconf = decodedOnce((bytes, answer): Netconf => {
  const values = new Map<number, number>()
  messages(bytes, answer, (_, at, end) => {
    const family = bytes[at] ?? 0
    let index = 0
    attributes(bytes, at + 4, end, (attribute, from) => {
      const value = bytes.readInt32LE(from)
      if (attribute === NETCONFA.ifindex) index = value
      else if (index === ALL || index === DEFAULT) values.set(slot(family, index, attribute), value)
    })
    if (index === ALL || index === DEFAULT) values.set(slot(family, index), 1)
  })
  return values
})

/** The last line of each file, in the order of the list; undefined where the file is empty or does not exist. */
export const readFiles = decodedOnce((bytes, answer): readonly (string | undefined)[] =>
  string(bytes, answer.from, answer.to)
    .split('\0')
    .map((text) =>
      text === ''
        ? undefined
        : text.endsWith('\n')
          ? text.slice(text.lastIndexOf('\n', text.length - 2) + 1, -1)
          : text,
    ),
)

/** The values of the sysctls that exist. Throws NotUnderstood when an older kernel does not report one of them in its answer. */
export function sysctls(recipe: Recipe, netconf: Netconf, contents: readonly (string | undefined)[]): Dump['sysctls'] {
  let known = recipe.values.get(netconf)
  if (!known) recipe.values.set(netconf, (known = new WeakMap()))
  let values = known.get(contents)
  if (!values) known.set(contents, (values = valuesOf(recipe, netconf, contents)))
  return values
}

function valuesOf({ keys }: Recipe, netconf: Netconf, contents: readonly (string | undefined)[]): Dump['sysctls'] {
  const values = new Map<string, string>()
  let next = 0
  for (const key of keys) {
    const place = places.get(key)
    if (!place) {
      const text = contents[next++]
      if (text !== undefined) values.set(key, text)
      continue
    }
    const value = netconf.get(place)
    if (value !== undefined) values.set(key, String(value))
    else if (netconf.has(place & ~31)) throw new NotUnderstood(key)
  }
  return values
}

/** The place of each setting of an interface in the arrays of IFLA_INET_CONF (ip.h) and IFLA_INET6_CONF (ipv6.h): 32 bits each. */
const conf: Readonly<Record<string, number>> = {
  'ipv4.forwarding': 0,
  'ipv4.proxy_arp': 2,
  'ipv4.secure_redirects': 4,
  'ipv4.send_redirects': 5,
  'ipv4.shared_media': 6,
  'ipv4.rp_filter': 7,
  'ipv4.log_martians': 10,
  'ipv4.arp_filter': 12,
  'ipv4.arp_announce': 17,
  'ipv4.arp_ignore': 18,
  'ipv4.promote_secondaries': 19,
  'ipv4.arp_accept': 20,
  'ipv4.arp_notify': 21,
  'ipv4.accept_local': 22,
  'ipv4.src_valid_mark': 23,
  'ipv4.proxy_arp_pvlan': 24,
  'ipv4.route_localnet': 25,
  'ipv4.ignore_routes_with_linkdown': 28,
  'ipv4.bc_forwarding': 31,
  'ipv4.accept_redirects': 3,
  'ipv4.accept_source_route': 8,
  'ipv4.bootp_relay': 9,
  'ipv4.tag': 11,
  'ipv4.medium_id': 13,
  'ipv4.disable_xfrm': 14,
  'ipv4.disable_policy': 15,
  'ipv4.force_igmp_version': 16,
  'ipv4.igmpv2_unsolicited_report_interval': 26,
  'ipv4.igmpv3_unsolicited_report_interval': 27,
  'ipv4.drop_unicast_in_l2_multicast': 29,
  'ipv4.drop_gratuitous_arp': 30,
  'ipv4.arp_evict_nocarrier': 32,
  'ipv6.forwarding': 0,
  'ipv6.accept_ra': 3,
  'ipv6.accept_redirects': 4,
  'ipv6.autoconf': 5,
  'ipv6.dad_transmits': 6,
  'ipv6.max_addresses': 15,
  'ipv6.force_mld_version': 16,
  'ipv6.accept_ra_defrtr': 17,
  'ipv6.accept_ra_pinfo': 18,
  'ipv6.proxy_ndp': 22,
  'ipv6.accept_source_route': 24,
  'ipv6.disable_ipv6': 26,
  'ipv6.force_tllao': 28,
  'ipv6.ndisc_notify': 29,
  'ipv6.suppress_frag_ndisc': 32,
  'ipv6.accept_ra_from_local': 33,
  'ipv6.accept_ra_mtu': 35,
  'ipv6.use_oif_addrs_only': 37,
  'ipv6.accept_ra_min_hop_limit': 38,
  'ipv6.ignore_routes_with_linkdown': 39,
  'ipv6.drop_unicast_in_l2_multicast': 40,
  'ipv6.drop_unsolicited_na': 41,
  'ipv6.keep_addr_on_down': 42,
  'ipv6.seg6_enabled': 44,
  'ipv6.enhanced_dad': 46,
  'ipv6.disable_policy': 48,
  'ipv6.ndisc_tclass': 50,
}
const settingsOf = (family: string) =>
  [...ofInterfaces].flatMap(([setting, usual]) =>
    setting.startsWith(family) ? [{ setting, at: 4 * (conf[setting] ?? NaN), usual: Number(usual) }] : [],
  )
/** IFLA_INET_CONF and IFLA_INET6_CONF of if_link.h, by family. */
const families = [
  { family: AF_INET, type: 1, settings: settingsOf('ipv4') },
  { family: AF_INET6, type: 2, settings: settingsOf('ipv6') },
]
/** Decoded settings by their bytes, because most interfaces have equal ones. */
const decoded = new Map<string, Readonly<Record<string, string>>>()

/** The settings of an interface, as a dump has them, from its IFLA_AF_SPEC. */
export function readConf(bytes: Buffer, { from, to }: Slice): Readonly<Record<string, string>> {
  const found = families.map(({ family, type }) => {
    const inner = valueOf(bytes, from, to, family)
    return inner < 0 ? -1 : valueOf(bytes, inner, endOf(bytes, inner), type)
  })
  const text = found.map((at) => (at < 0 ? '' : bytes.toString('latin1', at, endOf(bytes, at)))).join('|')
  const known = decoded.get(text)
  if (known) return known
  const result: Record<string, string> = {}
  for (const [i, { settings }] of families.entries()) {
    const start = found[i] ?? -1
    for (const { setting, at, usual } of settings) {
      if (start < 0 || start + at + 4 > endOf(bytes, start)) continue // an older kernel has fewer
      const value = bytes.readInt32LE(start + at)
      if (value !== usual) result[setting] = String(value)
    }
  }
  decoded.set(text, result)
  return result
}
