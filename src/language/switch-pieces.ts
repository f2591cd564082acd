import { lenderOf } from '../model/lender.ts'
import { elsewhere } from './drafts.ts'
import { evpnFabric, type EvpnCount, type EvpnFabric } from './evpn-fabric.ts'
import type { LinkFile, NamespaceFile } from './lab-file.ts'
import type { Report } from './report.ts'
import { pieceOf, spreadSwitches, type SpreadFile, type SpreadSwitch, type SwitchFile } from './spread-switches.ts'
import type { Path, Source } from './yaml/source.ts'

/** A lab in which each namespace is on one machine. */
export interface Pieces {
  /** Finds also what stands for switches on several machines in the file. */
  readonly source: Source
  /** The ids of interfaces with an MTU that the file does not say. */
  readonly assumed: readonly string[]
}

/** Settings that make a bridge a host, or belong to the first piece. */
const OF_FIRST = new Set([...elsewhere, 'mac'])

/**
 * The lab with a namespace for each piece of a switch that is on several machines. The first has the name of the switch, and all that
 * the file says of it; the others have the same bridges. All pieces are joined with each other, and a link to a bridge of the switch
 * ends in the piece on the machine of its other end. Nothing else knows of such switches. Reports what cannot be spread.
 */
export function withPieces(source: Source, report: Report): Pieces {
  const file = source.value as SpreadFile
  const switches = spreadSwitches(file, report)
  if (switches.size === 0) return { source, assumed: [] }
  const { links = [] } = file
  const count = { pieces: 0, bridges: 0 }
  const apart = new Map([...switches].map(([name, one]) => [name, takenApart(one, count, report)]))
  const namespaces = Object.entries(file.namespaces).flatMap(([name, fields]): (readonly [string, unknown])[] => [
    ...(apart.get(name)?.namespaces ?? [[name, fields]]),
  ])
  const joints = [...apart].flatMap(([of, made]) => made.links.map((link) => ({ of, link })))
  const places = new Map(
    [...apart].flatMap(([of, made]) => [...made.namespaces.keys()].map((piece, n) => [piece, { of, n }] as const)),
  )
  const moved = moves(file, switches)
  /** By number and end of a link, the end as the file has it. */
  const written = new Map<string, string>()
  const all = links.map((link, i): LinkFile => {
    const { endpoints } = link
    const to = moved(link)
    if (to.size === 0) return link
    if (Array.isArray(endpoints)) return { ...link, endpoints: endpoints.map((end: string) => to.get(end) ?? end) }
    for (const [from, end] of to) written.set(`${i} ${end}`, from)
    return {
      ...link,
      endpoints: Object.fromEntries(Object.entries(endpoints).map(([end, value]) => [to.get(end) ?? end, value])),
    }
  })
  const value = {
    ...file,
    namespaces: Object.fromEntries(namespaces),
    links: [...all, ...joints.map(({ link }) => link)],
  }
  const back = (path: Path): Path => {
    const [top, name, part, ...rest] = path
    if (top === 'links' && typeof name === 'number') {
      const of = joints[name - links.length]?.of
      if (of !== undefined) return ['namespaces', of, 'machine']
      const [end, ...more] = rest
      const from = part === 'endpoints' ? written.get(`${name} ${end}`) : undefined
      return from === undefined ? path : ['links', name, part!, from, ...more]
    }
    const place = top === 'namespaces' ? places.get(String(name)) : undefined
    if (!place) return path
    const { of, n } = place
    if (part === 'machine' || (n > 0 && part !== 'bridges')) return ['namespaces', of, 'machine', n]
    return ['namespaces', of, ...path.slice(2)]
  }
  return {
    source: elsewhereWritten({ ...source, value, errors: [...report.diagnostics] }, back),
    assumed: [...apart.values()].flatMap((made) => made.assumed),
  }
}

/** The pieces of a switch, and the links between them; `assumed` as in `Pieces`. */
function takenApart(one: SpreadSwitch, count: EvpnCount, report: Report) {
  const { fields, machines, bridges } = one
  const mtus = new Map([...bridges.keys()].map((bridge) => [bridge, mtuAt(one, bridge)]))
  const fabric = fields.evpn && machines.length > 1 ? evpnFabric(one, mtus, count) : undefined
  const names = machines.map((_, n) => pieceOf(one, n))
  const links = names.flatMap((to, n) =>
    names.slice(0, n).flatMap((from, m) => {
      const pair = [from, to] as const
      return fabric ? [fabric.link(m, n, pair)] : [...mtus].map(([bridge, mtu]) => meshLink(one, bridge, mtu, pair))
    }),
  )
  const isAssumed = fabric && [...mtus.values()].includes(undefined)
  const ends = links.flatMap(({ endpoints }) => Object.keys(endpoints))
  return {
    namespaces: new Map(names.map((name, n) => [name, pieceFields(one, n, fabric, report)])),
    links,
    assumed: isAssumed ? ends.map((end) => end.replace(':', '/')) : [],
  }
}

