import { familyOf, formatCidr, parseCidr, subnetOf } from '../model/cidr.ts'
import type { Kind } from '../model/kind.ts'
import { linkId, type Resource, type Resources } from '../model/resource.ts'
import type { Dump, IpAddress } from '../model/runner.ts'
import { ip } from './common.ts'
import { LOCAL_TABLE, MAIN_TABLE } from './tables.ts'

/** rtnetlink(7): a route that the kernel made. */
const KERNEL = '2'

export type AddressSpec = {
  readonly dev: string
  /** `192.168.0.2/24`, canonical. */
  readonly address: string
  readonly family: 4 | 6
  /** The CIDR of the interface's first address in the same IPv4 subnet, when this one is not the first. */
  readonly primary?: string
  /** The route to its subnet, which the kernel made along with it, is gone (live side only). */
  readonly unrouted?: true
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

const subnetText = (text: string): string => {
  const cidr = parseCidr(text)
  return cidr ? subnetOf(cidr) : text
}

/**
 * Whether the route is missing that the kernel makes to the subnet of an address while its interface is up. Of several
 * addresses that share it, the first says so.
 */
function unrouted(dump: Dump): (dev: string, a: IpAddress, text: string) => boolean {
  const down = new Set(dump.links.flatMap(({ ifname, flags }) => (flags.includes('UP') ? [] : [ifname])))
  const known = new Set(
    dump.routes.flatMap(({ protocol, table, dst, dev }) =>
      protocol === KERNEL && Number(table) !== LOCAL_TABLE ? [`${dev ?? ''} ${dst}`] : [],
    ),
  )
  return (dev, a, text) => {
    if (dev === 'lo' || down.has(dev) || a.address !== undefined || /^fe80:|\/32$/.test(text)) return false
    const route = `${dev} ${a.prefixlen === 128 ? a.local : subnetText(text)}`
    if (known.has(route)) return false
    known.add(route)
    return true
  }
}

/** An address of an interface. The same address with another prefix length is another one, not a change. */
export const address: Kind<AddressSpec> = {
  name: 'address',

  read(dump, { namespace, root }) {
    const misses = unrouted(dump)
    return dump.addresses.flatMap(({ ifname, addr_info }) => {
      const all = addr_info.filter((a) => a.local !== undefined && !isKernels(ifname, a))
      const cidr = (a: IpAddress): string => formatCidr({ family: 4, address: a.local, prefix: a.prefixlen })
      const earlier = primaries(
        all
          .filter((a) => !a.secondary)
          .concat(all.filter((a) => a.secondary))
          .map(cidr),
      )
      return all.map((a): Resource<AddressSpec> => {
        const text = cidr(a)
        const primary = earlier.get(text)
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
            ...(primary === undefined && misses(ifname, a, text) && { unrouted: true as const }),
          },
        }
      })
    })
  },

  describe: ({ primary }) => (primary === undefined ? '' : 'secondary'),

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
    ...(live.unrouted && !desired.unrouted ? [{ field: 'route', to: subnetText(desired.address) }] : []),
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
      command: ip(r, 'addr', 'add', r.spec.address, 'dev', r.spec.dev, ...(r.spec.family === 6 ? ['nodad'] : [])),
    },
  ],
  // As the kernel makes it: another interface may be in the same subnet.
  update: ({ desired: r }) => [
    {
      stage: 'add addresses',
      command: ip(
        ...([r, 'route', 'append', subnetText(r.spec.address), 'dev', r.spec.dev, 'proto', 'kernel'] as const),
        ...(r.spec.family === 6
          ? ['metric', '256']
          : ['scope', 'link', 'src', r.spec.address.slice(0, r.spec.address.indexOf('/'))]),
      ),
    },
  ],
  // Where promote_secondaries is set, secondaries outlive the first: they are taken out before it.
  lingers: ({ namespace, spec }, by) =>
    spec.primary !== undefined && by === addressId(namespace, spec.dev, spec.primary),
  remove: (r, outlook) =>
    [r.namespace, linkId(r.namespace, r.spec.dev)].some(outlook.goes)
      ? []
      : [
          {
            stage: r.spec.primary === undefined ? 'delete addresses' : 'delete secondary addresses',
            command: ip(r, 'addr', 'del', r.spec.address, 'dev', r.spec.dev),
          },
        ],
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
    const { dev, address, family } = r.spec as unknown as AddressSpec
    if (family === 6) continue
    const host = address.slice(0, address.indexOf('/'))
    const goes = gone.has(r.id)
    if (goes) sources.set(`${r.namespace} ${ownTable(live, r.namespace, dev)} ${host}`, r.id)
    else kept.add(`${r.namespace} ${host}`)
    const link = linkId(r.namespace, dev)
    left.set(link, (left.get(link) ?? 0) + (goes ? 0 : 1))
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
