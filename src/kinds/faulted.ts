import { formatCidr, parseCidr } from '../model/cidr.ts'
import type { CutMark, FaultMark, ImpairMark } from '../model/fault.ts'
import type { LabContext } from '../model/kind.ts'
import { linkId, type Resource } from '../model/resource.ts'
import { destinationsValue } from './impairments.ts'
import { qdisc, qdiscId, type QdiscSpec } from './qdisc.ts'
import { queueValue } from './queue.ts'
import { isTc, isTcResource } from './tc.ts'

type Settings = Readonly<Record<string, unknown>>

/** The cuts of an interface, the oldest first. */
export const cutsOf = (marks: readonly FaultMark[], device: string): CutMark[] =>
  marks.flatMap(({ cuts }) => (cuts && Object.hasOwn(cuts, device) ? [cuts[device]!] : []))

/** The impairments of an interface by faults, the oldest first. */
export const impairsOf = (marks: readonly FaultMark[], device: string): ImpairMark[] =>
  marks.flatMap(({ impairs }) => (impairs && Object.hasOwn(impairs, device) ? [impairs[device]!] : []))

/** Whether the resource is the root qdisc of the interface, or belongs to it: what goes when that qdisc is replaced. */
export function isOfRoot({ kind, spec }: Resource<any>, device: string): boolean {
  const { dev, parent, above, kind: type } = spec as Record<string, unknown>
  if (dev !== device || (kind !== 'qdisc' && kind !== 'tc')) return false
  return ![parent, above, type].some((word) => word === 'ingress' || word === 'clsact' || word === 'egress')
}

/** The root qdisc that an interface has while these impairments last. Throws an Error when they cannot be combined. */
export function impaired(
  where: Pick<Resource, 'namespace' | 'borrowed'>,
  device: string,
  impairs: readonly ImpairMark[],
): Resource<QdiscSpec> | undefined {
  const root = impairs[0]?.before.find(({ kind }) => kind === 'qdisc') as Resource<QdiscSpec> | undefined
  let all: Settings = root && !isTc(root.spec) ? queueValue(root.spec) : {}
  const declared = root && !isTc(root.spec) ? destinationsValue(root.spec) : {}
  const sides = { to: new Map<string, Settings>(), from: new Map<string, Settings>() }
  for (const side of ['to', 'from'] as const)
    for (const [name, settings] of Object.entries(declared[side] ?? {}))
      sides[side].set(networksOf(root, side, name), settings as Settings)
  for (const one of impairs) {
    const at = one.to ? ('to' as const) : one.from ? ('from' as const) : undefined
    if (!at) {
      all = { ...all, ...one.settings }
      for (const side of ['to', 'from'] as const)
        for (const [name, settings] of sides[side]) sides[side].set(name, { ...settings, ...one.settings })
    } else divide(sides[at], one[at] ?? [], all, one.settings)
  }
  const entry = {
    ...all,
    ...(sides.to.size && { to: Object.fromEntries(sides.to) }),
    ...(sides.from.size && { from: Object.fromEntries(sides.from) }),
  }
  const spec = qdisc.fromLab?.(entry, contextOf(where.namespace, device))
  return spec && { id: qdiscId(where.namespace, device), kind: 'qdisc', ...where, spec }
}

/** The networks of a destination, as they can be the name of one. */
const networksOf = (root: Resource<QdiscSpec> | undefined, side: 'to' | 'from', name: string): string =>
  (root && !isTc(root.spec) && root.spec[side]?.[name]?.networks.join(',')) || name

/** Gives these networks destinations with the new settings; what a destination had before, and a setting leaves alone, stays. */
function divide(side: Map<string, Settings>, networks: readonly string[], rest: Settings, settings: Settings): void {
  const left = new Set(networks)
  for (const [name, before] of [...side]) {
    const all = name.split(',')
    const taken = all.filter((network) => left.has(network))
    if (taken.length === 0) continue
    const kept = all.filter((network) => !left.has(network))
    side.delete(name)
    if (kept.length) side.set(kept.join(','), before)
    side.set(taken.join(','), { ...before, ...settings })
    for (const network of taken) left.delete(network)
  }
  if (left.size) side.set([...left].join(','), { ...rest, ...settings })
}

/** Everything is checked when the fault is set. */
function contextOf(namespace: string, name: string): LabContext {
  const error: LabContext['error'] = (_code, path, summary) => {
    throw new Error(`${[...path, ''].join(': ')}${summary}`)
  }
  return { namespace, root: false, name, folder: '', resources: new Map(), error, warning: () => {} }
}

/** The canonical form of an address or a network; undefined when it is neither. */
export const networkText = (text: string): string | undefined => {
  const cidr = parseCidr(text)
  return cidr && formatCidr(cidr)
}

/** What a namespace would have without its faults: what they changed is as it was before, unless somebody else changed it since. */
export function withoutEffects(found: readonly Resource[], marks: readonly FaultMark[]): Resource[] {
  const devices = (which: 'cuts' | 'impairs'): string[] => [
    ...new Set(marks.flatMap((mark) => Object.keys(mark[which] ?? {}))),
  ]
  let result = [...found]
  for (const device of devices('cuts')) {
    const cuts = cutsOf(marks, device)
    result = result.map((r) => (r.id === linkId(r.namespace, device) ? { ...r, spec: asRead(uncut(r.spec, cuts)) } : r))
  }
  for (const device of devices('impairs')) {
    const live = result.filter((r) => isOfRoot(r, device))
    const impairs = impairsOf(marks, device)
    const [first] = live
    if (!first || !isAs(live, impaired(first, device, impairs))) continue
    const before = (impairs[0]?.before ?? []).map((r) => ({ ...r, namespace: first.namespace }))
    result = [...result.filter((r) => !live.includes(r)), ...before]
  }
  return result
}

/** Defaults are not read. */
const asRead = ({ linkmode, ...spec }: Resource['spec']): Resource['spec'] =>
  linkmode === undefined || linkmode === 'default' ? spec : { ...spec, linkmode }

/** Whether the live queues are those that the faults made. */
export function isAs(live: readonly Resource[], now: Resource<QdiscSpec> | undefined): boolean {
  const [root, ...rest] = live
  if (!root || !now || rest.length > 0 || isTcResource(root)) return live.length === 0 && !now
  return qdisc.compare(root.spec as QdiscSpec, now.spec).length === 0
}

/** The settings before the cuts. */
export function uncut<S extends Record<string, unknown>>(spec: S, cuts: readonly CutMark[]): S {
  const before: Record<string, unknown> = {}
  for (const { now, before: was } of cuts)
    for (const [field, value] of Object.entries(now))
      if (spec[field] === value && !(field in before)) before[field] = was[field as keyof typeof was]
  if (Object.keys(before).length === 0) return spec
  return { ...spec, ...before }
}
