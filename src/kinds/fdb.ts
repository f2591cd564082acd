import { canonicalAddress } from '../model/cidr.ts'
import { fdbKey, fdbSettings, type FdbSpec } from '../model/fdb-spec.ts'
import type { Kind } from '../model/kind.ts'
import type { Operation } from '../model/operation.ts'
import { linkId, type Resource } from '../model/resource.ts'
import type { BridgeFdb } from '../model/bridge-dump.ts'
import { placeOf } from '../model/place.ts'
import type { Dump, IpLink } from '../model/runner.ts'
import { isLost } from './common.ts'
import { ANYBODY, fdbFromLab } from './fdb-lab.ts'
import { nexthopId } from './nexthop.ts'
import { isGroupMac, ofInterface, without } from './lab-entry.ts'

/** `sw/h1~eth0/fdb/02:00:00:00:00:09`, `sw/vx0/fdb/00:00:00:00:00:00 dst 10.0.0.2` */
export const fdbId = (namespace: string, spec: FdbSpec): string =>
  `${linkId(namespace, spec.dev)}/fdb/${[spec.mac, ...fdbKey(spec)].join(' ')}`

const isForMany = (mac: string): boolean => mac === ANYBODY || isGroupMac(mac)

const on = ({ namespace, spec: { dev, bridge } }: Resource<FdbSpec>): string[] =>
  [dev, bridge ?? dev].map((name) => linkId(namespace, name))

const nexthopOf = ({ namespace, spec: { nhid } }: Resource<FdbSpec>): string[] =>
  nhid === undefined ? [] : [nexthopId(namespace, nhid)]

const operation = (how: 'add' | 'append' | 'delete', r: Resource<FdbSpec>): Operation => ({
  do: `fdb.${how}`,
  place: placeOf(r),
  entry: r.spec,
})

/**
 * A static entry in the forwarding table of a bridge or VXLAN. Entries of the kernel, and learnt ones, are none; those of daemons
 * (`extern_learn`) belong to others.
 */
export const fdb: Kind<FdbSpec> = {
  name: 'fdb',
  read(dump, { namespace, borrowed }) {
    if (!dump.fdb?.length) return []
    const links = new Map(dump.links.map((link) => [link.ifname, link]))
    const own = ownAddresses(dump)
    const specs = dump.fdb.flatMap((entry) => specOf(entry, links.get(entry.ifname), own) ?? [])
    // The kernel adds an entry without a VLAN to each VLAN of its port as well (br_fdb_add in net/bridge/br_fdb.c).
    const key = ({ dev, mac, bridge, state }: FdbSpec): string => `${dev} ${mac} ${bridge} ${state}`
    const everywhere = new Set(specs.flatMap((spec) => (spec.vlan === undefined ? [key(spec)] : [])))
    return specs
      .filter((spec) => spec.vlan === undefined || !everywhere.has(key(spec)))
      .map((spec) => ({
        id: fdbId(namespace, spec),
        kind: 'fdb',
        namespace,
        ...(borrowed && { borrowed }),
        ...(spec.extern_learn && { others: true }),
        spec,
      }))
  },
  fromLab: fdbFromLab,
  toLab: (r, resources) => ofInterface(r, r.spec.dev, resources, { fdb: [without(r.spec, 'dev', 'bridge')] }),
  describe: (spec) => [...fdbSettings(spec), ...fdbKey(spec)].join(' '),
  compare: (live, desired) =>
    (['state', 'sticky', 'extern_learn'] as const).flatMap((field) =>
      live[field] === desired[field]
        ? []
        : [
            {
              field,
              from: live[field] ?? false,
              to: desired[field] ?? false,
              forces: 'the kernel keeps the one that there is',
            },
          ],
    ),
  requires: ({ spec }) => [spec.bridge === undefined ? 'vxlan' : 'bridge'],
  needs: (r) => [...on(r), ...(r.spec.via === undefined ? [] : [linkId(r.namespace, r.spec.via)]), ...nexthopOf(r)],
  lostWith: (r) => [r.namespace, ...on(r), ...nexthopOf(r)],
  create: (r) => [
    {
      stage: r.spec.nhid === undefined ? 'add neighbors' : 'add routes',
      operation: operation(
        r.spec.bridge === undefined && r.spec.nhid === undefined && isForMany(r.spec.mac) ? 'append' : 'add',
        r,
      ),
    },
  ],
  update: () => [], // every difference forces a replacement
  remove: (r, context) =>
    // Nexthop objects are removed later, when another entry may be there for the address.
    isLost({ lostWith: () => [r.namespace, ...on(r)] }, r, context)
      ? []
      : [{ stage: 'delete neighbors', operation: operation('delete', r) }],
}

/** By bridge, the MAC addresses that the kernel itself puts into its table: the bridge's own and those of its ports. */
function ownAddresses({ links }: Pick<Dump, 'links'>): ReadonlyMap<string, ReadonlySet<string>> {
  const result = new Map<string, Set<string>>()
  for (const { ifname, address = '', master, linkinfo } of links)
    for (const bridge of [linkinfo?.info_kind === 'bridge' ? ifname : undefined, master])
      if (bridge !== undefined) result.set(bridge, (result.get(bridge) ?? new Set()).add(address))
  return result
}

/**
 * The entry, unless it is the kernel's. Entries in an interface's own table (`self`) are read of VXLANs only: for other types
 * they are the addresses that the device receives (ndo_dflt_fdb_dump in net/core/rtnetlink.c).
 */
function specOf(
  { mac, ifname: dev, master: bridge, state, flags = [], dst, vlan, port, vni, viaIf, nhid }: BridgeFdb,
  link: IpLink | undefined,
  own: ReadonlyMap<string, ReadonlySet<string>>,
): FdbSpec | undefined {
  const extern = flags.includes('extern_learn')
  if (state !== 'permanent' && state !== 'static' && !extern) return undefined
  const base: FdbSpec = {
    mac,
    dev,
    // A bridge says of those of daemons that they are reachable.
    state: state === 'permanent' ? state : 'static',
    ...(vlan !== undefined && { vlan }),
    ...(flags.includes('sticky') && { sticky: true as const }),
    ...(extern && { extern_learn: true as const }),
  }
  if (bridge !== undefined) return state === 'permanent' && own.get(bridge)?.has(mac) ? undefined : { ...base, bridge }
  if (link?.linkinfo?.info_kind !== 'vxlan') return undefined
  if (nhid !== undefined) return { ...base, nhid }
  if (dst === undefined) return undefined
  const { remote, remote6, group, group6 } = link.linkinfo.info_data ?? {}
  const to = canonicalAddress(dst) ?? dst
  const extra = port ?? vni // not `via`, which is always printed if the VXLAN has a lower device
  const first = [remote, remote6, group, group6].some((address) => canonicalAddress(String(address)) === to)
  if (mac === ANYBODY && extra === undefined && first) return undefined
  return {
    ...base,
    dst: to,
    ...(port !== undefined && { port }),
    ...(vni !== undefined && { vni }),
    ...(viaIf !== undefined && { via: viaIf }),
  }
}
