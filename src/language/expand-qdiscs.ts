import { qdiscId } from '../kinds/qdisc.ts'
import { tcFromLab } from '../kinds/tc-lab.ts'
import { tcId } from '../kinds/tc.ts'
import { nameOf, namespaceOf } from '../model/resource.ts'
import type { Draft } from './drafts.ts'
import { labContext, type Expansion } from './expansion.ts'
import type { Path } from './yaml/source.ts'

/** The qdiscs, classes and filters that an interface has in tc's own words. */
export function expandQdiscs(x: Expansion, { id, settings }: Draft): void {
  const written = settings['qdiscs']
  if (!written) return
  const beside = settings['impairments']
  if (beside)
    return x.report.error(
      'given-twice',
      written.path,
      `${id.replace('/', ':')} has impairments and qdiscs`,
      'Impairments are qdiscs of netlab’s own at the same place: an interface has one root qdisc. Write them as a qdisc netem or tbf, or leave one of the two out.',
      'key',
    )
  const [namespace, name] = [namespaceOf(id), nameOf(id)]
  const { value, path } = written
  const isText = typeof value === 'string'
  const where = (part: Path): Path => (isText ? path : [...path, ...part])
  const lines = isText ? value.split('\n') : (value as readonly string[])
  const specs = tcFromLab(lines, labContext(x, namespace, name, path, where), isText)
  for (const [i, spec] of specs.entries()) {
    if (!spec) continue
    const root = spec.object === 'qdisc' && spec.parent === 'root'
    x.add(
      { id: root ? qdiscId(namespace, name) : tcId(namespace, spec), kind: root ? 'qdisc' : 'tc', namespace, spec },
      where([i]),
    )
  }
}
