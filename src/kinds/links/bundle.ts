import type { Difference, Emission } from '../../model/change.ts'
import type { PlanContext } from '../../model/kind.ts'
import type { Field, LinkSpec, LinkType } from '../../model/link-type.ts'
import type { LinkChange } from '../../model/operation.ts'
import { placeOf } from '../../model/place.ts'
import { linkId, nameOf, type Resource, type Resources } from '../../model/resource.ts'
import type { Topology } from '../../model/topology.ts'
import { without } from '../lab-entry.ts'
import { typesByName } from './link-types.ts'
import { portTable } from './port.ts'

type Link = Resource<LinkSpec>

/** The type of what the interface is a port of, if that takes its ports down when they come and go: a bond, a team. */
export function bundleOf({ namespace, spec }: Resource<any>, resources: Resources): LinkType | undefined {
  const { master } = spec as LinkSpec
  const kind = master === undefined ? undefined : resources.get(linkId(namespace, master))?.kind
  const type = kind === undefined ? undefined : typesByName.get(kind)
  return type?.bundles ? type : undefined
}

/** Whether it is a port of the interface with this id. */
const isPortOf = (master: string | undefined, r: Resource | undefined): r is Link =>
  typeof r?.spec['master'] === 'string' && linkId(r.namespace, r.spec['master']) === master

/** Whether a field means something beside the others. */
export const counts = ({ only }: Field, spec: Readonly<Record<string, unknown>>, fields: LinkType['fields']): boolean =>
  only === undefined ||
  (typeof only === 'function' ? only(spec) : only.values.includes(spec[only.field] ?? fields[only.field]?.fallback))

/** Whether one of the differences is changed while the interface is down. */
export const halts = ({ fields }: LinkType, differences: readonly Difference[]): boolean =>
  differences.some(({ field }) => fields[field]?.changedWhen)

/** What belongs to the VLANs of an interface: they go down, and come up again, with it (vlan_device_event in net/8021q/vlan.c). */
export const throughIt = (id: string, topology: Topology): Resource[] =>
  topology.uppers(id).flatMap((r) => (r.kind === 'vlan' ? [...topology.on(r.id)] : []))

/** The changed fields of the type, and what `ip` wants to be told with them; none when none of them is changed. */
export function typeChanges({ fields, setWith = [] }: LinkType, spec: LinkSpec, differences: readonly Difference[]) {
  const changed = differences.flatMap(({ field, to }) =>
    field in fields && !fields[field]?.ofPorts ? [[field, to] as const] : [],
  )
  const more = changed.length === 0 ? [] : setWith.filter((name) => !changed.some(([field]) => field === name))
  return [...more.flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]] as const])), ...changed]
}

/** The changed fields of the type, as they are set one after the other. */
export function inTurn({ fields }: LinkType, spec: LinkSpec, values: readonly (readonly [string, unknown])[]) {
  const isFirst = ([name]: readonly [string, unknown]): boolean => fields[name]?.first?.(spec) === true
  return [values.filter(isFirst), values.filter((one) => !isFirst(one))].filter(({ length }) => length > 0)
}

/**
 * The changes of an interface, in order, and whether it joins a bond or team. That takes only what is down, and sets it up;
 * what it lets go is down (bond_enslave and __bond_release_one in drivers/net/bonding, team_port_add and team_port_del in
 * drivers/net/team). `live`: what it is before; undefined: it is new.
 */
export function joining(
  changes: LinkChange,
  desired: Link,
  live: Link | undefined,
  context: PlanContext,
): (readonly [LinkChange, boolean])[] {
  const to = bundleOf(desired, context.desired)
  const from = live && bundleOf(live, context.live)
  if (!(to ?? from)) return [[changes, false]]
  const { up: _, mtu: changed, master: moved, ...others } = changes
  // Its own address is what it had when it joined.
  const again = moved === undefined && to?.macOfPorts === true && live !== undefined && changes.mac !== undefined
  const master = again ? desired.spec.master : moved
  // The MTU of a team's ports is that of the team, and nobody else may set it (team_device_event).
  const mtu = to ? (to.macOfPorts ? changed : undefined) : desired.spec.mtu
  const more = { ...others, ...(mtu !== undefined && { mtu }) }
  if (master === undefined) return [[{ ...more, ...(changes.up !== undefined && { up: changes.up }) }, true]]
  const [isUp, wanted] = [to !== undefined, desired.spec.up]
  const steps: LinkChange[] = again
    ? [{ master: '' }, more, { master }, ...(wanted ? [] : [{ up: false }])]
    : [
        ...(to && !from && live?.spec.up ? [{ up: false }] : []),
        { master },
        // A port gets back the MTU that it had before it joined.
        more,
        ...(isUp === wanted ? [] : [{ up: wanted }]),
      ]
  return steps.map((step) => [step, isUp] as const)
}

/**
 * Of a bond that the interface leaves, also for a moment to get another address (`own`), the MAC address that it gets back or from
 * another port: without ports the kernel takes a random one, and with some it keeps that of the port that left (__bond_release_one).
 */
