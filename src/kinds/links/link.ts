import type { Kind, PlanContext } from '../../model/kind.ts'
import { IPV6_MIN_MTU, type Field, type LinkSpec, type LinkType } from '../../model/link-type.ts'
import type { Difference, Emission, Stage } from '../../model/change.ts'
import { linkId, nameOf, namespaceOf, type Resource } from '../../model/resource.ts'
import type { LinkChange, NewLink, Operation } from '../../model/operation.ts'
import { placeOf, type Place } from '../../model/place.ts'
import { labelled, labGroup } from '../../model/owner.ts'
import { without } from '../lab-entry.ts'
import { isLost, ends, generatedMac, same, within } from '../common.ts'
import { adoptLink } from './adopt-link.ts'
import { isInTheWay } from './in-the-way.ts'
import { linksOfDump } from './live-link.ts'
import { portFields } from './port.ts'
import {
  readdressed,
  bundleOf,
  chosenPorts,
  counts,
  haltedFor,
  inTurn,
  halts,
  joining,
  restoredMac,
  throughIt,
  typeChanges,
  withoutBackup,
} from './bundle.ts'
import { isInVrf } from './vrf.ts'
import { portsMtu } from './bridge.ts'
import { linkToLab } from './link-lab.ts'
import { settingOf, settingsOf } from '../settings.ts'

type Link = Resource<LinkSpec>

/** What only live interfaces have. */
const liveOnly = new Set(['mtuFollows', 'usualMac'])

