import { contains, formatCidr, subnetOf, type Cidr } from '../model/cidr.ts'
import type { Expansion } from './expansion.ts'
import { suggest } from './report.ts'
import type { Path } from './yaml/source.ts'

/** A subnet of an interface, and the routing table of the VRF that the interface is in, if any. */
export interface Net {
  readonly dev: string
  readonly cidr: Cidr
  readonly table?: number
}

/** The subnets of a namespace, and its interfaces. */
export interface Home {
  readonly namespace: string
  /** It is not the lab's own, and may have more than the lab file lists. */
  readonly borrowed: boolean
  readonly subnets: readonly Net[]
  /** The peer addresses of point-to-point interfaces. */
  readonly peers: readonly Net[]
  readonly devices: ReadonlySet<string>
}

/** The subnets with the longest prefix that contain the address. */
function closest(nets: readonly Net[], address: string): Net[] {
  const around = nets.filter(({ cidr }) => contains(cidr, address))
  const longest = Math.max(...around.map(({ cidr }) => cidr.prefix))
  return around.filter(({ cidr }) => cidr.prefix === longest)
}

/**
 * The subnets in which the gateway or neighbour of a routing table may be: those of the table's VRF (for the main table, those
 * outside VRFs), or else those outside VRFs, or else any. Outside VRFs at most one, the first; several are ambiguous.
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

/** A sentence with the subnets of a namespace, for errors. */
export const listNets = ({ namespace, subnets }: Home): string =>
  subnets.length
    ? `${namespace} is in ${subnets.map(({ dev, cidr }) => `${subnetOf(cidr)} (${dev})`).join(', ')}.`
    : `${namespace} has no addresses.`

/** Reports an error if several interfaces could be meant, and returns whether it did. */
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
    `${address} is in the subnets of several interfaces of ${namespace}: ${nets.map(({ dev, cidr }) => `${dev} (${formatCidr(cidr)})`).join(', ')}`,
    'Name the interface with `dev`.',
  )
  return true
}

/** Whether the namespace has the interface; reports an error if not. */
export function mustHave(x: Expansion, home: Home, dev: string | undefined, path: Path): boolean {
  if (dev === undefined || home.devices.has(dev) || home.borrowed) return true
  x.report.error(
    'unknown-reference',
    [...path, 'dev'],
    `there is no interface ${dev} in ${home.namespace}`,
    () => suggest(dev, home.devices) ?? `There are: ${[...home.devices].join(', ') || 'none'}.`,
  )
  return false
}
