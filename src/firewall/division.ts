import type { NftSpec, NftTable } from '../model/firewall.ts'
import type { Dump } from '../model/runner.ts'
import { parseNft } from './nft-parse.ts'
import { isTable, named, parseSave, type Saved } from './save.ts'

/** The rules of a namespace, as a dump has them. */
export type Listings = Pick<Dump, 'iptables' | 'ip6tables' | 'nftables'>

/** Whether a table (`ip nat`) has a name that iptables uses. */
export const isLikeIptables = (name: string): boolean =>
  /^ip6? /.test(name) && isTable(name.slice(name.indexOf(' ') + 1))

/** Replaces comments and strings by blanks, so that only nft's own words are left, at their offsets. */
export const bare = (text: string): string =>
  text.replace(/"[^"\n]*"|#.*/g, (found) => ' '.repeat(found.length)).replace(/\\\n/g, '  ')

/** The tables of a rule set of nftables with names that iptables uses: `ip nat`. The default family is `ip` (nft(8)). */
export const claimed = (text: string): string[] => [
  ...new Set(
    [...bare(text).matchAll(/\btable\s+(?:(ip6?)\s+)?(\w+)/g)]
      .map(([, family = 'ip', table]) => `${family} ${table}`)
      .filter(isLikeIptables),
  ),
]

/** What `iptables-save` or `ip6tables-save` lists, without the tables that the lab declares under `nftables`. */
export function savedOf(text: string, family: 'ip' | 'ip6', ofNft: readonly string[] = []): Saved {
  const saved = parseSave(text)
  for (const name of ofNft) if (name.startsWith(`${family} `)) saved.delete(name.slice(family.length + 1))
  return saved
}

/**
 * The tables of nftables. Of a table that iptables lists too, only what iptables cannot list: sets and other objects, and
 * chains that nft has added. `ofNft` are tables that the lab declares under `nftables`: all of their contents are nftables'.
 */
export function nftSpecOf({ iptables, ip6tables, nftables }: Listings, ofNft: readonly string[] = []): NftSpec {
  const saved = { ip: savedOf(iptables, 'ip', ofNft), ip6: savedOf(ip6tables, 'ip6', ofNft) }
  const tables = named<NftTable>()
  for (const [name, table] of Object.entries(parseNft(nftables).tables)) {
    const [family = '', short = ''] = name.split(' ')
    const theirs = family === 'ip' || family === 'ip6' ? saved[family].get(short) : undefined
    const rest = theirs ? without(table, (chain) => theirs.has(chain)) : table
    if (rest) tables[name] = rest
  }
  return { tables }
}

/** A table without the chains that are iptables'; undefined when nothing is left. */
function without(table: NftTable, isTheirs: (chain: string) => boolean): NftTable | undefined {
  const chains = Object.entries(table.chains).filter(([chain]) => !isTheirs(chain))
  if (chains.length === 0 && Object.keys(table.objects).length === 0) return undefined
  const shared = chains.length < Object.keys(table.chains).length
  return { ...table, chains: Object.assign(named(), Object.fromEntries(chains)), ...(shared && { shared }) }
}
