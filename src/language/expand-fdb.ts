import { ANYBODY, fdbId } from '../kinds/fdb.ts'
import type { FdbSpec } from '../model/fdb-spec.ts'
import { canonicalAddress } from '../model/cidr.ts'
import { nameOf, namespaceOf } from '../model/resource.ts'
import type { Expansion } from './expansion.ts'
import type { Path } from './yaml/source.ts'

/** An entry as a lab file has it. */
type Entry = Omit<FdbSpec, 'dev' | 'bridge' | 'state' | 'sticky'> & {
  readonly state?: FdbSpec['state']
  readonly sticky?: boolean
}

/** The forwarding entries of an interface; it and its bridge must have been expanded. */
export function expandFdb(
  x: Expansion,
  id: string,
  written: { readonly value: unknown; readonly path: Path } | undefined,
): void {
  const namespace = namespaceOf(id)
  const entries = (written?.value ?? []) as readonly Entry[]
  const everywhere = new Set(entries.flatMap(({ mac, vlan }) => (vlan === undefined ? [mac.toLowerCase()] : [])))
  for (const [i, entry] of entries.entries()) {
    const path = [...(written?.path ?? []), i]
    if (entry.vlan !== undefined && everywhere.has(entry.mac.toLowerCase())) {
      x.report.error(
        [...path, 'vlan'],
        `${entry.mac} is in every VLAN already`,
        'An entry without `vlan` is in all of them.',
      )
      continue
    }
    const spec = specOf(x, id, entry, path)
    if (spec) x.add({ id: fdbId(namespace, spec), kind: 'fdb', namespace, spec }, path)
  }
}

function specOf(x: Expansion, id: string, { sticky, ...entry }: Entry, path: Path): FdbSpec | undefined {
  const link = x.resources.get(id)
  const dev = nameOf(id)
  const where = id.replace('/', ':')
  const wrong = (key: string, summary: string, help?: string): undefined =>
    void x.report.error([...path, key], summary, help)
  const mac = entry.mac.toLowerCase()
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac))
    return wrong('mac', `"${entry.mac}" is no MAC address`, 'Six pairs of hexadecimal digits: 02:00:00:00:00:01.')
  if (entry.dst !== undefined) {
    const dst = canonicalAddress(entry.dst)
    if (link?.kind !== 'vxlan') return wrong('dst', `${where} is no VXLAN`, 'Only a VXLAN has destinations.')
    if (dst === undefined) return wrong('dst', `"${entry.dst}" is no address`)
    if (sticky) return wrong('sticky', 'entries of a VXLAN cannot be sticky')
    if (entry.vlan !== undefined) return wrong('vlan', 'entries of a VXLAN have no VLAN')
    const { remote, group } = link.spec
    const first = [remote, group].some((address) => address !== undefined && canonicalAddress(String(address)) === dst)
    if (mac === ANYBODY && first && entry.port === undefined && entry.vni === undefined)
      return wrong('dst', `${dst} is the remote of ${where} already`)
    return { ...entry, mac, dev, dst, state: entry.state ?? 'permanent' }
  }
  for (const key of ['port', 'vni'] as const)
    if (entry[key] !== undefined) return wrong(key, `${key} belongs to dst`, 'Say where the frames go to.')
  // The kernel refuses others (is_valid_ether_addr in br_fdb_add, net/bridge/br_fdb.c).
  if (mac === ANYBODY || parseInt(mac.slice(0, 2), 16) & 1)
    return wrong(
      'mac',
      `${mac} is no address of one station`,
      'Only a VXLAN, with dst, has entries for all or a group.',
    )
  const isBridge = link?.kind === 'bridge'
  const master = isBridge ? dev : link?.spec['master']
  if (typeof master !== 'string' || x.file.namespaces[namespaceOf(id)]?.bridges?.[master] === undefined)
    return wrong(
      'mac',
      `${where} is no port of a bridge`,
      'Forwarding entries are those of a bridge or, with dst, of a VXLAN.',
    )
  const state = entry.state ?? (isBridge ? 'permanent' : 'static')
  if (isBridge && state === 'static') return wrong('state', 'an entry of the bridge itself is permanent')
  if (sticky && state === 'permanent') return wrong('sticky', 'only a static entry can be sticky')
  return { ...entry, mac, dev, bridge: master, state, ...(sticky && { sticky }) }
}
