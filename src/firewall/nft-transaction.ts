import type { NftChain, NftObject, NftSpec, NftTable } from '../model/firewall.ts'
import { elementChanges, elementKey } from './nft-elements.ts'
import { edits } from './ordered.ts'

const indented = (text: string, depth: number): string => text.split('\n').map((line) => '\t'.repeat(depth) + line).join('\n') // prettier-ignore

const objectBlock = (head: string, { lines, elements }: NftObject): string[] => [
  `\t${head} {`,
  ...lines.map((line) => indented(line, 2)),
  ...(elements?.length ? [`\t\telements = { ${elements.join(', ')} }`] : []),
  '\t}',
]

const chainBlock = (name: string, { comment, hook, policy, rules }: NftChain): string[] => [
  `\tchain ${name} {`,
  ...(comment === undefined ? [] : [`\t\tcomment ${comment}`]),
  ...(hook === undefined ? [] : [`\t\t${hook};${policy === undefined ? '' : ` policy ${policy};`}`]),
  ...rules.map((rule) => indented(rule, 2)),
  '\t}',
]

/** The text of a table for nft, as lines. */
export const tableText = (name: string, { lines, objects, chains }: NftTable): string[] => [
  `table ${name} {`,
  ...lines.map((line) => `\t${line}`),
  ...Object.entries(objects).flatMap(([head, object]) => objectBlock(head, object)),
  ...Object.entries(chains).flatMap(([chain, settings]) => chainBlock(chain, settings)),
  '}',
]

const same = (a: readonly string[], b: readonly string[]): boolean => a.join('\n') === b.join('\n')

/** Whether a rule contains an anonymous chain: `tcp dport 22 jump { … }`. */
const isBlock = (rule: string): boolean => rule.includes('\n')

/** What nftables cannot change in a living chain; undefined: all of it can be changed in place. */
function fixed(live: NftChain, desired: NftChain): string | undefined {
  // nft 1.0.6 crashes when a rule with a block is added by a separate command.
  if (edits(live.rules, desired.rules).inserted.some((index) => isBlock(desired.rules[index]!)))
    return 'rules with a block of their own'
  return live.hook !== desired.hook || live.comment !== desired.comment ? 'the settings of a chain' : undefined
}

/** Why a chain with a hook, to which nothing jumps, must be deleted and created again; undefined: it need not. */
export const renewed = (live: NftChain | undefined, desired: NftChain | undefined): string | undefined =>
  live?.hook !== undefined && desired?.hook !== undefined ? fixed(live, desired) : undefined

/** The part of a table that nftables cannot change in place, so that the table must be loaded again; undefined: none. */
export function rebuilt(live: NftTable, desired: NftTable): string | undefined {
  if (!same(live.lines, desired.lines)) return 'the flags of a table'
  for (const [head, object] of Object.entries(desired.objects))
    if (live.objects[head] && !same(live.objects[head].lines, object.lines)) return `the settings of ${head}`
  for (const [name, chain] of Object.entries(desired.chains)) {
    const before = live.chains[name]
    const why = before && renewed(before, chain) === undefined ? fixed(before, chain) : undefined
    if (why !== undefined) return why
  }
  return undefined
}

/** Whether a set has intervals of names (`"eth*"`): nft 1.0.6 cannot change one, so it is loaded again as a whole. */
const isOfNames = (...sets: readonly NftObject[]): boolean =>
  sets.some(
    ({ lines, elements = [] }) =>
      lines.some((line) => /^flags .*\binterval\b/.test(line)) && elements.some((e) => elementKey(e).includes('"')),
  )

function ruleLines(
  table: string,
  name: string,
  live: NftChain,
  desired: NftChain,
): { add: string[]; remove: string[]; inserts: boolean } {
  const { kept, removed, inserted } = edits(live.rules, desired.rules)
  const handle = (index: number) => live.handles?.[index] ?? 0
  let next = 0
  let inserts = false
  const add = inserted.map((index) => {
    while (next < kept.length && kept[next]!.to < index) next++
    const before = kept[next]
    const rule = desired.rules[index]!
    inserts ||= before !== undefined
    return before
      ? `insert rule ${table} ${name} handle ${handle(before.from)} ${rule}`
      : `add rule ${table} ${name} ${rule}`
  })
  return { add, remove: removed.map((index) => `delete rule ${table} ${name} handle ${handle(index)}`), inserts }
}

