import { linkId } from '../../model/resource.ts'
import type { RouteSpec } from '../../model/route-spec.ts'
import type { Lint, LintedLab, Warn } from './lint.ts'

export const unknownGateway: Lint = {
  name: 'unknown-gateway',
  why: `Packets to that destination are lost, because no host answers the ARP requests for the gateway.

The lint stays silent if an interface of another type, or one of the machine itself, is on the segment: the gateway may be behind it.`,
  wrong: `namespaces: { a: { routes: [{ to: default, via: 10.0.0.254 }] }, b: }
links:
  - endpoints: { a:eth0: 10.0.0.1/24, b:eth0: 10.0.0.2/24 }`,
  right: `namespaces: { a: { routes: [{ to: default, via: 10.0.0.2 }] }, b: { forwarding: true } }
links:
  - endpoints: { a:eth0: 10.0.0.1/24, b:eth0: 10.0.0.2/24 }`,
  find({ topology: { ofKind, holders, segment }, isClosed }, warn) {
    for (const route of ofKind('route')) {
      const { via, dev, to } = route.spec as RouteSpec
      if (via === undefined || dev === undefined || route.borrowed || via.startsWith('fe80:')) continue
      const link = linkId(route.namespace, dev)
      if (!isClosed(link) || holders(via).some((holder) => segment(holder.link) === segment(link))) continue
      warn(
        route,
        `no host on this segment has the address ${via}`,
        `The route to ${to} uses a gateway that does not exist.`,
      )
    }
  },
}

/** Warns of routes to hosts that do not forward, and returns these hosts. */
function gatewaysThatKeep(
  { x, topology: { ofKind, holders, segment }, forwards }: LintedLab,
  warn: Warn,
): ReadonlySet<string> {
  const said = new Set<string>()
  for (const route of ofKind('route')) {
    const { via, dev, to, family, encap } = route.spec as RouteSpec
    if (via === undefined || dev === undefined || route.borrowed || via.startsWith('fe80:')) continue
    const link = linkId(route.namespace, dev)
    const gateway = holders(via).find((holder) => segment(holder.link) === segment(link))
    // What has a label is forwarded by the routes of MPLS.
    if (!gateway || family === 'mpls' || encap?.startsWith('mpls ')) continue
    const isOwn = holders(to.split('/')[0] ?? '').some(({ namespace }) => namespace === gateway.namespace)
    if (isOwn || forwards(gateway.namespace, via.includes(':') ? 6 : 4)) continue
    if (x.borrowed(gateway.namespace)) continue
    said.add(gateway.namespace)
    warn(
      route,
      `${gateway.namespace} (${via}) does not forward`,
      `Packets to ${to} end there. Add forwarding: true to namespaces.${gateway.namespace}.`,
    )
  }
  return said
}

export const notForwarding: Lint = {
  name: 'not-forwarding',
  why: `By default a namespace is a host: it drops packets to other hosts. A lab needs \`forwarding: true\` at every router of a path, including the
return path.

The lint also follows the paths that the checks need, and warns at the check.`,
  wrong: `namespaces:
  a: { routes: [{ to: default, via: 10.0.0.1 }] }
  r:
links:
  - endpoints: { a:eth0: 10.0.0.2/24, r:eth0: 10.0.0.1/24 }`,
  right: `namespaces:
  a: { routes: [{ to: default, via: 10.0.0.1 }] }
  r: { forwarding: true }
links:
  - endpoints: { a:eth0: 10.0.0.2/24, r:eth0: 10.0.0.1/24 }`,
  find(lab, warn) {
    const said = new Set(gatewaysThatKeep(lab, warn))
    for (const { check, why, at, to, back } of lab.lost()) {
      if (why !== 'not forwarding' || said.has(at)) continue
      said.add(at)
      warn(
        check.source,
        `${at} does not forward, which ${back ? 'the answer to this check' : 'this check'} needs`,
        `Packets to ${to} end there. Add forwarding: true to namespaces.${at}.`,
      )
    }
  },
}

export const checkWithoutRoute: Lint = {
  name: 'check-without-route',
  why: `The check cannot pass: on the path of its packets, or of the answers, a namespace has no route to the destination. Usually the far end lacks a
default route.

The lint ignores checks that expect to fail. It stays silent if something else may provide a path: programs in that namespace, routing rules, VRFs, rules of a
firewall that change addresses, \`others: keep\`.`,
  wrong: `namespaces: { a: { routes: [{ to: default, via: 10.0.0.1 }] }, r: { forwarding: true }, web: }
links:
  - endpoints: { a:eth0: 10.0.0.2/24, r:eth0: 10.0.0.1/24 }
  - endpoints: { r:eth1: 10.0.1.1/24, web:eth0: 10.0.1.2/24 }
checks:
  - { from: a, ping: web }`,
  right: `namespaces:
  a: { routes: [{ to: default, via: 10.0.0.1 }] }
  r: { forwarding: true }
  web: { routes: [{ to: default, via: 10.0.1.1 }] }
links:
  - endpoints: { a:eth0: 10.0.0.2/24, r:eth0: 10.0.0.1/24 }
  - endpoints: { r:eth1: 10.0.1.1/24, web:eth0: 10.0.1.2/24 }
checks:
  - { from: a, ping: web }`,
  find(lab, warn) {
    const said = new Set<string>()
    for (const { check, why, at, to, back } of lab.lost()) {
      const key = `${at} ${to}`
      if (why !== 'no route' || said.has(key)) continue
      said.add(key)
      warn(
        check.source,
        back ? `${at} has no route for its answer to ${to}` : `${at} has no route to ${to}`,
        `Give namespaces.${at} a route to it, or a default route: routes: [{ to: default, via: ROUTER }].`,
      )
    }
  },
}
