import { routeId } from '../kinds/route.ts'
import type { Hop, RouteSpec } from '../model/route-spec.ts'
import { downLinks, expandHop } from './expand-hops.ts'
import type { Expansion } from './expansion.ts'
import type { Home, Net } from './subnets.ts'
import type { HopFile, RouteFile } from './lab-file.ts'
import type { Path } from './yaml/source.ts'

/** Labels below are reserved (RFC 3032); there are 20 bits for a label. */
const [FIRST, LAST] = [16, 0xfffff]
/** The label that stands for none (RFC 3032): it is never written (nla_get_labels in net/mpls/af_mpls.c). */
const IMPLICIT_NULL = 3
const LIMIT = 'net.mpls.platform_labels'
/** What a route of MPLS can say. */
const FIELDS = new Set(['family', 'to', 'as', 'via', 'dev', 'nexthops', 'ttl_propagate'])

/** A route of MPLS of a namespace; `onLink` are the networks that routes to a device lead to. */
export function expandMpls(x: Expansion, home: Home, onLink: readonly Net[], r: RouteFile, path: Path): void {
  const { namespace } = home
  const error = x.report.error.bind(x.report)
  const other = Object.keys(r).find((field) => !FIELDS.has(field))
  if (other !== undefined)
    return error('senseless-field', [...path, other], `an MPLS route cannot have ${other}`, undefined, 'key')
  const label = Number(r.to)
  if (!(Number.isInteger(label) && label >= FIRST && label <= LAST))
    return error('bad-value', [...path, 'to'], `"${r.to}" is not a label`, `Labels of routes are ${FIRST} to ${LAST}.`)
  const limit = Number(x.file.namespaces[namespace]?.sysctls?.[LIMIT] ?? 0)
  if (!home.borrowed && label >= limit)
    return error(
      'out-of-range',
      [...path, 'to'],
      `the label must be below ${LIMIT}, which is ${limit} in ${namespace}`,
      `Write sysctls: { ${LIMIT}: ${Math.max(1000, label + 1)} }; to accept labels, an interface needs net.mpls.conf.IF.input: 1.`,
    )
  if (r.nexthops && (r.via ?? r.dev ?? r.as) !== undefined)
    return error('senseless-field', path, 'a route has either via, dev and as, or nexthops')
  if (!r.nexthops && (r.via ?? r.dev) === undefined)
    return error(
      'missing-field',
      path,
      `the route of the label ${label} has neither via nor dev`,
      'dev: lo delivers the packet under the label to this namespace.',
    )
  const ground = { nets: [...home.subnets, ...onLink], table: undefined, onlink: false }
  const way = (hop: HopFile, at: Path): Hop | undefined => {
    const wrong = wrongLabels(hop.as)
    if (wrong !== undefined) return void error('bad-value', [...at, 'as'], wrong)
    const { as, via, dev } = hop
    return expandHop(x, home, ground, { ...(as !== undefined && { as }), ...(via !== undefined && { via }), ...(dev !== undefined && { dev }) }, at) // prettier-ignore
  }
  const hop = r.nexthops ? {} : way(r, path)
  const nexthops = r.nexthops?.map((one, i) => way(one, [...path, 'nexthops', i]))
  if (!hop || nexthops?.some((one) => one === undefined)) return
  downLinks(x, home, [hop, ...(nexthops ?? [])], path)
  const spec: RouteSpec = {
    to: String(label),
    family: 'mpls',
    ...hop,
    ...(r.ttl_propagate !== undefined && { ttl_propagate: r.ttl_propagate }),
    ...(nexthops && { nexthops: nexthops.filter((one) => one !== undefined) }),
  }
  x.add({ id: routeId(namespace, spec), kind: 'route', namespace, spec }, path)
}

function wrongLabels(as: number | string | undefined): string | undefined {
  const wrong =
    as === undefined
      ? undefined
      : String(as)
          .split('/')
          .find((label) => Number(label) > LAST || Number(label) === IMPLICIT_NULL)
  return wrong === undefined ? undefined : `${wrong} is not a label that can be sent`
}
