import { linkTypes } from '../kinds/links/link-types.ts'
import { TXQUEUELEN, type LinkType } from '../model/link-type.ts'
import type { LabFile, Settings } from '../language/lab-file.ts'
import { isFields } from '../model/fields.ts'
import { linkId } from '../model/resource.ts'
import { atTheCables, withoutPortNames } from './cables-short.ts'
import { repeatedEntries, repeatedLinks, repeatedNamespaces } from './repeat.ts'
import type { ShortForm } from './shorten.ts'

type Map = Record<string, unknown>
type Namespace = Map & { interfaces?: Record<string, Map>; bridges?: Record<string, Map> }

const namespacesOf = (file: LabFile): [string, Namespace][] =>
  Object.entries(file.namespaces).filter(([, fields]) => isFields(fields)) as [string, Namespace][]

/** Calls `change` for every interface and bridge of the long form. */
function eachInterface(file: LabFile, change: (settings: Map, id: string, isBridge: boolean) => void): void {
  for (const [namespace, { interfaces = {}, bridges = {} }] of namespacesOf(file)) {
    for (const [name, settings] of Object.entries(interfaces)) change(settings, linkId(namespace, name), false)
    for (const [name, settings] of Object.entries(bridges)) change(settings, linkId(namespace, name), true)
  }
}

const types = new Map<string, LinkType>(linkTypes.map((type) => [type.name, type]))

/** Settings that have the value which they would have anyway. */
const withoutDefaults: ShortForm = (file, stays) => {
  for (const [name, fields] of namespacesOf(file))
    if (fields['hostname'] === name && !stays(name)) delete fields['hostname']
  eachInterface(file, (settings, id, isBridge) => {
    if (stays(id)) return
    const type = types.get(isBridge ? 'bridge' : String(settings['type'] ?? 'veth'))
    for (const [name, field] of Object.entries(type?.fields ?? {})) {
      const usual = field.initialBeside?.(settings) ?? field.initial ?? field.fallback
      if (usual !== undefined && (field.same ?? Object.is)(settings[name], usual)) delete settings[name]
    }
    if (settings['txqueuelen'] === TXQUEUELEN) delete settings['txqueuelen']
  })
  return file
}

/** An MTU that follows from the lower device, or is the usual one. */
const withoutMtu: ShortForm = (file, stays) => {
  eachInterface(file, (settings, id) => void (!stays(id) && delete settings['mtu']))
  return file
}

/** States of forwarding entries that follow from their places. */
const withoutStates: ShortForm = (file, stays) => {
  eachInterface(file, (settings, id) => {
    if (!stays(id) && Array.isArray(settings['fdb']))
      for (const entry of settings['fdb'] as Map[]) delete entry['state']
  })
  return file
}

/** The settings that `ipset` gives a set of the type `hash`, in the form of `ipset save`. */
export const usualSettings: Readonly<Record<string, string>> = {
  family: 'inet',
  hashsize: '1024',
  bucketsize: '12',
  maxelem: '65536',
}

const withoutSetDefaults: ShortForm = (file, stays) => {
  for (const [name, { ipsets }] of namespacesOf(file))
    if (!stays(name) && isFields(ipsets))
      for (const set of Object.values(ipsets) as Map[])
        for (const [field, value] of Object.entries(usualSettings)) if (String(set[field]) === value) delete set[field]
  return file
}

/** `forwarding: true`, and numbers that are not quoted. */
const briefSysctls: ShortForm = (file) => {
  const [v4, v6] = ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']
  for (const [, fields] of namespacesOf(file)) {
    const sysctls = fields['sysctls']
    if (!isFields(sysctls)) continue
    const { [v4]: ipv4, [v6]: ipv6, ...rest } = sysctls as Record<string, unknown>
    const forwarding = ipv4 === '1' && ipv6 === '1' ? true : ipv4 === '1' && ipv6 === undefined ? 'ipv4' : undefined
    const left = Object.entries(forwarding === undefined ? sysctls : rest)
    fields['sysctls'] = Object.fromEntries(
      left.map(([key, value]) => [key, /^(0|[1-9]\d{0,8})$/.test(String(value)) ? Number(value) : value]),
    )
    if (left.length === 0) delete fields['sysctls']
    if (forwarding !== undefined) fields['forwarding'] = forwarding
  }
  return file
}

