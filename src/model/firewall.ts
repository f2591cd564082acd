/** The families for which iptables has a separate program. */
export type IptablesKind = 'iptables' | 'ip6tables'

/** A chain of iptables. A built-in chain without a policy has the kernel's: ACCEPT. */
export interface IptablesChain {
  readonly policy?: string
  /** In the form of iptables-save, without `-A CHAIN` and counters. */
  readonly rules: readonly string[]
  /** Live, in the machine's own namespace: the one-based positions of the rules among all rules of the kernel's chain. */
  readonly places?: readonly number[]
  /** Live, in the machine's own namespace: others have rules in this chain or jump to it. */
  readonly shared?: true
}

/** Tables → chains, of one namespace and family. Built-in chains with policy ACCEPT and no rules are absent. */
export interface IptablesSpec {
  readonly tables: Readonly<Record<string, Readonly<Record<string, IptablesChain>>>>
  /** The places where the rules are written; present until the rules are in the form of the tools. */
  readonly written?: Readonly<Record<string, WrittenTable>>
}

/** The places where a table and the rules of its chains are written. */
export interface WrittenTable {
  readonly place: RulePlace
  readonly chains: Readonly<Record<string, readonly RulePlace[]>>
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
  /** Live: iptables has a table of that name, and this is what nft has added to it. */
  readonly shared?: true
}

/** The tables of a namespace, by family and name: `inet web`. */
export interface NftSpec {
  readonly tables: Readonly<Record<string, NftTable>>
  /** The text of the lab file, until nft has turned it into tables. */
  readonly text?: string
  /** With `text`, in the machine's own namespace: the lab whose mark the names of the tables must contain. */
  readonly lab?: string
}

/** A place within the firewall of a lab file. */
export interface RulePlace {
  /** The path within the value of the field: `['filter', 'FORWARD', 'rules', 2]`. */
  readonly path: readonly (string | number)[]
  /** One-based, within the text at that path (or within the file that `restore` names). */
  readonly line?: number
  readonly column?: number
  readonly length?: number
  /** The line and column are those of the file that `restore` names. */
  readonly dump?: true
  /** The text at this place, in which a word that a tool complains about can be found. */
  readonly text?: string
}

/** What is wrong with a rule set, and where. */
export interface Problem {
  readonly summary: string
  readonly detail?: string
  readonly place: RulePlace
}

/** A live rule with its counters. */
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
  /** The packets that reached the policy. */
  readonly packets?: number
  readonly bytes?: number
  readonly rules: readonly CountedRule[]
}

/** Rules per transaction when one of all rules is too large: this many fit even if they are as long as rules can be. */
const PIECE = 300

/**
 * Whether a transaction failed because it is larger than an ordinary user's socket buffer: iptables and nft enlarge it with
 * SO_SNDBUFFORCE only, for which they need root; else it is net.core.wmem_default, enough for some 1500 short rules
 * (measured). The kernel has then done nothing.
 */
export const isTooLong = (stderr: string): boolean => stderr.includes('Message too long')

/** The same input for iptables-restore --noflush, divided into several transactions. */
export function inPieces(input: string): string {
  let [table, rules] = ['', 0]
  return input.replace(/^[*-].*\n/gm, (line) => {
    if (line.startsWith('*')) [table, rules] = [line, 0]
    else if (++rules % PIECE === 0) return `${line}COMMIT\n${table}`
    return line
  })
}
