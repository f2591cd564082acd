import { process, processId } from '../kinds/process.ts'
import { labContext, type Expansion } from './expansion.ts'

/** Processes of every namespace. */
export function expandProcesses(x: Expansion): void {
  for (const [namespace, fields] of Object.entries(x.file.namespaces))
    for (const [name, entry] of Object.entries(fields?.processes ?? {})) {
      const path = ['namespaces', namespace, 'processes', name]
      const spec = process.fromLab?.(entry, labContext(x, namespace, name, path))
      if (!spec) continue
      const files = x.files.get(fields?.shares ?? namespace)
      const more = {
        ...(files !== undefined && { files }),
        ...(fields?.shares !== undefined && { home: fields.shares }),
      }
      x.add({ id: processId(namespace, name), kind: 'process', namespace, spec: { ...spec, ...more } }, path, 'key')
    }
}
