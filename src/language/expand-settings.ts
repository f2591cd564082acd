import { sysctlResource } from '../kinds/sysctl.ts'
import { linkId, nameOf } from '../model/resource.ts'
import { isLink, type Topology } from '../model/topology.ts'
import type { Expansion } from './expansion.ts'
import type { NamespaceFile } from './lab-file.ts'
import { suggest } from './report.ts'
import type { Path } from './yaml/source.ts'

/**
 * Settings that are the whole machine's: a namespace does not have them, or sees the machine's own (measured: those of
 * /proc/sys/net that are missing or read-only in a new namespace).
 */
const machineWide =
  /^net\.(core\.(?!somaxconn$|xfrm_|optmem_max$|txrehash$|tstamp_allow_data$)|netfilter\.(nf_conntrack_(max|buckets|expect_max)|nf_log)|nf_conntrack_max$|ipv4\.(tcp_(mem|max_orphans|allowed_congestion_control|available_|low_latency)|udp_mem|inet_peer_|igmp_max|cipso|icmp_msgs_|icmp_ratelimit_)|unix\.max_dgram_qlen_)/
/** Words with dots between them. A `/` is a dot inside a word, so it never stands at an end: `//` would be the folder above. */
const wellFormed = /^net(\.[A-Za-z0-9_~-]+(\/[A-Za-z0-9_~-]+)*){2,}$/

const FORWARDING = ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'] as const

/** The sysctls that a namespace of the file sets: known as soon as the file has the right shape. */
export const sysctlKeys = (fields: NamespaceFile | null | undefined): string[] => [
  ...(fields?.forwarding === undefined ? [] : FORWARDING),
  ...Object.keys(fields?.sysctls ?? {})
    .map(dotted)
    .filter((key) => wellFormed.test(key)),
]

/** Sysctls of every namespace: `forwarding` and `sysctls`. */
export function expandSettings(x: Expansion): void {
  for (const [namespace, fields] of Object.entries(x.file.namespaces)) {
    const path = ['namespaces', namespace]
    const put = (key: string, value: string, where: Path): void =>
      x.add(sysctlResource(namespace, key, value), where, 'key')
    const { forwarding } = fields ?? {}
    if (forwarding !== undefined) {
      put(FORWARDING[0], forwarding === true || forwarding === 'ipv4' ? '1' : '0', [...path, 'forwarding'])
      put(FORWARDING[1], forwarding === true || forwarding === 'ipv6' ? '1' : '0', [...path, 'forwarding'])
    }
    for (const [written, value] of secretsFirst(Object.entries(fields?.sysctls ?? {}))) {
      const where = [...path, 'sysctls', written]
      const key = dotted(written)
      const text = String(typeof value === 'boolean' ? Number(value) : value).trim()
      if (!wellFormed.test(key))
        x.report.error(
          where,
          `"${written}" is no setting of the network`,
          'They begin with net., such as net.ipv4.ip_forward.',
          'key',
        )
      else if (machineWide.test(key) && !fields?.root)
        x.report.error(
          where,
          `${key} is the whole machine’s, not a namespace’s`,
          'It cannot differ between namespaces; a lab does not change the machine.',
          'key',
        )
      else if (key.endsWith('.flush'))
        x.report.error(
          where,
          `${key} can only be written, not read`,
          `There is nothing to compare. Once is enough: netlab exec ${namespace} -- sysctl -w ${key}=1`,
          'key',
        )
      else if (/[\n\r\0]/.test(text) || text === '') x.report.error(where, `${key} needs a value of one line`)
      else put(key, text.replace(/\s+/g, ' '), where)
    }
  }
}

/** Addresses are made of a secret only when there is one (addrconf_sysctl_addr_gen_mode in net/ipv6/addrconf.c). */
const secretsFirst = <T>(entries: [string, T][]): [string, T][] => {
  const isSecret = ([key]: [string, T]): boolean => /stable_secret$/.test(key)
  return [...entries.filter(isSecret), ...entries.filter((entry) => !isSecret(entry))]
}

/** Sysctls of interfaces that are not there, and IPv6 addresses where IPv6 is off. Everything has been expanded. */
export function checkSettings(x: Expansion, { links }: Topology): void {
  const isDevice = (id: string): boolean => {
    const found = x.resources.get(id)
    return found !== undefined && isLink(found)
  }
  const devices = (namespace: string): string[] => links(namespace).map(({ id }) => nameOf(id))
  for (const { kind, namespace, spec, root, source } of x.resources.values()) {
    if (kind !== 'sysctl' && kind !== 'address') continue
    if (spec['dev'] === undefined) continue
    const dev = String(spec['dev'])
    const complain = (summary: string, detail: string): void => {
      if (source) x.report.at(source(), summary, detail)
    }
    if (kind === 'sysctl' && !root && !isDevice(linkId(namespace, dev)))
      complain(
        `there is no interface ${dev} in ${namespace}`,
        suggest(dev, devices(namespace)) ?? 'A dot in the name of an interface is written / in a sysctl.',
      )
    if (kind !== 'address' || spec['family'] !== 6) continue
    const off = ['all', dev.replaceAll('.', '/')].find(
      (scope) => x.resources.get(`${namespace}/sysctl/net.ipv6.conf.${scope}.disable_ipv6`)?.spec['value'] === '1',
    )
    if (off !== undefined) complain(`IPv6 is off on ${dev}`, `net.ipv6.conf.${off}.disable_ipv6 is 1 in ${namespace}.`)
  }
}

/**
 * `net/ipv4/conf/eth0.1/rp_filter` → `net.ipv4.conf.eth0/1.rp_filter` (sysctl(8): the first separator decides); and of two
 * names of the same variable the better known.
 */
function dotted(key: string): string {
  const [first] = /[./]/.exec(key) ?? []
  const name = first === '/' ? key.replace(/[./]/g, (separator) => (separator === '/' ? '.' : '/')) : key
  return name === 'net.ipv4.conf.all.forwarding' ? FORWARDING[0] : name
}
