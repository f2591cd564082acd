import { vlans as vlansKind, vlansId } from '../kinds/vlans.ts'
import { nameOf, namespaceOf } from '../model/resource.ts'
import { labContext, type Expansion } from './expansion.ts'
import type { Path } from './yaml/source.ts'

/** A setting, and where it is written. */
interface Written {
  readonly value: unknown
  readonly path: Path
}

/** Settings of ports that belong to VLANs, and of the bridge itself. */
export const vlanSettings = ['pvid', 'vlans'] as const

/** The VLANs of an interface: `pvid` for frames without a tag, `vlans` for frames with one. */
export function expandVlans(x: Expansion, id: string, pvid: Written | undefined, vlans: Written | undefined): void {
  const first = pvid ?? vlans
  if (!first) return
  const [namespace, port] = [namespaceOf(id), nameOf(id)]
  const where = ([, ...part]: Path): Path => (part.length && vlans ? [...vlans.path, ...part] : first.path)
  const entry = { pvid: pvid?.value, vlans: vlans?.value }
  const spec = vlansKind.fromLab?.(entry, labContext(x, namespace, port, first.path, where))
  if (spec) x.add({ id: vlansId(namespace, port), kind: 'vlans', namespace, spec }, first.path, 'key')
}
