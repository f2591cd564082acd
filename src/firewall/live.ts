import type { CountedRule, IptablesKind, LiveChain, NftTable } from '../model/firewall.ts'
import { nftSpecOf, savedOf, type Listings } from './division.ts'
import { isBuiltin, type Saved } from './save.ts'

/** The hooks in the order in which a packet passes them (nft(8), "ADDRESS FAMILIES"). */
const hooks = ['ingress', 'prerouting', 'input', 'forward', 'output', 'postrouting', 'egress']

/** Priorities by name (nft(8), "Standard priority names"; those of the bridge family differ). */
const priorities: Readonly<Record<string, number>> = { raw: -300, mangle: -150, dstnat: -100, filter: 0, security: 50, srcnat: 100 } // prettier-ignore
const bridges: Readonly<Record<string, number>> = { dstnat: -300, filter: -200, out: 100, srcnat: 300 }

/** `filter`, `-300`, `srcnat + 10` as a number. */
function priorityOf(text: string, family: string): number {
  const [, name = '', sign = '+', more = '0'] = /^(\S+)(?: ([+-]) (\d+))?$/.exec(text.trim()) ?? []
  const base = (family === 'bridge' ? bridges : priorities)[name] ?? Number(name)
  return base + (sign === '-' ? -1 : 1) * Number(more)
}

/** The priority at which a table of iptables hooks in: source NAT comes last, destination NAT first. */
function iptablesPriority(table: string, chain: string): number {
  if (table !== 'nat') return priorities[table] ?? 0
  return chain === 'POSTROUTING' || chain === 'INPUT' ? 100 : -100
}

interface Chain extends LiveChain {
  /** The chains of the same table to which its rules jump, in order. */
  readonly jumps: readonly string[]
}

function iptablesChains(saved: Saved, program: IptablesKind): Chain[] {
  const family = program === 'iptables' ? 'ip' : 'ip6'
  return [...saved].flatMap(([table, chains]) =>
    [...chains].flatMap(([chain, { policy, packets, bytes, rules }]): Chain[] => {
      const jumps = rules.flatMap(({ rule }) => / -[jg] (\S+)/.exec(` ${rule}`)?.[1] ?? [])
      const common = { family, program, table, chain, rules, jumps }
      if (!isBuiltin(table, chain)) return [common]
      if (rules.length === 0 && policy === 'ACCEPT') return []
      const priority = iptablesPriority(table, chain)
      return [{ ...common, hook: chain.toLowerCase(), priority, policy, packets, bytes }]
    }),
  )
}

/** Takes the first counter out of a rule of nft; text in quotes is part of a comment. */
function counted(rule: string): CountedRule {
  const match = /^((?:"[^"]*"|[^"])*?\bcounter) packets (\d+) bytes (\d+)/.exec(rule)
  if (!match) return { rule }
  return { rule: match[1]! + rule.slice(match[0].length), packets: Number(match[2]), bytes: Number(match[3]) }
}

function nftChains(name: string, { chains, objects }: NftTable): Chain[] {
  const [family = '', table = ''] = name.split(' ')
  const targets = (text: string): string[] =>
    [...text.matchAll(/\b(?:jump|goto) ([^\s,}]+)/g)].map((match) => match[1]!)
  const behind = (rule: string): string[] =>
    [...rule.matchAll(/@(\S+)/g)].flatMap(([, map]) => targets((objects[`map ${map}`]?.elements ?? []).join(',')))
  return Object.entries(chains).map(([chain, { hook, policy, rules }]) => {
    const [, at, priority = '0'] =
      /hook (\S+)(?: device \S+| devices = \{[^}]*\})? priority (.+)$/.exec(hook ?? '') ?? []
    return {
      family,
      program: 'nft',
      table,
      chain,
      rules: rules.map(counted),
      jumps: rules.flatMap((rule) => [...targets(rule), ...behind(rule)]),
      ...(at !== undefined && { hook: at, priority: priorityOf(priority, family) }),
      ...(policy !== undefined && { policy }),
    }
  })
}

/**
 * The live chains in the order in which a packet passes them: by hook and priority, each other chain after the first that jumps
 * to it, and unreferenced chains at the end. Has nft's counters if the text is of `nft list ruleset` (without `-s`). `ofNft`
 * are tables that the lab declares under `nftables` and that have names iptables uses as well.
 */
export function liveRules(listings: Listings, ofNft: readonly string[] = []): LiveChain[] {
  const all = [
    ...iptablesChains(savedOf(listings.iptables, 'ip', ofNft), 'iptables'),
    ...iptablesChains(savedOf(listings.ip6tables, 'ip6', ofNft), 'ip6tables'),
    ...Object.entries(nftSpecOf(listings, ofNft).tables).flatMap(([name, table]) => nftChains(name, table)),
  ]
  const key = (c: LiveChain, chain = c.chain): string => `${c.family} ${c.table} ${chain}`
  const byName = new Map(all.map((chain) => [key(chain), chain]))
  const bases = all
    .filter(({ hook }) => hook !== undefined)
    .sort((a, b) => hooks.indexOf(a.hook!) - hooks.indexOf(b.hook!) || a.priority! - b.priority!)
  const met = new Set<Chain>()
  const meet = (chain: Chain | undefined): void => {
    if (!chain || met.has(chain)) return
    met.add(chain)
    for (const name of chain.jumps) meet(byName.get(key(chain, name)))
  }
  for (const chain of [...bases, ...all]) meet(chain)
  return [...met].map(({ jumps: _, ...chain }) => chain)
}