/**
 * The lines that change a table in place and keep its other rules, elements and counters. To insert a rule, nft reads the
 * existing rules; 1.0.6 crashes if they use sets that it has not loaded, so the lines list these sets first.
 */
function changed(name: string, live: NftTable, desired: NftTable): NftTransaction {
  const only = <T>(a: Readonly<Record<string, T>>, b: object) =>
    Object.entries(a).filter(([key]) => !Object.hasOwn(b, key))
  const fresh = only(desired.objects, live.objects)
  const again = Object.entries(desired.chains).filter(([chain, c]) => renewed(live.chains[chain], c) !== undefined)
  const news = [...only(desired.chains, live.chains), ...again]
  const staying = Object.entries(desired.chains).flatMap(([chain, desired]) => {
    const before = live.chains[chain]
    return before && !renewed(before, desired) ? [{ chain, before, desired }] : []
  })
  const policies = staying.flatMap(({ chain, before, desired }) =>
    before.policy === desired.policy ? [] : [[chain, { ...desired, rules: [] }] as const],
  )
  const added = [
    ...fresh.flatMap(([head, object]) => objectBlock(head, { lines: object.lines })),
    ...[...news, ...policies].flatMap(([chain, c]) => chainBlock(chain, c)),
  ]
  const members = Object.entries(desired.objects).map(([head, object]) => {
    const before = live.objects[head]
    const { gone, come } = before ? elementChanges(before, object) : { gone: [], come: object.elements ?? [] }
    const set = `${name} ${head.slice(head.indexOf(' ') + 1)}`
    const put = (elements: readonly string[]): string[] =>
      elements.length ? [`add element ${set} { ${elements.join(', ')} }`] : []
    if (gone.length + come.length && before && isOfNames(before, object))
      return { remove: [`flush ${head.split(' ')[0]} ${set}`], add: put(object.elements ?? []) }
    return {
      remove: gone.length ? [`delete element ${set} { ${gone.map(elementKey).join(', ')} }`] : [],
      add: put(come),
    }
  })
  const rules = staying.map(({ chain, before, desired }) => ruleLines(name, chain, before, desired))
  const leaving = only(live.chains, desired.chains).map(([chain]) => chain)
  // Elements refer to chains and objects, so sets and maps go first.
  const [sets, objects] = [true, false].map((wanted) =>
    only(live.objects, desired.objects).flatMap(([head]) =>
      /^(set|map) /.test(head) === wanted ? [`delete ${head.replace(/ (?=\S+$)/, ` ${name} `)}`] : [],
    ),
  ) as [string[], string[]]
  const inserts = rules.some((one) => one.inserts)
  const lines = [
    ...(inserts ? ['list sets'] : []),
    ...again.map(([chain]) => `delete chain ${name} ${chain}`),
    ...(added.length ? [`table ${name} {`, ...added, '}'] : []),
    ...members.flatMap(({ remove }) => remove),
    ...members.flatMap(({ add }) => add),
    ...rules.flatMap(({ add }) => add),
    ...rules.flatMap(({ remove }) => remove),
    ...leaving.map((chain) => `flush chain ${name} ${chain}`),
    ...sets,
    ...leaving.map((chain) => `delete chain ${name} ${chain}`),
    ...objects,
  ]
  return { lines, byHandle: inserts || rules.some(({ remove }) => remove.length > 0) }
}

const nothing: NftTable = { lines: [], objects: {}, chains: {} }

/** One transaction of nft. */
export interface NftTransaction {
  readonly lines: readonly string[]
  /** The lines refer to rules by their handles. */
  readonly byHandle: boolean
}

/** The one transaction that turns the tables of a namespace into others. */
export function nftTransaction(live: NftSpec, desired: NftSpec): NftTransaction {
  const whole = (...lines: string[]): NftTransaction => ({ lines, byHandle: false })
  const tables = [...new Set([...Object.keys(live.tables), ...Object.keys(desired.tables)])]
  const parts = tables.map((name): NftTransaction => {
    const [before, after] = [live.tables[name], desired.tables[name]]
    if (!after) return before!.shared ? changed(name, before!, nothing) : whole(`delete table ${name}`)
    if (!before) return whole(...tableText(name, after))
    if (rebuilt(before, after) !== undefined) return whole(`delete table ${name}`, ...tableText(name, after))
    return changed(name, before, after)
  })
  return { lines: parts.flatMap(({ lines }) => lines), byHandle: parts.some(({ byHandle }) => byHandle) }
}
