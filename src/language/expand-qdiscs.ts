import { qdiscId } from '../kinds/qdisc.ts'
import { tcFromLab } from '../kinds/tc-lab.ts'
import { isHook, tcId } from '../kinds/tc.ts'
import { nameOf, namespaceOf } from '../model/resource.ts'
import type { Draft } from './drafts.ts'
import { labContext, type Expansion } from './expansion.ts'
import type { Path } from './yaml/source.ts'

/** The qdiscs, classes and filters that an interface has in tc's own words. */
export function expandQdiscs(x: Expansion, { id, settings }: Draft): void {
  const written = settings['qdiscs']
  if (!written) return
  const [namespace, name] = [namespaceOf(id), nameOf(id)]
  const { value, path } = written
  const isText = typeof value === 'string'
  const where = (part: Path): Path => (isText ? path : [...path, ...part])
  const lines = isText ? value.split('\n') : (value as readonly string[])
  const specs = tcFromLab(lines, labContext(x, namespace, name, path, where), isText)
  for (const [i, spec] of specs.entries()) {
    if (!spec) continue
    const beside = spec.parent === 'root' ? 'impairments' : isHook(spec.kind) ? 'ingress' : undefined
    if (beside !== undefined && settings[beside]) {
      x.report.error(
        'given-twice',
        where([i]),
        `${id.replace('/', ':')} has ${beside} and a qdisc at the same place`,
        `netlab creates the qdiscs of ${beside} there, and each place holds one qdisc. Write all of them as qdiscs, or leave one of the two out.`,
      )
      continue
    }
    const root = spec.object === 'qdisc' && spec.parent === 'root'
    x.add(
      { id: root ? qdiscId(namespace, name) : tcId(namespace, spec), kind: root ? 'qdisc' : 'tc', namespace, spec },
      where([i]),
    )
  }
}
