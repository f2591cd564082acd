import { familyOf, formatCidr } from '../model/cidr.ts'
import type { Kind, PlanContext } from '../model/kind.ts'
import { labMetric } from '../model/owner.ts'
import type { Operation } from '../model/operation.ts'
import type { Emission } from '../model/change.ts'
import { PROTOCOL_KERNEL } from '../model/route-spec.ts'
import { linkId, type Resource, type Resources } from '../model/resource.ts'
import type { IpAddress } from '../model/ip-address.ts'
import type { Dump } from '../model/runner.ts'
import { addressWords, hostOf, nameOfAddress, type AddressSpec } from '../model/address-spec.ts'
import { placeOf } from '../model/place.ts'
import { addressId, difference, networkOf, primaries, settings, unusual } from './address-settings.ts'
import { LOCAL_TABLE, MAIN_TABLE } from '../model/tables.ts'
import { addressFromLab, addressValue } from './address-lab.ts'
import { ofInterface } from './lab-entry.ts'

/** RTPROT_KERNEL and RTN_LOCAL of rtnetlink(7), as they are printed. */
const KERNEL = '2'
const LOCAL = '2'

const isKernels = (dev: string, a: IpAddress): boolean =>
  dev === 'lo' && ((a.local === '127.0.0.1' && a.prefixlen === 8) || a.local === '::1')

/**
 * Finds which of the routes are missing that the kernel creates with an address while its interface is up: the route to the
 * address itself (IPv4 only: for IPv6 it is created after duplicate address detection) and the route to its subnet. If
 * several addresses share a route, it is reported as missing for the first.
 */
function missing(dump: Dump): (dev: string, a: IpAddress, name: string, primary: boolean) => AddressSpec['lacks'] & {} {
  const down = new Set(dump.links.flatMap(({ ifname, flags }) => (flags.includes('UP') ? [] : [ifname])))
  const known = new Set(
    dump.routes.flatMap(({ protocol, type, table, dst, dev }) =>
      protocol !== KERNEL
        ? []
        : type === LOCAL
          ? [`local ${dev ?? ''} ${dst}`]
          : Number(table) === LOCAL_TABLE
            ? []
            : [`${dev ?? ''} ${dst === 'default' ? '::/0' : dst}`],
    ),
  )
  return (dev, a, name, primary) => {
    if (down.has(dev)) return []
    const local = a.family === 'inet6' || known.has(`local ${dev} ${a.local}`)
    // The subnets of these addresses are not checked.
    if (dev === 'lo' || a.local.startsWith('fe80:')) return local ? [] : ['local']
    const network = networkOf(name)
    // fib_add_ifaddr in net/ipv4/fib_frontend.c: none to 0.0.0.0/8 and below.
    const none = a.noprefixroute || !primary || network.startsWith('0.')
    const own = none || (a.address === undefined ? name.endsWith('/32') : a.family === 'inet6')
    const route = `${dev} ${network.replace(/\/(32|128)$/, '')}`
    const direct = own || known.has(route)
    known.add(route)
    return [...(local ? [] : ['local' as const]), ...(direct ? [] : ['subnet' as const])]
  }
}

/** The missing ones of the addresses that the kernel adds to lo when it is set up. */
function lostOfLo({ links, addresses, conf }: Dump): string[] {
  if (!links.some(({ ifname, flags }) => ifname === 'lo' && flags.includes('UP'))) return []
  const own = addresses.find(({ ifname }) => ifname === 'lo')?.addr_info ?? []
  const lacks = (local: string): boolean => !own.some((a) => a.local === local)
  const has6 = conf.get('lo')?.['ipv6.disable_ipv6'] === '0'
  return [...(lacks('127.0.0.1') ? ['127.0.0.1/8'] : []), ...(has6 && lacks('::1') ? ['::1/128'] : [])]
}

