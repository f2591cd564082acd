import { dirname, resolve } from 'node:path'
import type { Lab, LabHeader, NamespaceHeader, OpenLab } from '../language/load-lab.ts'
import { namesIn, type Names } from '../model/names.ts'
import { NEAR } from '../model/other-machine.ts'
import { HERE_NAME } from '../model/place.ts'
import { linkId, type Resource } from '../model/resource.ts'
import { topologyOf } from '../model/topology.ts'
import { withDependents } from '../kinds/dependents.ts'
import { wiresOf, WIRE_PORT, type Spread, type Wire } from './wires.ts'

/** What of a lab is on one machine. */
export interface Part {
  readonly lab: Lab
  /** The ids of links to machines that are left out, and of what needs them: what is there of them stays as it is. */
  readonly spare: ReadonlySet<string>
}

/** What a machine is told of a lab before that is expanded, as plain JSON data. */
export interface HeaderData extends Pick<LabHeader, 'name'> {
  /** The number of namespaces of the whole lab. */
  readonly size: number
  readonly namespaces: Alike<LabHeader['namespaces']>
  readonly sysctls: Alike<LabHeader['sysctls']>
  readonly nftables: Alike<LabHeader['nftables']>
}

/** What a machine is told of its part of a lab, as plain JSON data: it need not read the lab file. */
export interface PartData extends HeaderData, Pick<Lab, 'file' | 'folder' | 'checks'> {
  readonly faults: Entries<Lab['faults']>
  readonly resources: readonly Resource[]
  /** The ids of resources that the file does not say. */
  readonly unwritten: readonly string[]
  /** As of `Part`. */
  readonly spare: readonly string[]
  /** The names of the whole lab. */
  readonly names: Entries<Names>
}

/** A map in which most values are alike: these, and for each key the number of its own. */
type Alike<M> =
  M extends ReadonlyMap<infer Key, infer Value>
    ? { readonly values: readonly Value[]; readonly keys: readonly (readonly [Key, number])[] }
    : never

type Entries<M> = M extends ReadonlyMap<infer Key, infer Value> ? readonly (readonly [Key, Value])[] : never

/** The part of a lab on a machine, as a lab of its own. */
export interface OpenPart extends OpenLab, Pick<Part, 'spare'> {
  /** The names of the whole lab. */
  readonly names: Names
}

/**
 * What of a lab is on a machine, by its name: its namespaces with all that is in them. In place of a cable to another machine there is
 * a VXLAN on the interface by which that is reached. The lab has MTUs that fit (`withSmallMtus`).
 */
export function partsOf(lab: Lab, spread: Spread): (machine: string) => Part {
  const wires = wiresOf(lab, spread.places)
  return (machine) => partOf(lab, machine, spread, wires)
}

