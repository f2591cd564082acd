import { idOfProcess, setupId } from '../kinds/process-start.ts'
import { process, processId, type ProcessSpec } from '../kinds/process.ts'
import { setup } from '../kinds/setup.ts'
import { labContext, type Expansion } from './expansion.ts'
import { suggest } from './report.ts'
import type { Path } from './yaml/source.ts'

/** Processes and setups of every namespace. */
export function expandProcesses(x: Expansion): void {
  const ordered = new Map<string, { readonly path: Path; readonly after: readonly string[] }>()
  for (const [namespace, fields] of Object.entries(x.file.namespaces)) {
    const place = ['namespaces', namespace, 'setup']
    if (fields?.setup) {
      const spec = setup.fromLab?.(fields.setup, labContext(x, namespace, 'setup', place))
      if (spec) x.add({ id: setupId(namespace), kind: 'setup', namespace, spec }, place)
    }
    for (const [name, entry] of Object.entries(fields?.processes ?? {})) {
      const path = ['namespaces', namespace, 'processes', name]
      if (fields?.setup && name === 'setup')
        x.report.error('given-twice', path, 'the commands of setup have this name already', 'Choose another.', 'key')
      const spec = process.fromLab?.(entry, labContext(x, namespace, name, path))
      if (!spec) continue
      const files = x.files.get(fields?.shares ?? namespace)
      const more = {
        ...(files !== undefined && { files }),
        ...(fields?.shares !== undefined && { home: fields.shares }),
      }
      x.add({ id: processId(namespace, name), kind: 'process', namespace, spec: { ...spec, ...more } }, path, 'key')
      if (spec.after) ordered.set(processId(namespace, name), { path: [...path, 'after'], after: spec.after })
    }
  }
  for (const [id, { path, after }] of ordered) checkNames(x, id, path, after)
  checkCircles(x, ordered)
}

function checkNames(x: Expansion, id: string, path: Path, after: readonly string[]): void {
  const written = x.resources.get(id)?.namespace ?? ''
  after.forEach((name, i) => {
    if (x.resources.get(idOfProcess(name))?.kind === 'process') return
    const all = [...x.resources.values()].flatMap(({ kind, namespace, spec }) =>
      kind === 'process' ? [`${namespace}/${(spec as ProcessSpec).name}`] : [],
    )
    const near = name.startsWith(`${written}/`) ? all.filter((one) => one.startsWith(`${written}/`)) : all
    x.report.error(
      'unknown-reference',
      after.length > 1 ? [...path, i] : path,
      `there is no process ${name}`,
      () => suggest(name, near) ?? (all.length > 20 ? undefined : `There are: ${all.join(', ')}.`),
    )
  })
}

/** Reports each circle once, at the first of its processes in the file. */
function checkCircles(
  x: Expansion,
  ordered: ReadonlyMap<string, { readonly path: Path; readonly after: readonly string[] }>,
): void {
  const settled = new Set<string>()
  for (const first of ordered.keys()) {
    // A way from process to process: each step has the names that are still to be followed.
    const way: { id: string; rest: string[] }[] = []
    const enter = (id: string): void => {
      const on = way.findIndex((step) => step.id === id)
      if (on >= 0) {
        const circle = [...way.slice(on).map((step) => step.id), id].map((one) => one.replace('/process/', '/'))
        const at = ordered.get(id)
        if (at)
          x.report.error(
            'process-circle',
            at.path,
            `${circle[0]} comes after itself`,
            `In a circle, each after the next: ${circle.join(' → ')}.`,
          )
      } else if (!settled.has(id)) way.push({ id, rest: (ordered.get(id)?.after ?? []).map(idOfProcess) })
    }
    enter(first)
    for (let last = way.at(-1); last; last = way.at(-1)) {
      const next = last.rest.shift()
      if (next === undefined) settled.add(way.pop()!.id)
      else enter(next)
    }
  }
}