/** An address of an interface. The same address with another prefix length is another resource. */
export const address: Kind<AddressSpec> = {
  name: 'address',

  read(dump, { namespace, borrowed, lab, made }) {
    const lacking = missing(dump)
    const isMarked = ({ metric }: IpAddress): boolean => metric === labMetric(lab)
    const lost = (made && !borrowed ? lostOfLo(dump) : []).map((text): Resource<AddressSpec> => ({
      id: addressId(namespace, 'lo', text),
      kind: 'address',
      namespace,
      lost: true,
      spec: { dev: 'lo', address: text, family: familyOf(text) },
    }))
    const found = dump.addresses.flatMap(({ ifname, addr_info }) => {
      const all = addr_info.flatMap((a) => {
        if (a.local === undefined || isKernels(ifname, a)) return []
        const spec: AddressSpec = {
          dev: ifname,
          address: formatCidr({ family: 4, address: a.local, prefix: a.prefixlen }),
          family: a.family === 'inet' ? 4 : 6,
          ...unusual(ifname, a),
        }
        return [{ a, name: nameOfAddress(spec), spec, others: spec.origin !== undefined || spec.proto !== undefined }]
      })
      const inOrder = [...all.filter(({ a }) => !a.secondary), ...all.filter(({ a }) => a.secondary)]
      const firstOf = (chosen: (one: (typeof all)[number]) => boolean): Map<string, string> =>
        primaries(inOrder.filter(chosen).map(({ name }) => name))
      const earlier = firstOf(({ others }) => !others)
      const earliest = all.some(({ others }) => others) ? firstOf(() => true) : earlier
      // On an interface of the machine's own, only addresses with the lab's mark are the lab's.
      const marked = borrowed ? firstOf(({ a }) => isMarked(a)) : undefined
      return all.map(({ a, name, spec, others }): Resource<AddressSpec> => {
        const primary = (others ? earliest : marked && isMarked(a) ? marked : earlier).get(name)
        const lacks = others ? [] : lacking(ifname, a, name, !earlier.has(name))
        return {
          id: addressId(namespace, ifname, name),
          kind: 'address',
          namespace,
          ...(borrowed && { borrowed }),
          ...(others && { others }),
          spec: { ...spec, ...(primary !== undefined && { primary }), ...(lacks.length && { lacks }) },
        }
      })
    })
    return [...found, ...lost]
  },

  fromLab: addressFromLab,
  toLab: (r, resources) => ofInterface(r, r.spec.dev, resources, { addresses: [addressValue(r, resources)] }),

  describe: (spec) =>
    [
      ...(spec.primary === undefined ? [] : ['secondary']),
      ...(spec.origin === undefined ? [] : [spec.origin]),
      ...(spec.proto === undefined ? [] : [`proto ${spec.proto}`]),
      ...addressWords(spec).slice(nameOfAddress(spec).split(' ').length),
    ].join(' '),

  published: ({ lacks: _, ...spec }) => spec,

  compare: (live, desired) => [
    ...(live.primary === desired.primary
      ? []
      : [
          {
            field: 'primary',
            ...(live.primary !== undefined && { from: live.primary }),
            ...(desired.primary !== undefined && { to: desired.primary }),
            forces: 'which address of a subnet comes first is decided when they are added',
          },
        ]),
    ...settings.flatMap((field) => difference(field, live, desired)),
    // A limited lifetime is not restored: netlab cannot set one.
    ...(live.valid_lft === undefined || desired.valid_lft !== undefined
      ? []
      : [{ field: 'valid_lft', from: live.valid_lft, to: 'forever' }]),
    ...(live.proto === desired.proto || desired.proto !== undefined ? [] : [{ field: 'proto', from: live.proto }]),
    ...(live.lacks ?? []).flatMap((route) =>
      desired.lacks?.includes(route) || (route === 'subnet' && desired.noprefixroute)
        ? []
        : [{ field: 'route', to: route === 'local' ? `local ${hostOf(desired)}` : networkOf(nameOfAddress(desired)) }],
    ),
  ],

  needs: ({ namespace, spec }) => [
    linkId(namespace, spec.dev),
    ...(spec.primary === undefined ? [] : [addressId(namespace, spec.dev, spec.primary)]),
  ],

  lostWith: ({ namespace, spec }) => [
    namespace,
    linkId(namespace, spec.dev),
    ...(spec.primary === undefined ? [] : [addressId(namespace, spec.dev, spec.primary)]),
  ],

  // The second is what a tunnel of type sit gets from the addresses of IPv4 (add_v4_addrs in net/ipv6/addrconf.c).
  automatic: ({ spec }) => spec.address.startsWith('fe80:') || /^::\d+\.\d+\.\d+\.\d+\/96$/.test(spec.address),

  lostWithLast: lostWithAddresses,

  create: (r) => [{ stage: 'add addresses', operation: setting('address.add', r) }],
  update: ({ desired: r, differences }, context) => [
    ...(differences.some(({ field }) => field !== 'route')
      ? [{ stage: 'add addresses' as const, operation: setting('address.replace', r) }]
      : []),
    ...differences.flatMap(({ field, to }) =>
      field === 'route' ? [{ stage: 'add addresses' as const, operation: kernelRoute(r, String(to), context) }] : [],
    ),
  ],
  // With promote_secondaries, the kernel keeps secondaries when their primary address is deleted: they are deleted before it.
  lingers: ({ namespace, spec }, by) =>
    spec.primary !== undefined && by === addressId(namespace, spec.dev, spec.primary),
  remove: (r, context) =>
    [r.namespace, linkId(r.namespace, r.spec.dev)].some(context.goes)
      ? []
      : [
          {
            stage: r.spec.primary === undefined ? 'delete addresses' : 'delete secondary addresses',
            operation: { do: 'address.delete', place: placeOf(r), address: r.spec },
          },
          ...leftRoute(r, context),
        ],
}

