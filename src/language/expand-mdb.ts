import type { MdbFile } from '../kinds/mdb-lab.ts'
import { mdb, mdbId } from '../kinds/mdb.ts'
import { nameOf, namespaceOf } from '../model/resource.ts'
import { labContext, type Expansion } from './expansion.ts'
import type { Path } from './yaml/source.ts'

/** The multicast entries of a port or bridge; it and its bridge must have been expanded. */
export function expandMdb(
  x: Expansion,
  id: string,
  written: { readonly value: unknown; readonly path: Path } | undefined,
): void {
  const namespace = namespaceOf(id)
  for (const [i, entry] of ((written?.value ?? []) as readonly MdbFile[]).entries()) {
    const path = [...(written?.path ?? []), i]
    const spec = mdb.fromLab?.(entry, labContext(x, namespace, nameOf(id), path))
    if (spec) x.add({ id: mdbId(namespace, spec), kind: 'mdb', namespace, spec }, path)
  }
}