export function restoredMac(live: Link, desired: Link, context: PlanContext, own: unknown): Emission[] {
  const { master } = live.spec
  const joinsAgain = master === desired.spec.master
  const left = joinsAgain && own === undefined ? undefined : bundleOf(live, context.live)
  const bond = left?.macOfPorts && master !== undefined ? linkId(live.namespace, master) : undefined
  const wanted = bond === undefined ? undefined : context.desired.get(bond)
  if (!wanted || master === undefined) return []
  const stays = (r: Resource): boolean =>
    isPortOf(bond, r) && isPortOf(bond, context.desired.get(r.id)) && !context.goes(r.id)
  const { mac: shown, usualMac = shown } = context.live.get(wanted.id)?.spec ?? {}
  const another = (): unknown => (joinsAgain ? own : [...context.live.values()].find(stays)?.spec['mac'])
  const mac = wanted.spec['mac'] ?? (live.spec.mac === usualMac ? another() : undefined)
  return typeof mac === 'string' ? [{ stage: 'choose ports', operation: setOf(desired, master, { mac }) }] : []
}

/** A live bond when some of its ports are gone: its MAC address goes with the last one, and should be that of one that stays. */
export function readdressed(r: Link, goes: (id: string) => boolean, topology: Topology): Link {
  const ports = topology.ports(r.id)
  const [first, ...others] = ports.filter(({ id }) => !goes(id))
  if (ports.length === others.length + (first ? 1 : 0)) return r
  if (!first) return { ...r, spec: without(without(r.spec, 'mac'), 'usualMac') as LinkSpec }
  const has = [first, ...others].some(({ spec }) => spec.mac === r.spec.mac)
  return has || first.spec.mac === undefined ? r : { ...r, spec: { ...r.spec, usualMac: first.spec.mac } }
}

/** A live port when its `backup_port` is gone, which the kernel then forgets (nbp_backup_clear in net/bridge/br_if.c). */
export const withoutBackup = (r: Link, goes: (id: string) => boolean): Link =>
  typeof r.spec['backup_port'] === 'string' && goes(linkId(r.namespace, r.spec['backup_port']))
    ? { ...r, spec: without(r.spec, 'backup_port') as LinkSpec }
    : r

/**
 * What is set when the ports have joined: which of them comes first, or stands in for another. `own`: settings of the type;
 * `ofPort`: as the port of a bridge.
 */
export const chosenPorts = (type: LinkType, r: Link, own: Values, ofPort = own): Emission[] =>
  [
    { name: type.name, fields: type.fields, values: own },
    { name: 'bridge_slave', fields: portTable, values: ofPort },
  ].flatMap(({ name, fields, values }): Emission[] => {
    const chosen = Object.entries(values).filter(([field, value]) => fields[field]?.ofPorts && value !== undefined)
    if (chosen.length === 0) return []
    const change = { type: { name, data: Object.fromEntries(chosen) } }
    return [{ stage: 'choose ports', operation: setOf(r, nameOf(r.id), change) }]
  })
type Values = Readonly<Record<string, unknown>>

const setOf = (r: Link, name: string, set: LinkChange) => ({ do: 'link.set' as const, place: placeOf(r), name, set })

/**
 * Changes that the kernel takes only from a device that is down, or has no ports: these leave, and join again. Undefined when
 * there are no such changes.
 */
export function haltedFor(
  type: LinkType,
  live: Link,
  desired: Link,
  values: readonly (readonly [string, unknown])[],
  context: PlanContext,
): Emission[] | undefined {
  const { name, fields } = type
  const demands = new Set(values.map(([field]) => fields[field]?.changedWhen))
  const empties = demands.has('without ports')
  if (!empties && !demands.has('down')) return undefined
  const own = nameOf(desired.id)
  const ports = empties
    ? [...context.live.values()].filter((r): r is Link => isPortOf(desired.id, r) && !context.goes(r.id))
    : []
  const { mac, up } = desired.spec
  const sets: [string, LinkChange][] = [
    ...ports.map((r): [string, LinkChange] => [nameOf(r.id), { master: '' }]),
    ...(live.spec.up ? [[own, { up: false }] as [string, LinkChange]] : []),
    // Without ports its address is another one (__bond_release_one).
    ...inTurn(type, desired.spec, values).map((some, i): [string, LinkChange] => [
      own,
      { ...(i === 0 && empties && mac !== undefined && { mac }), type: { name, data: Object.fromEntries(some) } },
    ]),
    ...ports.flatMap(({ id }): [string, LinkChange][] => {
      const wanted = context.desired.get(id)
      if (!isPortOf(desired.id, wanted)) return []
      return [
        [nameOf(id), { master: own }],
        ...(wanted.spec.up ? [] : [[nameOf(id), { up: false }] as [string, LinkChange]]),
      ]
    }),
    ...(live.spec.up && up ? [[own, { up }] as [string, LinkChange]] : []),
  ]
  return sets.map(([device, set]) => ({ stage: 'set bridges', operation: setOf(desired, device, set) }))
}
