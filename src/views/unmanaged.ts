import { visible } from '../model/text.ts'
import type { Resources } from '../model/resource.ts'

/** At most this many names are listed of a namespace. */
const MOST = 4

/** What a plan leaves alone in namespaces with `others: keep`: a line for each, with the names of some; empty when there is nothing. */
export function renderUnmanaged(others: Resources, wanted: Resources): string {
  const kept = new Map<string, string[]>()
  for (const { id, namespace, passing } of others.values()) {
    if (passing || wanted.get(namespace)?.spec['others'] !== 'keep') continue
    const names = kept.get(namespace) ?? []
    kept.set(namespace, names)
    names.push(id.slice(namespace.length + 1))
  }
  return [...kept]
    .map(([namespace, names]) => {
      const more = names.length > MOST ? `, and ${names.length - MOST} more` : ''
      return `Not managed in ${namespace} (others: keep): ${visible(names.slice(0, MOST).join(', '))}${more}. netlab show lists all.\n`
    })
    .join('')
}
