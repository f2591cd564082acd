import { contains, parseCidr, type Cidr } from '../model/cidr.ts'
import type { Reachable } from '../model/reach-pair.ts'
import type { Dump, IpLink } from '../model/runner.ts'

/** What a rule says that treats the packets of equal hosts differently: by chance, by number, by what came before, or by parts of an address. */
const UNEQUAL =
  /statistic|random|numgen|hash|limit|quota|recent|cluster|u32|bpf|hmark|\bct count\b|\bset\b|\bv?map\b|[@&]|\/\d+\.\d+\.\d+\.\d+|\d-\d+\.\d|[0-9a-f:]-[0-9a-f]*:/i
/** Queueing disciplines that lose nothing by themselves. */
const LOSSLESS = new Set(['noqueue', 'fq_codel', 'pfifo_fast', 'pfifo', 'mq'])
/** An address with or without a prefix length, or a MAC address. */
const ADDRESS = /(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4})(?:\/\d{1,3})?/g
/** What a bridge says of a port that neither decides about packets nor is the same for two ports. */
const PASSING = /^(id|no|designated_.*|bridge_id|root_id|.*_timer|topology_change_ack|config_pending)$/
/** … and the kernel of an interface. */
const NUMBERED = new Set(['ifindex', 'link_index', 'link_netnsid', 'address', 'stats', 'stats64'])

/**
 * Divides the hosts into classes of those that the configuration of the kernel does not tell apart, so that exchanging two of one class changes no
 * answer. Two hosts are alike when
 * - everything that netlab reads in their namespaces is the same, but for their own name and the addresses of their only interface;
 * - this interface is a cable into ports of one bridge with the same settings;
 * - every network, address and name of a port that anything in the lab mentions fits both or neither.
 * A host of which this cannot be said is a class of its own, and so is every host of a lab where chance or hashing decides
 * (`UNEQUAL`, several next hops, losses).
 */
