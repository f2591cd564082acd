import type { AddressSpec } from '../../model/address-spec.ts'
import type { Check } from '../../model/check.ts'
import { canonicalAddress, familyOf, isMulticast, parseCidr, subnetOf } from '../../model/cidr.ts'
import { namesIn } from '../../model/names.ts'
import { linkId } from '../../model/resource.ts'
import { discards, type RouteSpec } from '../../model/route-spec.ts'
import type { LintedLab } from './lint.ts'

/** Where the packets of a check, or their answers, end, as far as the lab file alone says it. */
export interface Lost {
  readonly check: Check
  readonly why: 'no route' | 'not forwarding'
  /** The namespace where they end. */
  readonly at: string
  /** The address that they are for. */
  readonly to: string
  /** It is the answer that finds no way. */
  readonly back?: true
}

/** The longest way that is followed: as far as the kernel's packets go (the default of net.ipv4.ip_default_ttl). */
const HOPS = 64

/** An entry of the main routing table; without `dev` it is not said here where it leads. */
interface Entry {
  readonly dev?: string | undefined
  readonly via?: string | undefined
  readonly metric: number
  /** It is one of several. */
  readonly unclear?: boolean
}

/** By prefix length, the entries of a namespace by network: `10.0.0.0/8`. */
type Table = ReadonlyMap<number, ReadonlyMap<string, Entry>>

/**
 * The checks whose packets, or the answers to them, end in a namespace that has no route or does not forward. Whatever the file
 * does not decide ends the search without a result: rules, VRFs, translations, several ways, other types of interfaces,
 * programs that may add routes.
 */
export function lostWays(lab: LintedLab): Lost[] {
  const { topology, x, isClosed, isShared, hasProcesses, forwards } = lab
  const pings = lab.checks.flatMap((check) => {
    const text = check.ping ?? check.tcp ?? check.udp
    return text === undefined || (check.expect ?? 'pass') !== 'pass' ? [] : [{ check, text }]
  })
  if (pings.length === 0) return []
  const names = namesIn(x.resources)
  const anyProcess = Object.values(x.file.namespaces).some((fields) => fields?.processes !== undefined)
  const tables = new Map<string, Table | undefined>()
  const tableOf = (namespace: string): Table | undefined => {
    if (!tables.has(namespace)) tables.set(namespace, routingTableOf(lab, namespace))
    return tables.get(namespace)
  }

  let left = x.resources.size // so that the time is linear in the size of the lab
  /** Follows a packet; undefined when it arrives, or when the file does not say whether it does. */
  const follow = (from: string, to: string): Pick<Lost, 'why' | 'at'> | 'arrived' | undefined => {
    const family = familyOf(to)
    let at = from
    for (let hops = 0; hops < HOPS && left > 0; hops++, left--) {
      if (topology.holders(to).some(({ namespace }) => namespace === at)) return 'arrived'
      if (isShared(at)) return undefined
      if (hops > 0 && !forwards(at, family)) return hasProcesses(at) ? undefined : { why: 'not forwarding', at }
      const table = tableOf(at)
      if (!table) return undefined
      const entry = lookUp(table, to)
      if (!entry) return hasProcesses(at) || (family === 6 && anyProcess) ? undefined : { why: 'no route', at }
      if (entry.dev === undefined || entry.unclear) return undefined
      const link = linkId(at, entry.dev)
      if (!isClosed(link)) return undefined
      const next = topology
        .holders(entry.via ?? to)
        .filter((holder) => topology.segment(holder.link) === topology.segment(link))
      if (next.length !== 1 || !next[0] || next[0].namespace === at) return undefined
      at = next[0].namespace
    }
    return undefined
  }

  return pings.flatMap(({ check, text }): Lost[] => {
    const written = hostIn(check, text)
    const to = names.get(written) ?? canonicalAddress(written)
    const from = x.file.namespaces[check.from]?.shares ?? check.from
    if (to === undefined || isMulticast(to) || to.startsWith('127.') || to === '::1') return []
    if (/^(fe80:|255\.255\.255\.255)/.test(to)) return []
    const there = follow(from, to)
    if (there === undefined) return []
    if (there !== 'arrived') return [{ check, ...there, to }]
    const source = sourceOf(lab, tableOf(from), from, to)
    const [holder, ...others] = topology.holders(to)
    if (source === undefined || !holder || others.length || topology.holders(source).length !== 1) return []
    const back = follow(holder.namespace, source)
    return back === undefined || back === 'arrived' ? [] : [{ check, ...back, to: source, back: true }]
  })
}

