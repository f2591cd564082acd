import { targetOf } from '../../firewall/rule-words.ts'
import { isBuiltin } from '../../firewall/save.ts'
import type { IptablesSpec, RulePlace } from '../../model/firewall.ts'
import type { Resource } from '../../model/resource.ts'
import { suggest } from '../report.ts'
import type { Lint, LintedLab } from './lint.ts'
import { nftChains } from './nft-chains.ts'
import { targets } from './targets.ts'

/** A chain of a rule set as the lab file has it, without those that a dump has. */
interface WrittenChain {
  readonly resource: Resource
  /** The table, in a form that no other table of the namespace has. */
  readonly table: string
  readonly name: string
  /** The kernel calls it by itself. */
  readonly isBase: boolean
  readonly place: RulePlace
  readonly rules: readonly WrittenLine[]
  /** Chains to which something other than these rules jumps. */
  readonly called?: readonly string[]
}

interface WrittenLine {
  readonly place: RulePlace
  /** What it jumps or goes to: chains, and targets of iptables. */
  readonly jumps: readonly string[]
  /** Whether no packet gets past it. */
  readonly ends: boolean
}

/** The chains of all rule sets that the lab file itself has. Dumps (`restore`) are left alone: other programs make them. */
function* chainsOf({ topology: { ofKind } }: LintedLab): Generator<WrittenChain> {
  for (const kind of ['iptables', 'ip6tables'])
    for (const resource of ofKind(kind)) {
      const { tables, written } = resource.spec as unknown as IptablesSpec
      for (const [table, chains] of Object.entries(tables))
        for (const [name, { rules }] of Object.entries(chains)) {
          const places = written?.[table]?.chains[name] ?? []
          if (places.some(({ dump }) => dump)) continue
          yield {
            ...{ resource, table: `${kind} ${table}`, name, isBase: isBuiltin(table, name) },
            place: { path: [table, name] },
            rules: rules.map((rule, i) => lineOf(rule, places[i] ?? { path: [table, name] })),
          }
        }
    }
  for (const resource of ofKind('nftables'))
    for (const chain of nftChains(String(resource.spec['text'] ?? ''))) yield { resource, ...chain }
}

/** Verdicts and other targets after which a packet does not come to the next rule (iptables(8), iptables-extensions(8)). */
const FINAL =
  /^-j (ACCEPT|DROP|QUEUE|RETURN|REJECT|MASQUERADE|SNAT|DNAT|NETMAP)( --(to(-[a-z]+)?|reject-with|random(-fully)?|persistent)( [^ -]\S*)?)*$|^-g \S+$/

function lineOf(rule: string, place: RulePlace): WrittenLine {
  const plain = rule.includes('comment') ? rule.replace(/ ?-m comment --comment ("(\\.|[^"])*"|\S+)/, '').trim() : rule
  // Most rules end in -j TARGET: splitting them into words takes much longer.
  const target = /^[^"]* -j (\S+)$/.exec(` ${rule}`)?.[1] ?? targetOf(rule)
  return { place, ends: FINAL.test(plain), jumps: target === undefined ? [] : [target] }
}

export const unknownChain: Lint = {
  name: 'unknown-chain',
  why: 'At apply the kernel would refuse the whole rule set. A rule can jump only to chains of its own table.',
  wrong:
    'namespaces: { a: { iptables: { filter: { INPUT: [-p tcp -j WEB-IN, -p udp -j WEB_IN], WEB_IN: [-j ACCEPT] } } } }',
  right:
    'namespaces: { a: { iptables: { filter: { INPUT: [-p tcp -j WEB_IN, -p udp -j WEB_IN], WEB_IN: [-j ACCEPT] } } } }',
  find(lab, warn) {
    for (const { resource, table, name, rules, known } of perTable(lab))
      for (const { place, jumps } of rules)
        for (const chain of jumps)
          if (!known.has(chain) && !targets.has(chain))
            warn(
              lab.where(resource.id, place).position,
              `${name} jumps to ${chain}, but ${table} has no such chain`,
              suggest(chain, known) ?? 'Declare the chain in the same table, or correct the name.',
            )
  },
}

type KnownChain = WrittenChain & Record<'known' | 'jumped', ReadonlySet<string>>
const found = new WeakMap<LintedLab, readonly KnownChain[]>()

/** Every chain, with the chains of its table and those to which a rule of that table jumps; read once for several lints. */
function perTable(lab: LintedLab): readonly KnownChain[] {
  const before = found.get(lab)
  if (before) return before
  const tables = new Map<string, Record<'known' | 'jumped', Set<string>>>()
  const result = [...chainsOf(lab)].map((chain) => {
    const key = `${chain.resource.id} ${chain.table}`
    const table = tables.get(key) ?? { known: new Set(), jumped: new Set(chain.called) }
    tables.set(key, table)
    table.known.add(chain.name)
    for (const { jumps } of chain.rules) for (const target of jumps) table.jumped.add(target)
    return { ...chain, ...table }
  })
  found.set(lab, result)
  return result
}

export const unreachableChain: Lint = {
  name: 'unreachable-chain',
  why: `Usually the rule that jumps to the chain was forgotten, or the chain was renamed.

The lint ignores chains without rules, dumps (\`restore\`), and the machine's own namespace, where rules of others may jump to a chain.`,
  wrong:
    'namespaces: { a: { iptables: { filter: { INPUT: [-i lo -j ACCEPT], WEB: [-p tcp --dport 80 -j ACCEPT] } } } }',
  right: 'namespaces: { a: { iptables: { filter: { INPUT: [-p tcp -j WEB], WEB: [-p tcp --dport 80 -j ACCEPT] } } } }',
  find(lab, warn) {
    for (const { resource, name, isBase, place, rules, jumped } of perTable(lab)) {
      if (isBase || rules.length === 0 || jumped.has(name) || resource.borrowed || lab.isShared(resource.namespace))
        continue
      warn(
        lab.where(resource.id, place).position,
        `no rule jumps to the chain ${name}`,
        `No packet reaches its rules. Add a rule that jumps to it, such as -j ${name}, or remove the chain.`,
      )
    }
  },
}

export const unreachableRule: Lint = {
  name: 'unreachable-rule',
  why: `The rule above it decides about every packet. Usually a general rule was written before a special one: the
first rule that matches decides.

The lint ignores dumps (\`restore\`).`,
  wrong: 'namespaces: { a: { iptables: { filter: { INPUT: [-j DROP, -p icmp -j ACCEPT] } } } }',
  right: 'namespaces: { a: { iptables: { filter: { INPUT: [-p icmp -j ACCEPT, -j DROP] } } } }',
  find(lab, warn) {
    for (const { resource, name, rules } of perTable(lab)) {
      const last = rules.findIndex(({ ends }) => ends)
      const next = last < 0 ? undefined : rules[last + 1]
      if (!next) continue
      const more = rules.length - last - 2
      warn(
        lab.where(resource.id, next.place).position,
        `no packet reaches this rule of ${name}${more > 0 ? ` and the ${more} below it` : ''}`,
        'The rule above it has a verdict and no condition. Put that rule last.',
      )
    }
  },
}
