import type { NftChain, NftSpec, NftTable, RulePlace, Problem } from '../model/firewall.ts'
import type { Kind } from '../model/kind.ts'
import type { Difference, Emission } from '../model/change.ts'
import type { Operation } from '../model/operation.ts'
import type { Resource } from '../model/resource.ts'
import { removalStage, isLost, mapped } from './common.ts'
import { bare, isLikeIptables, nftSpecOf } from '../firewall/division.ts'
import { elementChanges } from '../firewall/nft-elements.ts'
import { nftTransaction, rebuilt, renewed } from '../firewall/nft-transaction.ts'
import { orderedDifferences } from '../firewall/ordered.ts'
import { named } from '../firewall/save.ts'
import { nftablesValue } from '../firewall/rule-files.ts'
import { placeOf } from '../model/place.ts'
import { ofNamespace } from './lab-entry.ts'

export { nftablesSchema } from '../firewall/firewall-schema.ts'

/** `ns0/nftables` */
export const nftablesId = (namespace: string): string => `${namespace}/nftables`

/** The name of the lab's tables in the machine's own namespace: this, or this followed by a dot and more. */
export const tableMark = (lab: string): string => `netlab_${lab.replaceAll('-', '_')}`

/** Whether a table (`inet NAME`) of the machine's own namespace is the lab's. */
export function isOwnTable(table: string, lab: string): boolean {
  const name = table.slice(table.indexOf(' ') + 1)
  return name === tableMark(lab) || name.startsWith(`${tableMark(lab)}.`)
}

/** Commands of nft that print, wait or rename instead of defining a rule set; `reset tcp option` is a statement of a rule. */
const outlandish = /(?:^|[\n;])\s*(list|monitor|describe|export|import|rename|reset(?!\s+tcp\s+option\b))\b/g

/** The errors in the text of an `nftables` field that can be found without nft. */
export function nftProblems(text: string): Problem[] {
  const place = (index: number, length: number): RulePlace => {
    const before = text.slice(0, index).split('\n')
    return { path: [], line: before.length, column: before.at(-1)!.length + 1, length }
  }
  const nul = text.indexOf('\0')
  if (nul >= 0) return [{ summary: 'the text contains a NUL', place: place(nul, 1) }]
  return [...bare(text).matchAll(outlandish)].map((match) => {
    const word = match[1]!
    return {
      summary: `${word} has no place here`,
      detail: 'The text says which tables there are, and nothing else.',
      place: place(match.index + match[0].length - word.length, word.length),
    }
  })
}

/** The resource of an `nftables` field; undefined when its text is empty. */
export function nftablesResource(
  namespace: string,
  text: string,
  lab: string,
  extra: Pick<Resource, 'borrowed' | 'source'> = {},
): Resource<NftSpec> | undefined {
  if (bare(text).trim() === '') return undefined
  const spec = { tables: {}, text, ...(extra.borrowed && { lab }) }
  return { id: nftablesId(namespace), kind: 'nftables', namespace, ...extra, spec }
}

const union = (a: object = {}, b: object = {}) => [...new Set([...Object.keys(a), ...Object.keys(b)])]

const noRules: readonly string[] = []

function chainDifferences(
  field: string,
  from: NftChain | undefined,
  to: NftChain | undefined,
  note?: string,
): Difference[] {
  const setting = (name: 'hook' | 'policy' | 'comment'): Difference[] =>
    from && to && from[name] !== to[name]
      ? [
          {
            field: `${field}/${name}`,
            ...(from[name] !== undefined && { from: from[name] }),
            ...(to[name] !== undefined && { to: to[name] }),
            ...(note !== undefined && name !== 'policy' && { note }),
          },
        ]
      : []
  return [
    ...(from ? [] : [{ field, to: 'chain' }]),
    ...setting('hook'),
    ...setting('comment'),
    ...setting('policy'),
    ...orderedDifferences(field, from?.rules ?? noRules, to?.rules ?? noRules).map((difference) =>
      note !== undefined && String(difference.to).includes('\n') ? { ...difference, note } : difference,
    ),
    ...(to ? [] : [{ field, from: 'chain' }]),
  ]
}

