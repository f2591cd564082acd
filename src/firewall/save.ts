import type { CountedRule, IptablesChain, IptablesSpec } from '../model/firewall.ts'

/** Built-in chains by table, in the order in which a packet meets tables (netfilter's priorities). */
export const builtin: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
}

export const isTable = (name: string): boolean => Object.hasOwn(builtin, name)

export const isBuiltin = (table: string, chain: string): boolean => isTable(table) && builtin[table]!.includes(chain)

/** An object whose keys are names that others chose: `constructor` and `__proto__` are names like any other there. */
export const named = <T>(): Record<string, T> => Object.create(null) as Record<string, T>

/** A chain as iptables-save prints it, counters included. */
export interface SavedChain {
  readonly policy: string
  readonly packets: number
  readonly bytes: number
  readonly rules: CountedRule[]
}

/** Tables → chains, in the order of the dump. */
export type Saved = Map<string, Map<string, SavedChain>>

/**
 * iptables-nft says in this comment that it cannot list a table: it has rules that only nft understands, and is nftables'.
 * A table with base chains that nft has added it lists without them.
 */
const incompatible = /^# Table `(\S+)' is incompatible/gm

/** Parses what `iptables-save -c` (or without `-c`) prints. */
export function parseSave(text: string): Saved {
  const foreign = new Set([...text.matchAll(incompatible)].map((match) => match[1]))
  const tables: Saved = new Map()
  let chains: Map<string, SavedChain> | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      const name = line.slice(1).trim()
      chains = new Map()
      if (!foreign.has(name)) tables.set(name, chains)
    } else if (line.startsWith(':')) {
      const [, name = '', policy = '-', packets = '0', bytes = '0'] =
        /^:(\S+) (\S+)(?: \[(\d+):(\d+)\])?/.exec(line) ?? []
      chains?.set(name, { policy, packets: Number(packets), bytes: Number(bytes), rules: [] })
    } else {
      const match = /^(?:\[(\d+):(\d+)\] )?-A (\S+) ?(.*)$/.exec(line)
      if (!match) continue
      const [, packets, bytes, name = '', rule = ''] = match
      const counters = packets === undefined ? {} : { packets: Number(packets), bytes: Number(bytes) }
      chains?.get(name)?.rules.push({ rule: rule.trim(), ...counters })
    }
  }
  return tables
}

/** Builds a spec of what is left when chains and tables that say nothing are left out. */
export function specOf(tables: Iterable<readonly [string, Iterable<readonly [string, IptablesChain]>]>): IptablesSpec {
  const kept = named<Record<string, IptablesChain>>()
  for (const [table, chains] of tables) {
    for (const [name, chain] of chains) {
      const idle = isBuiltin(table, name) && chain.policy === undefined && chain.rules.length === 0
      if (!idle) (kept[table] ??= named())[name] = chain
    }
  }
  return { tables: kept }
}

/** The spec of a whole dump. */
export const savedSpec = (saved: Saved): IptablesSpec =>
  specOf(
    [...saved].map(([table, chains]) => [
      table,
      [...chains].map(([name, { policy, rules }]) => [
        name,
        {
          ...(policy !== '-' && policy !== 'ACCEPT' && { policy }),
          rules: rules.map(({ rule }) => rule),
        },
      ]),
    ]),
  )

/** The mark of a lab's rules in the machine's own namespace, as iptables-save prints it. */
export const marking = (lab: string): string => `-m comment --comment "netlab:${lab}"`

/** Whether a rule of a dump carries the lab's mark. Quotes within other comments are escaped: no false friends. */
const marked = (rule: string, lab: string): boolean => rule.includes(marking(lab))

/** What of a dump of the machine's own namespace is the lab's: the rules with its mark, and the chains they are in. */
export function ownSpec(saved: Saved, lab: string): IptablesSpec {
  return specOf(
    [...saved].map(([table, chains]) => {
      const foreign = [...chains].flatMap(([, { rules }]) => rules.filter(({ rule }) => !marked(rule, lab)))
      const jumped = new Set(foreign.map(({ rule }) => / -[jg] (\S+)/.exec(` ${rule}`)?.[1]))
      return [
        table,
        [...chains].flatMap(([name, { rules }]): [string, IptablesChain][] => {
          const own = rules.flatMap(({ rule }, index) => (marked(rule, lab) ? [{ rule, place: index + 1 }] : []))
          if (own.length === 0) return []
          const shared = own.length < rules.length || jumped.has(name)
          const chain = { rules: own.map(({ rule }) => rule), places: own.map(({ place }) => place) }
          return [[name, { ...chain, ...(shared && { shared }) }]]
        }),
      ]
    }),
  )
}