/** The interface of a route, where it is that of the gateway’s subnet. */
const withoutDevices: ShortForm = (file, stays) => {
  for (const [name, { routes, neighbors, nexthops }] of namespacesOf(file)) {
    if (stays(name)) continue
    for (const route of [routes, nexthops].flatMap((list) => (Array.isArray(list) ? (list as Map[]) : []))) {
      const hops = Array.isArray(route['nexthops']) ? (route['nexthops'] as Map[]) : [route]
      for (const hop of hops) if (hop['via'] !== undefined) delete hop['dev']
    }
    for (const one of (Array.isArray(neighbors) ? neighbors : []) as Map[]) delete one['dev']
  }
  return file
}

/** Members of a group of nexthops that weigh nothing special are numbers. */
const briefGroups: ShortForm = (file) => {
  for (const [, { nexthops }] of namespacesOf(file))
    for (const one of (Array.isArray(nexthops) ? nexthops : []) as Map[])
      if (Array.isArray(one['group']))
        one['group'] = (one['group'] as (Map | number)[]).map((member) =>
          isFields(member) && Object.keys(member).length === 1 ? member['id'] : member,
        )
  return file
}

/** Priorities that rules would get anyway. */
const withoutPriorities: ShortForm = (file, stays) => {
  for (const [name, { rules }] of namespacesOf(file))
    if (!stays(name)) for (const rule of (Array.isArray(rules) ? rules : []) as Map[]) delete rule['priority']
  return file
}

/** Protocols that everybody knows by name. */
const PROTOCOL_NAMES: Readonly<Record<string, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp' }

const namedProtocols: ShortForm = (file) => {
  for (const [, { rules }] of namespacesOf(file))
    for (const rule of (Array.isArray(rules) ? rules : []) as Map[])
      if (rule['ipproto'] !== undefined) rule['ipproto'] = PROTOCOL_NAMES[String(rule['ipproto'])] ?? rule['ipproto']
  return file
}

/** The fields of a namespace in the order in which people think of them. */
const ORDER = [
  ...[
    'root',
    'container',
    'pid',
    'netns',
    'shares',
    'hostname',
    'resolver',
    'forwarding',
    'sysctls',
    'bridges',
    'interfaces',
  ],
  ...['routes', 'nexthops', 'rules', 'neighbors', 'ipsets', 'iptables', 'ip6tables', 'nftables'],
]

const inUsualOrder: ShortForm = (file) => {
  const place = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length)
  return {
    ...file,
    namespaces: Object.fromEntries(
      Object.entries(file.namespaces).map(([name, fields]) => [
        name,
        fields && Object.fromEntries(Object.entries(fields).sort(([a], [b]) => place(a) - place(b))),
      ]),
    ),
  }
}

/** A namespace without settings of its own is a key and nothing more, and lists that became empty go. */
const withoutNothing: ShortForm = (file) => {
  for (const [, fields] of namespacesOf(file))
    for (const [name, value] of Object.entries(fields))
      if (name !== 'nftables' && typeof value === 'object' && value !== null && Object.keys(value).length === 0)
        delete fields[name]
  return {
    ...file,
    namespaces: Object.fromEntries(
      Object.entries(file.namespaces).map(([name, fields]) => [
        name,
        fields && Object.keys(fields).length === 0 ? null : fields,
      ]),
    ),
  }
}

/** Addresses alone are a text, or a list. */
export const addressesAlone = (settings: Settings | null | undefined): unknown => {
  const { addresses, ...rest } = (settings ?? {}) as { addresses?: unknown[] }
  if (!Array.isArray(addresses) || Object.keys(rest).length > 0) return settings
  return addresses.length === 1 && typeof addresses[0] === 'string' ? addresses[0] : addresses
}

const briefAddresses: ShortForm = (file) => {
  for (const [, fields] of namespacesOf(file))
    for (const part of ['interfaces', 'bridges'] as const) {
      const all = fields[part] as Map | undefined
      if (!all) continue
      for (const [name, settings] of Object.entries(all))
        all[name] =
          isFields(settings) && Object.keys(settings).length === 0 ? null : addressesAlone(settings as Settings)
    }
  for (const link of file.links ?? []) {
    const ends = link.endpoints as Map
    if (Array.isArray(link.endpoints)) continue
    for (const [end, settings] of Object.entries(ends)) ends[end] = addressesAlone(settings as Settings)
  }
  return file
}

/** The short forms, in the order in which they are tried. */
export const shortForms: readonly ShortForm[] = [
  withoutNothing,
  withoutDefaults,
  withoutMtu,
  withoutStates,
  withoutSetDefaults,
  briefSysctls,
  withoutDevices,
  briefGroups,
  withoutPriorities,
  namedProtocols,
  atTheCables,
  withoutPortNames,
  withoutNothing,
  briefAddresses,
  inUsualOrder,
  repeatedNamespaces,
  repeatedLinks,
  repeatedEntries,
]
