import { familyOf, formatCidr, parseCidr, subnetOf } from '../model/cidr.ts'
import type { Kind, Outlook } from '../model/kind.ts'
import type { Emission } from '../model/plan.ts'
import { labMetric } from '../model/owner.ts'
import { linkId, type Resource, type Resources } from '../model/resource.ts'
import type { Dump, IpAddress } from '../model/runner.ts'
import { ip } from './common.ts'
import { LOCAL_TABLE, MAIN_TABLE } from './tables.ts'

/** rtnetlink(7): a route that the kernel made, and the type of those to the machine itself. */
const KERNEL = '2'
const LOCAL = '2'

export type AddressSpec = {
  readonly dev: string
  /** `192.168.0.2/24`, canonical. */
  readonly address: string
  readonly family: 4 | 6
  /** The CIDR of the interface's first address in the same IPv4 subnet, when this one is not the first. */
  readonly primary?: string
  /** On an interface of the machine's own: the lab's mark. */
  readonly metric?: number
  /** Routes that the kernel made along with it, and that are gone: to itself, to its subnet (live side only). */
  readonly lacks?: readonly ('local' | 'subnet')[]
}

/** `ns0/veth0/192.168.0.2/24` */
export const addressId = (namespace: string, dev: string, cidr: string): string => `${linkId(namespace, dev)}/${cidr}`

/**
 * Which addresses of one interface the kernel makes secondary: IPv4 ones in a subnet that an earlier one is in.
 * Returns the CIDR of that earlier one, by CIDR (KERNEL: deleting the first deletes its secondaries).
 */
export function primaries(cidrs: readonly string[]): Map<string, string> {
  const first = new Map<string, string>()
  const result = new Map<string, string>()
  const four = cidrs.filter((text) => familyOf(text) === 4)
  if (four.length < 2) return result
  for (const text of four) {
    const cidr = parseCidr(text)
    if (!cidr) continue
    const subnet = subnetOf(cidr)
    const primary = first.get(subnet)
    if (primary === undefined) first.set(subnet, text)
    else result.set(text, primary)
  }
  return result
}

const isKernels = (dev: string, a: IpAddress): boolean =>
  a.dynamic === true ||
  a.temporary === true ||
  (dev === 'lo' && ((a.local === '127.0.0.1' && a.prefixlen === 8) || a.local === '::1'))

const hostOf = ({ address }: AddressSpec): string => address.slice(0, address.indexOf('/'))

const subnetText = (text: string): string => {
  const cidr = parseCidr(text)
  return cidr ? subnetOf(cidr) : text
}

/**
 * Which routes are missing that the kernel makes with an address while its interface is up: to itself (not told of IPv6,
 * where it comes when the address has been found to be nobody else's), and to its subnet. Of several addresses that share
 * that one, the first says so.
 */
function missing(dump: Dump): (dev: string, a: IpAddress, text: string, primary: boolean) => AddressSpec['lacks'] & {} {
  const down = new Set(dump.links.flatMap(({ ifname, flags }) => (flags.includes('UP') ? [] : [ifname])))
  const known = new Set(
    dump.routes.flatMap(({ protocol, type, table, dst, dev }) =>
      protocol !== KERNEL
        ? []
        : type === LOCAL
          ? [`local ${dev ?? ''} ${dst}`]
          : Number(table) === LOCAL_TABLE
            ? []
            : [`${dev ?? ''} ${dst}`],
    ),
  )
  return (dev, a, text, primary) => {
    if (down.has(dev)) return []
    const local = a.family === 'inet6' || known.has(`local ${dev} ${a.local}`)
    const own = dev === 'lo' || a.address !== undefined || /^fe80:|\/32$/.test(text) || !primary
    const route = own ? '' : `${dev} ${a.prefixlen === 128 ? a.local : subnetText(text)}`
    const direct = own || known.has(route)
    known.add(route)
    return [...(local ? [] : ['local' as const]), ...(direct ? [] : ['subnet' as const])]
  }
}

/** The addresses that the kernel gives to lo when it is set up, where they are no more. */
function lostOfLo({ links, addresses, conf }: Dump): string[] {
  if (!links.some(({ ifname, flags }) => ifname === 'lo' && flags.includes('UP'))) return []
  const own = addresses.find(({ ifname }) => ifname === 'lo')?.addr_info ?? []
  const lacks = (local: string): boolean => !own.some((a) => a.local === local)
  const has6 = conf.get('lo')?.['ipv6.disable_ipv6'] === '0'
  return [...(lacks('127.0.0.1') ? ['127.0.0.1/8'] : []), ...(has6 && lacks('::1') ? ['::1/128'] : [])]
}

