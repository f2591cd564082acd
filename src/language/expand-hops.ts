import { makeHop } from '../kinds/route.ts'
import { canonicalAddress } from '../model/cidr.ts'
import { canonicalEncap } from '../model/encap.ts'
import { linkId } from '../model/resource.ts'
import type { Hop } from '../model/route-spec.ts'
import type { Expansion } from './expansion.ts'
import { isUnclear, listNets, mustHave, netsFor, type Home, type Net } from './subnets.ts'
import type { HopFile } from './lab-file.ts'
import type { Path } from './yaml/source.ts'

/** What is needed to find the interface of a next hop. */
export interface RouteGround {
  readonly nets: readonly Net[]
  readonly table: number | undefined
  readonly onlink: boolean
}

/** The gateway and the interface that reaches it; undefined after reporting an error. */
export function expandHop(
  x: Expansion,
  home: Home,
  { nets, table, onlink }: RouteGround,
  hop: HopFile,
  path: Path,
): Hop | undefined {
  const via = hop.via === undefined ? undefined : canonicalAddress(hop.via)
  if (hop.via !== undefined && via === undefined) {
    x.report.error(
      'bad-value',
      [...path, 'via'],
      `"${hop.via}" is not an address`,
      'A gateway is an address without a prefix length.',
    )
    return undefined
  }
  if (!mustHave(x, home, hop.dev, path)) return undefined
  // Of an IPv4 address of length 0 the kernel makes no route to its subnet (fib_add_ifaddr in net/ipv4/fib_frontend.c).
  const isNear = ({ dev, cidr }: Net): boolean =>
    (hop.dev === undefined || dev === hop.dev) && (cidr.prefix > 0 || cidr.family === 6)
  const near = via === undefined ? [] : netsFor(nets.filter(isNear), via, table)
  const domain = near[0]?.table
  const own = via !== undefined && home.subnets.find((net) => net.table === domain && net.cidr.address === via)
  if (own) {
    x.report.error(
      'own-address',
      [...path, 'via'],
      `${via} is ${home.namespace}’s own address (${own.dev})`,
      'A gateway is another host: the router’s address in this subnet.',
    )
    return undefined
  }
  const linkLocal = via?.startsWith('fe80:')
  if (via !== undefined && !linkLocal && isUnclear(x, home, via, near, [...path, 'via'])) return undefined
  const dev = hop.dev ?? (linkLocal ? undefined : near[0]?.dev)
  const reachable = via === undefined || linkLocal || onlink || home.borrowed || near.length > 0
  if (!reachable || (via !== undefined && dev === undefined && !home.borrowed)) {
    const needs = linkLocal
      ? 'A link-local gateway needs `dev`, because every interface has link-local addresses.'
      : `${listNets(home)} A gateway must be directly reachable, in one of the namespace’s own subnets.`
    x.report.error(
      'no-subnet',
      [...path, 'via'],
      `${via} is not in any subnet of ${home.namespace}${hop.dev === undefined ? '' : ` on ${hop.dev}`}`,
      needs,
    )
    return undefined
  }
  const encap = hop.encap === undefined ? undefined : canonicalEncap(hop.encap)
  if (hop.encap !== undefined && encap === undefined) {
    x.report.error(
      'bad-value',
      [...path, 'encap'],
      `"${hop.encap}" is not an encapsulation`,
      'Write it as for `ip route`: mpls 100/200, seg6 mode encap segs fd00::1,fd00::2, seg6local action End, ip id 7 dst 10.0.0.9, ip6 ….',
    )
    return undefined
  }
  return makeHop({
    ...(hop.as !== undefined && { as: String(hop.as) }),
    via,
    dev,
    weight: hop.weight,
    onlink: onlink && via !== undefined,
    encap,
    ...(hop.realm !== undefined && { realm: String(hop.realm) }),
  })
}

/** The kernel refuses what goes by way of an interface that is down, or has no carrier. */
export function downLinks(
  x: Expansion,
  home: Home,
  hops: readonly ({ readonly dev?: string } | undefined)[],
  path: Path,
  what = 'route',
): void {
  for (const hop of hops) {
    if (hop?.dev === undefined) continue
    const link = x.resources.get(linkId(home.namespace, hop.dev))
    const peer = what === 'nexthop' ? x.resources.get(String(link?.spec['peer'])) : undefined
    const isDown = link?.spec['up'] === false
    if (isDown || peer?.spec['up'] === false)
      x.report.error(
        'gateway-down',
        path,
        `the ${what} goes through ${hop.dev}, ${isDown ? 'which is down' : `whose other end (${peer?.id.replace('/', ':')}) is down`}`,
        `Set ${isDown ? hop.dev : 'that end'} up, or leave the ${what} out.`,
      )
  }
}
