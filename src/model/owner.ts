const MARK = 'netlab:'

/** Says in the alias of `lo` (of a device, in the machine's own namespace) which lab it belongs to. */
export const labelled = (lab: string, alias?: string): string => `${MARK}${lab}${alias ? ` ${alias}` : ''}`

/** The lab that an alias names; undefined when it names none. */
export const ownerOf = (alias: string | undefined): string | undefined =>
  alias?.startsWith(MARK) ? alias.slice(MARK.length).split(' ', 1)[0] : undefined

/** What the user's own alias of a marked device is. */
export const aliasOf = (alias: string | undefined): string | undefined =>
  alias?.startsWith(MARK) ? alias.split(' ').slice(1).join(' ') || undefined : alias

/** What follows the lab's name in the mark of a namespace that others made and the lab took over. */
export const ADOPTED = 'adopted'

/** FNV-1a, 32 bits: spreads lab names over the small numbers that the kernel offers as marks. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193) >>> 0
  return h
}

/** The group of links that `ip link add` sets atomically, before the alias can be: `nl` and 16 bits of the lab's name. */
export const labGroup = (lab: string): number => 0x6e6c0000 + (hash(lab) & 0xffff)

/** The protocol number of the lab's routes and rules in the machine's own namespace: 201 to 250. */
export const labProtocol = (lab: string): number => 201 + (hash(lab) % 50)
