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
  /** As long as the rules are as somebody wrote them, not yet in the tools' own form: where they are written. */
  readonly written?: Readonly<Record<string, WrittenTable>>
}

/** Where a table and the rules of its chains are written. */
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
  /** What the lab file says, as long as nft has not turned it into tables. */
  readonly text?: string
  /** Beside `text`, in the machine's own namespace: the lab whose mark the names of the tables must bear. */
  readonly lab?: string
}

/** A place in what a lab file says about a firewall. */
export interface RulePlace {
  /** Into the value of the field: `['filter', 'FORWARD', 'rules', 2]`. */
  readonly path: readonly (string | number)[]
  /** One-based, within the text at that path (or within the file that `restore` names). */
  readonly line?: number
  readonly column?: number
  readonly length?: number
  /** The line and column are those of the file that `restore` names. */
  readonly dump?: true
  /** What is written there: to find a word in that a tool complains about. */
  readonly text?: string
}

/** What is wrong with a rule set, and where. */
export interface Problem {
  readonly summary: string
  readonly detail?: string
  readonly place: RulePlace
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

/** Rules that are handed to the kernel at once where it does not take all of them: of the largest ones that is enough. */
const PIECE = 300

/**
 * Whether a transaction is larger than an ordinary user's socket buffer (net.core.wmem_default: iptables and nft ask for
 * more by SO_SNDBUFFORCE only, which root may). Measured: some 1500 short rules. Nothing of it has been done.
 */
export const isTooLong = (stderr: string): boolean => stderr.includes('Message too long')

/** What iptables-restore --noflush reads, as several transactions. */
export function inPieces(input: string): string {
  let [table, rules] = ['', 0]
  return input.replace(/^[*-].*\n/gm, (line) => {
    if (line.startsWith('*')) [table, rules] = [line, 0]
    else if (++rules % PIECE === 0) return `${line}COMMIT\n${table}`
    return line
  })
}
