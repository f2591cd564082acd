import type { Colors } from 'picocolors/types'
import type { Change, Plan } from '../model/change.ts'
import type { Position } from '../model/diagnostic.ts'
import type { Resources } from '../model/resource.ts'
import type { Fault } from '../model/fault.ts'
import { faultJson, renderFaults, type FaultJson } from './fault-text.ts'
import { FORMAT, planJson, type ChangeJson } from './json.ts'
import { renderChanges } from './plan-text.ts'

/**
 * What `netlab watch` reports. `drift`: a plan would have these changes now, all of them. `process`: the same, and all of them are
 * processes. `repaired`: an apply has made these changes. `clean`: a plan would be empty. `fault`: a fault has been set, or has ended.
 */
export type WatchKind = 'drift' | 'process' | 'repaired' | 'clean' | 'fault'

/** A change that a plan would have, and the place in the lab file that asks for it, or for its namespace. */
export type WatchedChange = ChangeJson & {
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

/** A line of `netlab watch --json`. */
export interface WatchJson {
  readonly format_version: typeof FORMAT
  /** As in `2026-11-29T10:12:03.412Z`. */
  readonly time: string
  readonly kind: WatchKind
  readonly changes: readonly WatchedChange[]
  /** With `drift`, while a drill is under way: the changes are left out. */
  readonly concealed?: true
  /** With `fault`: the faults that there are now, all of them. */
  readonly faults?: readonly FaultJson[]
}

/** The changes of a plan, with their places in the lab file. */
export function watchedChanges(plan: Plan, wanted: Resources): WatchedChange[] {
  const { changes } = planJson(plan)
  return changes.map((change, i) => ({ ...change, ...placeInFile(plan.changes[i], wanted) }))
}

function placeInFile(change: Change | undefined, wanted: Resources): Partial<Position> {
  const source = change && (wanted.get(change.id) ?? change.after ?? wanted.get(change.namespace))?.source
  if (!source) return {}
  const { file, line, column } = source()
  return { file, line, column }
}

/** A report as a program reads it. */
export const watchJson = (kind: WatchKind, changes: readonly WatchedChange[], time: Date): WatchJson => ({
  format_version: FORMAT,
  time: time.toISOString(),
  kind,
  changes,
})

/** The report that something differs, which does not give a drill away. */
export const concealedReport = (time: Date): WatchJson => ({ ...watchJson('drift', [], time), concealed: true })

/** Whether these changes would end a drill: one of them removes its mark. */
export const endDrill = (changes: readonly WatchedChange[]): boolean =>
  changes.some(({ kind, before }) => kind === 'namespace' && before?.['drill'] !== undefined)

/** The report that the faults are others than before. */
export const faultReport = (faults: readonly Fault[], time: Date): WatchJson => ({
  ...watchJson('fault', [], time),
  faults: faults.map(faultJson),
})

/** A report as people read it: the time, what it is, and the changes. */
export function renderWatch(
  { kind, changes, time, concealed, faults = [] }: WatchJson,
  source: string,
  c: Colors,
  full = false,
): string {
  const clock = c.dim(new Date(time).toTimeString().slice(0, 8))
  const count = `${changes.length} ${changes.length === 1 ? 'change' : 'changes'}`
  if (kind === 'fault')
    return faults.length === 0
      ? `${clock} ${c.green('fault')}: all faults have ended.\n`
      : `${clock} ${c.yellow('fault')}: now there ${faults.length === 1 ? 'is' : 'are'}\n${renderFaults(faults, c)}`
  if (concealed) return `${clock} ${c.yellow(kind)}: a drill is under way (netlab break): the changes are not shown.\n`
  if (kind === 'clean') return `${clock} ${c.green('clean')}: the live network matches ${source}.\n`
  const where = ({ file, line, column }: WatchedChange): string =>
    file === undefined ? '' : `  ${c.dim(`${file}:${line}:${column}`)}`
  const title = kind === 'repaired' ? `${c.green(kind)}: ${count} made` : `${c.yellow(kind)}: apply would make ${count}`
  return `${clock} ${title}${renderChanges(changes, c, full, where)}\n`
}
