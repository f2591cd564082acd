import type { Change } from '../model/change.ts'
import { linkId, type Resources } from '../model/resource.ts'
import type { Stranger } from '../model/runner.ts'

/** At most this many changes are listed; the next plan lists the others. */
const MOST = 8

/** What others changed during a run: a line for each resource, without those that belong to a listed one. */
export function meanwhile(changes: readonly Change[]): string {
  const ids = new Set(changes.flatMap(({ id, action }) => (action === 'update' ? [] : [id])))
  const first = changes.filter(({ id, namespace, after, before }) => {
    const { dev } = after?.spec ?? before?.spec ?? {}
    return id === namespace || ![namespace, linkId(namespace, String(dev))].some((on) => ids.has(on))
  })
  const lines = first.map(({ id, namespace, action, differences }) => {
    const fields = differences.map(({ field }) => field).join(', ')
    const verb = action === 'delete' ? 'made' : action === 'create' ? 'removed' : 'changed'
    const what = `${inside(id, namespace)}${verb === 'changed' && fields ? ` (${fields})` : ''}`
    return `something in ${namespace} has ${verb} ${what} meanwhile; the next plan lists it\n`
  })
  const more = lines.length - MOST
  return lines.slice(0, MOST).join('') + (more > 0 ? `and ${more} more\n` : '')
}

const inside = (id: string, namespace: string): string =>
  id.startsWith(`${namespace}/`) ? id.slice(namespace.length + 1) : id

/**
 * Explains why a run failed although all of its steps succeeded: what was undone again each time, and who may have undone it.
 * `others` are processes in these namespaces that are not the lab's. The first line is the summary.
 */
export function unsettled(
  lab: string,
  changes: readonly Change[],
  times: number,
  wanted: Resources,
  others: readonly Stranger[],
): string[] {
  const lines = changes.slice(0, MOST).map(({ id, action, differences }) => {
    if (action === 'delete') return `${id} was removed ${times} times, and is there again`
    if (action === 'create') return `${id} was made ${times} times, and is gone again`
    const fields = differences.map(({ field }) => field).join(', ')
    return `${id} was set ${times} times, and is otherwise again${fields && ` (${fields})`}`
  })
  const more = changes.length - MOST
  const homes = [...new Set(changes.map(({ namespace }) => namespace))]
  const suspects = homes.flatMap((home) => {
    const own = [...wanted.values()].flatMap(({ kind, namespace, spec }) =>
      kind === 'process' && namespace === home ? [`${String(spec['name'])} (of the lab)`] : [],
    )
    const strange = others.flatMap(({ namespace, pid, command }) =>
      namespace === home ? [`${command} (pid ${pid})`] : [],
    )
    const all = [...own, ...strange]
    return all.length ? [`A process in ${home} may do that: ${all.join(', ')}.`] : []
  })
  const otherwise = 'No process runs there: the kernel may hold it in another form than the one asked for.'
  return [
    `lab ${lab} was changed, but what is listed above is still to be done`,
    ...lines,
    ...(more > 0 ? [`and ${more} more`] : []),
    ...(suspects.length ? suspects : [otherwise]),
  ]
}
