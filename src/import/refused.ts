import { isCollection, isPair, LineCounter, parseDocument, visit } from 'yaml'
import type { UserError } from '../model/diagnostic.ts'
import { isFields } from '../model/fields.ts'
import type { LabPath } from '../model/kind.ts'
import type { Remark } from './network.ts'

type Values = Record<string | number, unknown>

/**
 * Removes from a lab file, which has this text, what the language refuses: the entry of a list, or the field, that each error
 * points at. Returns remarks on it; none when no error has a place in a namespace.
 */
export function removeRefused(file: object, text: string, { diagnostics }: UserError): Remark[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const cuts = new Map<string, { path: LabPath; why: string }>()
  for (const { position, severity, summary } of diagnostics) {
    if (severity !== 'error' || !position) continue
    const path = entryAround(pathAt((lines.lineStarts[position.line - 1] ?? 0) + position.column - 1))
    if (path.length > 1) cuts.set(JSON.stringify(path), { path, why: summary })
  }
  const remarks = [...cuts.values()].map(({ path, why }): Remark => {
    const value = valueAt(file, path)
    const place = path.slice(2).join('.')
    return { at: homeOf(path), text: `Not managed: ${place} ${JSON.stringify(value)}: ${why}` }
  })
  // Entries of one list are removed from its end on, so that their numbers stay right.
  const inOrder = [...cuts.values()].sort((a, b) => Number(b.path.at(-1)) - Number(a.path.at(-1)) || 0)
  for (const { path } of inOrder) {
    const parent = valueAt(file, path.slice(0, -1)) as Values | unknown[] | undefined
    const last = path.at(-1) ?? ''
    if (Array.isArray(parent)) parent.splice(Number(last), 1)
    else if (isFields(parent)) delete parent[last]
    const [, name = ''] = homeOf(path)
    const home = valueAt(file, ['namespaces', name])
    if (isFields(home) && home['root'] === undefined && home['shares'] === undefined)
      (home as Values)['others'] = 'keep'
  }
  return remarks

  function pathAt(offset: number): LabPath {
    let found: LabPath = []
    visit(document, (key, node, ancestors) => {
      const range = (node as { range?: [number, number, number] | null } | null)?.range
      if (!range || offset < range[0] || offset >= Math.max(range[1], range[0] + 1)) return
      const path = ancestors.flatMap((one, n): LabPath => {
        const next = ancestors[n + 1] ?? node
        if (!isCollection(one) || !next) return []
        if (isPair(next)) return [String((next.key as { value: unknown }).value)]
        return [(one.items as unknown[]).indexOf(next)]
      })
      if (path.length >= found.length) found = path
    })
    return found
  }
}

/** The path of the entry of a list that is the innermost one around a value; that of the value where there is none. */
function entryAround(path: LabPath): LabPath {
  const last = path.findLastIndex((step, n) => typeof step === 'number' && n > 0)
  return last < 0 ? path : path.slice(0, last + 1)
}

/** The path of the namespace that something belongs to, as far as the path says it. */
const homeOf = (path: LabPath): LabPath =>
  path[0] === 'links' && path[2] === 'endpoints'
    ? ['namespaces', String(path[3]).split(':', 1)[0] ?? '']
    : path.slice(0, 2)

const valueAt = (file: unknown, path: LabPath): unknown =>
  path.reduce((value, step) => (value as Values | undefined)?.[step], file)
