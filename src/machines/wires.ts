import type { Lab } from '../language/load-lab.ts'
import { NEAR } from '../model/other-machine.ts'
import { hashOf } from '../model/owner.ts'
import type { Resource } from '../model/resource.ts'
import { topologyOf } from '../model/topology.ts'

/** How a machine reaches another. */
export interface Road {
  /** The interface in its own namespace. */
  readonly device: string
  /** The MTU of that, in bytes. */
  readonly mtu: number
}

/** What every machine must know of all of them. Plain JSON data. */
export interface Spread {
  /** By namespace, the machine on which it is; `NEAR` where netlab runs. */
  readonly places: Readonly<Record<string, string>>
  /** By machine, the address at which the others reach it. */
  readonly addresses: Readonly<Record<string, string>>
  /** By machine, how it reaches each of the others that it has links to. */
  readonly roads: Readonly<Record<string, Readonly<Record<string, Road>>>>
}

/** A link between two machines: a VXLAN with two ends. */
export interface Wire {
  /** The ids of the interfaces at its ends; the first is the smaller. */
  readonly ends: readonly [string, string]
  /** The machines of the two. */
  readonly machines: readonly [string, string]
  /** The VXLAN network identifier. */
  readonly vni: number
  /** In bytes; absent: the file does not say. */
  readonly mtu?: number
}

/** UDP port of VXLAN (RFC 7348). */
export const WIRE_PORT = 4789
/** What VXLAN adds to a packet, in bytes: an Ethernet header of the inner frame, and IPv4 or IPv6, UDP and VXLAN headers. */
export const overheadOf = (address: string): number => (address.includes(':') ? 70 : 50)

/** The links of a lab whose ends are on two machines, in the order of their ids. */
export function wiresOf({ name, resources, assumedMtus }: Lab, places: Spread['places']): Wire[] {
  const wires: Wire[] = []
  const taken = new Set<number>()
  const machineOf = ({ namespace }: Resource): string => places[namespace] ?? NEAR
  for (const id of [...resources.keys()].sort()) {
    const near = resources.get(id)
    const far = near?.kind === 'veth' ? resources.get(String(near.spec['peer'])) : undefined
    if (!near || !far || far.id < id || machineOf(near) === machineOf(far)) continue
    let vni = hashOf(`${name} ${id} ${far.id}`) & 0xffffff || 1
    while (taken.has(vni)) vni = (vni + 1) & 0xffffff || 1
    taken.add(vni)
    const said = [near, far].flatMap(({ id, spec }) => (assumedMtus?.has(id) ? [] : Number(spec['mtu'])))
    const mtu = said.length ? Math.max(...said) : undefined
    wires.push({
      ends: [id, far.id],
      machines: [machineOf(near), machineOf(far)],
      vni,
      ...(mtu !== undefined && { mtu }),
    })
  }
  return wires
}

/** The largest MTU that a link between these machines can have, in bytes; undefined when one has no road to the other. */
export function roomOf({ machines: [a, b] }: Wire, { roads, addresses }: Spread): number | undefined {
  const [there, back] = [roads[a]?.[b], roads[b]?.[a]]
  if (!there || !back) return undefined
  return Math.min(there.mtu - overheadOf(addresses[b] ?? ''), back.mtu - overheadOf(addresses[a] ?? ''))
}

/**
 * The lab with smaller MTUs where its file says none: of interfaces in one broadcast domain with a link between machines that has no
 * room for the usual one, or with a VXLAN over such links.
 */
export function withSmallMtus(lab: Lab, spread: Spread): Lab {
  const { topology, assumedMtus } = lab
  const rooms = new Map<string, number>()
  const roomIn = (segment: string): number => rooms.get(segment) ?? Infinity
  for (const wire of wiresOf(lab, spread.places)) {
    const segment = topology.segment(wire.ends[0])
    rooms.set(segment, Math.min(roomIn(segment), wire.mtu ?? roomOf(wire, spread) ?? Infinity))
  }
  /** By VXLAN network identifier, the room in the VXLANs whose own address is at a link. */
  const inside = new Map<unknown, number>()
  const tunnels = topology.ofKind('vxlan').filter(({ id }) => assumedMtus?.has(id))
  for (const { namespace, spec } of tunnels) {
    const local = String(spec['local'])
    for (const holder of topology.holders(local))
      if (holder.namespace === namespace) {
        const room = roomIn(topology.segment(holder.link)) - overheadOf(local)
        inside.set(spec['id'], Math.min(inside.get(spec['id']) ?? Infinity, room))
      }
  }
  for (const { id, spec } of tunnels) {
    const segment = topology.segment(id)
    rooms.set(segment, Math.min(roomIn(segment), inside.get(spec['id']) ?? Infinity))
  }
  const resources = new Map(lab.resources)
  for (const id of assumedMtus ?? []) {
    const r = resources.get(id)
    const mtu = roomIn(topology.segment(id))
    if (r && Number(r.spec['mtu']) > mtu) resources.set(id, { ...r, spec: { ...r.spec, mtu } })
  }
  return { ...lab, resources, topology: topologyOf(resources) }
}