/** The host of a check's target: `web` of `web:80`. */
function hostIn({ ping }: Check, text: string): string {
  if (ping !== undefined) return text
  const [, bracketed, plain = ''] = /^(?:\[([^\]]+)\]|([^:]+)):\d+$/.exec(text) ?? []
  return bracketed ?? plain
}

/** The address that the kernel gives a packet to this destination; undefined where there is a choice. */
function sourceOf({ topology }: LintedLab, table: Table | undefined, from: string, to: string): string | undefined {
  const dev = table && lookUp(table, to)?.dev
  const own = dev === undefined ? [] : topology.on(linkId(from, dev)).filter(({ kind }) => kind === 'address')
  const fitting = own.filter(
    ({ spec }) => spec['family'] === familyOf(to) && !String(spec['address']).startsWith('fe80:'),
  )
  return fitting.length === 1 ? String(fitting[0]?.spec['address']).replace(/\/.*/, '') : undefined
}

function lookUp(table: Table, address: string): Entry | undefined {
  const family = familyOf(address)
  for (const [prefix, entries] of table) {
    if (family === 4 && prefix > 32) continue
    const found = entries.get(subnetOf({ family, address, prefix }))
    if (found) return found
  }
  return undefined
}

/** The main table of a namespace; undefined where more than that table decides, or packets are changed. */
function routingTableOf({ topology }: LintedLab, namespace: string): Table | undefined {
  const found = new Map<number, Map<string, Entry>>()
  const put = (text: string, entry: Entry): void => {
    const cidr = parseCidr(text)
    if (!cidr) return
    const network = subnetOf(cidr)
    const entries = found.get(cidr.prefix) ?? new Map<string, Entry>()
    found.set(cidr.prefix, entries)
    const other = entries.get(network)
    if (!other || other.metric > entry.metric) entries.set(network, entry)
    else if (other.metric === entry.metric) entries.set(network, { ...other, unclear: true })
  }
  for (const r of topology.within(namespace)) {
    if (r.kind === 'rule' || r.kind === 'vrf' || r.kind === 'nftables') return undefined
    if ((r.kind === 'iptables' || r.kind === 'ip6tables') && changesPackets(r.spec)) return undefined
    if (r.spec['up'] === false) return undefined
    if (r.kind === 'address') {
      const { dev, address, remote, noprefixroute, metric = 0 } = r.spec as AddressSpec
      const text = remote === undefined ? address : address.replace(/^[^/]+/, remote)
      if (!noprefixroute) put(text, { dev, metric })
    } else if (r.kind === 'route') {
      const { to, family, type, table, via, dev, metric = 0, nexthop, nexthops, encap } = r.spec as RouteSpec
      if (family === 'mpls' || (table !== undefined && type === undefined)) continue
      const plain = type === undefined && nexthop === undefined && !nexthops && encap === undefined
      const network = to === 'default' ? '0.0.0.0/0' : to
      if (plain || discards(type)) put(network, { ...(plain && { dev, via }), metric })
      else put(network, { metric, unclear: true })
    }
  }
  for (const text of ['127.0.0.0/8', '::1/128']) put(text, { metric: 0 })
  return new Map([...found].sort(([a], [b]) => b - a))
}

/** Whether there are tables whose rules may change addresses or marks. */
const changesPackets = ({ tables }: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(tables as object).some((table) => table !== 'filter' && table !== 'security')
