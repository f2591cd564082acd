import type { LabContext } from '../model/kind.ts'

/** The sysctls that `forwarding` of a namespace sets: IPv4, IPv6. */
export const FORWARDING = ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'] as const

/**
 * Sysctls that exist only for the whole machine (measured: those of /proc/sys/net that are missing or read-only in a new
 * namespace).
 */
const machineWide =
  /^net\.(core\.(?!somaxconn$|xfrm_|optmem_max$|txrehash$|tstamp_allow_data$)|netfilter\.(nf_conntrack_(max|buckets|expect_max)|nf_log)|nf_conntrack_max$|ipv4\.(tcp_(mem|max_orphans|allowed_congestion_control|available_|low_latency)|udp_mem|inet_peer_|igmp_max|cipso|icmp_msgs_|icmp_ratelimit_)|unix\.max_dgram_qlen_)/
/** Words separated by dots. A `/` stands for a dot inside a word, never at its end: `//` would become `..`, the parent folder. */
export const wellFormed = /^net(\.[A-Za-z0-9_~-]+(\/[A-Za-z0-9_~-]+)*){2,}$/

/** The key and the value of an entry of `sysctls`, in the form of sysctl(8). */
export function writtenSysctl(
  value: string | number | boolean,
  { name, namespace, root, error }: LabContext,
): readonly [key: string, value: string] | undefined {
  const key = dotted(name)
  const text = String(typeof value === 'boolean' ? Number(value) : value).trim()
  if (!wellFormed.test(key))
    return void error(
      'not-the-labs',
      [],
      `"${name}" is not a setting of the network`,
      'They begin with net., such as net.ipv4.ip_forward.',
      'key',
    )
  if (machineWide.test(key) && !root)
    return void error(
      'not-the-labs',
      [],
      `${key} is the whole machine’s, not a namespace’s`,
      'It cannot differ between namespaces; a lab does not change the machine.',
      'key',
    )
  if (key.endsWith('.flush'))
    return void error(
      'not-the-labs',
      [],
      `${key} can only be written, not read`,
      `There is nothing to compare. Once is enough: netlab exec ${namespace} -- sysctl -w ${key}=1`,
      'key',
    )
  if (/[\n\r\0]/.test(text) || text === '') return void error('bad-value', [], `${key} needs a value of one line`)
  return [key, text.replace(/\s+/g, ' ')]
}

/**
 * `net/ipv4/conf/eth0.1/rp_filter` → `net.ipv4.conf.eth0/1.rp_filter` (sysctl(8): the first separator decides). Of two names of
 * one variable, the better known is returned.
 */
export function dotted(key: string): string {
  const [first] = /[./]/.exec(key) ?? []
  const name = first === '/' ? key.replace(/[./]/g, (separator) => (separator === '/' ? '.' : '/')) : key
  return name === 'net.ipv4.conf.all.forwarding' ? FORWARDING[0] : name
}
