import type { Lab } from '../language/load-lab.ts'
import { NEAR } from '../model/other-machine.ts'
import { hashOf } from '../model/owner.ts'
import type { Resource } from '../model/resource.ts'

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
  const joined = [...resources.values()].flatMap((near) => {
    const far = near.kind === 'veth' ? resources.get(String(near.spec['peer'])) : undefined
    return far && near.id < far.id && machineOf(near) !== machineOf(far) ? [{ near, far }] : []
  })
  for (const { near, far } of joined.sort((a, b) => (a.near.id < b.near.id ? -1 : 1))) {
    let vni = hashOf(`${name} ${near.id} ${far.id}`) & 0xffffff || 1
    while (taken.has(vni)) vni = (vni + 1) & 0xffffff || 1
    taken.add(vni)
    const said = [near, far].flatMap(({ id, spec }) => (assumedMtus?.has(id) ? [] : Number(spec['mtu'])))
    const mtu = said.length ? Math.max(...said) : undefined
    wires.push({
      ends: [near.id, far.id],
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
