import { contains, formatCidr, subnetOf, type Cidr } from '../model/cidr.ts'
import type { Expansion } from './expansion.ts'
import { suggest } from './report.ts'
import type { Path } from './yaml/source.ts'

/** A subnet that an interface is in, and the routing table of its VRF; absent: it is in none. */
export interface Net {
  readonly dev: string
  readonly cidr: Cidr
  readonly table?: number
}

/** The subnets of a namespace, and its interfaces. */
export interface Home {
  readonly namespace: string
  readonly root: boolean
  readonly subnets: readonly Net[]
  /** What is at the other ends of point-to-point addresses. */
  readonly peers: readonly Net[]
  readonly devices: ReadonlySet<string>
}

/** Those of these subnets in which the address is, with the longest prefix. */
function closest(nets: readonly Net[], address: string): Net[] {
  const around = nets.filter(({ cidr }) => contains(cidr, address))
  const longest = Math.max(...around.map(({ cidr }) => cidr.prefix))
  return around.filter(({ cidr }) => cidr.prefix === longest)
}

/**
 * Where a gateway or neighbour of a routing table is: in a subnet of the table's VRF (of none for the main table), or else in
 * any. Several only if they are of different VRFs, or all of one: outside VRFs the first counts.
 */
export function netsFor(nets: readonly Net[], address: string, table: number | undefined): Net[] {
  const own = closest(
    nets.filter((net) => net.table === table),
    address,
  )
  const outside = own.length
    ? own
    : closest(
        nets.filter((net) => net.table === undefined),
        address,
      )
  const found = outside.length ? outside : closest(nets, address)
  const devices = new Map(found.map((net) => [net.dev, net]))
  const first = found.slice(0, 1)
  return first[0]?.table === undefined ? first : [...devices.values()]
}

/** For the help of an error: the subnets of a namespace. */
export const listNets = ({ namespace, subnets }: Home): string =>
  subnets.length
    ? `${namespace} is in ${subnets.map(({ dev, cidr }) => `${subnetOf(cidr)} (${dev})`).join(', ')}.`
    : `${namespace} has no address.`

/** Reports that several interfaces could be meant; returns whether it did. */
export function isUnclear(
  x: Expansion,
  { namespace }: Home,
  address: string,
  nets: readonly Net[],
  path: Path,
): boolean {
  if (nets.length < 2) return false
  x.report.error(
    'ambiguous-interface',
    path,
    `${address} may be on several interfaces of ${namespace}: ${nets.map(({ dev, cidr }) => `${dev} (${formatCidr(cidr)})`).join(', ')}`,
    'Write which one, with `dev`.',
  )
  return true
}

/** Whether the namespace has the interface; reports an error if not. */
export function mustHave(x: Expansion, home: Home, dev: string | undefined, path: Path): boolean {
  if (dev === undefined || home.devices.has(dev) || home.root) return true
  x.report.error(
    'unknown-reference',
    [...path, 'dev'],
    `there is no interface ${dev} in ${home.namespace}`,
    () => suggest(dev, home.devices) ?? `There are: ${[...home.devices].join(', ') || 'none'}.`,
  )
  return false
}
