import type { Kind } from '../../model/kind.ts'
import { TXQUEUELEN, type Field, type LinkSpec, type LinkType } from '../../model/link-type.ts'
import { aliasOf, labGroup } from '../../model/owner.ts'
import { linkId, type Resource } from '../../model/resource.ts'
import type { IpLink } from '../../model/runner.ts'
import { generatedMac, same } from '../common.ts'
import { isFallback } from './fallbacks.ts'
import { portFields } from './port.ts'
import { settingsOf } from '../settings.ts'

/** Finds the interfaces of a type in a dump. */
export const linksOfDump = (type: LinkType): Kind<LinkSpec>['read'] => {
  const fields = Object.entries(type.fields).filter(([, { apart }]) => !apart)
  const settings = [...settingsOf(type)].flatMap(([name, { read, fallback }]) =>
    read ? [[name, read, fallback?.(type)] as const] : [],
  )
  const add = (
    to: Record<string, unknown>,
    fields: Iterable<readonly [string, Field]>,
    data: Readonly<Record<string, unknown>>,
    link: IpLink,
  ): void => {
    for (const [name, field] of fields) {
      const value = field.read ? field.read(data, link) : data[field.json ?? name]
      if (value !== undefined && !same(value, field.fallback)) to[name] = value
    }
  }
  return (dump, scope) => {
    const mine = byType(dump.links).get(type.name)
    if (!mine) return [] // the usual case: this runs for every type in every namespace
    const ports = new Map<string, number>()
    if (type.followsPorts)
      for (const l of dump.links) if (l.master) ports.set(l.master, Math.min(l.mtu, ports.get(l.master) ?? Infinity))
    // An interface of a borrowed namespace that the lab has adopted lacks the group, and keeps its address.
    const isMade = ({ group }: IpLink): boolean => !scope.borrowed || Number(group) === labGroup(scope.lab)
    return mine.flatMap((l): Resource<LinkSpec>[] => {
      // `link` in `info_data` is the lower device, unless that is in another namespace: then the name means nothing here.
      const own = type.lowerAttribute !== undefined && l.link_netnsid === undefined
      const lower = own ? l.linkinfo?.info_data?.['link'] : undefined
      const id = linkId(scope.namespace, l.ifname)
      const { info_data = {}, info_slave_kind, info_slave_data = {} } = l.linkinfo ?? {}
      const typed: Record<string, unknown> = {}
      add(typed, fields, info_data, l)
      if (isFallback(l.ifname, typed)) return []
      const mac = type.noMac?.(typed) ? undefined : ownAddress(l)
      // A program that opens a TAP may choose its address.
      const usualMac = type.macOfPorts
        ? portAddress(dump.links, l)
        : scope.made && isMade(l) && mac && !type.addWords
          ? generatedMac(scope.lab, id)
          : undefined
      // Filled field by field: spreads of objects would take most of the time that is spent here.
      const spec = { mtu: l.mtu } as { -readonly [K in keyof LinkSpec]: LinkSpec[K] } & Record<string, unknown>
      if (type.followsPorts && l.mtu === (ports.get(l.ifname) ?? 1500)) spec.mtuFollows = true
      if (mac) spec.mac = mac
      if (usualMac !== mac && usualMac) spec.usualMac = usualMac
      spec.up = l.flags.includes('UP')
      const alias = scope.borrowed ? aliasOf(l.ifalias) : type.builtin ? undefined : l.ifalias
      if (alias) spec.alias = alias
      if (l.txqlen !== undefined && l.txqlen !== (type.txqueuelen ?? TXQUEUELEN)) spec['txqueuelen'] = l.txqlen
      if (l.flags.includes('NOARP') && !type.builtin && !type.noArp) spec['arp'] = false
      if (l.flags.includes('PROMISC')) spec['promisc'] = true
      for (const [name, read, fallback] of settings) {
        const value = read(l, type, scope)
        if (value !== undefined && value !== fallback) spec[name] = value
      }
      if (l.master) spec.master = l.master
      if (info_slave_kind === 'bridge') add(spec, portFields(type), info_slave_data, l)
      if (typeof lower === 'string') spec.link = linkId(scope.namespace, lower)
      Object.assign(spec, typed)
      return [
        { id, kind: type.name, namespace: scope.namespace, ...(scope.borrowed && { borrowed: scope.borrowed }), spec },
      ]
    })
  }
}

const grouped = new WeakMap<readonly IpLink[], Map<string, IpLink[]>>()
/** The links by the names of their types. */
function byType(links: readonly IpLink[]): Map<string, IpLink[]> {
  let groups = grouped.get(links)
  if (groups) return groups
  grouped.set(links, (groups = new Map<string, IpLink[]>()))
  for (const link of links) {
    const name = typeName(link) ?? ''
    const group = groups.get(name)
    if (group) group.push(link)
    else groups.set(name, [link])
  }
  return groups
}

/** The address that it has when it is not a port: a bond gives its ports its own, and says theirs; a team does not. */
function ownAddress({ address, linkinfo }: IpLink): string | undefined {
  if (linkinfo?.info_slave_kind === 'team') return undefined
  const own = linkinfo?.info_slave_kind === 'bond' ? linkinfo.info_slave_data?.['perm_hwaddr'] : undefined
  return typeof own === 'string' ? own : address
}

/** Its address if that is one of its ports', otherwise the first one's; undefined when it has no ports. */
function portAddress(links: readonly IpLink[], bond: IpLink): string | undefined {
  const all = links.flatMap((l) => (l.master === bond.ifname ? (ownAddress(l) ?? []) : []))
  return all.find((address) => address === bond.address) ?? all[0]
}

/** The type's name in the table of types. `tun` devices are TAPs or TUNs, and lo has no info_kind. */
function typeName(link: IpLink): string | undefined {
  const kind = link.linkinfo?.info_kind
  if (!kind && link.flags.includes('LOOPBACK')) return 'loopback'
  return kind === 'tun' ? String(link.linkinfo?.info_data?.['type'] ?? 'tun') : kind
}
