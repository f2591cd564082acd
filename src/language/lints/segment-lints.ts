import { linkId, namespaceOf, nameOf, type Resource } from '../../model/resource.ts'
import { disjointSets } from '../../model/topology.ts'
import { placeOfLink as place, type Lint } from './lint.ts'

export const mtuDiffers: Lint = {
  name: 'mtu-differs',
  why: 'The end with the smaller MTU silently drops larger packets: small pings work, and transfers hang.',
  wrong: `namespaces: { a: { interfaces: { eth0: { mtu: 9000 } } }, b: }
links:
  - endpoints: [a:eth0, b:eth0]`,
  right: `namespaces: { a: , b: }
links:
  - { endpoints: [a:eth0, b:eth0], mtu: 9000 }`,
  find({ topology: { ofKind, peer: peerOf } }, warn) {
    for (const link of ofKind('veth')) {
      const peer = peerOf(link.id)
      if (!peer || link.id > peer.id || link.spec['mtu'] === peer.spec['mtu']) continue
      warn(
        link,
        `the ends of this link have different MTUs: ${String(link.spec['mtu'])} here, ${String(peer.spec['mtu'])} at ${place(peer.id)}`,
        'The end with the smaller MTU drops larger packets. Give the link one mtu.',
      )
    }
  },
}

export const mtuOnSegment: Lint = {
  name: 'mtu-on-segment',
  why: `Hosts on one segment send each other packets as large as their own MTU. A bridge drops packets that are too large for the outgoing port, without an ICMP
message: path MTU discovery needs a router.

The lint compares interfaces that have addresses. It ignores segments with other types of interfaces or VLANs, routes that have an \`mtu\`, and links
whose own ends differ ([mtu-differs](#mtu-differs)).`,
  wrong: `namespaces: { a: , b: , sw: { bridges: { br0: } } }
links:
  - { endpoints: { a:eth0: 10.0.0.1/24, sw:br0: }, mtu: 9000 }
  - { endpoints: { b:eth0: 10.0.0.2/24, sw:br0: } }`,
  right: `namespaces: { a: , b: , sw: { bridges: { br0: } } }
links:
  - { endpoints: { a:eth0: 10.0.0.1/24, sw:br0: }, mtu: 9000 }
  - { endpoints: { b:eth0: 10.0.0.2/24, sw:br0: }, mtu: 9000 }`,
  find({ x, topology: { ofKind, segment, peer }, isClosed, isTagged }, warn) {
    // In most labs all are the same, and there is nothing to look for.
    const all = [...ofKind('veth'), ...ofKind('bridge')].map(({ spec }) => spec['mtu'])
    if (new Set(all.filter((mtu) => mtu !== undefined)).size < 2) return
    // Where the ends of a cable differ, that is the cause.
    const odd = new Set(
      ofKind('veth').flatMap(({ id, spec }) => (peer(id)?.spec['mtu'] === spec['mtu'] ? [] : [segment(id)])),
    )
    for (const { kind, namespace, spec } of ofKind('route'))
      if (kind === 'route' && spec['mtu'] !== undefined && spec['dev'] !== undefined)
        odd.add(segment(linkId(namespace, String(spec['dev']))))
    const first = new Map<string, Resource>()
    for (const { namespace, spec } of ofKind('address')) {
      const link = x.resources.get(linkId(namespace, String(spec['dev'])))
      if (!link || link.borrowed || link.spec['mtu'] === undefined || !isClosed(link.id) || isTagged(link.id)) continue
      const here = segment(link.id)
      const other = first.get(here)
      if (!other) first.set(here, link)
      else if (other.spec['mtu'] !== link.spec['mtu'] && !odd.has(here)) {
        odd.add(here) // one warning for a segment
        warn(
          link,
          `the MTUs of this segment differ: ${String(link.spec['mtu'])} here, ${String(other.spec['mtu'])} at ${place(other.id)}`,
          'The bridge drops packets that are too large for a port. Give all links of the segment one mtu.',
        )
      }
    }
  },
}

export const bridgeLoop: Lint = {
  name: 'bridge-loop',
  why: `Bridges forward broadcasts to every port. In a loop, broadcasts circulate forever and use all available processor time. The spanning tree
protocol (STP) blocks a port of each loop. One bridge with STP in the loop is enough, because the others forward its messages.

The lint stays silent if VLANs, isolated ports, ports that do not flood, an end that is down, or nftables rules for bridges may break the loop.`,
  wrong: `namespaces: { sw1: { bridges: { br0: } }, sw2: { bridges: { br0: } } }
links:
  - endpoints: [sw1:br0, sw2:br0]
  - endpoints: [sw1:br0, sw2:br0]`,
  right: `namespaces: { sw1: { bridges: { br0: { stp: true } } }, sw2: { bridges: { br0: } } }
links:
  - endpoints: [sw1:br0, sw2:br0]
  - endpoints: [sw1:br0, sw2:br0]`,
  find({ x, topology: { ofKind, master, peer } }, warn) {
    /** The bridge that passes on broadcasts from this port, if there is one. */
    const flooding = (port: Resource): string | undefined => {
      const bridge = master(port.id)
      if (bridge?.kind !== 'bridge' || port.spec['up'] === false || port.spec['isolated'] === true) return undefined
      if (port.spec['bcast_flood'] === false || !bridge.spec.up) return undefined
      return bridge.spec['stp'] === true || bridge.spec['vlan_filtering'] === true || isFiltered(bridge.namespace)
        ? undefined
        : bridge.id
    }
    const isFiltered = (namespace: string): boolean =>
      /\b(bridge|netdev)\b/.test(String(x.resources.get(`${namespace}/nftables`)?.spec['text'] ?? ''))
    const trees = disjointSets()
    for (const port of ofKind('veth')) {
      const other = peer(port.id)
      if (!other || port.id > other.id) continue
      const [here, there] = [flooding(port), flooding(other)]
      if (here === undefined || there === undefined) continue
      if (trees.find(here) !== trees.find(there)) trees.join(here, there)
      else
        warn(
          port,
          here === there
            ? `this link connects ${place(here)} with itself`
            : `this link closes a loop of bridges: ${place(here)} and ${place(there)} are already connected`,
          `Broadcasts circulate in it forever. Add stp: true to a bridge of the loop, such as namespaces.${namespaceOf(here)}.bridges.${nameOf(here)}, or remove the link.`,
        )
    }
  },
}