/** The kind of thing that interfaces of this type are. */
export function linkKind(type: LinkType): Kind<LinkSpec> {
  const fields = Object.entries(type.fields).filter(([, { apart }]) => !apart)
  const settings = settingsOf(type)
  const ports = portFields(type)
  const defaults = [...settings].map(([name, { fallback }]) => [name, fallback?.(type)] as const)

  const describe = ({ peer, link, up, master, mtu, mac, ...rest }: LinkSpec): string =>
    [
      [type.name, ...(peer === undefined ? [] : ['to', peer]), ...(link === undefined ? [] : ['on', link])].join(' '),
      ...(master === undefined ? [] : [`port of ${master}`]),
      ...(mtu === undefined || mtu === type.mtu(undefined, { up, ...rest }) ? [] : [`mtu ${mtu}`]),
      ...(up ? [] : ['down']),
      ...Object.entries(rest).flatMap(([name, value]) => (liveOnly.has(name) ? [] : [`${name} ${String(value)}`])),
    ].join(', ')

  /** Makes it and, in a borrowed namespace, marks it as the lab's. */
  function add(r: Link, context: PlanContext): Emission[] {
    const mark = { group: labGroup(context.lab) }
    const looks = (id: string, s: LinkSpec): Pick<NewLink, 'mac' | 'mtu' | 'queues'> => ({
      ...(!type.noMac?.(s) && (s.mac ?? !type.macOfPorts) && { mac: s.mac ?? generatedMac(context.lab, id) }),
      // What a bridge has from its birth does not keep it from following its ports later.
      ...(s.mtu !== undefined && !type.followsPorts && { mtu: s.mtu }),
      ...(type.pair && s.queues !== undefined && { queues: s.queues }),
    })
    const named = ({ id, borrowed, spec }: Link): NewLink => ({
      name: nameOf(id),
      ...(borrowed && mark),
      ...looks(id, spec),
    })
    const emit = (operation: Operation): Emission[] => [{ stage: 'create links', operation }]
    if (type.pair) {
      const peer = context.desired.get(r.spec.peer ?? '') as Link | undefined
      if (!peer) return []
      if (peer.id < r.id) return [] // the first of the two makes both
      const [near, far] = ends(r, peer)
      const elsewhere = far.namespace === near.namespace ? undefined : placeOf(far).netns
      return emit({
        do: 'link.add',
        place: placeOf(near),
        link: { ...named(near), ...(isBornUp(near, context) && { up: true }) },
        type: { name: type.name, data: {} },
        peer: { ...named(far), ...(elsewhere !== undefined && { netns: elsewhere }) },
      })
    }
    if (type.addWords) return emit({ ...within(r, ...type.addWords(nameOf(r.id), r.spec)), batch: 'ip' })
    const data: Record<string, unknown> = {}
    for (const [name, { fallback, ofPorts }] of fields)
      if (!ofPorts && r.spec[name] !== undefined && (fallback === undefined || !same(r.spec[name], fallback)))
        data[name] = r.spec[name]
    const lower = r.spec.link
    const made = (place: Place, names: NewLink): Emission[] =>
      emit({
        do: 'link.add',
        place,
        link: { ...names, ...looks(r.id, r.spec) },
        type: { name: type.name, data },
        ...(lower !== undefined && { lower: nameOf(lower) }),
      })
    const own = nameOf(r.id)
    if (lower === undefined || namespaceOf(lower) === r.namespace)
      return made(placeOf(r), { name: own, ...(r.borrowed && mark) })
    const home = context.desired.get(namespaceOf(lower))?.borrowed ?? context.desired.get(lower)?.borrowed
    const where = placeOf({ namespace: namespaceOf(lower), borrowed: home })
    const clash = linkId(namespaceOf(lower), own)
    const { netns } = placeOf(r)
    if (netns === undefined) return made(where, { name: own, ...mark })
    if (!(home || type.tunnel || context.desired.has(clash) || context.live.has(clash)))
      return made(where, { name: own, netns, ...(r.borrowed && mark) })
    // Its name may be taken where the lower device is (`clash`): it is made under another, and gets its own as it moves.
    const name = `nl${generatedMac(context.lab, r.id).replaceAll(':', '')}`.slice(0, 15)
    return [
      ...made(where, { name, ...((home || r.borrowed) && mark) }),
      ...emit({ do: 'link.set', place: where, name, set: { netns, name: own } }),
    ]
  }

  /** Only one end of a pair can be up from its birth, and no port of a bond or team. */
  const isBornUp = (r: Link, { desired }: PlanContext): boolean => {
    const peer = type.pair ? (desired.get(r.spec.peer ?? '') as Link | undefined) : undefined
    return peer !== undefined && ends(r, peer)[0] === r && r.spec.up !== false && !bundleOf(r, desired)
  }

  /**
   * Changes a living one; nothing when there is nothing to change. A bridge is set up when its cables are
   * plugged in: until then it floods nothing of what all hosts say when IPv6 comes up (docs/kernel.md). Its MTU comes first:
   * the kernel takes one that the bridge has already, from its ports, for none.
   */
  function set(r: Link, changes: LinkChange, bundled = false): Emission[] {
    const emit = (stage: Stage, some: LinkChange): Emission[] =>
      Object.keys(some).length
        ? [{ stage, operation: { do: 'link.set', place: placeOf(r), name: nameOf(r.id), set: some } }]
        : []
    const { up, ...others } = changes
    if (up && type.opensLate?.(r.spec)) return [...emit('set links', others), ...emit('open tunnels', { up })]
    if (!type.followsPorts)
      return emit(type.pair && r.spec.master !== undefined && !bundled ? 'set ports' : 'set links', changes)
    return [...emit('set bridges', others), ...emit('open bridges', up === undefined ? {} : { up })]
  }

  /** Sets these settings of a type; nothing when there are none. */
  const setType = (r: Link, name: string, values: readonly (readonly [string, unknown])[]): Emission[] =>
    values.length ? set(r, { type: { name, data: Object.fromEntries(values) } }) : []

  /** Sets these settings of a port, by name in a lab. */
  const setPort = (r: Link, values: readonly (readonly [string, unknown])[]): Emission[] =>
    setType(
      r,
      'bridge_slave',
      values.flatMap(([name, value]) => {
        const field = ports.get(name)
        return field && !field.ofPorts ? [[field.name, value] as const] : []
      }),
    )
  const ofPort = ({ spec }: Link): [string, unknown][] =>
    [...ports.keys()].flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]]]))

  return {
    name: type.name,

    read: linksOfDump(type),
    ...(type.pair ? { farEnd: 'peer' } : type.lower ? { farEnd: 'link' } : {}),

    describe,
    toLab: linkToLab(type),
    published: ({ mtuFollows: _, usualMac: __, ...spec }) => spec,
    requires: ({ spec }) => type.requires?.(spec) ?? [type.name],

    compare(live, desired) {
      const differences: Difference[] = []
      const check = (field: string, fallback: unknown, { forces, same: equal = same }: Partial<Field> = {}): void => {
        const to = desired[field] ?? fallback
        const from = live[field] ?? fallback
        if ((to === undefined && field !== 'link') || equal(from, to)) return
        const why = typeof forces === 'function' ? forces(from, to) : forces
        differences.push({ field, from, ...(to !== undefined && { to }), ...(why !== undefined && { forces: why }) })
      }
      if (type.pair) check('peer', undefined, { forces: 'the cable goes elsewhere' })
      if (type.lower) check('link', undefined, { forces: 'the kernel cannot move it to another lower device' })
      for (const [name, field] of fields) if (counts(field, desired, type.fields)) check(name, field.fallback, field)
      for (const [name, fallback] of defaults)
        if (desired[name] !== undefined || !settings.get(name)?.follows?.(type)) check(name, fallback)
      // A port begins anew with each bridge.
      for (const [name, field] of desired.master === undefined ? [] : ports)
        if (live.master === desired.master || !same(desired[name] ?? field.fallback, field.fallback))
          check(name, field.fallback, field)
      if (desired.mac === undefined && live.usualMac !== undefined)
        differences.push({ field: 'mac', from: live.mac, to: live.usualMac })
      if (type.followsPorts && desired.mtu === undefined && live.mtu !== undefined && !live.mtuFollows)
        differences.push({ field: 'mtu', from: live.mtu, to: 'follows its ports' })
      return differences
    },

    needs: ({ namespace, borrowed, spec }) => [
      ...(borrowed ? [] : [namespace]),
      ...(spec.link === undefined ? [] : [spec.link]),
      ...(spec.master === undefined ? [] : [linkId(namespace, spec.master)]),
    ],

    // A master is joined when all links are made: the other end of a cable must not wait for it.
    below: ({ spec }) => (spec.link === undefined ? [] : [spec.link]),

    lostWith: ({ namespace, spec }) => [
      namespace,
      ...[type.tunnel ? undefined : spec.link, spec.peer].filter((id) => id !== undefined),
    ],

    automatic: () => type.builtin === true,
    adopt: adoptLink,

    afterLosing(found, goes, topology) {
      const r = withoutBackup(type.macOfPorts ? readdressed(found, goes, topology) : found, goes)
      const { master, link } = r.spec
      if (type.tunnel && link !== undefined && goes(link)) return { ...r, spec: without(r.spec, 'link') as LinkSpec }
      if (master === undefined || !goes(linkId(r.namespace, master))) return r
      const left = without(r.spec, 'master') as LinkSpec
      return { ...r, spec: bundleOf(r, topology.resources) ? { ...left, up: false } : left }
    },

    disturbs({ live, desired, differences }, topology) {
      const changes = new Map(differences.map((d) => [d.field, d]))
      const { resources } = topology
      const halted = halts(type, differences)
      const down = halted || changes.get('up')?.to === false
      const small = Number(changes.get('mtu')?.to) < IPV6_MIN_MTU
      const cycled =
        changes.has('master') && [live, desired].some((r) => isInVrf(resources, r) || bundleOf(r, resources))
      const moved = changes.has('master')
      // neigh_changeaddr in the kernel's net/core/neighbour.c: static entries go as well.
      const readdressed = changes.has('mac') || changes.has('arp')
      if (!down && !small && !moved && !readdressed) return []
      const name = nameOf(live.id)
      const through = halted ? throughIt(live.id, topology) : []
      return [...topology.on(live.id), ...through].flatMap((r) => {
        if (moved && (r.spec['port'] === name || (r.spec['dev'] === name && r.spec['bridge'] !== undefined)))
          return [r.id]
        if (readdressed && r.kind === 'neighbor') return [r.id]
        const survives = r.spec['family'] === 'mpls' || (r.spec['family'] !== 6 && (small || !GOES_DOWN.has(r.kind)))
        return r.spec['port'] !== name && !survives && (down || small || cycled) ? [r.id] : []
      })
    },

    create(r, context) {
      const changes: Record<string, unknown> = {}
      if (r.borrowed) changes['alias'] = labelled(context.lab, r.spec.alias)
      for (const [name, fallback] of defaults) {
        const value = r.spec[name]
        const inAdd = type.addWords
          ? name === 'mtu' && value === type.mtu(undefined, r.spec)
          : (name === 'mtu' && !type.followsPorts) || (name === 'mac' && !type.noMac?.(r.spec))
        const isUp = name === 'up' && (value === false || isBornUp(r, context))
        const said = inAdd || (name === 'alias' && r.borrowed) || isUp
        if (value !== undefined && !said && !same(value, fallback)) changes[settingOf(type, name)] = value
      }
      return [
        ...(type.builtin ? [] : add(r, context)),
        ...joining(changes, r, undefined, context).flatMap(([some, bundled]) => set(r, some, bundled)),
        ...setPort(r, ofPort(r)),
        ...chosenPorts(type, r, r.spec),
      ]
    },

    update({ live, desired, differences }, context) {
      const changes: Record<string, unknown> = {}
      for (const { field, to } of differences)
        if (settings.has(field)) changes[settingOf(type, field)] = settingFor(field, to, desired, context)
      const typed = typeChanges(type, desired.spec, differences)
      const { mtu } = desired.spec
      if (type.tunnel && typed.length && mtu && mtu !== type.mtu(undefined, desired.spec)) changes['mtu'] = mtu
      const moved = differences.some(({ field }) => field === 'master')
      const changed = Object.fromEntries(differences.map(({ field, to }) => [field, to]))
      const halted = haltedFor(type, live, desired, typed, context)
      return [
        ...(halted ?? inTurn(type, desired.spec, typed).flatMap((some) => setType(desired, type.name, some))),
        ...joining(changes, desired, live, context).flatMap(([some, bundled]) => set(desired, some, bundled)),
        ...setPort(desired, moved ? ofPort(desired) : differences.map(({ field, to }) => [field, to])),
        ...restoredMac(live, desired, context, changes['mac']),
        ...chosenPorts(type, desired, changed, moved ? desired.spec : changed),
      ]
    },

    remove(r, context) {
      const operation: Operation = { do: 'link.delete', place: placeOf(r), name: nameOf(r.id) }
      const del: Emission = { stage: 'delete links', operation }
      if (!type.pair || r.spec.peer === undefined)
        return isLost(this, r, context) && !isInTheWay(r, context) ? [] : [del]
      if (context.goes(r.namespace)) return []
      const { peer } = r.spec
      // A namespace goes in the background; the end that stays elsewhere is taken out at once, by hand.
      const peerDiesAlone = !context.goes(peer) || context.goes(namespaceOf(peer))
      return peerDiesAlone || context.lost(peer) || r.id < peer ? [del] : []
    },
  }
}

/** Kinds of resources that the kernel removes, or forgets, when their interface is set down (of IPv6 also addresses). */
const GOES_DOWN: ReadonlySet<string> = new Set(['route', 'nexthop', 'neighbor'])

/** What the kernel is given for a difference in a setting. */
function settingFor(name: string, to: unknown, r: Link, context: PlanContext): unknown {
  if (to === 'follows its ports') return portsMtu(r, context.desired)
  return name === 'alias' && r.borrowed ? labelled(context.lab, to === '' ? undefined : String(to)) : to
}
