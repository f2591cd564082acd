import type { IptablesChain, IptablesSpec, NftChain, NftSpec, NftTable } from '../../model/firewall.ts'
import type { Topology } from '../../model/topology.ts'
import type { ResourceJson } from '../json.ts'
import { rowsOfNamespace } from '../show-text.ts'
import type { End } from './graph-of.ts'
import type { Picture } from './layout.ts'
import { escaped, stateWords } from './svg.ts'

/** A part of what is known of a namespace: a title, and rows of cells. */
export interface Section {
  readonly title: string
  readonly rows: readonly (readonly string[])[]
}

/** The parts that every namespace has, also where there is nothing in them, by the kinds that belong to them. */
const usual: readonly (readonly [string, readonly string[]])[] = [
  ['Routes', ['route']],
  ['Rules', ['rule', 'rule6', 'ipset']],
  ['Processes', ['process']],
]

const FIREWALLS = ['iptables', 'ip6tables', 'nftables']

/** The firewall rules of a resource that has some, in their order: what they belong to, the chain, the rule. */
function chainsOf({ kind, spec }: ResourceJson): string[][] {
  if (!FIREWALLS.includes(kind)) return []
  const tables = Object.entries<IptablesSpec['tables'][string] | NftTable>(
    spec['tables'] as NftSpec['tables'] | IptablesSpec['tables'],
  )
  // Rules of nft are a text until nft has turned it into tables, which it has where they are live.
  if (tables.length === 0) return [[kind, '', 'as in the lab file; --live lists them']]
  return tables.flatMap(([table, of]) => {
    const chains: Readonly<Record<string, NftChain | IptablesChain>> =
      kind === 'nftables' ? (of as NftTable).chains : (of as IptablesSpec['tables'][string])
    return Object.entries(chains).flatMap(([name, { policy, rules }]) =>
      [...(policy === undefined ? [] : [`policy ${policy}`]), ...rules].map((rule) => [kind, `${table} ${name}`, rule]),
    )
  })
}

/** What is known of a namespace, in words: its interfaces and addresses, routes, rules, processes, and the rest by kind. */
export function sectionsOf(namespace: string, net: Topology<ResourceJson>): Section[] {
  const rows = rowsOfNamespace(namespace, net, true)
  const links = rows.flatMap(([name, addresses, rest, form]) => (form === 'interface' ? [[name, addresses, rest]] : []))
  const others = rows.flatMap(([name, kind, rest, form]) =>
    form === 'line' && kind && rest + name ? [[kind, name, rest]] : [],
  )
  const isOf =
    (kinds: readonly string[]) =>
    ([kind]: readonly string[]): boolean =>
      kinds.some((one) => kind === one || kind?.endsWith(` ${one}`))
  const known = usual.map(([title, kinds]) => {
    const own = others.filter(isOf(kinds))
    const firewall = title === 'Rules' ? net.within(namespace).flatMap(chainsOf) : []
    // The title says the kind, where there is only one.
    const isOne = kinds.length === 1 && own.every(([kind]) => kind === kinds[0])
    return { title, rows: isOne ? own.map(([, ...row]) => row) : [...own, ...firewall] }
  })
  const rest = others.filter(
    (row) => ![...usual.map(([, kinds]) => kinds), FIREWALLS].some((kinds) => isOf(kinds)(row)),
  )
  return [{ title: 'Interfaces', rows: links }, ...known, ...(rest.length ? [{ title: 'More', rows: rest }] : [])]
}

/** A table in HTML, without the columns in which nothing is. */
function table(caption: string, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const filled = heads.map((_, i) => rows.some((row) => row[i] !== ''))
  const shown = (row: readonly string[]): string[] => row.filter((_, i) => filled[i])
  const cells = ([first, ...rest]: readonly string[]): string =>
    `<th scope="row">${first}</th>${rest.map((cell) => `<td>${cell}</td>`).join('')}`
  const head = shown(heads).map((name) => `<th scope="col">${name}</th>`)
  return `<table><caption>${caption}</caption><thead><tr>${head.join('')}</tr></thead><tbody>
${rows.map((row) => `<tr>${cells(shown(row))}</tr>`).join('\n')}
</tbody></table>`
}

/** The picture as tables: of nodes, which open their details, and of links. */
export function tablesOf({ graph: { nodes, links } }: Picture): string {
  const button = (id: string): string => `<button data-open="${escaped(id)}">${escaped(id)}</button>`
  const role = (name: string): string => (name === 'other' ? 'not of this lab' : name)
  const end = ({ name, addresses }: End): string => escaped([name, ...addresses].join(' ').trim())
  return (
    table(
      'Nodes',
      ['Name', 'Role', 'State', 'Also'],
      nodes.map((node) => [button(node.id), role(node.role), stateWords[node.state], escaped(node.notes.join(', '))]),
    ) +
    table(
      'Links',
      ['From', 'Interface', 'To', 'Interface', 'Kind', 'State'],
      links.map(({ kind, a, b, state }) => [
        button(a.node),
        end(a),
        button(b.node),
        end(b),
        kind,
        stateWords[state] || 'up',
      ]),
    )
  )
}
