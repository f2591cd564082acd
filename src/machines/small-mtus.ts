import { bundleOf } from '../kinds/links/bundle.ts'
import { typeOf } from '../language/drafts.ts'
import type { Lab } from '../language/load-lab.ts'
import type { LinkSpec } from '../model/link-type.ts'
import { linkId, type Resource } from '../model/resource.ts'
import { topologyOf } from '../model/topology.ts'
import { roomOf, wiresOf, type Spread } from './wires.ts'

/**
 * The lab with smaller MTUs where its file says none: of interfaces in one broadcast domain with a link between machines that has no
 * room for the usual one, and of what is on these: interfaces with a lower device, tunnels, bonds and teams.
 */
export function withSmallMtus(lab: Lab, spread: Spread): Lab {
  const { topology, assumedMtus } = lab
  const rooms = new Map<string, number>()
  const roomIn = (id: string): number => rooms.get(topology.segment(id)) ?? Infinity
  /** Takes room from the broadcast domain of an interface; whether it had more. */
  const narrow = (id: string, room: number): boolean => {
    if (room >= roomIn(id)) return false
    rooms.set(topology.segment(id), room)
    return true
  }
  for (const wire of wiresOf(lab, spread.places)) narrow(wire.ends[0], wire.mtu ?? roomOf(wire, spread) ?? Infinity)
  if (rooms.size === 0) return lab
  const links = [...(assumedMtus ?? [])].flatMap((id) => lab.resources.get(id) ?? [])
  const tunnels = links.filter(({ kind }) => kind === 'vxlan')
  for (let any = true; any;) {
    any = false
    const take = (id: string, room: number): void => void (narrow(id, room) && (any = true))
    for (const r of links) {
      for (const lower of lowersOf(lab, r)) {
        const room = roomIn(lower)
        const on = lab.resources.get(lower)?.kind
        if (room < Infinity) take(r.id, typeOf(r.kind).mtu(room, r.spec as LinkSpec, on) ?? Infinity)
      }
      // A bond or team gives its ports its own.
      const bundle = bundleOf(r, lab.resources) && linkId(r.namespace, String(r.spec['master']))
      if (bundle === undefined) continue
      take(bundle, roomIn(r.id))
      take(r.id, roomIn(bundle))
    }
    // All ends of a VXLAN have the same.
    const inside = new Map<unknown, number>()
    for (const { id, spec } of tunnels) inside.set(spec['id'], Math.min(inside.get(spec['id']) ?? Infinity, roomIn(id)))
    for (const { id, spec } of tunnels) take(id, inside.get(spec['id'])!)
  }
  const resources = new Map(lab.resources)
  for (const r of links) {
    const mtu = roomIn(r.id)
    if (Number(r.spec['mtu']) > mtu) resources.set(r.id, { ...r, spec: { ...r.spec, mtu } })
  }
  return { ...lab, resources, topology: topologyOf(resources) }
}

/** The interfaces by which an interface sends: its lower device, or those that have its own address as a tunnel. */
const lowersOf = ({ topology }: Lab, { namespace, spec: { link, local } }: Resource): readonly string[] =>
  link !== undefined
    ? [String(link)]
    : topology.holders(String(local)).flatMap((holder) => (holder.namespace === namespace ? holder.link : []))
