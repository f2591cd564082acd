import type { AddressSpec } from '../../model/address-spec.ts'
import { parseCidr, subnetOf } from '../../model/cidr.ts'
import { linkId, type Resource } from '../../model/resource.ts'
import type { Topology } from '../../model/topology.ts'
import { placeOfLink as place, type Lint } from './lint.ts'

type Address = Resource & { readonly spec: AddressSpec }

const linkOf = ({ namespace, spec }: Address): string => linkId(namespace, spec.dev)
const host = ({ spec }: Address): string => spec.address.replace(/\/.*/, '')

export const addressTwice: Lint = {
  name: 'address-twice',
  why: `Both hosts answer the same ARP request, and the first answer decides which of them gets the packets.

The lint ignores bridges that filter VLANs, because they may divide the segment.`,
  wrong: `namespaces: { a: , b: , sw: { bridges: { br0: } } }
links:
  - endpoints: { a:eth0: 10.0.0.1/24, sw:br0: }
  - endpoints: { b:eth0: 10.0.0.1/24, sw:br0: }`,
  right: `namespaces: { a: , b: , sw: { bridges: { br0: } } }
links:
  - endpoints: { a:eth0: 10.0.0.1/24, sw:br0: }
  - endpoints: { b:eth0: 10.0.0.2/24, sw:br0: }`,
  find({ topology: { ofKind, segment, holders }, isTagged }, warn) {
    for (const r of ofKind('address') as readonly Address[]) {
      const [address, link] = [host(r), linkOf(r)]
      if (isTagged(link)) continue
      for (const other of holders(address)) {
        if (other.link === link) break // reported once, by the last of them
        if (segment(other.link) !== segment(link)) continue
        warn(
          r,
          `${address} is already on this segment, at ${place(other.link)}`,
          'Hosts on the same segment need different addresses.',
        )
        break
      }
    }
  },
}

/** Whether the address makes its interface part of a subnet with other hosts. */
const isInSubnet = ({ borrowed, spec: { address, remote, dev, family } }: Address): boolean =>
  remote === undefined &&
  !borrowed &&
  dev !== 'lo' &&
  !address.startsWith('fe80:') &&
  Number(address.slice(address.indexOf('/') + 1)) < (family === 4 ? 31 : 127)

/** Whether the two are in one namespace and one VRF, on interfaces that nothing joins. */
function isApart({ segment, master }: Topology, one: Address, other: Address): boolean {
  const [here, there] = [linkOf(one), linkOf(other)]
  const vrfOf = (link: string): string | undefined => {
    const found = master(link)
    return found?.kind === 'vrf' ? found.id : undefined
  }
  return one.namespace === other.namespace && segment(here) !== segment(there) && vrfOf(here) === vrfOf(there)
}

export const addressOnTwoInterfaces: Lint = {
  name: 'address-on-two-interfaces',
  why: `The kernel accepts this and answers for the address on both interfaces, but it uses only one route to the subnet: hosts behind the
other interface cannot be reached.

The lint ignores point-to-point addresses (/31, /32, with a \`peer\`), which several interfaces may share, VRFs, and an address that two
interfaces of one segment have ([address-twice](#address-twice)).`,
  wrong: `namespaces: { r: , a: , b: }
links:
  - endpoints: { r:eth0: 10.0.0.1/24, a:eth0: 10.0.0.2/24 }
  - endpoints: { r:eth1: 10.0.0.1/24, b:eth0: 10.0.0.3/24 }`,
  right: `namespaces: { r: , a: , b: }
links:
  - endpoints: { r:eth0: 10.0.0.1/24, a:eth0: 10.0.0.2/24 }
  - endpoints: { r:eth1: 10.0.1.1/24, b:eth0: 10.0.1.3/24 }`,
  find({ topology }, warn) {
    const first = new Map<string, Address[]>()
    for (const r of topology.ofKind('address') as readonly Address[]) {
      if (topology.holders(host(r)).length < 2 || !isInSubnet(r)) continue
      const key = `${r.namespace} ${host(r)}`
      const others = first.get(key) ?? []
      first.set(key, [...others, r])
      const other = others.find((one) => isApart(topology, one, r))
      if (other)
        warn(
          r,
          `${host(r)} is on two interfaces of ${r.namespace}: ${other.spec.dev} has it, too`,
          'Give each interface of a router its own address, in its own subnet.',
        )
    }
  },
}

export const duplicateSubnet: Lint = {
  name: 'duplicate-subnet',
  why: `A router chooses the interface by the subnet. If two of its interfaces are in the same subnet, the kernel sends everything through one of them, and
hosts behind the other cannot be reached.

The lint stays silent if something else may decide: routing rules, proxy ARP, a metric or \`noprefixroute\` of the address, routes to devices, VRFs. It ignores
point-to-point subnets and interfaces of types other than veth and bridge.`,
  wrong: `namespaces: { r: { forwarding: true }, a: , b: }
links:
  - endpoints: { r:eth0: 10.0.0.1/24, a:eth0: 10.0.0.2/24 }
  - endpoints: { r:eth1: 10.0.0.254/24, b:eth0: 10.0.0.3/24 }`,
  right: `namespaces: { r: { forwarding: true }, a: , b: }
links:
  - endpoints: { r:eth0: 10.0.0.1/24, a:eth0: 10.0.0.2/24 }
  - endpoints: { r:eth1: 10.0.1.254/24, b:eth0: 10.0.1.3/24 }`,
  find({ topology, isClosed, isTagged, isShared, forwards }, warn) {
    const first = new Map<string, Address>()
    for (const r of topology.ofKind('address') as readonly Address[]) {
      if (r.spec.metric !== undefined || r.spec.noprefixroute || !isInSubnet(r)) continue
      const cidr = parseCidr(r.spec.address)
      const subnet = cidr ? subnetOf(cidr) : ''
      const key = `${r.namespace} ${subnet}`
      const other = first.get(key)
      if (!other) first.set(key, r)
      else if (
        forwards(r.namespace, r.spec.family) &&
        host(r) !== host(other) &&
        isApart(topology, r, other) &&
        !isShared(r.namespace) &&
        [linkOf(r), linkOf(other)].every((link) => isClosed(link) && !isTagged(link)) &&
        !topology.within(r.namespace).some(decides)
      )
        warn(
          r,
          `${r.namespace} is in ${subnet} on two sides: ${other.spec.dev} has ${other.spec.address}`,
          'A router needs a different subnet on each side. To make the two sides one segment, make both interfaces ports of a bridge.',
        )
    }
  },
}

/** Whether the resource may decide to which of two interfaces in one subnet a packet goes. */
const decides = ({ kind, spec }: Resource): boolean =>
  kind === 'rule' ||
  (kind === 'route' && spec['via'] === undefined && spec['dev'] !== undefined) ||
  (kind === 'neighbor' && spec['proxy'] === true) ||
  (kind === 'sysctl' && /\.proxy_(arp|ndp)/.test(String(spec['key'])) && spec['value'] !== '0')
