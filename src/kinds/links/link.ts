import type { Kind, PlanContext } from '../../model/kind.ts'
import type { Field, LinkSpec, LinkType } from '../../model/link-type.ts'
import type { Difference, Emission, Stage } from '../../model/change.ts'
import { linkId, nameOf, namespaceOf, type Resource, type Resources } from '../../model/resource.ts'
import { running } from '../../model/operation.ts'
import { labelled, labGroup } from '../../model/owner.ts'
import { covered, ends, generatedMac, ip, same } from '../common.ts'
import { removeByGroup } from './groups.ts'
import { linksOfDump } from './live-link.ts'
import { portFields } from './port.ts'
import { settingsOf } from '../settings.ts'
import { linkToLab } from './link-lab.ts'

type Link = Resource<LinkSpec>

/** IPv6 needs at least this MTU, in bytes (RFC 8200 §5); below it the kernel takes IPv6 off the interface. */
const IPV6_MIN_MTU = 1280

/** What only live interfaces have. */
const liveOnly = new Set(['mtuFollows', 'usualMac'])

/** The kind of thing that interfaces of this type are. */
export function linkKind(type: LinkType): Kind<LinkSpec> {
  const fields = Object.entries(type.fields).filter(([, { apart }]) => !apart)
  const settings = settingsOf(type)
  const ports = portFields(type)
  const defaults = [...settings].map(([name, { words, fallback }]) => [name, fallback?.(type), words] as const)

  const describe = ({ peer, link, up, master, mtu, mac, ...rest }: LinkSpec): string =>
    [
      [type.name, ...(peer === undefined ? [] : ['to', peer]), ...(link === undefined ? [] : ['on', link])].join(' '),
      ...(master === undefined ? [] : [`port of ${master}`]),
      ...(mtu === undefined || mtu === type.mtu(undefined, { up }) ? [] : [`mtu ${mtu}`]),
      ...(up ? [] : ['down']),
      ...Object.entries(rest).flatMap(([name, value]) => (liveOnly.has(name) ? [] : [`${name} ${String(value)}`])),
    ].join(', ')

  /** `ip link add … type T …` and, for a device in the machine's own namespace, the lab's mark. */
  function add(r: Link, context: PlanContext): Emission[] {
    const { spec } = r
    const group = r.root ? ['group', String(labGroup(context.lab))] : []
    const head = (id: string, s: LinkSpec): string[] => [
      ...(type.noMac?.(s) ? [] : ['address', s.mac ?? generatedMac(context.lab, id)]),
      // What a bridge has from its birth does not keep it from following its ports later.
      ...(s.mtu === undefined || type.followsPorts ? [] : ['mtu', String(s.mtu)]),
    ]
    const emit = (argv: string[], netns?: string): Emission[] => [
      { stage: 'create links', operation: running(netns === undefined ? { argv } : { argv, netns }) },
    ]
    if (type.pair) {
      const peer = context.desired.get(spec.peer ?? '') as Link | undefined
      if (!peer) return []
      if (peer.id < r.id) return [] // the first of the two makes both
      const [near, far] = ends(r, peer)
      const marked = near.root ? ['group', String(labGroup(context.lab))] : []
      const netns = far.root || far.namespace === near.namespace ? [] : ['netns', far.namespace]
      return emit(
        [
          ...['ip', 'link', 'add', 'name', nameOf(near.id), ...marked, ...head(near.id, near.spec), ...born(near)],
          ...['type', 'veth', 'peer', 'name', nameOf(far.id), ...netns, ...head(far.id, far.spec)],
        ],
        near.root ? undefined : near.namespace,
      )
    }
    if (type.addWords) return emit(type.addWords(nameOf(r.id), spec), r.root ? undefined : r.namespace)
    const words = fields.flatMap(([name, field]) =>
      spec[name] === undefined || (field.fallback !== undefined && same(spec[name], field.fallback))
        ? []
        : wordsOf(name, field, spec[name]),
    )
    const lower = spec.link
    const before = lower !== undefined && type.lowerWord !== 'dev' ? ['link', nameOf(lower)] : []
    const inside = lower !== undefined && type.lowerWord === 'dev' ? ['dev', nameOf(lower)] : []
    const made = (name: string, mark: string[], target: string[]): string[] => [
      ...['ip', 'link', 'add', ...before, 'name', name, ...mark, ...target, ...head(r.id, spec)],
      ...['type', type.name, ...words, ...inside],
    ]
    if (lower === undefined || namespaceOf(lower) === r.namespace)
      return emit(made(nameOf(r.id), group, []), r.root ? undefined : r.namespace)
    const home = context.desired.get(namespaceOf(lower))?.root || context.desired.get(lower)?.root
    const where = home ? undefined : namespaceOf(lower)
    const clash = linkId(namespaceOf(lower), nameOf(r.id))
    if (r.root || !(home || context.desired.has(clash) || context.live.has(clash)))
      return emit(made(nameOf(r.id), group, r.root ? [] : ['netns', r.namespace]), where)
    // The name is taken where the lower device is (`clash`): it is made under another, and gets its own as it moves.
    const name = `nl${generatedMac(context.lab, r.id).replaceAll(':', '')}`.slice(0, 15)
    const mark = home ? ['group', String(labGroup(context.lab))] : []
    return [
      ...emit(made(name, mark, []), where),
      ...emit(['ip', 'link', 'set', 'dev', name, 'netns', r.namespace, 'name', nameOf(r.id)], where),
    ]
  }

  /** Only one end of a pair can be up from its birth. */
  const born = ({ spec }: Link): string[] => (spec.up === false ? [] : ['up'])
  const isBornUp = (r: Link, { desired }: PlanContext): boolean => {
    const peer = type.pair ? (desired.get(r.spec.peer ?? '') as Link | undefined) : undefined
    return peer !== undefined && ends(r, peer)[0] === r
  }

  /**
   * `ip link set dev X …` for these settings, by name; nothing when there are none. A bridge is set up when its cables are
   * plugged in: until then it floods nothing of what all hosts say when IPv6 comes up (docs/kernel.md). Its MTU comes first:
   * the kernel takes one that the bridge has already, from its ports, for none.
   */
  function set(r: Link, settings: readonly (readonly [name: string, words: readonly string[]])[]): Emission[] {
    const emit = (stage: Stage, chosen: typeof settings): Emission[] => {
      const words = chosen.flatMap(([, own]) => own)
      return words.length ? [{ stage, operation: ip(r, 'link', 'set', 'dev', nameOf(r.id), ...words) }] : []
    }
    if (!type.followsPorts) return emit(type.pair && r.spec.master !== undefined ? 'set ports' : 'set links', settings)
    const some = (up: boolean): typeof settings => settings.filter(([name]) => (name === 'up') === up)
    return [...emit('set bridges', some(false)), ...emit('open bridges', some(true))]
  }

  /** `ip link set dev X type bridge_slave …`, for these settings of a port, by name. */
  const setPort = (r: Link, values: Iterable<readonly [string, unknown]>): Emission[] => {
    const words = [...values].flatMap(([name, value]) => {
      const field = ports.get(name)
      return field ? wordsOf(name, field, value) : []
    })
    return words.length ? set(r, [['port', ['type', 'bridge_slave', ...words]]]) : []
  }
  const ofPort = ({ spec }: Link): [string, unknown][] =>
    [...ports.keys()].flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]]]))

  const wordsFor = (name: string, value: unknown, r: Link, context: PlanContext): string[] =>
    name === 'alias' && r.root
      ? ['alias', labelled(context.lab, value === '' ? undefined : String(value))]
      : (settings.get(name)?.words(value) ?? [])

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
        if (to === undefined || equal(from, to)) return
        differences.push({ field, from, to, ...(forces !== undefined && { forces }) })
      }
      if (type.pair) check('peer', undefined, { forces: 'the cable goes elsewhere' })
      if (type.lower) check('link', undefined, { forces: 'the kernel cannot move it to another lower device' })
      for (const [name, field] of fields) check(name, field.fallback, field)
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

    needs: ({ namespace, root, spec }) => [
      ...(root ? [] : [namespace]),
      ...(spec.link === undefined ? [] : [spec.link]),
      ...(spec.master === undefined ? [] : [linkId(namespace, spec.master)]),
    ],

    // A master is joined when all links are made: the other end of a cable must not wait for it.
    below: ({ spec }) => (spec.link === undefined ? [] : [spec.link]),

    lostWith: ({ namespace, spec }) => [namespace, ...[spec.link, spec.peer].filter((id) => id !== undefined)],

    ...(type.builtin && { automatic: () => true }),

    afterLosing: (r, goes) =>
      r.spec.master === undefined || !goes(linkId(r.namespace, r.spec.master))
        ? r
        : { ...r, spec: without(r.spec, 'master') },

    disturbs({ live, desired, differences }, wiring) {
      const changes = new Map(differences.map((d) => [d.field, d]))
      const down = changes.get('up')?.to === false
      const small = Number(changes.get('mtu')?.to) < IPV6_MIN_MTU
      const cycled = changes.has('master') && [live, desired].some((r) => isVrf(wiring.resources, r))
      const moved = changes.has('master')
      // neigh_changeaddr in the kernel's net/core/neighbour.c: static entries go as well.
      const readdressed = changes.has('mac') || changes.has('arp')
      if (!down && !small && !moved && !readdressed) return []
      const name = nameOf(live.id)
      return wiring.on(live.id).flatMap((r) => {
        if (moved && r.spec['port'] === name) return [r.id]
        if (readdressed && r.kind === 'neighbor') return [r.id]
        const survives = r.spec['family'] !== 6 && (small || (r.kind !== 'route' && r.kind !== 'neighbor'))
        return r.spec['port'] !== name && !survives && (down || small || cycled) ? [r.id] : []
      })
    },

    create: (r, context) => [
      ...(type.builtin ? [] : add(r, context)),
      ...set(r, [
        ...(r.root ? [['alias', ['alias', labelled(context.lab, r.spec.alias)]] as const] : []),
        ...defaults.flatMap(([name, fallback, words]): [string, string[]][] => {
          const value = r.spec[name]
          const inAdd = type.addWords
            ? name === 'mtu' && value === type.mtu(undefined, r.spec)
            : (name === 'mtu' && !type.followsPorts) || (name === 'mac' && !type.noMac?.(r.spec))
          const isUp = name === 'up' && (value === false || isBornUp(r, context))
          const said = inAdd || (name === 'alias' && r.root) || isUp
          return value === undefined || said || same(value, fallback) ? [] : [[name, words(value)]]
        }),
      ]),
      ...setPort(r, ofPort(r)),
    ],

    update({ desired, differences }, context) {
      const common = differences.flatMap(({ field, to }): [string, string[]][] =>
        settings.has(field)
          ? [[field, wordsFor(field, to === 'follows its ports' ? portsMtu(desired, context) : to, desired, context)]]
          : [],
      )
      const typed = differences.flatMap(({ field, to }) => {
        const spec = type.fields[field]
        return spec ? wordsOf(field, spec, to) : []
      })
      const moved = differences.some(({ field }) => field === 'master')
      return [
        ...set(desired, typed.length ? [['type', ['type', type.name, ...typed]]] : []),
        ...set(desired, common),
        ...setPort(desired, moved ? ofPort(desired) : differences.map(({ field, to }) => [field, to])),
      ]
    },

    removeMany: removeByGroup,

    remove(r, context) {
      const del: Emission = { stage: 'delete links', operation: ip(r, 'link', 'del', 'dev', nameOf(r.id)) }
      if (!type.pair || r.spec.peer === undefined) return covered(this, r, context) ? [] : [del]
      if (context.goes(r.namespace)) return []
      const { peer } = r.spec
      // A namespace goes in the background; the end that stays elsewhere is taken out at once, by hand.
      const peerDiesAlone = !context.goes(peer) || context.goes(namespaceOf(peer))
      return peerDiesAlone || context.lost(peer) || r.id < peer ? [del] : []
    },
  }
}

const wordsOf = (name: string, { words }: Field, value: unknown): string[] => words?.(value) ?? [name, String(value)]

const without = (spec: LinkSpec, field: string): LinkSpec =>
  Object.fromEntries(Object.entries(spec).filter(([name]) => name !== field)) as LinkSpec

const isVrf = (resources: Resources, { namespace, spec }: Link): boolean =>
  spec.master !== undefined && resources.get(linkId(namespace, spec.master))?.kind === 'vrf'

/** The smallest MTU of the bridge's ports, as the kernel would choose it (1500 when it has none). */
function portsMtu(bridge: Link, { desired }: PlanContext): number {
  const mtus = [...desired.values()].flatMap(({ namespace, spec }) =>
    namespace === bridge.namespace && spec['master'] === nameOf(bridge.id) && typeof spec['mtu'] === 'number'
      ? [spec['mtu']]
      : [],
  )
  return mtus.length ? Math.min(...mtus) : 1500
}
