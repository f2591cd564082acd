import type { CountedRule, IptablesChain, IptablesSpec } from '../model/firewall.ts'

/** Built-in chains by table, in the order in which a packet passes the tables (netfilter's priorities). */
export const builtin: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
}

export const isTable = (name: string): boolean => Object.hasOwn(builtin, name)

export const isBuiltin = (table: string, chain: string): boolean => isTable(table) && builtin[table]!.includes(chain)

/** An object without a prototype, for keys that users choose: `constructor` and `__proto__` are ordinary keys in it. */
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
 * The comment with which iptables-nft reports a table that it cannot list, because it has rules that only nft understands; such
 * a table is nftables'. Base chains that nft has added to another table are missing in its list.
 */
const incompatible = /^# Table `(\S+)' is incompatible/gm

/** Parses the output of `iptables-save`, with or without `-c`. */
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

/** Builds a spec without empty chains of policy ACCEPT and without empty tables. */
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

/** Whether a rule of a dump has the lab's mark. Quotes in other comments are escaped, so they cannot look like it. */
const marked = (rule: string, lab: string): boolean => rule.includes(marking(lab))

/** The lab's part of a dump of the machine's own namespace: the rules with its mark, and their chains. */
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
