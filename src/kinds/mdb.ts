import type { Kind, PlanContext } from '../model/kind.ts'
import { mdbWords, type MdbSpec } from '../model/mdb-spec.ts'
import type { Operation } from '../model/operation.ts'
import { linkId, type Resource } from '../model/resource.ts'
import type { BridgeMdb } from '../model/bridge-dump.ts'
import { placeOf } from '../model/place.ts'
import { isLost } from './common.ts'
import { ofInterface, without } from './lab-entry.ts'
import { mdbFromLab } from './mdb-lab.ts'

/** `sw/h1~eth0/mdb/239.1.1.1 src 10.0.0.9` */
export const mdbId = (namespace: string, spec: MdbSpec): string =>
  `${linkId(namespace, spec.dev)}/mdb/${mdbWords(spec).join(' ')}`

const operation = (how: 'add' | 'delete', r: Resource<MdbSpec>): Operation => ({
  do: `mdb.${how}`,
  place: placeOf(r),
  entry: r.spec,
})

/** Whether somebody set the entry: a daemon's has its protocol, the kernel's copies have its own (br_multicast_sg_add_exclude_ports). */
const isSet = ({ protocol = 'static', flags = [] }: BridgeMdb): boolean =>
  protocol === 'static' && !flags.includes('added_by_star_ex')

/** Whether the bridge takes no change of its table until it is up, or snoops, again (br_mdb_add in net/bridge/br_mdb.c). */
function isSilent({ namespace, spec }: Resource<MdbSpec>, { live }: PlanContext): boolean {
  const bridge = live.get(linkId(namespace, spec.bridge))?.spec
  return bridge?.['mcast_snooping'] === false || bridge?.['up'] === false
}

/** A permanent entry in the multicast table of a bridge. What ports have joined by IGMP or MLD lasts for a while, and belongs to others. */
export const mdb: Kind<MdbSpec> = {
  name: 'mdb',
  read({ mdb = [], links }, { namespace, borrowed }) {
    if (mdb.length === 0) return []
    const bridges = new Set(links.flatMap((l) => (l.linkinfo?.info_kind === 'bridge' ? [l.ifname] : [])))
    return mdb.flatMap((entry): Resource<MdbSpec>[] => {
      const { dev: bridge, port: dev, grp, src, vid } = entry
      const joined = entry.state === 'temp'
      if (!(joined || isSet(entry)) || !bridges.has(bridge)) return []
      const base = { grp, dev, bridge, ...(src !== undefined && { src }), ...(vid !== undefined && { vid }) }
      const spec: MdbSpec = joined ? { ...base, temp: true } : base
      const mine = { id: mdbId(namespace, spec), kind: 'mdb', namespace, ...(borrowed && { borrowed }), spec }
      return [joined ? { ...mine, others: true, passing: true } : mine]
    })
  },
  fromLab: mdbFromLab,
  toLab: (r, resources) => ofInterface(r, r.spec.dev, resources, { mdb: [without(r.spec, 'dev', 'bridge')] }),
  describe: ({ temp }) => (temp ? 'temp' : 'permanent'),
  compare: ({ temp }, desired) =>
    temp === desired.temp
      ? []
      : [{ field: 'state', from: temp ? 'temp' : 'permanent', to: desired.temp ? 'temp' : 'permanent' }],
  requires: () => ['bridge'],
  needs: ({ namespace, spec }) => [spec.dev, spec.bridge].map((name) => linkId(namespace, name)),
  lostWith: ({ namespace, spec }) => [namespace, ...[spec.dev, spec.bridge].map((name) => linkId(namespace, name))],
  create: (r) => [{ stage: 'add neighbors', operation: operation('add', r) }],
  update: ({ live, desired }) =>
    (['delete', 'add'] as const).map((how) => ({
      stage: 'add neighbors',
      operation: operation(how, how === 'add' ? desired : live),
    })),
  remove: (r, context) =>
    isLost(mdb, r, context)
      ? []
      : [{ stage: isSilent(r, context) ? 'add neighbors' : 'delete neighbors', operation: operation('delete', r) }],
}
