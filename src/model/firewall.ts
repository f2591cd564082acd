import type { Position } from './diagnostic.ts'

/** The families that iptables has a program of its own for. */
export type IptablesKind = 'iptables' | 'ip6tables'

/** A chain of iptables. A built-in chain without a policy has the kernel's: ACCEPT. */
export interface IptablesChain {
  readonly policy?: string
  /** In the form of iptables-save, without `-A CHAIN` and without counters. */
  readonly rules: readonly string[]
  /** Live, in the machine's own namespace: one-based places of the rules among all rules of the kernel's chain. */
  readonly places?: readonly number[]
  /** Live, in the machine's own namespace: others have rules in this chain or jump to it. */
  readonly shared?: true
}

/** Tables → chains, of one namespace and family. What says nothing (ACCEPT and no rules) is absent. */
export interface IptablesSpec {
  readonly tables: Readonly<Record<string, Readonly<Record<string, IptablesChain>>>>
}

/** A chain of nftables. */
export interface NftChain {
  /** Base chains: `type filter hook input priority filter`. */
  readonly hook?: string
  readonly policy?: string
  readonly comment?: string
  /** In the form of `nft -s list`; a rule with a block of its own has several lines. */
  readonly rules: readonly string[]
  /** Live: the kernel's handles of the rules. */
  readonly handles?: readonly number[]
}

/** A set, map, flowtable, counter, quota … of nftables. */
export interface NftObject {
  readonly lines: readonly string[]
  /** Of sets and maps, sorted. */
  readonly elements?: readonly string[]
}

export interface NftTable {
  /** `flags dormant`, `comment "…"` */
  readonly lines: readonly string[]
  /** By what precedes the brace: `set s`, `map m`, `counter c`, `ct helper h`. */
  readonly objects: Readonly<Record<string, NftObject>>
  readonly chains: Readonly<Record<string, NftChain>>
}

/** The tables of a namespace, by family and name: `inet web`. */
export interface NftSpec {
  readonly tables: Readonly<Record<string, NftTable>>
}

/** A place in what a lab file says about a firewall. */
export interface Place {
  /** Into the value of the field: `['filter', 'FORWARD', 'rules', 2]`. */
  readonly path: readonly (string | number)[]
  /** One-based, within the text at that path (or within the file that `restore` names). */
  readonly line?: number
  readonly column?: number
  readonly length?: number
  /** The line and column are those of the file that `restore` names. */
  readonly dump?: true
}

/** What is wrong with a rule set, and where. */
export interface Problem {
  readonly summary: string
  readonly detail?: string
  readonly place: Place
}

/** A rule as the lab file has it, already split into words and written as iptables-restore reads it. */
export interface WrittenRule {
  readonly text: string
  /** What the person wrote, to find a word in. */
  readonly source?: string
  readonly place: Place
}

export interface WrittenChain {
  readonly policy?: string
  readonly rules: readonly WrittenRule[]
}

export interface WrittenTable {
  readonly chains: Readonly<Record<string, WrittenChain>>
  readonly place: Place
}

/** What a lab file wants of iptables, before the tools put it into their own form. */
export interface IptablesDraft {
  readonly tables: Readonly<Record<string, WrittenTable>>
}

/** What a lab file wants of nftables: text. */
export interface NftDraft {
  readonly text: string
}

/** One rule set that a lab wants in one namespace. */
export interface FirewallDraft {
  readonly kind: IptablesKind | 'nftables'
  readonly namespace: string
  readonly root?: true
  readonly lab: string
  readonly source?: Position
  readonly draft: IptablesDraft | NftDraft
  /** The interfaces that the namespace will have: nft's `iif`, `oif` and devices need them. */
  readonly devices: readonly string[]
  /** Where in the lab file (or in its dump) a place is. */
  readonly position: (place: Place) => Position | undefined
}

/** A live rule with what went through it. */
export interface CountedRule {
  readonly rule: string
  readonly packets?: number
  readonly bytes?: number
}

/** A live chain, as `netlab show NS --rules` lists it. */
export interface LiveChain {
  /** `ip`, `ip6`, `inet`, `bridge`, `arp`, `netdev` */
  readonly family: string
  readonly program: IptablesKind | 'nft'
  readonly table: string
  readonly chain: string
  /** Of base chains. */
  readonly hook?: string
  readonly priority?: number
  readonly policy?: string
  /** What met the policy. */
  readonly packets?: number
  readonly bytes?: number
  readonly rules: readonly CountedRule[]
}
