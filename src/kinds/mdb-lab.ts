import { canonicalAddress, isMulticast } from '../model/cidr.ts'
import type { LabContext } from '../model/kind.ts'
import type { MdbSpec } from '../model/mdb-spec.ts'
import { linkId } from '../model/resource.ts'
import { isBridge, isGroupMac, isMac } from './lab-entry.ts'

/** An entry as a lab file has it. */
export type MdbFile = Omit<MdbSpec, 'dev' | 'bridge'>

/**
 * Groups that a bridge always floods: 224.0.0.0/24 and ff02::1 (is_valid_mdb_entry in net/bridge/br_mdb.c, rtnl_validate_mdb_entry in
 * net/core/rtnetlink.c).
 */
const isFlooded = (group: string): boolean => group.startsWith('224.0.0.') || group === 'ff02::1'

/** The entry that a lab file asks for; the port and its bridge have been expanded. Undefined after an error. */
export function mdbFromLab(
  entry: MdbFile,
  { namespace, name: dev, resources, error }: LabContext,
): MdbSpec | undefined {
  const where = `${namespace}:${dev}`
  const wrong = (key: string, summary: string, help?: string): undefined =>
    void error('bad-value', [key], summary, help)
  const useless = (summary: string, help: string): undefined => void error('no-bridge', ['grp'], summary, help)
  const link = resources.get(linkId(namespace, dev))
  const own = link?.kind === 'bridge'
  const bridge = own ? dev : link?.spec['master']
  if (typeof bridge !== 'string' || !isBridge(resources, namespace, bridge))
    return useless(`${where} is not a port of a bridge`, 'Groups are those of a bridge’s ports.')
  const { up, mcast_snooping, vlan_filtering } = resources.get(linkId(namespace, bridge))?.spec ?? {}
  if (mcast_snooping === false)
    return useless(`${namespace}:${bridge} has mcast_snooping: false`, 'Without snooping a bridge floods every group.')
  if (up === false) return useless(`${namespace}:${bridge} is down`, 'The kernel takes groups of bridges that are up.')
  const mac = entry.grp.toLowerCase()
  const grp = isMac(mac) ? mac : canonicalAddress(entry.grp)
  if (grp === undefined || !(isMac(grp) ? isGroupMac(grp) : isMulticast(grp)))
    return wrong(
      'grp',
      `"${entry.grp}" is not a group`,
      'A multicast address: 239.1.1.1, ff05::1 or 01:00:5e:00:00:09.',
    )
  if (isFlooded(grp)) return wrong('grp', `${grp} is always flooded`, 'It needs no entry.')
  if (own && !isMac(grp))
    return wrong(
      'grp',
      `an entry for ${grp} at ${where} itself would not last`,
      'The kernel forgets what a bridge joins by hand. Give the entry to a port, or let a program join the group.',
    )
  const src = entry.src === undefined ? undefined : canonicalAddress(entry.src)
  if (entry.src !== undefined) {
    if (src === undefined || isMulticast(src)) return wrong('src', `"${entry.src}" is not an address of a source`)
    if (isMac(grp)) return wrong('src', 'a group with a MAC address has no sources')
    if (src.includes(':') !== grp.includes(':')) return wrong('src', `${src} is not a source of ${grp}`)
  }
  if (vlan_filtering === true && entry.vid === undefined)
    return void error(
      'missing-field',
      [],
      `the entry for ${grp} needs vid, its VLAN`,
      `${bridge} has vlan_filtering: the kernel has an entry for each VLAN.`,
    )
  return { grp, dev, bridge, ...(src !== undefined && { src }), ...(entry.vid !== undefined && { vid: entry.vid }) }
}