/** The source with the positions of what is written at other paths. */
function elsewhereWritten(source: Source, back: (path: Path) => Path): Source {
  const { origin, where } = source
  const repeated = new Set<string>()
  return {
    ...source,
    position(path, on) {
      const from = back(path)
      const position = source.position(from, on)
      if (from !== path) repeated.add(`${position.line}:${position.column}`)
      return position
    },
    offset: (path) => source.offset(back(path)),
    ...(origin && { origin: (path: Path) => origin(back(path)) }),
    ...(where && { where: (path: Path) => where(back(path)) }),
    isRepeated: (at) => repeated.has(`${at.line}:${at.column}`) || source.isRepeated?.(at) === true,
  }
}

/** The fields of the n-th piece. */
function pieceFields(one: SpreadSwitch, n: number, fabric: EvpnFabric | undefined, report: Report): NamespaceFile {
  const { evpn: _, machine: __, ...first }: SwitchFile = one.fields
  const machine = one.machines[n]!
  const more = fabric?.fields(n)
  if (n > 0) {
    const bridges = [...one.bridges].map(([bridge, settings]) => [
      bridge,
      Object.fromEntries(Object.entries(settings).filter(([field]) => !OF_FIRST.has(field))),
    ])
    return { machine, bridges: Object.fromEntries(bridges) as NonNullable<NamespaceFile['bridges']>, ...more }
  }
  const joined: Record<string, unknown> = { ...first, machine }
  for (const [field, value] of Object.entries(more ?? {}) as [keyof NamespaceFile & keyof typeof first, object][]) {
    const own = Object(first[field] ?? (Array.isArray(value) ? [] : {})) as object
    for (const key of Array.isArray(own) ? [] : Object.keys(value))
      if (Object.hasOwn(own, key))
        report.error(
          'given-twice',
          ['namespaces', one.name, field, key],
          `${one.name} has ${key} for evpn`,
          'Leave it out, or choose another name.',
          'key',
        )
    joined[field] = Array.isArray(own) ? [...(own as unknown[]), ...(value as unknown[])] : { ...own, ...value }
  }
  return joined
}

/** The MTU of the ports of a bridge, in bytes, if the file says it of all of them. */
function mtuAt({ ports }: SpreadSwitch, bridge: string): number | undefined {
  const said = (ports.get(bridge) ?? []).map(({ settings }) => settings['mtu'])
  return said.length && said.every((mtu) => typeof mtu === 'number') ? Math.max(...said) : undefined
}

/** The link of two pieces of a bridge. What comes from a piece goes to hosts only, not to the next piece: its port is isolated. */
function meshLink(
  { bridges, ports }: SpreadSwitch,
  bridge: string,
  mtu: number | undefined,
  names: readonly [string, string],
): LinkFile {
  const own = bridges.get(bridge) ?? {}
  const { vlan_filtering, vlan_default_pvid = 1 } = own
  const members = [own, ...(ports.get(bridge) ?? []).map(({ settings }) => settings)]
  const used = members.flatMap(({ pvid, vlans }) => [pvid, ...(Array.isArray(vlans) ? (vlans as unknown[]) : [])])
  const vlans = [...new Set([vlan_default_pvid, ...used])].filter((vlan) => vlan !== undefined && vlan !== 0)
  const port = { isolated: true, ...(vlan_filtering === true && { vlans }) }
  const endpoints = Object.fromEntries(names.map((name) => [`${name}:${bridge}`, port]))
  return { endpoints, ...(mtu !== undefined && { mtu }) }
}

/** For a link, the ends that are at bridges of switches on several machines and belong to another piece than the first. */
function moves(file: SpreadFile, switches: ReadonlyMap<string, SpreadSwitch>): (link: LinkFile) => Map<string, string> {
  /** By switch and namespace, the piece to which netlab has given it. */
  const turns = new Map<string, Map<string, number>>()
  /** The machines that an end can be on. */
  const placesOf = (end: string): readonly string[] => {
    const [name = '', bridge = ''] = end.split(':')
    const one = switches.get(name)
    if (one) return one.bridges.has(bridge) ? one.machines : one.machines.slice(0, 1)
    const { machine } = file.namespaces[name] ?? {}
    return typeof machine === 'string' ? [machine] : []
  }
  /** The number of the piece for a namespace that can be anywhere. */
  const turnOf = (one: SpreadSwitch, other: string): number => {
    const fields = file.namespaces[other]
    if (file.place !== 'auto' || fields?.machine !== undefined || fields?.root || lenderOf(fields)) return 0
    const taken = turns.get(one.name) ?? new Map<string, number>()
    turns.set(one.name, taken)
    const turn = taken.get(other) ?? taken.size % one.machines.length
    taken.set(other, turn)
    return turn
  }
  return ({ endpoints }) => {
    const ends = Array.isArray(endpoints) ? (endpoints as string[]) : Object.keys(endpoints)
    const [a = '', b = ''] = ends
    const places = placesOf(b)
    const common = placesOf(a).find((machine) => places.includes(machine))
    const result = new Map<string, string>()
    for (const [end, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const [name = '', bridge = ''] = end.split(':')
      const one = switches.get(name)
      if (!one?.bridges.has(bridge)) continue
      const n = common === undefined ? turnOf(one, other.split(':')[0] ?? '') : one.machines.indexOf(common)
      if (n > 0) result.set(end, `${pieceOf(one, n)}:${bridge}`)
    }
    return result
  }
}
