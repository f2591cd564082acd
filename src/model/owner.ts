const MARK = 'netlab:'

/** The alias that marks a namespace (on its `lo`) or a device of the machine's own namespace as the lab's. */
export const labelled = (lab: string, alias?: string): string => `${MARK}${lab}${alias ? ` ${alias}` : ''}`

/** The beginning of the alias that marks what a lab owns. */
export const markOf = (lab: string): string => `${MARK}${lab}`

/** The lab that an alias names; undefined when it is not a mark. */
export const ownerOf = (alias: string | undefined): string | undefined =>
  alias?.startsWith(MARK) ? alias.slice(MARK.length).split(' ', 1)[0] : undefined

/** The user's own part of the alias of a marked device. */
export const aliasOf = (alias: string | undefined): string | undefined =>
  alias?.startsWith(MARK) ? alias.split(' ').slice(1).join(' ') || undefined : alias

/** What the mark of a namespace contains besides the lab's name. */
export interface Notes {
  /** Others created the namespace, and the lab has adopted it. */
  readonly adopted: boolean
  /** The sysctls that the lab has set: they are set back when the file no longer sets them. */
  readonly sysctls: readonly string[]
  /** A drill is under way in the lab (src/model/drill.ts). */
  readonly drill?: string | undefined
}

/** An alias has at most 255 bytes (IFALIASZ in include/uapi/linux/if.h). */
const LONGEST = 255
const ADOPTED = 'adopted'
const SYSCTLS = 'sysctl='
const DRILL = 'drill='

/** The mark of a namespace, for the alias of its `lo`. Sysctls for which there is no room are left out. */
export function marked(lab: string, { adopted, sysctls, drill }: Notes): string {
  const words = [...(adopted ? [ADOPTED] : []), ...(drill === undefined ? [] : [`${DRILL}${drill}`])]
  let mark = labelled(lab, words.join(' '))
  let separator = ` ${SYSCTLS}`
  for (const key of sysctls) {
    const longer = `${mark}${separator}${key.slice('net.'.length)}`
    if (longer.length > LONGEST) continue
    ;[mark, separator] = [longer, ',']
  }
  return mark
}

/** The notes in the mark of a namespace. */
export function notesIn(alias: string | undefined): Notes {
  const words = aliasOf(alias)?.split(' ') ?? []
  const after = (start: string): string | undefined => words.find((word) => word.startsWith(start))?.slice(start.length)
  const drill = after(DRILL)
  return {
    adopted: words.includes(ADOPTED),
    sysctls:
      after(SYSCTLS)
        ?.split(',')
        .map((key) => `net.${key}`) ?? [],
    ...(drill !== undefined && { drill }),
  }
}

/** FNV-1a, 32 bits: turns names into the numbers that serve as marks. */
export function hashOf(text: string): number {
  let h = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193) >>> 0
  return h
}

/** A bit above those of labs and processes, so that no tag is a limit that somebody would set. */
const TAGGED = 1n << 60n
const labTag = (lab: string): bigint => TAGGED + (BigInt(hashOf(lab) & 0xfffffff) << 32n)

/** The name that netlab shows for a process of which only the tag is known. */
const NAMELESS = /^#([0-9a-f]{8})$/

/** Whether a name is one of those. */
export const isNameless = (name: string): boolean => NAMELESS.test(name)

/** The number that marks a process of a lab and its children: one of their limits (src/kinds/process-scripts.ts). */
export const processTag = (lab: string, namespace: string, name: string): string => {
  const [, digits] = NAMELESS.exec(name) ?? []
  const own = digits === undefined ? hashOf(`${lab}/${namespace}/${name}`) : Number(`0x${digits}`)
  return String(labTag(lab) + BigInt(own))
}

/** A name, made from its tag, for a process of the lab whose name is not known; undefined when it is not the lab's. */
export function namelessOf(lab: string, tag: string): string | undefined {
  const own = BigInt(tag) - labTag(lab)
  return own >= 0n && own >> 32n === 0n ? `#${own.toString(16).padStart(8, '0')}` : undefined
}

/** The lab's link group, which is set when a link is created, before it can get an alias: `nl` and 16 bits of a hash. */
export const labGroup = (lab: string): number => 0x6e6c0000 + (hashOf(lab) & 0xffff)

/** A group for links that are to be deleted, from a hash of their ids: an earlier run that was killed used another one. */
export const goneGroup = (ids: readonly string[]): number => 0x6e6d0000 + (hashOf(ids.join(' ')) & 0xffff)

/**
 * The metric that marks the lab's addresses on interfaces of the machine's own, and the routes to their subnets. The machine's
 * own routes have lower metrics and are preferred.
 */
export const labMetric = labGroup

/** The protocol number of the lab's routes and rules in the machine's own namespace: 201 to 250. */
export const labProtocol = (lab: string): number => 201 + (hashOf(lab) % 50)
