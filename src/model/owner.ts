const MARK = 'netlab:'

/** Says in the alias of `lo` (of a device, in the machine's own namespace) which lab it belongs to. */
export const labelled = (lab: string, alias?: string): string => `${MARK}${lab}${alias ? ` ${alias}` : ''}`

/** What the alias of a lab's `lo` begins with. */
export const markOf = (lab: string): string => `${MARK}${lab}`

/** The lab that an alias names; undefined when it names none. */
export const ownerOf = (alias: string | undefined): string | undefined =>
  alias?.startsWith(MARK) ? alias.slice(MARK.length).split(' ', 1)[0] : undefined

/** What the user's own alias of a marked device is. */
export const aliasOf = (alias: string | undefined): string | undefined =>
  alias?.startsWith(MARK) ? alias.split(' ').slice(1).join(' ') || undefined : alias

/** What the mark of a namespace says besides the lab's name. */
export interface Notes {
  /** Others made the namespace, and the lab took it over. */
  readonly adopted: boolean
  /** The sysctls that the lab has set: dropped from the file, they go back to what they were. */
  readonly sysctls: readonly string[]
}

/** An alias has at most 255 bytes (IFALIASZ in include/uapi/linux/if.h). */
const LONGEST = 255
const ADOPTED = 'adopted'
const SYSCTLS = 'sysctl='

/** The mark of a namespace, for the alias of its `lo`. Sysctls for which there is no room are left out. */
export function marked(lab: string, { adopted, sysctls }: Notes): string {
  let mark = labelled(lab, adopted ? ADOPTED : undefined)
  let separator = ` ${SYSCTLS}`
  for (const key of sysctls) {
    const longer = `${mark}${separator}${key.slice('net.'.length)}`
    if (longer.length > LONGEST) continue
    ;[mark, separator] = [longer, ',']
  }
  return mark
}

/** What the mark of a namespace says. */
export function notesIn(alias: string | undefined): Notes {
  const words = aliasOf(alias)?.split(' ') ?? []
  const listed = words.find((word) => word.startsWith(SYSCTLS))?.slice(SYSCTLS.length)
  return { adopted: words.includes(ADOPTED), sysctls: listed?.split(',').map((key) => `net.${key}`) ?? [] }
}

/** FNV-1a, 32 bits: spreads lab names over the small numbers that the kernel offers as marks. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193) >>> 0
  return h
}

/** Bits above those of the processes and of the labs, so that no tag is a limit that somebody would set. */
const TAGGED = 1n << 60n
const labTag = (lab: string): bigint => TAGGED + (BigInt(hash(lab) & 0xfffffff) << 32n)

/** The name of a process of which nothing is known but its tag. */
const NAMELESS = /^#([0-9a-f]{8})$/

/** Whether a process has only such a name. */
export const isNameless = (name: string): boolean => NAMELESS.test(name)

/** The number that a process of a lab and all of its children carry, as a limit of theirs (src/kinds/process-scripts.ts). */
export const processTag = (lab: string, namespace: string, name: string): string => {
  const [, digits] = NAMELESS.exec(name) ?? []
  const own = digits === undefined ? hash(`${lab}/${namespace}/${name}`) : Number(`0x${digits}`)
  return String(labTag(lab) + BigInt(own))
}

/** What a tag says of the process of the lab: a name for it, should it have no other; undefined: it is not the lab's. */
export function namelessOf(lab: string, tag: string): string | undefined {
  const own = BigInt(tag) - labTag(lab)
  return own >= 0n && own >> 32n === 0n ? `#${own.toString(16).padStart(8, '0')}` : undefined
}

/** The group of links that `ip link add` sets atomically, before the alias can be: `nl` and 16 bits of the lab's name. */
export const labGroup = (lab: string): number => 0x6e6c0000 + (hash(lab) & 0xffff)

/** A group for links that are about to go, of their own ids: what an earlier run left in a group is in another one. */
export const goneGroup = (ids: readonly string[]): number => 0x6e6d0000 + (hash(ids.join(' ')) & 0xffff)

/**
 * The metric of the lab's addresses on interfaces that are the machine's own, and of the routes to their subnets: how they are
 * known. The machine's own routes have lower ones and are preferred.
 */
export const labMetric = labGroup

/** The protocol number of the lab's routes and rules in the machine's own namespace: 201 to 250. */
export const labProtocol = (lab: string): number => 201 + (hash(lab) % 50)
