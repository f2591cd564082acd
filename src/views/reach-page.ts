import type { Pair } from '../model/reach-pair.ts'
import { foldNames } from './fold.ts'
import { withEntities } from './markup.ts'
import { pairText } from './reach-change.ts'
import { reachedServices, reachTable, reasonsOf, type ReachGroup } from './reach-table.ts'

const STYLE = `body{font:15px system-ui,sans-serif;margin:2rem;color:#222;background:#fff}
table{border-collapse:collapse}th{font-weight:normal;text-align:left}td{text-align:center;width:1.6em;height:1.6em;border:1px solid #ccc}
thead th{writing-mode:vertical-rl;transform:rotate(180deg);padding:.4em .2em}tbody th{padding-right:.8em}
.yes{background:#cdeccd}.no{background:#f6c6c6}li{margin:.2em 0}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1a1a1a}td{border-color:#444}.yes{background:#1f5a2b}.no{background:#7a2626}}`

const title = ({ members }: ReachGroup): string => withEntities(foldNames(members))

/** Who reaches whom as a page that needs no network and runs no script. */
export function reachPage(lab: string, pairs: readonly Pair[], full: boolean): string {
  const { rows, columns, cell } = reachTable(pairs, full)
  const head = columns.map((group) => `<th scope="col">${title(group)}</th>`).join('')
  const body = rows.map((from, row) => {
    const cells = columns.map((to, column) => {
      const value = cell(row, column)
      if (value === undefined) return '<td></td>'
      const words = `${title(from)} ${value ? 'reaches' : 'does not reach'} ${title(to)}`
      return `<td class="${value ? 'yes' : 'no'}" title="${words}">${value ? '✓' : '✗'}</td>`
    })
    return `<tr><th scope="row">${title(from)}</th>${cells.join('')}</tr>\n`
  })
  const services = reachedServices(pairs).map(({ name, by, notBy }) => {
    const part = (words: string, names: readonly string[]): string =>
      names.length ? ` ${words} ${withEntities(foldNames(names))}.` : ''
    return `<li><b>${withEntities(name)}</b>:${part('reached by', by)}${part('Not reached by', notBy)}</li>\n`
  })
  const reasons = [...reasonsOf(pairs)].map(([reason, of]) => {
    const names = of.map(pairText)
    return `<li>${withEntities(reason)}: ${withEntities(names.slice(0, LISTED).join(', '))}${names.length > LISTED ? ` and ${names.length - LISTED} more` : ''}</li>\n`
  })
  const list = (heading: string, items: readonly string[]): string =>
    items.length ? `<h2>${heading}</h2>\n<ul>\n${items.join('')}</ul>\n` : ''
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${withEntities(lab)}: who reaches whom</title>
<style>${STYLE}</style></head>
<body><h1>${withEntities(lab)}: who reaches whom</h1>
<table><thead><tr><td></td>${head}</tr></thead>
<tbody>
${body.join('')}</tbody></table>
${list('Services', services)}${list('Not reached', reasons)}</body></html>
`
}

/** How many pairs of one reason are listed. */
const LISTED = 20
