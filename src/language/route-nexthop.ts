import { nexthopId } from '../kinds/nexthop.ts'
import type { NexthopSpec } from '../model/nexthop-spec.ts'
import type { Expansion } from './expansion.ts'
import type { Home } from './subnets.ts'
import type { RouteFile } from './lab-file.ts'
import type { Path } from './yaml/source.ts'

const find = (x: Expansion, { namespace }: Home, id: number): NexthopSpec | undefined =>
  x.resources.get(nexthopId(namespace, id))?.spec as NexthopSpec | undefined

/** The family of a nexthop object, or of the members of a group; undefined: there is none, or no object is named. */
export function familyOfNexthop(x: Expansion, home: Home, id: number | undefined): 4 | 6 | undefined {
  const found = id === undefined ? undefined : find(x, home, id)
  return found?.group ? familyOfNexthop(x, home, found.group[0]?.id) : found?.family
}

/** Whether a route can go by way of the nexthop object that it names; reports an error if not. */
export function routeOfNexthop(x: Expansion, home: Home, r: RouteFile, family: 4 | 6, path: Path): boolean {
  const other = (['via', 'dev', 'nexthops', 'encap', 'onlink', 'realm', 'type', 'from'] as const).find(
    (field) => r[field] !== undefined && !(field === 'type' && r.type === 'unicast'),
  )
  const found = find(x, home, r.nexthop ?? 0)
  const wrong =
    other !== undefined
      ? `with nexthop, a route cannot have ${other}`
      : !found
        ? `there is no nexthop ${r.nexthop} in ${home.namespace}`
        : found.fdb
          ? `the nexthop ${r.nexthop} is for forwarding entries`
          : family === 6 && familyOfNexthop(x, home, r.nexthop) === 4
            ? `an IPv6 route cannot use the IPv4 nexthop ${r.nexthop}`
            : undefined
  if (wrong === undefined) return true
  x.report.error(found ? 'senseless-field' : 'unknown-reference', [...path, other ?? 'nexthop'], wrong)
  return false
}