function tableDifferences(name: string, from: NftTable | undefined, to: NftTable | undefined): Difference[] {
  const why = from && to && rebuilt(from, to)
  const noteOf = (why: string | undefined, what: 'table' | 'chain') =>
    why && `nftables cannot change ${why} in place: the ${what} is loaded anew, and its counters start at zero`
  const note = noteOf(why, 'table')
  const chains = union(to?.chains, from?.chains).flatMap((chain) => {
    const [before, after] = [from?.chains[chain], to?.chains[chain]]
    return chainDifferences(`${name}/${chain}`, before, after, note ?? noteOf(renewed(before, after), 'chain'))
  })
  const objects = union(to?.objects, from?.objects).flatMap((head): Difference[] => {
    const [before, after] = [from?.objects[head], to?.objects[head]]
    const field = `${name}/${head}`
    const text = (lines: readonly string[] | undefined) => lines?.join('; ')
    if (!before) return [{ field, to: text([...after!.lines, ...elementText(after!.elements)]) }]
    if (!after) return [{ field, from: text([...before.lines, ...elementText(before.elements)]) }]
    const settings =
      text(before.lines) === text(after.lines)
        ? []
        : [{ field, from: text(before.lines), to: text(after.lines), ...(note && { note }) }]
    const { gone, come } = elementChanges(before, after)
    return [
      ...settings,
      ...gone.map((from) => ({ field: `${field}/elements`, from })),
      ...come.map((to) => ({ field: `${field}/elements`, to })),
    ]
  })
  const lines = (table: NftTable | undefined) => table?.lines.join('; ')
  const exists: Difference[] = !from
    ? [{ field: name, to: 'table' }]
    : !to
      ? [{ field: name, from: 'table' }]
      : lines(from) === lines(to)
        ? []
        : [{ field: name, from: lines(from), to: lines(to), ...(note && { note }) }]
  return [...exists, ...objects, ...chains]
}

const elementText = (elements: readonly string[] | undefined): string[] =>
  elements?.length ? [`elements = { ${elements.join(', ')} }`] : []

/** The differences, rule by rule and in order. `field` is `FAMILY TABLE/CHAIN`; a whole chain or table has no positions. */
export const compareNft = (live: NftSpec, desired: NftSpec): Difference[] =>
  desired.text !== undefined
    ? orderedDifferences('text', (live.text ?? '').split('\n'), desired.text.split('\n'))
    : union(desired.tables, live.tables).flatMap((name) =>
        tableDifferences(name, live.tables[name], desired.tables[name]),
      )

/** `inet web: 3 rules`, or what nft has added to a table of iptables: `ip filter: set s` */
const describeNft = ({ tables }: NftSpec): string =>
  Object.entries(tables)
    .map(([name, { chains, objects, shared }]) => {
      if (shared)
        return `${name}: ${[...Object.keys(objects), ...Object.keys(chains).map((c) => `chain ${c}`)].join(', ')}`
      const count = Object.values(chains).reduce((sum, { rules }) => sum + rules.length, 0)
      return `${name}: ${count} ${count === 1 ? 'rule' : 'rules'}`
    })
    .join(', ')

/** The operation of one transaction. Tables with names that iptables needs are deleted before its rules are loaded. */
function transaction(
  resource: Resource<any>,
  live: NftSpec,
  desired: NftSpec,
  stage: Emission['stage'] = 'load firewall',
): Emission[] {
  const obstacle = Object.entries(live.tables).some(
    ([name, { shared }]) => isLikeIptables(name) && !shared && !desired.tables[name],
  )
  const { lines, byHandle } = nftTransaction(live, desired)
  if (lines.length === 0) return []
  const operation: Operation = { do: 'nft.load', place: placeOf(resource), lines, byHandle }
  return [{ stage: obstacle ? 'delete rules' : stage, operation }]
}

const nothing: NftSpec = { tables: {} }

/** The tables of nftables in one namespace: one resource, which is changed in place, by handles, in one transaction. */
export const nftables: Kind<NftSpec> = {
  name: 'nftables',
  read: (dump, { namespace, borrowed, lab, nftables: ofNft }) => {
    if (dump.nftables === '') return []
    const { tables } = nftSpecOf(dump, ofNft)
    const own = named<NftTable>()
    for (const [name, table] of Object.entries(tables)) if (!borrowed || isOwnTable(name, lab)) own[name] = table
    if (Object.keys(own).length === 0) return []
    return [
      { id: nftablesId(namespace), kind: 'nftables', namespace, ...(borrowed && { borrowed }), spec: { tables: own } },
    ]
  },
  describe: describeNft,
  toLab: (r) => ofNamespace(r, { nftables: nftablesValue(r.spec) }),
  published: ({ tables }) => ({
    tables: mapped(tables, (table) => ({
      ...table,
      chains: mapped(table.chains, ({ handles: _, ...chain }) => chain),
    })),
  }),
  compare: compareNft,
  requires: () => ['nft'],
  needs: ({ namespace }) => [namespace],
  lostWith: ({ namespace }) => [namespace],
  create: (r) => transaction(r, nothing, r.spec),
  update: ({ live, desired }) => transaction(desired, live.spec, desired.spec),
  remove: (r, context) =>
    isLost(nftables, r, context) ? [] : transaction(r, r.spec, nothing, removalStage(r, context)),
}
