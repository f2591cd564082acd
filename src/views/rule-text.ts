import type { Colors } from 'picocolors/types'
import type { IptablesChain, IptablesSpec, LiveChain, NftChain, NftSpec } from '../model/firewall.ts'
import type { Difference } from '../model/change.ts'

/** A change of a firewall in a plan's JSON. */
export interface RuleChange {
  readonly kind: string
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
  readonly differences: readonly Difference[]
}

/** Whether a change is one of firewall rules, which `renderRuleDifferences` shows. */
export const isRuleChange = ({ kind }: Pick<RuleChange, 'kind'>): boolean =>
  kind === 'iptables' || kind === 'ip6tables' || kind === 'nftables'

/** How many unchanged rules are shown before and after a change. */
const CONTEXT = 2

type Chain = IptablesChain | NftChain

/** The chains of a spec, by the `field` of their differences: `filter/FORWARD`, `inet web/input`. */
function chainsOf(kind: string, spec: RuleChange['before']): Map<string, Chain> {
  const flat = (table: string, chains: Readonly<Record<string, Chain>>): [string, Chain][] =>
    Object.entries(chains).map(([name, chain]) => [`${table}/${name}`, chain])
  if (!spec) return new Map()
  if (kind !== 'nftables')
    return new Map(
      Object.entries((spec as unknown as IptablesSpec).tables).flatMap(([table, chains]) => flat(table, chains)),
    )
  return new Map(
    Object.entries((spec as unknown as NftSpec).tables).flatMap(([table, { chains }]) => flat(table, chains)),
  )
}

/** A rule as text; a rule without options is empty, so it is described. */
const legible = (rule: string): string => (rule === '' ? '(every packet: counted, and goes on)' : rule)

interface Line {
  readonly sign: ' ' | '+' | '-'
  readonly place: number
  readonly rule: string
  readonly remark?: string
}

/** One chain as the lines of a diff: removed rules with their old positions, all others with their new ones. */
function merged(before: readonly string[], after: readonly string[], differences: readonly Difference[]): Line[] {
  const removed = new Map(differences.flatMap((d) => (d.at?.from === undefined ? [] : [[d.at.from, d] as const])))
  const inserted = new Map(differences.flatMap((d) => (d.at?.to === undefined ? [] : [[d.at.to, d] as const])))
  const moved = ({ from, to }: Difference): boolean => from === to
  const lines: Line[] = []
  let [i, j] = [1, 1]
  while (i <= before.length || j <= after.length) {
    const [gone, come] = [removed.get(i), inserted.get(j)]
    if (gone && i <= before.length) {
      const remark = moved(gone) ? { remark: `moves to ${gone.at?.to}` } : {}
      lines.push({ sign: '-', place: i, rule: before[i++ - 1]!, ...remark })
    } else if (come && j <= after.length) {
      const note = moved(come) ? `was ${come.at?.from}` : come.note
      const remark = note === undefined ? {} : { remark: note }
      lines.push({ sign: '+', place: j, rule: after[j++ - 1]!, ...remark })
    } else {
      if (j > after.length) break
      lines.push({ sign: ' ', place: j, rule: after[j - 1]! })
      i++
      j++
    }
  }
  return lines
}

/** Leaves out lines that are far from any change; undefined stands for a gap. */
function nearby(lines: readonly Line[]): (Line | undefined)[] {
  const near = new Set<number>()
  for (const [index, { sign }] of lines.entries())
    if (sign !== ' ') for (let k = index - CONTEXT; k <= index + CONTEXT; k++) near.add(k)
  return lines.flatMap((line, index) =>
    near.has(index) ? [line] : near.has(index - 1) || index === 0 ? [undefined] : [],
  )
}

const shown = (value: unknown): string =>
  value === undefined ? '(none)' : typeof value === 'string' ? value : JSON.stringify(value)

/** All chains and rules of a spec as differences, for a plan that creates or deletes the whole firewall. */
const wholly = (side: 'from' | 'to', chains: ReadonlyMap<string, Chain>): Difference[] =>
  [...chains].flatMap(([field, { rules }]): Difference[] => [
    { field, [side]: 'chain' },
    ...rules.map((rule, index) => ({ field, [side]: rule, at: { [side]: index + 1 } })),
  ])

