import type { Kind } from '../model/kind.ts'
import { lenderText, type Lender } from '../model/lender.ts'
import type { Resource } from '../model/resource.ts'
import { ofNamespace } from './lab-entry.ts'

/** The resource that stands for somebody else's namespace, which has this name in the lab. */
export const borrowedResource = (name: string, spec: Lender): Resource<Lender> => ({
  id: name,
  kind: 'borrowed',
  namespace: name,
  spec,
})

/**
 * Somebody else's namespace that a lab uses, and never makes, changes or removes. Whether it is there is looked at before the live
 * state is read (src/observe/lenders.ts).
 */
export const borrowed: Kind<Lender> = {
  name: 'borrowed',
  read: () => [],
  describe: lenderText,
  toLab: (r) => ofNamespace(r, r.spec),
  automatic: () => true,
  compare: () => [],
  needs: () => [],
  lostWith: () => [],
  create: () => [],
  update: () => [],
  remove: () => [],
}
