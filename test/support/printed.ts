import { isDeepStrictEqual } from 'node:util'
import { linkTypes } from '../../src/kinds/links/link-types.ts'
import { attributeTable } from './attributes.ts'

/** An object that iproute2 has printed. */
export type Json = Record<string, unknown>

const inside = (value: unknown): Json[] =>
  (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'object')
const typeOf = new Map(linkTypes.map(({ name, kind }) => [kind ?? name, name]))

/** The kinds of the table of attributes to which the parts of an object belong, and their attributes. */
export function kindsOf(object: Json): (readonly [kind: string, object: Json])[] {
  if ('nsid' in object) return []
  if ('rx_sc' in object) {
    const keys = (list: unknown) => inside(list ?? []).map((one) => ['macsec key', one] as const)
    const channels = inside(object['rx_sc']).flatMap((one) => [
      ['macsec channel', one] as const,
      ...keys(one['sa_list']),
    ])
    return [['macsec', object], ...keys(object['sa_list']), ...channels]
  }
  if ('addr_info' in object) return inside(object['addr_info']).map((one) => ['address', one] as const)
  if ('ifname' in object && 'flags' in object && 'mtu' in object) {
    const { info_kind, info_data, info_slave_kind, info_slave_data } = (object['linkinfo'] ?? {}) as Record<
      string,
      Json
    >
    const type = String(info_kind) === 'tun' ? String(info_data?.['type']) : typeOf.get(String(info_kind))
    return [
      ['link', object],
      // A type of which no lab can have one is that of a device of others.
      ...(info_data && type !== undefined ? [[`type ${type}`, info_data] as const] : []),
      ...(info_slave_data
        ? [
            [
              String(info_slave_kind) === 'bridge' ? 'port' : `port of a ${String(info_slave_kind)}`,
              info_slave_data,
            ] as const,
          ]
        : []),
    ]
  }
  if ('vlans' in object) return inside(object['vlans']).map((one) => ['vlan', one] as const)
  if ('mdb' in object) return inside(object['mdb']).map((one) => ['mdb', one] as const)
  if ('port' in object && 'family' in object) return [['fou', object]]
  if ('mac' in object) return [['fdb', object]]
  if ('priority' in object) return [['rule', object]]
  if ('kind' in object) {
    const kind = String(object['kind'])
    return [['qdisc', object], ...(attributeTable.has(kind) ? [[kind, object['options'] as Json] as const] : [])]
  }
  if ('id' in object) return [['nexthop', object]]
  if ('state' in object || 'proxy' in object) return [['neighbour', object]]
  if ('table' in object || 'scope' in object || 'protocol' in object)
    return [
      ['route', object],
      ...inside(object['nexthops'] ?? []).map((one) => ['next hop', one] as const),
      ...inside(object['metrics'] ?? []).map((one) => ['metrics', one] as const),
    ]
  return []
}

const sections: readonly (readonly [name: string, command: string])[] = [
  ['link', 'ip -j -d -N link'],
  ['address', 'ip -j -d -N address'],
  ...['4', '6'].flatMap((family) =>
    ['route show table all', 'rule', 'nexthop'].map((words) => [family, `ip -${family} -j -d -N ${words}`] as const),
  ),
  ['nexthop', 'ip -j -d -N nexthop'],
  ['mpls', 'ip -M -j -d -N route'],
  ['neighbour', 'ip -j neigh show nud all'],
  ['proxy', 'ip -j neigh show proxy'],
  ['bridge', 'bridge -j -d fdb'],
  ['bridge', 'bridge -j -d mdb'],
  ['bridge', 'bridge -j vlan'],
  ['macsec', 'ip -j macsec show'],
  ['fou', 'ip -j fou show'],
  ['tc', 'tc -j qdisc'],
]

/** A shell script that prints all of these namespaces that iproute2 prints of what labs have, for `objectsIn`. */
export const printAll = (namespaces: readonly string[]): string =>
  namespaces
    .flatMap((name) =>
      sections.map(
        ([section, command]) =>
          `echo "@ ${name} ${section}"; ${command.replace(' ', ` -n ${name} `)} 2>/dev/null || true; echo`,
      ),
    )
    .join('\n')

/** What identifies an object of a kind. An interface that was made anew is still the one of its name. */
const namesOf = (kind: string, object: Json): string[] =>
  [...(attributeTable.get(kind)?.attributes ?? [])]
    .filter(([name, { treatment }]) => treatment === 'name' && name !== 'ifindex')
    .map(([name]) => (name === 'address' && object['family'] === 'inet6' ? '' : `${name} ${String(object[name])}`))

interface Printed {
  readonly kind: string
  readonly object: Json
  /** What it is a part of. */
  readonly whole?: string
}

/** The objects that `printAll` has printed, by what identifies them. */
export function objectsIn(text: string): Map<string, Printed> {
  const objects = new Map<string, Printed>()
  const add = (key: string, printed: Printed): string => {
    let n = 0
    while (objects.has(`${key} ${n}`)) n++
    objects.set(`${key} ${n}`, printed)
    return `${key} ${n}`
  }
  let place = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('@ ')) place = line
    if (!line.startsWith('[{')) continue
    const family = / (4|6)$/.exec(place)?.[1]
    for (const one of JSON.parse(line) as Json[]) {
      let whole: string | undefined
      for (const [kind, part] of kindsOf(one)) {
        // Groups have no family, and the others are printed by family as well.
        if (kind === 'nexthop' && family === undefined && !('group' in part)) continue
        const object = kind === 'nexthop' ? { ...part, family } : part
        const key = [
          kind === 'nexthop' ? place.replace(/ \w+$/, '') : place,
          kind,
          one['ifname'],
          ...namesOf(kind, object),
          object['parent'],
        ].join(' ')
        if (whole === undefined || /^(address|vlan|mdb|macsec .*)$/.test(kind)) whole = add(key, { kind, object })
        else add(`${whole} ${kind}`, { kind, object, whole })
      }
    }
  }
  return objects
}

/** `KIND ATTRIBUTE` of what differs between two prints, and `KIND +` and `KIND -` where objects came and went. */
export function differing(before: string, after: string): Set<string> {
  const [old, now] = [objectsIn(before), objectsIn(after)]
  const found = new Set<string>()
  const compare = (a: typeof old, b: typeof old, sign: string): void => {
    for (const [key, { kind, object, whole }] of a) {
      const other = b.get(key)?.object ?? (whole !== undefined && b.has(whole) ? {} : undefined)
      if (!other) found.add(`${kind} ${sign}`)
      else
        for (const name of Object.keys({ ...object, ...other }))
          if (!isDeepStrictEqual(object[name], other[name])) found.add(`${kind} ${name}`)
    }
  }
  compare(now, old, '+')
  compare(old, now, '-')
  return found
}
