import type { Kind } from '../../model/kind.ts'
import { TXQUEUELEN, type Field, type LinkSpec, type LinkType } from '../../model/link-type.ts'
import { aliasOf } from '../../model/owner.ts'
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
  const valuesOf = (
    fields: Iterable<readonly [string, Field]>,
    data: Readonly<Record<string, unknown>>,
    link: IpLink,
  ): [string, unknown][] =>
    [...fields].flatMap(([name, field]): [string, unknown][] => {
      const value = field.read ? field.read(data, link) : data[field.json ?? name]
      return value === undefined || same(value, field.fallback) ? [] : [[name, value]]
    })
  return (dump, scope) => {
    const mine = dump.links.filter((l) => typeName(l) === type.name)
    if (mine.length === 0) return [] // as of most types: every namespace is asked for all of them
    const ports = new Map<string, number>()
    if (type.followsPorts)
      for (const l of dump.links) if (l.master) ports.set(l.master, Math.min(l.mtu, ports.get(l.master) ?? Infinity))
    return mine.flatMap((l): Resource<LinkSpec>[] => {
      // What `dev` names among a type's words is told among them.
      const own = type.lowerAttribute !== undefined && l.link_netnsid === undefined
      const lower = own ? l.linkinfo?.info_data?.['link'] : undefined
      const id = linkId(scope.namespace, l.ifname)
      const { info_data = {}, info_slave_kind, info_slave_data = {} } = l.linkinfo ?? {}
      const typed = Object.fromEntries(valuesOf(fields, info_data, l))
      if (isFallback(l.ifname, typed)) return []
      const mac = type.noMac?.(typed) ? undefined : l.address
      // A program that opens a TAP may choose its address.
      const usualMac = scope.made && mac && !type.addWords ? generatedMac(scope.lab, id) : undefined
      const spec: LinkSpec = {
        mtu: l.mtu,
        ...(type.followsPorts && l.mtu === (ports.get(l.ifname) ?? 1500) && { mtuFollows: true as const }),
        ...present('mac', mac),
        ...(usualMac !== mac && present('usualMac', usualMac)),
        up: l.flags.includes('UP'),
        ...present('alias', scope.root ? aliasOf(l.ifalias) : type.builtin ? undefined : l.ifalias),
        ...(l.txqlen !== undefined && l.txqlen !== (type.txqueuelen ?? TXQUEUELEN) && { txqueuelen: l.txqlen }),
        ...(l.flags.includes('NOARP') && !type.builtin && !type.noArp && { arp: false }),
        ...(l.flags.includes('PROMISC') && { promisc: true }),
        ...Object.fromEntries(
          settings.flatMap(([name, read, fallback]) => {
            const value = read(l, type, scope)
            return value === undefined || value === fallback ? [] : [[name, value]]
          }),
        ),
        ...present('master', l.master),
        ...(info_slave_kind === 'bridge' && Object.fromEntries(valuesOf(portFields(type), info_slave_data, l))),
        ...(typeof lower === 'string' && { link: linkId(scope.namespace, lower) }),
        ...typed,
      }
      return [{ id, kind: type.name, namespace: scope.namespace, ...(scope.root && { root: true as const }), spec }]
    })
  }
}

/** The name in the table of types of a live link; `tun` devices are TAPs or TUNs, and lo has no info_kind. */
function typeName(link: IpLink): string | undefined {
  const kind = link.linkinfo?.info_kind
  if (!kind && link.flags.includes('LOOPBACK')) return 'loopback'
  return kind === 'tun' ? String(link.linkinfo?.info_data?.['type'] ?? 'tun') : kind
}

const present = <K extends string>(key: K, value: string | undefined): { [P in K]?: string } =>
  (value ? { [key]: value } : {}) as { [P in K]?: string }
