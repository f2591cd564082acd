import type { Colors } from 'picocolors/types'
import type { Pair } from '../model/reach-pair.ts'
import { foldNames } from './fold.ts'
import { pairText } from './reach-change.ts'
import { reachedServices, reachTable, reasonsOf, type ReachGroup } from './reach-table.ts'

/** From this many columns on, cells stand side by side without spaces. */
const NARROW = 30
/** How many pairs of one reason are named. */
const NAMED = 3
/** How wide a list of names may be. */
const WIDE = 100

/** Who reaches whom, as a table for people, and why the others do not. */
export function renderReach(lab: string, pairs: readonly Pair[], seconds: number, full: boolean, c: Colors): string {
  const table = reachTable(pairs, full)
  const numbers = new Map(table.columns.map(({ members }, i) => [members[0]!, i + 1]))
  const titles = table.rows.map((group) => title(group, full))
  const width = Math.max(0, ...titles.map(({ length }) => length))
  const digits = String(table.columns.length).length
  const gap = table.columns.length > NARROW ? '' : ' '.repeat(digits)
  const labelled = table.rows.map(({ members }) => String(numbers.get(members[0]!) ?? '').padStart(digits))
  const onlyTargets = table.columns.filter(({ members }) => !table.rows.some((row) => row.members[0] === members[0]))
  const lines = table.rows.map((_, row) => {
    const cells = table.columns.map((_column, column) => {
      const value = table.cell(row, column)
      return value === undefined ? c.dim('·') : value ? c.green('✓') : c.red('✗')
    })
    return `${labelled[row]} ${titles[row]!.padEnd(width)}  ${cells.join(gap)}\n`
  })
  return [
    `${c.bold(lab)}: who reaches whom\n\n`,
    header(table.columns.length, ' '.repeat(digits + 1 + width + 2), gap, digits),
    ...lines,
    ...onlyTargets.map((group) => `${String(numbers.get(group.members[0]!)).padStart(digits)} ${title(group, full)}\n`),
    serviceLines(pairs, c),
    reasonLines(pairs, c),
    summary(pairs, seconds),
  ].join('')
}

/** The numbers of the columns, one digit below the other where cells stand close. */
function header(count: number, indent: string, gap: string, digits: number): string {
  if (gap !== '') {
    const numbers = Array.from({ length: count }, (_, i) => String(i + 1).padEnd(1 + gap.length))
    return `${indent}${numbers.join('').trimEnd()}\n`
  }
  const rows = Array.from({ length: digits }, (_, digit) =>
    Array.from({ length: count }, (_column, i) => String(i + 1).padStart(digits)[digit]!).join(''),
  )
  return rows.map((row) => `${indent}${row.trimEnd()}\n`).join('')
}

const title = ({ members }: ReachGroup, full: boolean): string =>
  members.length === 1 ? members[0]! : `${short(members, full)} (${members.length})`

/** A list of names that fits into a line. */
function short(names: readonly string[], full = false): string {
  const all = foldNames(names).split(' ')
  let text = ''
  for (const [i, name] of all.entries()) {
    const longer = text === '' ? name : `${text} ${name}`
    if (!full && i > 0 && longer.length > WIDE) return `${text} and ${all.length - i} more`
    text = longer
  }
  return text
}

function serviceLines(pairs: readonly Pair[], c: Colors): string {
  const services = reachedServices(pairs)
  if (services.length === 0) return ''
  const width = Math.max(...services.map(({ name }) => name.length))
  const lines = services.map(({ name, by, notBy }) => {
    const parts = [
      ...(by.length ? [`${c.green('✓')} ${notBy.length ? short(by) : 'all'}`] : []),
      ...(notBy.length ? [`${c.red('✗')} ${by.length ? short(notBy) : 'all'}`] : []),
    ]
    return `  ${name.padEnd(width)}  ${parts.join('   ')}\n`
  })
  return `\nWhere something listens, or a check connects:\n${lines.join('')}`
}

function reasonLines(pairs: readonly Pair[], c: Colors): string {
  const lines = [...reasonsOf(pairs)].map(([reason, of]) => {
    const more = of.length - NAMED
    const named = of.slice(0, NAMED).map(pairText).join(', ')
    return `  ${named}${more > 0 ? ` and ${more} more` : ''}: ${reason}\n`
  })
  return lines.length ? `\n${c.bold('Not reached')}\n${lines.join('')}` : ''
}

function summary(pairs: readonly Pair[], seconds: number): string {
  const pings = pairs.filter(({ protocol }) => protocol === 'icmp')
  const others = pairs.filter(({ protocol }) => protocol !== 'icmp')
  const share = (some: readonly Pair[]): string => `${some.filter(({ reached }) => reached).length} of ${some.length}`
  const services = others.length ? `, ${share(others)} connections to services` : ''
  const tried = pairs.filter(({ like }) => !like).length
  const alike =
    tried === pairs.length
      ? ''
      : `\n${tried} of these were tried; the hosts of the others are provably alike (docs/reach.md).`
  return `\n${share(pings)} pairs by ping${services}, in ${seconds.toFixed(1)} s.${alike}\n`
}
