import type { Borrowed } from '../model/kind.ts'
import { linkId, type Resource } from '../model/resource.ts'
import type { RouteSpec } from '../model/route-spec.ts'

/** The names of the interfaces through which a route leads. */
export const devices = ({ dev, nexthops = [] }: RouteSpec): string[] =>
  [dev, ...nexthops.map((hop) => hop.dev)].filter((name) => name !== undefined)

/** Why a lab must not adopt a route of a borrowed namespace; undefined when only the lab's interfaces need it. */
export function boundRoute({ namespace, spec }: Resource<RouteSpec>, { isLabs, all }: Borrowed): string | undefined {
  if (spec.nexthop !== undefined) return 'it uses a nexthop object that is not the lab’s'
  const devs = devices(spec)
  const other = devs.find((dev) => !isLabs(linkId(namespace, dev)))
  if (other !== undefined) return `it leads through ${other}, which is not the lab’s`
  if (devs.length) return undefined
  return spec.table !== undefined && isTableOfLab(namespace, spec.table, { isLabs, all })
    ? undefined
    : 'it is in a table that others use'
}

/** Whether a table has routes through interfaces of the lab, and no others than those and routes without an interface. */
export function isTableOfLab(namespace: string, table: number, { isLabs, all }: Borrowed): boolean {
  const routes = all.filter(({ kind, spec }) => kind === 'route' && spec['table'] === table) as Resource<RouteSpec>[]
  const leading = routes.filter(({ spec }) => devices(spec).length > 0)
  return (
    leading.length > 0 &&
    routes.every(({ others }) => !others) &&
    leading.every(({ spec }) => devices(spec).every((dev) => isLabs(linkId(namespace, dev))))
  )
}