function partOf(lab: Lab, machine: string, spread: Spread, wires: readonly Wire[]): Part {
  const isHere = (namespace: string): boolean => spread.places[namespace] === machine
  const namespaces = withRoot(new Map([...lab.namespaces].filter(([name]) => isHere(name))), machine)
  const root = [...namespaces].find(([, { borrowed }]) => borrowed === HERE_NAME)?.[0] ?? machine
  const resources = new Map([...lab.resources].filter(([, { namespace }]) => isHere(namespace)))
  const loose: string[] = []
  for (const wire of wires.filter(({ machines }) => machines.includes(machine))) {
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

/** A lab whose file is not written out: of its parts, only what has to be known to destroy them. */
export function bareLab(opened: OpenLab, file: string): Lab {
  const { name, namespaces, sysctls, nftables, machines, spreads } = opened
  const resources = new Map<string, Resource>()
  return {
    ...{ name, namespaces, sysctls, nftables, file, folder: dirname(resolve(file)) },
    ...{ ...(machines && { machines }), ...(spreads && { spreads }) },
    ...{ resources, topology: topologyOf(resources), checks: [], faults: new Map(), warnings: [] },
    where: (...of) => opened.lab().where(...of),
  }
}

/** What a machine is told of its part of a bare lab: the namespaces that the file does not place elsewhere. */
export function barePartOf(lab: Lab, machine: string): PartData {
  const mayBeHere = ({ machine: placed, borrowed }: NamespaceHeader): boolean =>
    placed === machine ||
    (placed === undefined && (machine === NEAR || (lab.spreads === true && borrowed === undefined)))
  const namespaces = withRoot(new Map([...lab.namespaces].filter(([, header]) => mayBeHere(header))), machine)
  const { file, folder } = lab
  return {
    ...headerOn(namespaces, lab),
    ...{ file, folder, checks: [], names: [], resources: [], faults: [], unwritten: [], spare: [] },
  }
}

/** What is known of a lab before it is expanded, as the machine is told of it that has these namespaces. */
function headerOn(namespaces: LabHeader['namespaces'], lab: LabHeader): HeaderData {
  const isHere = ([namespace]: readonly [string, unknown]): boolean => namespaces.has(namespace)
  const sysctls = new Map([...lab.sysctls].filter(isHere))
  const nftables = new Map([...lab.nftables].filter(isHere))
  return headerData({ name: lab.name, size: lab.namespaces.size, namespaces, sysctls, nftables })
}

/** These namespaces of a machine, and its own. That has a name also when nothing is on its interfaces any more: plans say where what they delete was. */
function withRoot(namespaces: Map<string, NamespaceHeader>, machine: string): Map<string, NamespaceHeader> {
  const isNamed = [...namespaces.values()].some(({ borrowed }) => borrowed === HERE_NAME)
  return isNamed ? namespaces : namespaces.set(machine, namespaces.get(machine) ?? { borrowed: HERE_NAME })
}

/** What is known of a lab before it is expanded, as a machine is told of it. */
export const headerData = ({ name, size, namespaces, sysctls, nftables }: LabHeader): HeaderData => ({
  ...{ name, size: size ?? namespaces.size },
  ...{ namespaces: alike(namespaces), sysctls: alike(sysctls), nftables: alike(nftables) },
})

/** What is known of a lab before it is expanded, as a machine was told of it. */
export const openHeader = ({ name, size, namespaces, sysctls, nftables }: HeaderData): LabHeader => ({
  ...{ name, size },
  ...{ namespaces: mapOf(namespaces), sysctls: mapOf(sysctls), nftables: mapOf(nftables) },
})

function alike<Value>(map: ReadonlyMap<string, Value>): Alike<ReadonlyMap<string, Value>> {
  const [numbers, values] = [new Map<string, number>(), new Array<Value>()]
  const keys = [...map].map(([key, value]) => {
    const text = JSON.stringify(value)
    const number = numbers.get(text) ?? values.push(value) - 1
    numbers.set(text, number)
    return [key, number] as const
  })
  return { values, keys }
}

const mapOf = <Value>({ values, keys }: Alike<ReadonlyMap<string, Value>>): Map<string, Value> =>
  new Map(keys.map(([key, number]) => [key, values[number]!]))

/** The parts of a lab, by the names of machines, as these are told of them. */
export function partDataOf(whole: Lab, spread: Spread): (machine: string) => PartData {
  const names = [...namesIn(whole.resources)]
  const parts = partsOf(whole, spread)
  return (machine) => {
    const { lab, spare } = parts(machine)
    const { file, folder, checks } = lab
    const resources = [...lab.resources.values()]
    return {
      ...headerOn(lab.namespaces, whole),
      ...{ file, folder, checks, names, resources },
      faults: [...lab.faults],
      unwritten: resources.flatMap(({ id, source }) => (source ? [] : [id])),
      spare: [...spare],
    }
  }
}

/** Opens a part of a lab. `whole` opens the file, for the positions in it that errors and warnings name. */
export function openPart(data: PartData, whole: () => OpenLab): OpenPart {
  const unwritten = new Set(data.unwritten)
  const positionOf =
    (id: string): NonNullable<Resource['source']> =>
    (part) =>
      whole().lab().resources.get(id)!.source!(part)
  const resources = new Map(
    data.resources.map((r) => [r.id, unwritten.has(r.id) ? r : { ...r, source: positionOf(r.id) }]),
  )
  const header = openHeader(data)
  const lab: Lab = {
    ...{ ...header, file: data.file, folder: data.folder, checks: data.checks, resources },
    topology: topologyOf(resources),
    faults: new Map(data.faults),
    warnings: [], // they are told once, where somebody reads them
    where: (...of) =>
      whole()
        .lab()
        .where(...of),
  }
  return {
    ...header,
    lab: () => lab,
    at: (places) => openPart(partAt(data, places), whole),
    position: (path) => whole().position(path),
    quote: (diagnostic) => (diagnostic.position && !diagnostic.snippet ? whole().quote(diagnostic) : diagnostic),
    spare: new Set(data.spare),
    names: new Map(data.names),
  }
}

/** A part with somebody else's namespaces at these paths, by name. */
function partAt(data: PartData, places: ReadonlyMap<string, string>): PartData {
  const found = <T extends object>(namespace: string, one: T): T & { borrowed?: string } => {
    const borrowed = places.get(namespace)
    return borrowed === undefined ? one : { ...one, borrowed }
  }
  return {
    ...data,
    namespaces: alike(new Map([...mapOf(data.namespaces)].map(([name, header]) => [name, found(name, header)]))),
    resources: data.resources.map((r) => found(r.namespace, r)),
  }
}
