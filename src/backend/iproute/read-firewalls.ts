import type { Host } from '../../model/host.ts'
import type { Dump } from '../../model/runner.ts'
import { parallel, PROGRAMS_AT_ONCE } from '../../host/parallel.ts'
import { fileOf, placeIn } from '../../model/place.ts'

/** The rules of a namespace, as a dump has them. */
export type Firewall = Pick<Dump, 'iptables' | 'ip6tables' | 'nftables'>

/** A namespace whose rules are to be read. */
export interface RuleSource {
  /** Absent: where netlab itself runs. */
  readonly netns?: string
  /** The names of its nftables tables (`inet own`); absent where they are unknown, or where iptables-legacy may have rules too. */
  readonly tables?: readonly string[]
}

/** Whether the kernel has ipset loaded; otherwise there are no sets. */
export const hasIpset = (host: Host): boolean => host.exists('/sys/module/ip_set')

/** Whether the kernel has iptables-legacy; otherwise no namespace has its tables. */
export const hasLegacy = (host: Host): boolean =>
  host.exists('/proc/net/ip_tables_names') || host.exists('/proc/net/ip6_tables_names')

/** The sets of a namespace as `ipset save` prints them; none where the program is missing. */
export async function readIpsets(host: Host, netns: string | undefined): Promise<string> {
  const { code, stdout } = await host.run({ argv: ['ipset', 'save'], ...placeIn(netns) })
  return code === 0 ? stdout : ''
}

/** A line between the outputs of programs; no program prints it. */
export const MARK = '--netlab--'

/** Prints all rules of a namespace, or nothing if nft says that it has no tables. Without nft, the save programs always run. */
export const FIREWALL = `
if command -v nft >/dev/null && [ -z "$(nft list tables)" ]; then exit 0; fi
iptables-save -c; echo ${MARK}; ip6tables-save -c; echo ${MARK}; nft -a -s list ruleset
exit 0
`

/** The rules in the output of `FIREWALL`, split at `MARK`. */
export const firewall = ([iptables = '', ip6tables = '', nftables = '']: readonly string[]): Firewall => ({
  iptables,
  ip6tables,
  nftables,
})

/** Takes pairs of a namespace's file and a program, and runs each program in its namespace. */
const SAVES = `while [ $# -gt 0 ]; do nsenter --net="$1" -- "$2" -c; echo ${MARK}; shift 2; done`

/** Which program lists a table of nftables that has a name iptables-nft uses. */
const lister = (table: string): 'iptables' | 'ip6tables' | undefined =>
  /^ip6? (filter|nat|mangle|raw|security)$/.test(table) ? `${table.startsWith('ip6') ? 'ip6' : 'ip'}tables` : undefined

/**
 * The rules of namespaces, in the order of `sources`. Namespaces that have only tables of iptables-nft are listed by a few shells
 * together; each of the others takes a shell of its own.
 */
export async function readFirewalls(host: Host, sources: readonly RuleSource[]): Promise<Firewall[]> {
  const found = sources.map(() => ({ iptables: '', ip6tables: '', nftables: '' }))
  const jobs = sources.flatMap(({ netns, tables }, place) => {
    const listers = [...new Set(tables?.map(lister))].filter((one) => one !== undefined)
    return netns === undefined || !tables?.every(lister) ? [] : listers.map((by) => ({ place, netns, by }))
  })
  await parallel(Array(PROGRAMS_AT_ONCE).keys(), PROGRAMS_AT_ONCE, async (shell) => {
    const mine = jobs.filter((_, i) => i % PROGRAMS_AT_ONCE === shell)
    if (mine.length === 0) return
    const argv = ['sh', '-c', SAVES, 'sh', ...mine.flatMap(({ netns, by }) => [fileOf(netns), `${by}-save`])]
    const texts = (await host.run({ argv })).stdout.split(`${MARK}\n`)
    mine.forEach(({ place, by }, i) => (found[place]![by] = texts[i] ?? ''))
  })
  const isListed = ({ tables }: RuleSource, rules: Firewall): boolean =>
    tables?.length !== 0 &&
    tables?.every((table) => {
      const by = lister(table)
      const name = table.split(' ')[1]
      // iptables-save begins its output with this comment where the table has something that it cannot express.
      return by !== undefined && rules[by].includes(`\n*${name}\n`) && !rules[by].includes(`# Table \`${name}' `)
    }) === true
  const result: Firewall[] = [...found]
  await parallel(sources.entries(), PROGRAMS_AT_ONCE, async ([place, one]) => {
    if (isListed(one, found[place]!)) return
    const { stdout } = await host.run({ argv: ['sh', '-c', FIREWALL], ...placeIn(one.netns) })
    result[place] = firewall(stdout.split(`${MARK}\n`))
  })
  return result
}