/** An address of an interface. The same address with another prefix length is another one, not a change. */
export const address: Kind<AddressSpec> = {
  name: 'address',

  read(dump, { namespace, root, lab, made }) {
    const lacking = missing(dump)
    const isMarked = ({ metric }: IpAddress): boolean => metric === labMetric(lab)
    const lost = (made && !root ? lostOfLo(dump) : []).map((text): Resource<AddressSpec> => ({
      id: addressId(namespace, 'lo', text),
      kind: 'address',
      namespace,
      lost: true,
      spec: { dev: 'lo', address: text, family: familyOf(text) },
    }))
    const found = dump.addresses.flatMap(({ ifname, addr_info }) => {
      const all = addr_info.filter((a) => a.local !== undefined && !isKernels(ifname, a))
      const cidr = (a: IpAddress): string => formatCidr({ family: 4, address: a.local, prefix: a.prefixlen })
      const firstOf = (some: readonly IpAddress[]): Map<string, string> =>
        primaries([...some.filter((a) => !a.secondary), ...some.filter((a) => a.secondary)].map(cidr))
      const earlier = firstOf(all)
      // What others have on an interface of the machine's own is none of the lab's.
      const marked = root ? firstOf(all.filter(isMarked)) : undefined
      return all.map((a): Resource<AddressSpec> => {
        const text = cidr(a)
        const primary = (marked && isMarked(a) ? marked : earlier).get(text)
        const lacks = lacking(ifname, a, text, !earlier.has(text))
        return {
          id: addressId(namespace, ifname, text),
          kind: 'address',
          namespace,
          ...(root && { root }),
          spec: {
            dev: ifname,
            address: text,
            family: familyOf(text),
            ...(primary !== undefined && { primary }),
            ...(root && isMarked(a) && { metric: a.metric }),
            ...(lacks.length && { lacks }),
          },
        }
      })
    })
    return [...found, ...lost]
  },

  describe: ({ primary }) => (primary === undefined ? '' : 'secondary'),

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
    ...(live.lacks ?? []).flatMap((route) =>
      desired.lacks?.includes(route)
        ? []
        : [{ field: 'route', to: route === 'local' ? `local ${hostOf(desired)}` : subnetText(desired.address) }],
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

  automatic: ({ spec }) => spec.address.startsWith('fe80:'),

  bereaved,

  create: (r) => [
    {
      stage: 'add addresses',
      // Without duplicate detection the address works at once, and routes through it can be added.
      operation: ip(
        r,
        ...['addr', 'add', r.spec.address, 'dev', r.spec.dev],
        ...(r.spec.family === 6 ? ['nodad'] : []),
        ...(r.spec.metric === undefined ? [] : ['metric', String(r.spec.metric)]),
      ),
    },
  ],
  // As the kernel makes them: another interface may be in the same subnet.
  update: ({ desired: r, differences }, outlook) =>
    differences.map(({ to }) => {
      const route = String(to).split(' ')
      const local = route.length > 1
      const own = ownTable(outlook.desired, r.namespace, r.spec.dev)
      const table = own === MAIN_TABLE && local ? LOCAL_TABLE : own
      const how = ['dev', r.spec.dev, 'proto', 'kernel', ...(table === MAIN_TABLE ? [] : ['table', String(table)])]
      const from = r.spec.family === 6 ? ['metric', '256'] : ['scope', local ? 'host' : 'link', 'src', hostOf(r.spec)]
      return {
        stage: 'add addresses',
        operation: ip(r, 'route', 'append', ...route, ...how, ...from),
      }
    }),
  // Where promote_secondaries is set, secondaries outlive the first: they are taken out before it.
  lingers: ({ namespace, spec }, by) =>
    spec.primary !== undefined && by === addressId(namespace, spec.dev, spec.primary),
  remove: (r, outlook) =>
    [r.namespace, linkId(r.namespace, r.spec.dev)].some(outlook.goes)
      ? []
      : [
          {
            stage: r.spec.primary === undefined ? 'delete addresses' : 'delete secondary addresses',
            operation: ip(r, 'addr', 'del', r.spec.address, 'dev', r.spec.dev),
          },
          ...leftRoute(r, outlook),
        ],
}

/**
 * The route to the subnet of an IPv6 address that the lab put on an interface of the machine's own: where that has another
 * address of the subnet, the kernel leaves it (check_cleanup_prefix_route in net/ipv6/addrconf.c).
 */
function leftRoute(r: Resource<AddressSpec>, { live, goes }: Outlook): Emission[] {
  const { dev, address: text, metric, family } = r.spec
  if (metric === undefined || family === 4) return []
  const subnet = subnetText(text)
  const isNeeded = [...live.values()].some(
    ({ id, kind, root, spec }) =>
      kind === 'address' &&
      root &&
      spec['dev'] === dev &&
      spec['metric'] === metric &&
      !goes(id) &&
      subnetText(String(spec['address'])) === subnet,
  )
  const operation = ip(
    r,
    '-6',
    'route',
    'flush',
    'exact',
    subnet,
    'dev',
    dev,
    'proto',
    'kernel',
    'metric',
    String(metric),
  )
  return isNeeded ? [] : [{ stage: 'delete addresses', operation }]
}

/**
 * What goes with addresses: IPv4 routes of the interface's own table whose `src` was one of them and is nobody's now
 * (fib_sync_down_addr in the kernel's net/ipv4/fib_semantics.c), and all IPv4 routes and neighbours of an interface that
 * loses its last IPv4 address (fib_inetaddr_event in net/ipv4/fib_frontend.c).
 */
function bereaved(gone: ReadonlySet<string>, live: Resources): [string, string][] {
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
    // The machine has addresses there of its own, which are not among these.
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

/** The table of an interface's routes: main, or that of the VRF that it belongs to. */
function ownTable(live: Resources, namespace: string, dev: string): number {
  const master = live.get(linkId(namespace, dev))?.spec['master']
  const vrf = typeof master === 'string' ? live.get(linkId(namespace, master)) : undefined
  return vrf?.kind === 'vrf' ? Number(vrf.spec['table']) : MAIN_TABLE
}
