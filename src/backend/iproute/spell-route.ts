import type { RouteOperation } from '../../model/operation.ts'
import { PROTOCOL_KERNEL, routeWords, type RouteSpec } from '../../model/route-spec.ts'

/** `ip route …` */
export function routeCommand(operation: RouteOperation): string[] {
  const { route } = operation
  const ip = ['ip', ...(route.family === 'mpls' ? ['-M'] : []), 'route']
  switch (operation.do) {
    case 'route.delete':
      return [...ip, 'del', ...routeWords(withoutEncap(route))]
    case 'route.add':
    case 'route.replace':
    case 'route.append': {
      const { protocol } = operation
      const verb = operation.do.slice('route.'.length)
      if (protocol === PROTOCOL_KERNEL) return [...ip, verb, ...kernelWords(route)]
      return [...ip, verb, ...routeWords(route), ...(protocol === undefined ? [] : ['proto', String(protocol)])]
    }
  }
}

/** The kernel needs no encapsulation to find a route, and there are some for which iproute2 has no words. */
const withoutEncap = ({ encap: _, nexthops, ...route }: RouteSpec): RouteSpec => ({
  ...route,
  ...(nexthops && { nexthops: nexthops.map(({ encap: __, ...hop }) => hop) }),
})

/** A route such as the kernel makes with an address, in the order in which `ip route show` prints it. */
const kernelWords = ({ type, to, dev, table, scope, src, metric }: RouteSpec): string[] => [
  ...(type ? [type] : []),
  to,
  ...Object.entries({ dev, proto: 'kernel', table, scope, src, metric }).flatMap(([word, value]) =>
    value === undefined ? [] : [word, String(value)],
  ),
]
