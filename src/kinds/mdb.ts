import type { Emission } from '../model/change.ts'
import type { Kind, PlanContext } from '../model/kind.ts'
import { mdbWords, type MdbSpec } from '../model/mdb-spec.ts'
import type { LinkSpec } from '../model/link-type.ts'
import type { LinkChange, Operation } from '../model/operation.ts'
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

/** What keeps a bridge from taking changes of its table: it does not snoop, or is down (br_mdb_add in net/bridge/br_mdb.c). */
function silences(bridge: Resource<any> | undefined): readonly LinkChange[] {
  const { mcast_snooping, up } = (bridge?.spec ?? {}) as LinkSpec
  const snooping = (value: boolean): LinkChange => ({ type: { name: 'bridge', data: { mcast_snooping: value } } })
  return [...(up === false ? [{ up: false }] : []), ...(mcast_snooping === false ? [snooping(false)] : [])]
}
/** The change that ends a silence. */
const ended = ({ up, type }: LinkChange): LinkChange =>
  up === false ? { up: true } : { type: { name: type?.name ?? '', data: { mcast_snooping: true } } }

/** Changes the table of a bridge when that has its settings; it is made to listen for the moment if these keep it silent. */
function late(how: 'add' | 'delete', r: Resource<MdbSpec>, { live, desired }: PlanContext): Emission[] {
  const id = linkId(r.namespace, r.spec.bridge)
  const silent = silences(desired.get(id) ?? live.get(id))
  const set = (change: LinkChange): Operation => ({
    do: 'link.set',
    place: placeOf(r),
    name: r.spec.bridge,
    set: change,
  })
  const all = [...silent.map((one) => set(ended(one))), operation(how, r), ...silent.map(set)]
  return all.map((one) => ({ stage: 'add neighbors', operation: one }))
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
  create: (r, context) => late('add', r, context),
  update: ({ live, desired }, context) => [...late('delete', live, context), ...late('add', desired, context)],
  remove: (r, context) => {
    if (isLost(mdb, r, context)) return []
    const isSilent = silences(context.live.get(linkId(r.namespace, r.spec.bridge))).length > 0
    return isSilent ? late('delete', r, context) : [{ stage: 'delete neighbors', operation: operation('delete', r) }]
  },
}