export function alikeHosts(hosts: readonly Reachable[], dumps: ReadonlyMap<string, Dump>): number[][] {
  const apart = (): number[][] => hosts.map((_, i) => [i])
  for (const dump of dumps.values()) if (isUnequal(dump)) return apart()
  const found = hosts.map(({ name }) => cableOf(name, dumps))
  const mentioned = new Set<string>()
  const words = new Map<string, Set<string>>()
  const texts = hosts.map(({ name }, i) => {
    const cable = found[i]
    return cable && ownText(name, dumps.get(name)!, cable)
  })
  const hostNames = new Set(hosts.flatMap(({ name }, i) => (found[i] ? [name] : [])))
  for (const text of texts) for (const [address] of (text ?? '').matchAll(ADDRESS)) mentioned.add(address)
  const portsBy = new Map<string, Set<string>>()
  for (const cable of found) {
    if (!cable) continue
    const ports = portsBy.get(cable.far) ?? new Set()
    portsBy.set(cable.far, ports.add(cable.port.ifname))
  }
  for (const [name, dump] of dumps) {
    if (hostNames.has(name)) continue
    const text = textOf(withoutPorts(dump, portsBy.get(name) ?? new Set()))
    for (const [address] of text.matchAll(ADDRESS)) mentioned.add(address)
    words.set(name, new Set(text.match(/[^\s"\\,{}[\]!]+/g) ?? []))
  }
  const networks = [...mentioned].flatMap((text): (Cidr & { readonly text: string })[] => {
    const cidr = parseCidr(text)
    return cidr ? [{ ...cidr, text }] : []
  })
  const wildcards = new Map(
    [...words].map(([name, all]) => [
      name,
      [...all].filter((word) => /.[+*]$/.test(word)).map((word) => word.slice(0, -1)),
    ]),
  )
  const classes = new Map<string, number[]>()
  hosts.forEach((_, i) => {
    const cable = found[i]
    const isMentioned =
      !cable || words.get(cable.far)?.has(cable.port.ifname) || cable.macs.some((mac) => mentioned.has(mac))
    const key = isMentioned
      ? `${i}`
      : [
          texts[i],
          cable.far,
          portText(cable, dumps.get(cable.far)!),
          ...cable.addresses.flatMap((address) =>
            networks.filter((one) => contains(one, address)).map(({ text }) => text),
          ),
          ...(wildcards.get(cable.far) ?? []).filter((start) => cable.port.ifname.startsWith(start)),
        ].join('\n')
    const same = classes.get(key)
    if (same) same.push(i)
    else classes.set(key, [i])
  })
  return [...classes.values()]
}

function isUnequal({
  iptables,
  ip6tables,
  nftables,
  ipsets,
  traffic,
  qdiscs,
  routes,
  nexthops,
  legacy,
}: Dump): boolean {
  return (
    [iptables, ip6tables, nftables].some((text) => UNEQUAL.test(text)) ||
    Boolean(ipsets) ||
    (traffic !== undefined && traffic.size > 0) ||
    (legacy !== undefined && legacy.length > 0) ||
    qdiscs.some(({ kind }) => !LOSSLESS.has(kind)) ||
    routes.some((route) => route.nexthops !== undefined || route.nhid !== undefined) ||
    (nexthops !== undefined && nexthops.length > 0)
  )
}

/** The only interface of a host, and the port of a bridge at the other end of its cable. */
interface Cable {
  readonly addresses: readonly string[]
  readonly macs: readonly string[]
  readonly far: string
  readonly port: IpLink
}

function cableOf(name: string, dumps: ReadonlyMap<string, Dump>): Cable | undefined {
  const dump = dumps.get(name)
  const [link, ...more] = dump?.links.filter(({ ifname }) => ifname !== 'lo') ?? []
  if (!dump || !link || more.length || link.link_netnsid === undefined) return undefined
  const far = dump.nsids.get(link.link_netnsid)
  const port = far === undefined ? undefined : dumps.get(far)?.links.find(({ ifindex }) => ifindex === link.link_index)
  if (far === undefined || !port || port.linkinfo?.info_slave_kind !== 'bridge') return undefined
  const addresses = dump.addresses
    .filter(({ ifname }) => ifname === link.ifname)
    .flatMap(({ addr_info }) => addr_info.flatMap(({ local }) => (local === undefined ? [] : [local])))
  const macs = [link.address, port.address].filter((mac) => mac !== undefined)
  return { addresses, macs, far, port }
}

/** The settings of a port. */
const portText = ({ port }: Cable, { conf, vlans }: Dump): string =>
  textOf([
    steady(port),
    conf.get(port.ifname) ?? {},
    vlans?.filter(({ ifname }) => ifname === port.ifname).map((one) => ({ ...one, ifname: '' })) ?? [],
  ])

/** Everything in the namespace of a host, with signs in place of its name and addresses. */
function ownText(name: string, dump: Dump, { addresses, macs }: Cable): string {
  const signs = new Map([...addresses, ...macs].map((address, i) => [address, `@${i}`]))
  const { nsids: _nsids, links, ...rest } = dump
  const text = textOf({ ...rest, links: links.map((link) => ({ ...steady(link), address: link.address })) })
  return text
    .replace(ADDRESS, (address) => signs.get(address) ?? signs.get(address.replace(/\/(32|128)$/, '')) ?? address)
    .replaceAll(`"${name}"`, '"@"')
}

/** A namespace without what belongs to these ports of its bridges: their own settings are compared by `steady`. */
function withoutPorts({ nsids: _nsids, ...dump }: Dump, ports: ReadonlySet<string>): object {
  const own = new Set(dump.links.flatMap(({ ifname, address }) => (ports.has(ifname) && address ? [address] : [])))
  const others = <T extends object>(list: readonly T[], field: string): readonly T[] =>
    list.filter((one) => !ports.has(String((one as Record<string, unknown>)[field])))
  return {
    ...dump,
    links: others(dump.links, 'ifname'),
    addresses: others(dump.addresses, 'ifname').concat(
      dump.addresses.filter(
        ({ ifname, addr_info }) => ports.has(ifname) && addr_info.some(({ local }) => !local?.startsWith('fe80')),
      ),
    ),
    routes: dump.routes.filter(({ dev, dst }) => !(dev !== undefined && ports.has(dev) && /^(fe80|ff00)/.test(dst))),
    qdiscs: others(dump.qdiscs, 'dev'),
    conf: [...dump.conf].filter(([device]) => !ports.has(device)),
    vlans: others(dump.vlans ?? [], 'ifname'),
    // A bridge has an entry for the address of each port; what it has learnt of multicast changes by itself.
    fdb: (dump.fdb ?? []).filter(({ ifname, mac }) => !ports.has(ifname) || !own.has(mac)),
    mdb: (dump.mdb ?? []).filter(({ state }) => state === 'permanent'),
  }
}

/** The settings of an interface that do not number it. */
const steady = (link: IpLink): object => {
  const { ifname: _ifname, linkinfo, ...rest } = link
  const data = Object.entries(linkinfo?.info_slave_data ?? {}).filter(([field]) => !PASSING.test(field))
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([field]) => !NUMBERED.has(field))),
    linkinfo: { ...linkinfo, info_slave_data: Object.fromEntries(data) },
  }
}

/** Any part of a dump as text; counters of rules count for nothing. */
const textOf = (part: object): string =>
  JSON.stringify(part, (_, value: unknown) =>
    value instanceof Map ? [...(value as Map<unknown, unknown>)] : value,
  ).replace(/\[\d+:\d+\]/g, '')
