import type { Kind, LabContext } from '../model/kind.ts'
import type { Difference, Emission } from '../model/change.ts'
import { linkId, type Resource } from '../model/resource.ts'
import type { BridgeVlans } from '../model/bridge-dump.ts'
import { placeOf } from '../model/place.ts'
import type { Dump } from '../model/runner.ts'
import { isLost } from './common.ts'
import { isBridge, ofInterface } from './lab-entry.ts'

/** Flags of a VLAN on a port, in the words of `bridge vlan`; none: frames are tagged. */
export type VlanFlags = '' | 'pvid' | 'untagged' | 'pvid untagged'

/** The VLANs that a port of a bridge, or the bridge itself, belongs to. */
export type VlansSpec = {
  readonly port: string
  readonly bridge: string
  /** By VLAN identifier. */
  readonly vlans: Readonly<Record<string, VlanFlags>>
  /** The VLAN of new ports of the bridge (`vlan_default_pvid`), if it is not 1; 0: none. */
  readonly initial?: number
}

/** `sw/h1~eth0/vlans` */
export const vlansId = (namespace: string, port: string): string => `${linkId(namespace, port)}/vlans`

/** The VLANs of a new port. */
const initialVlans = (initial = 1): VlansSpec['vlans'] => (initial === 0 ? {} : { [initial]: 'pvid untagged' })

const shown = (flags: VlanFlags): string => flags || 'tagged'

/** Whether a bridge of this dump filters VLANs: only then are there VLANs to read. */
export const filtersVlans = ({ links }: Pick<Dump, 'links'>): boolean => filtering({ links }).size > 0

/** The names of bridges that filter VLANs, and the VLAN of their new ports. */
const filtering = ({ links }: Pick<Dump, 'links'>): Map<string, number> =>
  new Map(
    links.flatMap(({ ifname, linkinfo }): [string, number][] => {
      const { vlan_filtering, vlan_default_pvid = 1 } = linkinfo?.info_data ?? {}
      return linkinfo?.info_kind === 'bridge' && Number(vlan_filtering) === 1
        ? [[ifname, Number(vlan_default_pvid)]]
        : []
    }),
  )

/** `pvid` and `vlans` of an interface of a lab file. */
interface Entry {
  readonly pvid?: number
  readonly vlans?: readonly (number | string)[]
}

const HIGHEST = 4094

function fromLab({ pvid, vlans = [] }: Entry, { namespace, name: port, resources, error }: LabContext) {
  const link = resources.get(linkId(namespace, port))
  const bridge = link?.kind === 'bridge' ? port : String(link?.spec['master'])
  if (!isBridge(resources, namespace, bridge))
    return void error('no-bridge', [], `${namespace}:${port} is not a port of a bridge`, 'VLANs are those of a bridge.')
  const { vlan_filtering, vlan_default_pvid } = resources.get(linkId(namespace, bridge))?.spec ?? {}
  if (vlan_filtering !== true)
    return void error(
      'no-bridge',
      [],
      `the bridge ${bridge} does not look at VLANs`,
      `Add vlan_filtering: true to namespaces.${namespace}.bridges.${bridge}.`,
    )
  const initial = Number(vlan_default_pvid ?? 1)
  const found: Record<string, VlanFlags> = {}
  for (const [i, text] of vlans.entries()) {
    const [from = 0, to = from] = String(text).split('-').map(Number)
    if (from < 1 || to > HIGHEST || from > to)
      error(
        'bad-value',
        ['vlans', i],
        `"${text}" is not a VLAN`,
        `VLANs are 1 to ${HIGHEST}; a range is written 10-19.`,
      )
    else for (let vid = from; vid <= to; vid++) found[vid] = ''
  }
  if (pvid !== undefined) found[String(pvid)] = 'pvid untagged'
  if (JSON.stringify(found) === JSON.stringify(initialVlans(initial))) return undefined
  return { port, bridge, vlans: found, ...(initial !== 1 && { initial }) }
}

