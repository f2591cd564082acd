import type { Lab } from '../language/load-lab.ts'
import { HERE_NAME } from '../model/place.ts'
import { linkId, type Resource } from '../model/resource.ts'
import { topologyOf } from '../model/topology.ts'
import { withDependents } from '../session/fit.ts'
import { withSmallMtus } from './small-mtus.ts'
import { wiresOf, WIRE_PORT, type Spread } from './wires.ts'

/** What of a lab is on one machine. */
export interface Part {
  readonly lab: Lab
  /** The ids of links to machines that are left out, and of what needs them: what is there of them stays as it is. */
  readonly spare: ReadonlySet<string>
}

/**
 * What of a lab is on one machine: its namespaces with all that is in them. In place of a cable to another machine there is a VXLAN
 * on the interface by which that is reached.
 */
export function partOf(whole: Lab, machine: string, spread: Spread): Part {
  const lab = withSmallMtus(whole, spread)
  const { places } = spread
  const isHere = (namespace: string): boolean => places[namespace] === machine
  const namespaces = new Map([...lab.namespaces].filter(([name]) => isHere(name)))
  const root = [...namespaces].find(([, { borrowed }]) => borrowed === HERE_NAME)?.[0] ?? machine
  const resources = new Map([...lab.resources].filter(([, { namespace }]) => isHere(namespace)))
  const loose: string[] = []
  for (const wire of wiresOf(lab, places).filter(({ machines }) => machines.includes(machine))) {
    const near = wire.machines[0] === machine ? 0 : 1
    const cable = resources.get(wire.ends[near])
    const other = wire.machines[1 - near] ?? ''
    const road = spread.roads[machine]?.[other]
    if (!cable) continue
    if (!road) {
      loose.push(cable.id)
      continue
    }
    const lower = linkId(root, road.device)
    if (!resources.has(lower))
      resources.set(lower, { id: lower, kind: 'existing', namespace: root, borrowed: HERE_NAME, spec: { up: true } })
    namespaces.set(root, namespaces.get(root) ?? { borrowed: HERE_NAME })
    resources.set(cable.id, wireEnd(cable, wire.vni, lower, spread.addresses[machine], spread.addresses[other]))
  }
  const spare = withDependents(loose, resources)
  for (const id of spare) resources.delete(id)
  const checks = lab.checks.filter(({ from }) => isHere(from))
  return { lab: { ...lab, namespaces, resources, topology: topologyOf(resources), checks }, spare }
}

/** The end of a cable, as that of a VXLAN. */
function wireEnd(
  { spec: { peer: _, queues: __, ...spec }, ...cable }: Resource,
  id: number,
  link: string,
  local: string | undefined,
  remote: string | undefined,
): Resource {
  return { ...cable, kind: 'vxlan', spec: { ...spec, id, local, remote, dstport: WIRE_PORT, link } }
}
