import { canonicalAddress } from '../model/cidr.ts'
import type { FdbSpec } from '../model/fdb-spec.ts'
import type { LabContext } from '../model/kind.ts'
import { linkId } from '../model/resource.ts'
import { badMac, isBridge, isGroupMac, isMac } from './lab-entry.ts'

/** The MAC address of entries of a VXLAN for all frames with an unknown destination. */
export const ANYBODY = '00:00:00:00:00:00'

/** An entry as a lab file has it. */
export type FdbFile = Omit<FdbSpec, 'dev' | 'bridge' | 'state' | 'sticky' | 'extern_learn'> & {
  readonly state?: FdbSpec['state']
  readonly sticky?: boolean
  readonly extern_learn?: boolean
}

/** The forwarding entry that a lab file asks for; the interface and its bridge have been expanded. Undefined after an error. */
export function fdbFromLab({ sticky, extern_learn, ...entry }: FdbFile, context: LabContext): FdbSpec | undefined {
  const { namespace, name: dev, resources, error } = context
  const link = resources.get(linkId(namespace, dev))
  const where = `${namespace}:${dev}`
  const wrong = (key: string, summary: string, help?: string): undefined =>
    void error('bad-value', [key], summary, help)
  const noVxlan = (key: 'nhid' | 'dst'): undefined =>
    void error('no-bridge', [key], `${where} is not a VXLAN`, 'Only a VXLAN has destinations.')
  const mac = entry.mac.toLowerCase()
  if (!isMac(mac)) return wrong('mac', ...badMac(entry.mac))
  const extern = extern_learn && { extern_learn: true as const }
  if (entry.nhid !== undefined) {
    if (link?.kind !== 'vxlan') return noVxlan('nhid')
    const other = (['dst', 'port', 'vni', 'via', 'vlan'] as const).find((key) => entry[key] !== undefined)
    const senseless = other ?? (sticky ? 'sticky' : undefined)
    if (senseless !== undefined) return wrong(senseless, `an entry with nhid has no ${senseless}`)
    if (mac === ANYBODY) return wrong('nhid', 'the kernel has no nexthops for what is unknown', 'Give destinations.')
    return { ...entry, mac, dev, state: entry.state ?? 'permanent', ...extern }
  }
  if (entry.dst !== undefined) {
    const dst = canonicalAddress(entry.dst)
    if (link?.kind !== 'vxlan') return noVxlan('dst')
    if (dst === undefined) return wrong('dst', `"${entry.dst}" is not an address`)
    if (sticky) return wrong('sticky', 'entries of a VXLAN cannot be sticky')
    if (entry.vlan !== undefined) return wrong('vlan', 'entries of a VXLAN have no VLAN')
    const { remote, group } = link.spec
    const first = [remote, group].some((address) => address !== undefined && canonicalAddress(String(address)) === dst)
    if (mac === ANYBODY && first && entry.port === undefined && entry.vni === undefined)
      return wrong('dst', `${dst} is the remote of ${where} already`)
    return { ...entry, mac, dev, dst, state: entry.state ?? 'permanent', ...extern }
  }
  for (const key of ['port', 'vni', 'via'] as const)
    if (entry[key] !== undefined) return wrong(key, `${key} belongs to dst`, 'Say where the frames go to.')
  // The kernel refuses others (is_valid_ether_addr in br_fdb_add, net/bridge/br_fdb.c).
  if (mac === ANYBODY || isGroupMac(mac))
    return wrong(
      'mac',
      `${mac} is not an address of one station`,
      'Only a VXLAN, with dst, has entries for all or a group.',
    )
  const own = link?.kind === 'bridge'
  const master = own ? dev : link?.spec['master']
  if (typeof master !== 'string' || !isBridge(resources, namespace, master))
    return void error(
      'no-bridge',
      ['mac'],
      `${where} is not a port of a bridge`,
      'Forwarding entries are those of a bridge or, with dst, of a VXLAN.',
    )
  const state = entry.state ?? (own ? 'permanent' : 'static')
  if (own && state === 'static') return wrong('state', 'an entry of the bridge itself is permanent')
  if (sticky && state === 'permanent') return wrong('sticky', 'only a static entry can be sticky')
  if (extern && (own || state === 'permanent'))
    return wrong('extern_learn', 'what a daemon has learnt is behind a port, and static')
  return { ...entry, mac, dev, bridge: master, state, ...(sticky && { sticky }), ...extern }
}