/**
 * The changes in a firewall as a diff: chain by chain, with the rules around each change and their positions in the chain, and
 * a line for each change that is not of a rule. Returns lines of a plan, indented by ten columns.
 */
export function renderRuleDifferences({ kind, before, after, differences }: RuleChange, c: Colors): string[] {
  const [olds, news] = [chainsOf(kind, before), chainsOf(kind, after)]
  const all = differences.length ? differences : before ? (after ? [] : wholly('from', olds)) : wholly('to', news)
  const fields = [...new Set(all.map(({ field }) => field))]
  return fields.flatMap((field) => {
    const own = all.filter((difference) => difference.field === field)
    const rules = own.filter(({ at }) => at !== undefined)
    const others = own.filter(({ at }) => at === undefined)
    const whole = others.find(({ from, to }) => from === 'chain' || to === 'chain')
    const settings = others
      .filter((difference) => difference !== whole)
      .map(({ from, to, note }) => {
        const remark = note === undefined ? '' : c.dim(`  # ${note}`)
        return `          ${field}: ${shown(from)} → ${shown(to)}${remark}`
      })
    if (rules.length === 0 && !whole) return settings
    const policy = (news.get(field) ?? olds.get(field))?.policy
    const name = policy === undefined ? field : `${field} (policy ${policy})`
    const head = whole ? (whole.to === undefined ? c.red(`- ${name}`) : c.green(`+ ${name}`)) : name
    const lines = nearby(merged(olds.get(field)?.rules ?? [], news.get(field)?.rules ?? [], rules))
    const width = String(Math.max(0, ...lines.map((line) => line?.place ?? 0))).length
    return [
      ...settings,
      `          ${head}`,
      ...lines.map((line) => {
        if (!line) return c.dim(`              ${'…'.padStart(width)}`)
        const paint = line.sign === '+' ? c.green : line.sign === '-' ? c.red : c.dim
        const remark = line.remark === undefined ? '' : c.dim(`  # ${line.remark}`)
        const text = legible(line.rule).replaceAll('\n', `\n${' '.repeat(15 + width)}`)
        return `            ${paint(`${line.sign} ${String(line.place).padStart(width)} ${text}`)}${remark}`
      }),
    ]
  })
}

/** Shortens a count to the width of its column: `1234` → `1234`, `123456` → `123k`. */
function short(count: number | undefined): string {
  if (count === undefined) return '-'
  const units = ['', 'k', 'M', 'G', 'T', 'P']
  let unit = 0
  let rest = count
  while (rest >= 100_000 && unit < units.length - 1) [rest, unit] = [Math.floor(rest / 1000), unit + 1]
  return `${rest}${units[unit]}`
}

const program = ({ program, family }: LiveChain): string => (program === 'nft' ? `nft ${family}` : program)

/**
 * The live rules with their packets and bytes, by table and chain, in the order in which a packet passes them; `-` for a rule
 * without a counter. Beside the policy is the count of packets that reached it.
 */
export function renderRules(chains: readonly LiveChain[], c: Colors): string {
  if (chains.length === 0) return 'No rules.\n'
  let hook: string | undefined
  const blocks = chains.map((chain) => {
    const heading = chain.hook !== undefined && chain.hook !== hook ? `${c.bold(c.underline(chain.hook))}\n` : ''
    hook = chain.hook ?? hook
    const policy = chain.policy === undefined ? '' : `  policy ${chain.policy.toUpperCase()}`
    const met = chain.packets === undefined ? '' : `  ${chain.packets} packets, ${chain.bytes} bytes`
    const head = `  ${c.bold(`${chain.table}/${chain.chain}`)}  ${c.dim(`${program(chain)}${policy}${met}`)}\n`
    const width = String(chain.rules.length).length
    const rules = chain.rules.map(({ rule, packets, bytes }, index) => {
      const counters = `${short(packets).padStart(6)} ${short(bytes).padStart(6)}`
      const text = legible(rule).replaceAll('\n', `\n${' '.repeat(width + 20)}`)
      return `    ${String(index + 1).padStart(width)} ${packets ? counters : c.dim(counters)}  ${text}\n`
    })
    return `${heading}${head}${rules.join('')}`
  })
  return blocks.join('\n')
}
