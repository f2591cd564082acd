import type { FdbFile } from '../kinds/fdb-lab.ts'
import { fdb, fdbId } from '../kinds/fdb.ts'
import { linkId, nameOf, namespaceOf } from '../model/resource.ts'
import { labContext, type Expansion } from './expansion.ts'
import type { Path } from './yaml/source.ts'

/** The forwarding entries of an interface; it and its bridge must have been expanded. `isThere`: whether the lab has an interface. */
export function expandFdb(
  x: Expansion,
  id: string,
  written: { readonly value: unknown; readonly path: Path } | undefined,
  isThere: (id: string) => boolean,
): void {
  const namespace = namespaceOf(id)
  const entries = (written?.value ?? []) as readonly FdbFile[]
  const everywhere = new Set(entries.flatMap(({ mac, vlan }) => (vlan === undefined ? [mac.toLowerCase()] : [])))
  for (const [i, entry] of entries.entries()) {
    const path = [...(written?.path ?? []), i]
    if (entry.vlan !== undefined && everywhere.has(entry.mac.toLowerCase())) {
      x.report.error(
        'given-twice',
        [...path, 'vlan'],
        `${entry.mac} already has an entry in every VLAN`,
        'An entry without `vlan` applies to all VLANs.',
      )
      continue
    }
    if (entry.via !== undefined && !isThere(linkId(namespace, entry.via))) {
      x.report.error('unknown-reference', [...path, 'via'], `there is no interface ${entry.via} in ${namespace}`)
      continue
    }
    const spec = fdb.fromLab?.(entry, labContext(x, namespace, nameOf(id), path))
    if (spec) x.add({ id: fdbId(namespace, spec), kind: 'fdb', namespace, spec }, path)
  }
}
