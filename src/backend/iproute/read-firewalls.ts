import type { Host } from '../../model/host.ts'
import type { Dump } from '../../model/runner.ts'
import { parallel, PROGRAMS_AT_ONCE } from '../../host/parallel.ts'
import { placeIn } from '../../model/place.ts'

/** The rules of a namespace, as a dump has them. */
export type Firewall = Pick<Dump, 'iptables' | 'ip6tables' | 'nftables'>

/** A namespace whose rules are to be read. */
export interface Walled {
  /** Absent: where netlab itself runs. */
  readonly netns?: string
  /** The tables that it has (`inet own`); absent: that is not known, or iptables does not have its rules in nftables. */
  readonly tables?: readonly string[]
}

/** Whether the kernel has ipset loaded, and so there may be sets. */
export const hasIpset = (host: Host): boolean => host.exists('/sys/module/ip_set')

/** Whether the kernel has the tables of iptables-legacy, and so a namespace may have some. */
export const hasLegacy = (host: Host): boolean =>
  host.exists('/proc/net/ip_tables_names') || host.exists('/proc/net/ip6_tables_names')

/** The sets of a namespace as `ipset save` prints them; none where the program is missing. */
export async function readIpsets(host: Host, netns: string | undefined): Promise<string> {
  const { code, stdout } = await host.run({ argv: ['ipset', 'save'], ...placeIn(netns) })
  return code === 0 ? stdout : ''
}

/** A line between the outputs of programs; no program prints it. */
export const MARK = '--netlab--'

/** Prints all rules. They are read only where there are tables; where nft is missing the save programs are asked. */
export const FIREWALL = `
if command -v nft >/dev/null && [ -z "$(nft list tables)" ]; then exit 0; fi
iptables-save -c; echo ${MARK}; ip6tables-save -c; echo ${MARK}; nft -a -s list ruleset
exit 0
`

/** What it prints. */
export const firewall = ([iptables = '', ip6tables = '', nftables = '']: readonly string[]): Firewall => ({
  iptables,
  ip6tables,
  nftables,
})

/** Lists namespaces with the programs that are named in pairs with them. */
const SAVES = `while [ $# -gt 0 ]; do nsenter --net="/run/netns/$1" -- "$2" -c; echo ${MARK}; shift 2; done`

/** Which program lists a table that iptables-nft may have made. */
const lister = (table: string): 'iptables' | 'ip6tables' | undefined =>
  /^ip6? (filter|nat|mangle|raw|security)$/.test(table) ? `${table.startsWith('ip6') ? 'ip6' : 'ip'}tables` : undefined

/**
 * The rules of namespaces, in the order asked. Where iptables lists every table, nothing else is asked for, and a few shells
 * do it for everybody.
 */
export async function readFirewalls(host: Host, walled: readonly Walled[]): Promise<Firewall[]> {
  const found = walled.map(() => ({ iptables: '', ip6tables: '', nftables: '' }))
  const jobs = walled.flatMap(({ netns, tables }, place) => {
    const listers = [...new Set(tables?.map(lister))].filter((one) => one !== undefined)
    return netns === undefined || !tables?.every(lister) ? [] : listers.map((by) => ({ place, netns, by }))
  })
  await parallel(Array(PROGRAMS_AT_ONCE).keys(), PROGRAMS_AT_ONCE, async (shell) => {
    const mine = jobs.filter((_, i) => i % PROGRAMS_AT_ONCE === shell)
    if (mine.length === 0) return
    const argv = ['sh', '-c', SAVES, 'sh', ...mine.flatMap(({ netns, by }) => [netns, `${by}-save`])]
    const texts = (await host.run({ argv })).stdout.split(`${MARK}\n`)
    mine.forEach(({ place, by }, i) => (found[place]![by] = texts[i] ?? ''))
  })
  const isListed = ({ tables }: Walled, rules: Firewall): boolean =>
    tables?.length !== 0 &&
    tables?.every((table) => {
      const by = lister(table)
      const name = table.split(' ')[1]
      // It begins with a remark where nft has base chains or rules of its own in the table.
      return by !== undefined && rules[by].includes(`\n*${name}\n`) && !rules[by].includes(`# Table \`${name}' `)
    }) === true
  const result: Firewall[] = [...found]
  await parallel(walled.entries(), PROGRAMS_AT_ONCE, async ([place, one]) => {
    if (isListed(one, found[place]!)) return
    const { stdout } = await host.run({ argv: ['sh', '-c', FIREWALL], ...placeIn(one.netns) })
    result[place] = firewall(stdout.split(`${MARK}\n`))
  })
  return result
}
