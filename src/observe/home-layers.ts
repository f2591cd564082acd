import type { HomeSpec } from '../kinds/home.ts'
import { UserError, type Diagnostic } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Resource, Resources } from '../model/resource.ts'

/** Throws a UserError when files are to be in a top folder that the machine does not have: a layer needs one below it. */
export function mustHaveTopFolders(resources: Resources, host: Host): void {
  const errors: Diagnostic[] = []
  for (const { kind, spec, namespace } of resources.values()) {
    if (kind !== 'home') continue
    for (const layer of (spec as HomeSpec).layers ?? []) {
      if (host.exists(layer)) continue
      const within = (r: Resource): boolean =>
        r.namespace === namespace && String(r.spec['path']).startsWith(`${layer}/`)
      const inside = [...resources.values()].find((r) => (r.kind === 'file' || r.kind === 'folder') && within(r))
      errors.push({
        code: 'unknown-reference',
        severity: 'error',
        summary: `this machine has no folder ${layer}`,
        detail: `Make one, empty (mkdir ${layer}), or use a path below /etc, /var, /run or /srv.`,
        ...(inside?.source && { position: inside.source() }),
      })
    }
  }
  if (errors.length) throw new UserError(errors)
}