/** Appends a route of the kernel's for the address as the kernel does: another interface may be in the same subnet. */
function kernelRoute(r: Resource<AddressSpec>, missed: string, { desired }: PlanContext): Operation {
  const { dev, family } = r.spec
  const local = missed.startsWith('local ')
  const own = ownTable(desired, r.namespace, dev)
  const table = own === MAIN_TABLE && local ? LOCAL_TABLE : own
  const metric = local ? undefined : (r.spec.metric ?? (family === 6 ? 256 : undefined))
  return {
    do: 'route.append',
    place: placeOf(r),
    route: {
      to: local ? hostOf(r.spec) : missed,
      ...{ dev, family },
      ...(local && { type: 'local' as const }),
      ...(table !== MAIN_TABLE && { table }),
      ...(family === 4 && { scope: local ? 'host' : 'link', src: hostOf(r.spec) }),
      ...(metric !== undefined && { metric }),
    },
    protocol: PROTOCOL_KERNEL,
  }
}

/** Without duplicate address detection an IPv6 address is usable at once, also for routes. */
const setting = (how: 'address.add' | 'address.replace', r: Resource<AddressSpec>): Operation => ({
  do: how,
  place: placeOf(r),
  address: r.spec,
  nodad: r.spec.family === 6,
})

/**
 * Removes the route to the subnet of an IPv6 address of the lab on an interface of the machine's own: the kernel keeps it if the
 * interface has another address of the subnet (check_cleanup_prefix_route in net/ipv6/addrconf.c).
 */
function leftRoute(r: Resource<AddressSpec>, { live, goes }: PlanContext): Emission[] {
  const { dev, metric, family } = r.spec
  if (metric === undefined || family === 4) return []
  const subnet = networkOf(nameOfAddress(r.spec))
  const isNeeded = [...live.values()].some(
    ({ id, kind, borrowed, spec }) =>
      kind === 'address' &&
      borrowed === r.borrowed &&
      spec['dev'] === dev &&
      spec['metric'] === metric &&
      !goes(id) &&
      networkOf(nameOfAddress(spec as AddressSpec)) === subnet,
  )
  const operation: Operation = { do: 'route.flush', place: placeOf(r), to: subnet, dev, metric }
  return isNeeded ? [] : [{ stage: 'delete addresses', operation }]
}

/**
 * What the kernel removes along with addresses: IPv4 routes of the interface's table whose `src` no interface has any more
 * (fib_sync_down_addr in net/ipv4/fib_semantics.c), and all IPv4 routes and neighbours of an interface that loses its last
 * IPv4 address (fib_inetaddr_event in net/ipv4/fib_frontend.c).
 */
function lostWithAddresses(gone: ReadonlySet<string>, live: Resources): [string, string][] {
  const left = new Map<string, number>()
  const last = new Map<string, string>()
  const sources = new Map<string, string>()
  const kept = new Set<string>()
  for (const r of live.values()) {
    if (r.kind !== 'address') continue
    const spec = r.spec as AddressSpec
    const { dev } = spec
    if (spec.family === 6) continue
    const host = hostOf(spec)
    const goes = gone.has(r.id)
    if (goes) sources.set(`${r.namespace} ${ownTable(live, r.namespace, dev)} ${host}`, r.id)
    else kept.add(`${r.namespace} ${host}`)
    const link = linkId(r.namespace, dev)
    // An interface of a borrowed namespace has other addresses, which are not among these resources.
    left.set(link, (left.get(link) ?? 0) + (goes && spec.metric === undefined ? 0 : 1))
    if (goes) last.set(link, r.id)
  }
  if (sources.size === 0) return []
  return [...live.values()].flatMap(({ kind, id, namespace, spec }): [string, string][] => {
    if (spec['family'] !== 4 || (kind !== 'route' && kind !== 'neighbor')) return []
    const link = linkId(namespace, String(spec['dev']))
    const src = String(spec['src'])
    const by =
      (kept.has(`${namespace} ${src}`)
        ? undefined
        : sources.get(`${namespace} ${String(spec['table'] ?? MAIN_TABLE)} ${src}`)) ??
      (left.get(link) === 0 ? last.get(link) : undefined)
    return by === undefined ? [] : [[id, by]]
  })
}

/** The routing table of an interface: main, or that of its VRF. */
function ownTable(live: Resources, namespace: string, dev: string): number {
  const master = live.get(linkId(namespace, dev))?.spec['master']
  const vrf = typeof master === 'string' ? live.get(linkId(namespace, master)) : undefined
  return vrf?.kind === 'vrf' ? Number(vrf.spec['table']) : MAIN_TABLE
}
