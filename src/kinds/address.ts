import { familyOf, formatCidr, parseCidr, subnetOf } from '../model/cidr.ts'
import type { Kind } from '../model/kind.ts'
import { linkId, type Resource, type Resources } from '../model/resource.ts'
import type { IpAddress } from '../model/runner.ts'
import { covered, ip } from './common.ts'

export type AddressSpec = {
  readonly dev: string
  /** `192.168.0.2/24`, canonical. */
  readonly address: string
  readonly family: 4 | 6
  /** The CIDR of the interface's first address in the same IPv4 subnet, when this one is not the first. */
  readonly primary?: string
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

/** An address of an interface. The same address with another prefix length is another one, not a change. */
export const address: Kind<AddressSpec> = {
  name: 'address',

  read: (dump, { namespace, root }) =>
    dump.addresses.flatMap(({ ifname, addr_info }) => {
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
          spec: { dev: ifname, address: text, family: familyOf(text), ...(primary !== undefined && { primary }) },
        }
      })
    }),

  describe: ({ primary }) => (primary === undefined ? '' : 'secondary'),

  compare: (live, desired) =>
    live.primary === desired.primary
      ? []
      : [
          {
            field: 'primary',
            ...(live.primary !== undefined && { from: live.primary }),
            ...(desired.primary !== undefined && { to: desired.primary }),
            forces: 'which address of a subnet comes first is decided when they are added',
          },
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
  update: () => [],
  remove: (r, outlook) =>
    covered(address, r, outlook)
      ? []
      : [{ stage: 'delete addresses', command: ip(r, 'addr', 'del', r.spec.address, 'dev', r.spec.dev) }],
}

/**
 * What goes with addresses: routes whose `src` is one of them, and all IPv4 routes and neighbours of an interface that
 * loses its last IPv4 address (fib_inetaddr_event in the kernel's net/ipv4/fib_frontend.c).
 */
function bereaved(gone: ReadonlySet<string>, live: Resources): [string, string][] {
  const left = new Map<string, number>()
  const last = new Map<string, string>()
  const sources = new Map<string, string>()
  for (const r of live.values()) {
    if (r.kind !== 'address') continue
    const { dev, address, family } = r.spec as unknown as AddressSpec
    const goes = gone.has(r.id)
    if (goes) sources.set(`${r.namespace} ${address.slice(0, address.indexOf('/'))}`, r.id)
    if (family === 6) continue
    const link = linkId(r.namespace, dev)
    left.set(link, (left.get(link) ?? 0) + (goes ? 0 : 1))
    if (goes) last.set(link, r.id)
  }
  if (sources.size === 0) return []
  return [...live.values()].flatMap(({ kind, id, namespace, spec }): [string, string][] => {
    if (kind !== 'route' && kind !== 'neighbor') return []
    const link = linkId(namespace, String(spec['dev']))
    const by =
      sources.get(`${namespace} ${String(spec['src'])}`) ??
      (spec['family'] === 4 && left.get(link) === 0 ? last.get(link) : undefined)
    return by === undefined ? [] : [[id, by]]
  })
}
