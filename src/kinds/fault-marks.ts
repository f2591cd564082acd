import type { Fault, FaultMark } from '../model/fault.ts'

/** The tables of a fault: `netdev netlab_fault_1a2b3c4d`. A lab's own tables are called `netlab_` and the name of the lab. */
const PREFIX = 'netlab_fault_'
/** The table of a fault in the listing of a namespace; with `nft -a` lines end in `# handle N`. */
const TABLES = /^table (\w+) netlab_fault_([0-9a-f]{8}) \{.*\n[^]*?^\}\n*/gm
/** A comment has at most 128 bytes (NFTNL_UDATA_COMMENT_MAXLEN in libnftnl). */
const LONGEST = 120

/** The name of the chain that holds the mark. */
export const SIGNS = 'signs'

/** The name of the table of the fault with this id. */
export const faultTable = (id: string): string => `${PREFIX}${id}`

/** Whether a listing has a table of a fault: a quick look. */
export const hasFaults = (nftables: string): boolean => nftables.includes(PREFIX)

/** A mark that was found, and the family of its table. */
export interface FoundMark extends FaultMark {
  readonly family: string
}

/** The marks of the faults in the listing of a namespace (`nft list ruleset`), the oldest first. What is no mark is ignored. */
export function marksIn(nftables: string): FoundMark[] {
  if (!hasFaults(nftables)) return []
  const found = [...nftables.matchAll(TABLES)].flatMap(([text, family = '', id]): FoundMark[] => {
    const written = [...text.matchAll(/^\s*continue comment "([^"]*)"/gm)].map(([, part = '']) => part).join('')
    try {
      const mark = JSON.parse(written.replaceAll("'", '"')) as FaultMark
      return mark.fault.id === id ? [{ ...mark, family }] : []
    } catch {
      return [] // somebody has changed the table
    }
  })
  return found.sort((a, b) => byAge(a.fault, b.fault))
}

/** The faults in the listings of several namespaces, each once, the oldest first. */
export function faultsOf(listings: readonly string[]): Fault[] {
  const all = new Map<string, Fault>()
  for (const { fault } of listings.flatMap(marksIn)) if (!all.get(fault.id)?.lifted) all.set(fault.id, fault)
  return [...all.values()].sort(byAge)
}

const byAge = (a: Fault, b: Fault): number => a.since - b.since || (a.id < b.id ? -1 : 1)

/** The listing without the tables of faults. */
export const withoutFaults = (nftables: string): string =>
  hasFaults(nftables) ? nftables.replace(TABLES, '') : nftables

/** The chain that holds the mark: comments of rules that do nothing, in which JSON is written with single quotes. */
export function markChain(mark: FaultMark): string {
  const text = JSON.stringify(mark)
    .replace(/['\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll('"', "'")
  const parts = text.match(new RegExp(`.{1,${LONGEST}}`, 'g')) ?? []
  return `chain ${SIGNS} {\n${parts.map((part) => `continue comment "${part}"\n`).join('')}}\n`
}
