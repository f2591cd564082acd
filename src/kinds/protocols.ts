import { labProtocol } from '../model/owner.ts'

/** Protocols unspec, boot (`ip … add`) and static (rtnetlink(7)): what has one of these belongs to the namespace's owner. */
const CONFIGURED: readonly string[] = ['0', '3', '4']
/** Protocols redirect (ICMP) and kernel. */
const KERNELS: readonly string[] = ['1', '2']
/** Names of other protocols in iproute2 (rt_protos). */
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
/** Protocols of the kernel's addresses: of lo, from advertisements, link-local (IFAPROT_* in linux/if_addr.h). */
const OF_ADDRESSES: readonly string[] = ['1', '2', '3']

/** Whether the kernel created a route with this protocol. */
export const isKernels = (protocol: string | undefined): boolean => KERNELS.includes(protocol ?? '')

/**
 * The daemon (`zebra`, or its number) to which a route, rule or neighbour with this protocol belongs; undefined when it is the
 * kernel's, was set by hand, or is the lab's.
 */
export function routingDaemonOf(protocol: string | undefined, lab: string): string | undefined {
  if (protocol === undefined || CONFIGURED.includes(protocol) || isKernels(protocol)) return undefined
  return Number(protocol) === labProtocol(lab) ? undefined : (NAMES[protocol] ?? protocol)
}

/** The number of a protocol that `routingDaemonOf` returned. */
export const protocolNumber = (daemon: string): number =>
  Number(Object.entries(NAMES).find(([, name]) => name === daemon)?.[0] ?? daemon)

/** As `routingDaemonOf`, for the protocol of an address, whose numbers mean something else below 4. */
export const daemonOf = (protocol: string | undefined): string | undefined =>
  protocol === undefined || protocol === '0' || OF_ADDRESSES.includes(protocol)
    ? undefined
    : (NAMES[protocol] ?? protocol)
