import { initialVlans, vlansId, type VlanFlags } from '../kinds/vlans.ts'
import { nameOf, namespaceOf, type Resource } from '../model/resource.ts'
import type { Expansion } from './expansion.ts'
import type { Path } from './yaml/source.ts'

/** A setting, and where it is written. */
interface Written {
  readonly value: unknown
  readonly path: Path
}

/** Of the settings of a bridge, those that decide what its ports begin with. */
interface Filtering {
  readonly vlan_filtering: boolean
  readonly vlan_default_pvid: number
}

/** Settings of ports that belong to VLANs, and of the bridge itself. */
export const vlanSettings = ['pvid', 'vlans'] as const

const HIGHEST = 4094

/** The VLANs of an interface: `pvid` for frames without a tag, `vlans` for frames with one. */
export function expandVlans(x: Expansion, id: string, pvid: Written | undefined, vlans: Written | undefined): void {
  const first = pvid ?? vlans
  if (!first) return
  const namespace = namespaceOf(id)
  const port = nameOf(id)
  const spec = x.resources.get(id)?.spec
  const bridge = x.resources.get(id)?.kind === 'bridge' ? port : String(spec?.['master'])
  const settings = x.file.namespaces[namespace]?.bridges?.[bridge]
  if (settings === undefined)
    return x.report.error(first.path, `${id.replace('/', ':')} is no port of a bridge`, 'VLANs are those of a bridge.')
  const { vlan_filtering, vlan_default_pvid: initial = 1 } = (settings ?? {}) as Partial<Filtering>
  if (!vlan_filtering)
    return x.report.error(
      first.path,
      `the bridge ${bridge} does not look at VLANs`,
      `Add vlan_filtering: true to namespaces.${namespace}.bridges.${bridge}.`,
    )
  const found: Record<string, VlanFlags> = {}
  for (const [i, text] of ((vlans?.value ?? []) as readonly (number | string)[]).entries()) {
    const [from = 0, to = from] = String(text).split('-').map(Number)
    if (from < 1 || to > HIGHEST || from > to)
      x.report.error([...first.path, i], `"${text}" is no VLAN`, `VLANs are 1 to ${HIGHEST}; a range is written 10-19.`)
    else for (let vid = from; vid <= to; vid++) found[vid] = ''
  }
  if (pvid) found[String(pvid.value)] = 'pvid untagged'
  if (JSON.stringify(found) === JSON.stringify(initialVlans(initial))) return
  const wanted = { port, bridge, vlans: found, ...(initial !== 1 && { initial }) }
  x.add({ id: vlansId(namespace, port), kind: 'vlans', namespace, spec: wanted } as Resource, first.path, 'key')
}