/** The VLANs of a port. A port with only the VLANs of a new port has no such resource. */
export const vlans: Kind<VlansSpec> = {
  name: 'vlans',

  read(dump, { namespace, borrowed }) {
    const bridges = filtering(dump)
    const listed = new Map((dump.vlans ?? []).map((entry) => [entry.ifname, entry]))
    return dump.links.flatMap(({ ifname, master }): Resource<VlansSpec>[] => {
      const bridge = bridges.has(ifname) ? ifname : master
      if (bridge === undefined || !bridges.has(bridge)) return []
      const found = entries(listed.get(ifname))
      const initial = bridges.get(bridge)
      if (JSON.stringify(found) === JSON.stringify(initialVlans(initial))) return []
      const spec = { port: ifname, bridge, vlans: found, ...(initial !== undefined && initial !== 1 && { initial }) }
      return [{ id: vlansId(namespace, ifname), kind: 'vlans', namespace, ...(borrowed && { borrowed }), spec }]
    })
  },

  fromLab,

  toLab(r, resources) {
    const { port, vlans } = r.spec
    const pvid = Object.keys(vlans).find((vid) => vlans[vid]?.startsWith('pvid'))
    const tagged = Object.keys(vlans).filter((vid) => vid !== pvid)
    return ofInterface(r, port, resources, {
      ...(pvid !== undefined && { pvid: Number(pvid) }),
      ...(tagged.length > 0 && { vlans: tagged.map(Number) }),
    })
  },

  describe: ({ vlans }) =>
    Object.entries(vlans)
      .map(([vid, flags]) => (flags ? `${vid} ${flags}` : vid))
      .join(', ') || 'none',

  compare: (live, desired) =>
    changed(live.vlans, desired.vlans).map(([vid, from, to]): Difference => ({
      field: `vlan ${vid}`,
      ...(from !== undefined && { from: shown(from) }),
      ...(to !== undefined && { to: shown(to) }),
    })),

  requires: () => ['bridge'],
  needs: ({ namespace, spec }) => [linkId(namespace, spec.port), linkId(namespace, spec.bridge)],
  lostWith: ({ namespace, spec }) => [namespace, linkId(namespace, spec.port), linkId(namespace, spec.bridge)],

  create: (r) => emit(r, 'set links', initialVlans(r.spec.initial), r.spec.vlans),
  update: ({ live, desired }) => emit(desired, 'set links', live.spec.vlans, desired.spec.vlans),
  remove: (r, context) =>
    isLost(vlans, r, context) ? [] : emit(r, 'delete links', r.spec.vlans, initialVlans(r.spec.initial)),
}

/** The VLANs that differ, as [VLAN, flags before, flags after]. */
function changed(
  from: VlansSpec['vlans'],
  to: VlansSpec['vlans'],
): [vid: string, from: VlanFlags | undefined, to: VlanFlags | undefined][] {
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .filter((vid) => from[vid] !== to[vid])
    .sort((a, b) => Number(a) - Number(b))
    .map((vid) => [vid, from[vid], to[vid]])
}

/** Removals come first, so that a port never has two VLANs for untagged frames. */
function emit(
  r: Resource<VlansSpec>,
  stage: Emission['stage'],
  from: VlansSpec['vlans'],
  to: VlansSpec['vlans'],
): Emission[] {
  const { port, bridge } = r.spec
  const add = (vid: string, flags: VlanFlags): Emission => ({
    stage,
    operation: {
      do: 'vlan.add',
      place: placeOf(r),
      port,
      vid: Number(vid),
      self: port === bridge,
      pvid: flags.includes('pvid'),
      untagged: flags.includes('untagged'),
    },
  })
  const remove = (vid: string): Emission => ({
    stage,
    operation: { do: 'vlan.delete', place: placeOf(r), port, vid: Number(vid), self: port === bridge },
  })
  const differences = changed(from, to)
  return [
    ...differences.flatMap(([vid, , flags]) => (flags === undefined ? [remove(vid)] : [])),
    ...differences.flatMap(([vid, , flags]) => (flags === undefined ? [] : [add(vid, flags)])),
  ]
}

function entries(listed: BridgeVlans | undefined): Record<string, VlanFlags> {
  const result: Record<string, VlanFlags> = {}
  for (const { vlan, vlanEnd = vlan, flags = [] } of listed?.vlans ?? []) {
    const words = [
      ...(flags.includes('PVID') ? ['pvid'] : []),
      ...(flags.includes('Egress Untagged') ? ['untagged'] : []),
    ]
    for (let vid = vlan; vid <= vlanEnd; vid++) result[vid] = words.join(' ') as VlanFlags
  }
  return result
}
