import { addressId, primaries } from '../../src/kinds/address-settings.ts'
import { routeId } from '../../src/kinds/route.ts'
import type { RouteSpec } from '../../src/model/route-spec.ts'
import { sysctlResource } from '../../src/kinds/sysctl.ts'
import { familyOf } from '../../src/model/cidr.ts'
import type { PlanContext } from '../../src/model/kind.ts'
import { hostsIn } from '../../src/model/names.ts'
import { linkId, nameOf, namespaceOf, type Resource, type Resources } from '../../src/model/resource.ts'

/** What a kind may look at in a plan that loses nothing. */
export const planContext = (lab: string, desired: Resources = new Map(), live: Resources = new Map()): PlanContext => ({
  ...{ lab, live, desired, goes: () => false, lost: () => false, hosts: () => hostsIn(desired) },
})

/** Collects the resources of a small lab, as the lab file's expansion or the reader would make them. */
export function model() {
  const resources = new Map<string, Resource>()
  const put = (resource: Resource): void => void resources.set(resource.id, resource)
  const self = {
    resources,
    namespace(name: string) {
      put({ id: name, kind: 'namespace', namespace: name, spec: {} })
      put({ id: linkId(name, 'lo'), kind: 'loopback', namespace: name, spec: { mtu: 65536, up: true } })
      return self
    },
    /** An interface of any type; the id is `ns/name`. */
    link(id: string, kind: string, spec: Record<string, unknown> = {}) {
      put({ id, kind, namespace: namespaceOf(id), spec: { mtu: 1500, up: true, ...spec } })
      return self
    },
    veth(a: string, b: string, spec: Record<string, unknown> = {}) {
      return self.link(a, 'veth', { ...spec, peer: b }).link(b, 'veth', { peer: a })
    },
    addresses(link: string, ...cidrs: string[]) {
      const earlier = primaries(cidrs)
      const [namespace, dev] = [namespaceOf(link), nameOf(link)]
      for (const address of cidrs) {
        const primary = earlier.get(address)
        const spec = { dev, address, family: familyOf(address), ...(primary !== undefined && { primary }) }
        put({ id: addressId(namespace, dev, address), kind: 'address', namespace, spec })
      }
      return self
    },
    route(namespace: string, spec: RouteSpec) {
      put({ id: routeId(namespace, spec), kind: 'route', namespace, spec })
      return self
    },
    sysctl(namespace: string, key: string, value: string) {
      put(sysctlResource(namespace, key, value))
      return self
    },
  }
  return self
}

/** ns0 ─ ns-router ─ ns1, as in labs/router.yaml. */
export const router = () =>
  model()
    .namespace('ns0')
    .namespace('ns1')
    .namespace('ns-router')
    .veth('ns0/veth0', 'ns-router/veth0')
    .addresses('ns0/veth0', '192.168.0.2/24')
    .addresses('ns-router/veth0', '192.168.0.1/24')
    .veth('ns1/veth0', 'ns-router/veth1')
    .addresses('ns1/veth0', '192.168.1.2/24')
    .addresses('ns-router/veth1', '192.168.1.1/24')
    .route('ns0', { family: 4, to: '192.168.1.0/24', via: '192.168.0.1', dev: 'veth0' })
    .route('ns1', { family: 4, to: '192.168.0.0/24', via: '192.168.1.1', dev: 'veth0' })
    .sysctl('ns-router', 'net.ipv4.ip_forward', '1')
