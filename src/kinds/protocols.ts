import { labProtocol } from '../model/owner.ts'

/** rtnetlink(7): nobody in particular, `ip … add` and an administrator. What has one of these is the namespace's owner's. */
const CONFIGURED: readonly string[] = ['0', '3', '4']
/** An ICMP redirect, and the kernel itself. */
const KERNELS: readonly string[] = ['1', '2']
/** The names that iproute2 has for others (rt_protos). */
const NAMES: Readonly<Record<string, string>> = {
  8: 'gated',
  9: 'ra',
  10: 'mrt',
  11: 'zebra',
  12: 'bird',
  13: 'dnrouted',
  14: 'xorp',
  15: 'ntk',
  16: 'dhcp',
  17: 'mrouted',
  18: 'keepalived',
  42: 'babel',
  186: 'bgp',
  187: 'isis',
  188: 'ospf',
  189: 'rip',
  192: 'eigrp',
}
/** Those of addresses that are the kernel's: of lo, from advertisements, link-local (IFAPROT_* in if_addr.h). */
const OF_ADDRESSES: readonly string[] = ['1', '2', '3']

/** Whether the kernel made a route of this protocol. */
export const isKernels = (protocol: string | undefined): boolean => KERNELS.includes(protocol ?? '')

/**
 * The daemon that a route, a rule or a neighbour of this protocol belongs to (`zebra`, or its number); undefined: it is
 * the kernel's or somebody's setting, the lab's among them.
 */
export function routingDaemonOf(protocol: string | undefined, lab: string): string | undefined {
  if (protocol === undefined || CONFIGURED.includes(protocol) || isKernels(protocol)) return undefined
  return Number(protocol) === labProtocol(lab) ? undefined : (NAMES[protocol] ?? protocol)
}

/** The same for the protocol of an address, whose numbers mean something else below 4. */
export const daemonOf = (protocol: string | undefined): string | undefined =>
  protocol === undefined || protocol === '0' || OF_ADDRESSES.includes(protocol)
    ? undefined
    : (NAMES[protocol] ?? protocol)
