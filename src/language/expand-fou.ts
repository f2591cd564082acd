import { fou, fouResource } from '../kinds/fou.ts'
import { hostsByNamespace } from './expand-impairments.ts'
import { labContext, type Expansion } from './expansion.ts'

/** The UDP ports for tunnels of every namespace; addresses have been expanded. */
export function expandFou(x: Expansion): void {
  let addressesOf: ReturnType<typeof hostsByNamespace> | undefined
  for (const [namespace, fields] of Object.entries(x.file.namespaces)) {
    const path = ['namespaces', namespace, 'fou']
    const ports = fields?.fou ?? []
    if (x.borrowed(namespace) && ports.length) {
      x.report.error(
        'not-the-labs',
        path,
        'a lab cannot have ports for tunnels in a namespace that it does not own',
        'A port cannot record which lab owns it.',
      )
      continue
    }
    for (const [i, entry] of ports.entries()) {
      addressesOf ??= hostsByNamespace(x)
      const at = [...path, i]
      const spec = fou.fromLab?.(entry, { ...labContext(x, namespace, String(entry.port), at), addressesOf })
      if (spec) x.add(fouResource(namespace, spec), at)
    }
  }
}
