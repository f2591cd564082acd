import type { PlaceInFile } from '../expand-firewalls.ts'
import type { Expansion } from '../expansion.ts'
import type { Check } from '../../model/check.ts'
import type { Code } from '../../model/diagnostic-codes.ts'
import type { Position } from '../../model/diagnostic.ts'
import type { Resource } from '../../model/resource.ts'
import { isLink, type Topology } from '../../model/topology.ts'
import { lostWays, type Lost } from './way.ts'

/**
 * Something that is valid and most likely not meant. Its cause and remedy are those of its code (diagnostic-codes.ts); docs/lints.md
 * is made of both. A lint does not warn where it cannot be sure: a false warning is worse than a missing one.
 */
export interface Lint {
  readonly name: Code
  /** Why it matters, and where it does not warn. */
  readonly why: string
  /** A lab with one such warning and no other, and the same lab without it. */
  readonly wrong: string
  readonly right: string
  /** Warns, in time that is linear in the lab's size. Absent: the warning is given while the file is expanded. */
  readonly find?: (lab: LintedLab, warn: Warn) => void
}

/** Warns of a resource, or at a position, under the name of the lint. */
export type Warn = (at: Resource | Position | undefined, summary: string, detail: string) => void

/** An expanded lab without errors, and what several lints ask about it. */
export interface LintedLab {
  readonly x: Expansion
  readonly topology: Topology
  readonly checks: readonly Check[]
  readonly where: PlaceInFile
  /** Whether the interface with this id connects only to what the lab lists, through cables and bridges. */
  readonly isClosed: (link: string) => boolean
  /** Whether a bridge looks at tags in the segment of this interface: it may be several segments. */
  readonly isTagged: (link: string) => boolean
  /** Whether programs of the lab run in the namespace: they may add addresses, routes and settings. */
  readonly hasProcesses: (namespace: string) => boolean
  /** Whether the namespace, or an interface of it, has state that belongs to others. */
  readonly isShared: (namespace: string) => boolean
  readonly forwards: (namespace: string, family: 4 | 6) => boolean
  /** The checks whose packets end on the way: found once, for several lints. */
  readonly lost: () => readonly Lost[]
}

/** Types of interfaces that connect only to what the lab lists. */
const closed = new Set(['veth', 'bridge', 'loopback'])

/** The facts about a lab on which lints rely. */
export function lintedLab(x: Expansion, topology: Topology, checks: readonly Check[], where: PlaceInFile): LintedLab {
  const { segment, ofKind } = topology
  const open = new Set<string>()
  const shared = new Set<string>()
  for (const r of x.resources.values()) {
    if (r.borrowed || r.spec['others'] !== undefined) shared.add(r.namespace)
    if (isLink(r)) {
      if (!closed.has(r.kind)) open.add(segment(r.id))
      if (r.borrowed && r.spec.master !== undefined) open.add(segment(r.id)) // the bridge may be somebody else's
      if (r.spec.link !== undefined) open.add(segment(r.spec.link))
    }
  }
  const tagged = new Set(
    ofKind('bridge').flatMap(({ id, spec }) => (spec['vlan_filtering'] === true ? [segment(id)] : [])),
  )
  const busy = new Set(
    Object.entries(x.file.namespaces).flatMap(([name, fields]) =>
      fields?.processes === undefined ? [] : [fields.shares ?? name],
    ),
  )
  const forwarding = {
    4: /^net\.ipv4\.(ip_forward|conf\.[^.]+\.forwarding)$/,
    6: /^net\.ipv6\.conf\.[^.]+\.forwarding$/,
  }
  const forwards = new Set(
    ofKind('sysctl').flatMap(({ namespace, spec: { key, value } }) =>
      value === '0'
        ? []
        : ([4, 6] as const).flatMap((f) => (forwarding[f].test(String(key)) ? [`${f} ${namespace}`] : [])),
    ),
  )
  let lost: readonly Lost[] | undefined
  const lab: LintedLab = {
    ...{ x, topology, checks, where },
    isClosed: (link) => !open.has(segment(link)),
    isTagged: (link) => tagged.has(segment(link)),
    hasProcesses: (namespace) => busy.has(namespace),
    isShared: (namespace) => shared.has(namespace),
    forwards: (namespace, family) => forwards.has(`${family} ${namespace}`),
    lost: () => (lost ??= lostWays(lab)),
  }
  return lab
}

/** An interface as people write it: `NAMESPACE:INTERFACE`. */
export const placeOfLink = (link: string): string => link.replace('/', ':')
