import type { IptablesChain, IptablesSpec } from '../model/firewall.ts'
import { edits } from './ordered.ts'
import { builtin, isBuiltin, named } from './save.ts'

/** The lines of one table's transaction, as iptables-restore reads them between `*table` and COMMIT. */
export interface TableLines {
  readonly table: string
  readonly lines: readonly string[]
}

const none: IptablesChain = { rules: [] }

/**
 * The commands that change the rules of one chain and keep all other rules with their counters: deletions from the end, so that
 * earlier positions stay valid, then insertions from the start. A new rule comes right after the rule that it follows. Among
 * rules of others (`places`), a new rule that follows none of the lab's comes before the lab's next rule, or at the top.
 */
function chainLines(name: string, live: IptablesChain, desired: IptablesChain, alone: boolean): string[] {
  const { kept, removed, inserted } = edits(live.rules, desired.rules)
  const place = (index: number): number => live.places?.[index] ?? index + 1
  const lines = removed.toReversed().map((index) => `-D ${name} ${place(index)}`)
  let length = live.rules.length - removed.length
  let [gone, next, previous] = [0, 0, undefined as number | undefined]
  /** The position of a kept rule after the deletions and the insertions so far. */
  const standing = (k: number, done: number): number => {
    const { from } = kept[k]!
    while (gone < removed.length && removed[gone]! < from) gone++
    return place(from) - gone + done
  }
  for (const [done, index] of inserted.entries()) {
    while (next < kept.length && kept[next]!.to < index) previous = standing(next++, done)
    const at: number = previous !== undefined ? previous + 1 : next < kept.length ? standing(next, done) : 1
    const rule = desired.rules[index]!
    lines.push(alone && at > length ? `-A ${name} ${rule}` : `-I ${name} ${at} ${rule}`)
    previous = at
    length++
  }
  return lines
}

/**
 * The lines that turn one spec into another, table by table. Chains are created before rules that jump to them, and all chains
 * that go are flushed before the first is deleted.
 */
export function tableLines(live: IptablesSpec, desired: IptablesSpec, borrowed: boolean): TableLines[] {
  return Object.keys(builtin).flatMap((table) => {
    const [before, after] = [
      live.tables[table] ?? named<IptablesChain>(),
      desired.tables[table] ?? named<IptablesChain>(),
    ]
    const custom = (chains: object, others: object) =>
      Object.keys(chains).filter((name) => !isBuiltin(table, name) && !Object.hasOwn(others, name))
    const leaving = custom(before, after)
    const staying = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
      (name) => !leaving.includes(name),
    )
    const lines = [
      ...custom(after, before).map((name) => `-N ${name}`),
      ...staying
        .filter((name) => before[name]?.policy !== after[name]?.policy)
        .map((name) => `-P ${name} ${after[name]?.policy ?? 'ACCEPT'}`),
      ...staying.flatMap((name) => chainLines(name, before[name] ?? none, after[name] ?? none, !borrowed)),
      ...leaving.flatMap((name) => (borrowed ? chainLines(name, before[name]!, none, false) : [`-F ${name}`])),
      ...leaving.filter((name) => !before[name]!.shared).map((name) => `-X ${name}`),
    ]
    return lines.length ? [{ table, lines }] : []
  })
}

/** A whole spec as iptables-restore loads it into a namespace that has no rules. */
export function fullLoad({ tables }: IptablesSpec): TableLines[] {
  return Object.entries(tables).map(([table, chains]) => ({
    table,
    lines: [
      ...Object.entries(chains).map(([name, { policy }]) => {
        const shown = isBuiltin(table, name) ? (policy ?? 'ACCEPT') : '-'
        return `:${name} ${shown} [0:0]`
      }),
      ...Object.entries(chains).flatMap(([name, { rules }]) => rules.map((rule) => `-A ${name} ${rule}`)),
    ],
  }))
}

/** The lines that bring the tables of a spec back to the state of a new namespace. */
export function reset(live: IptablesSpec): TableLines[] {
  return Object.entries(live.tables).map(([table, chains]) => ({
    table,
    lines: [
      ...Object.entries(chains).flatMap(([name, { policy }]) => (policy === undefined ? [] : [`-P ${name} ACCEPT`])),
      '-F',
      '-X',
    ],
  }))
}

/** The input of iptables-restore. */
export const restoreInput = (tables: readonly TableLines[]): string =>
  tables.map(({ table, lines }) => [`*${table}`, ...lines, 'COMMIT', ''].join('\n')).join('')
