import type { Difference, Emission } from '../model/change.ts'
import type { Kind, PlanContext } from '../model/kind.ts'
import type { Program } from '../model/operation.ts'
import { linkId, oncePer, type Resource, type Resources } from '../model/resource.ts'
import type { Dump, TcQdisc } from '../model/runner.ts'
import type { TcSpec } from '../model/tc-spec.ts'
import { isLost, within } from './common.ts'
import { trafficFeatures } from './features.ts'
import { ofInterface } from './lab-entry.ts'
import { HIGHEST } from './tc-lab.ts'
import { readTc } from './tc-text.ts'
import { joinWords, printedWords } from './tc-words.ts'
import { isTree } from './tree.ts'
import { TREE } from './tree-filters.ts'

/** `r/eth0/qdisc`, `r/eth0/qdisc/1:10`, `r/eth0/class/1:10`, `r/eth0/filter/1: protocol ip pref 1 u32 ::800` */
export function tcId(namespace: string, spec: TcSpec): string {
  const { object, dev, parent, handle = '', kind, protocol = '', pref = 0, chain } = spec
  const base = `${linkId(namespace, dev)}/${object}`
  if (object === 'qdisc') return parent === 'root' ? base : `${base}/${parent}`
  if (object === 'class') return `${base}/${handle}`
  return `${base}/${parent} protocol ${protocol} pref ${pref}${chain === undefined ? '' : ` chain ${chain}`} ${kind} ${handle}`
}

const ofQdisc = (namespace: string, dev: string, parent: string): string =>
  `${linkId(namespace, dev)}/qdisc${parent === 'root' ? '' : `/${parent}`}`
const ofClass = (namespace: string, dev: string, id: string): string => `${linkId(namespace, dev)}/class/${id}`

const usual = new Set(['noqueue', 'noop', 'mq'])
/** Whether the kernel attached the qdisc by itself: it then has no handle. */
export const isDefault = ({ kind, handle }: TcQdisc): boolean => usual.has(kind) || handle === '0:'

/** Whether a root qdisc is what `impairments` make, or what somebody made in its place. */
const isImpairment = (q: TcQdisc): boolean =>
  isTree(q) || ((q.kind === 'netem' || q.kind === 'tbf') && Number.parseInt(q.handle, 16) > HIGHEST)

/** Whether a qdisc is read in tc's own words: neither a default, nor a part of impairments. */
function isInWords(q: TcQdisc, root: TcQdisc | undefined): boolean {
  if (isDefault(q)) return false
  if (q.root) return !isImpairment(q)
  return !(root && isTree(root) && q.parent?.startsWith(TREE))
}

/** The qdiscs of a dump that are read in tc's own words, by interface. */
export function inWords({ qdiscs }: Dump): Map<string, TcQdisc[]> {
  const roots = new Map(qdiscs.flatMap((q) => (q.root ? [[q.dev, q] as const] : [])))
  const result = new Map<string, TcQdisc[]>()
  for (const q of qdiscs) if (isInWords(q, roots.get(q.dev))) result.set(q.dev, [...(result.get(q.dev) ?? []), q])
  return result
}

/** What tc says of these: the root qdisc is of the kind `qdisc`, as that of impairments is. */
export function readInWords(dump: Dump, which: (spec: TcSpec) => boolean): TcSpec[] {
  return [...inWords(dump)].flatMap(([dev, qdiscs]) => {
    const handles = new Set(qdiscs.map(({ handle }) => handle))
    return readTc(dev, dump.traffic, ({ handle }) => handles.has(handle)).filter(which)
  })
}

const isRoot = ({ object, parent }: TcSpec): boolean => object === 'qdisc' && parent === 'root'

/** Whether the settings are those of a qdisc in tc's own words. */
export const isTc = (spec: object): spec is TcSpec => 'object' in spec
/** Whether a resource is one of tc in its own words; `qdisc` is so at the root alone. */
export const isTcResource = (r: Resource<any>): r is Resource<TcSpec> =>
  (r.kind === 'tc' || r.kind === 'qdisc') && isTc(r.spec as object)

/** Qdiscs that tc changes in place to the settings that it prints of them (measured: docs/kernel.md); others are made anew. */
const CHANGEABLE = new Set('fq_codel codel cake fq prio tbf pfifo bfifo pie hfsc ets netem'.split(' '))
/** Settings of these that the kernel does not change. */
const FIXED = new Set(['flows'])

/** The part of a u32 filter that the kernel does not change in place (u32_change in net/sched/cls_u32.c). */
const matchesOf = (text: string): string => text.replace(/ ?(action order|police) .*/, '').replace(/ ?flowid \S+/, '')

function whyAnew(live: TcSpec, desired: TcSpec, field: string): string | undefined {
  const { object, kind, text = '' } = desired
  if (object === 'filter') {
    if (kind === 'matchall') return 'the kernel does not change a matchall'
    if (kind === 'u32' && matchesOf(live.text ?? '') !== matchesOf(text))
      return 'the kernel does not change what a u32 matches'
    return undefined
  }
  if (object === 'class') return field === 'settings' && kind !== 'htb' ? 'tc cannot take a setting back' : undefined
  if (!CHANGEABLE.has(kind)) return `the kernel does not change a ${kind}`
  return field === 'settings' || FIXED.has(field) ? 'tc cannot take it back in place' : undefined
}

/** The settings that differ in what tc prints, by the words before them; as one when they are not the same settings. */
function differing(live: string, desired: string): Difference[] {
  if (live === desired) return []
  const [was, is] = [live.split(' '), desired.split(' ')]
  const whole = [{ field: 'settings', from: live, to: desired }]
  if (was.length !== is.length) return whole
  const result: Difference[] = []
  let name = ''
  for (const [i, to] of is.entries()) {
    if (was[i] === to) {
      if (/^[a-z]\w*$/.test(to)) name = to
    } else if (name === '' || result.some(({ field }) => field === name)) return whole
    else result.push({ field: name, from: was[i], to })
  }
  return result
}

/** The differences between what is live and what the lab wants, in what tc prints. */
function compareTc(live: TcSpec, desired: TcSpec): Difference[] {
  if (live.kind !== desired.kind)
    return [{ field: 'kind', from: live.kind, to: desired.kind, forces: `it is another ${desired.object}` }]
  const moved = (['handle', 'parent'] as const).flatMap((field): Difference[] =>
    desired[field] === undefined || live[field] === desired[field]
      ? []
      : [{ field, from: live[field], to: desired[field], forces: 'it does not change in place' }],
  )
  if (live.text === undefined || desired.text === undefined) return moved
  const settings = differing(live.text, desired.text).map((difference): Difference => {
    const forces = whyAnew(live, desired, difference.field)
    return { ...difference, ...(forces !== undefined && { forces }) }
  })
  return [...moved, ...settings]
}

/** Whether it is ingress, egress or clsact, where packets pass and none waits. */
export const isHook = (parent: string): boolean => parent === 'ingress' || parent === 'egress' || parent === 'clsact'
/** Whether it is a qdisc with a queue, of which there is one in a place. */
const isQueued = ({ object, parent }: TcSpec): boolean => object === 'qdisc' && !isHook(parent)

/** The words that name it to tc. */
function placed(
  { object, parent, kind, protocol = '', pref = 0, chain }: TcSpec,
  handle: string | undefined,
): string[] {
  const hook = isHook(parent)
  const at = parent === 'root' ? ['root'] : hook ? (object === 'filter' ? [parent] : []) : ['parent', parent]
  const named =
    handle === undefined || (hook && object === 'qdisc') ? [] : [object === 'class' ? 'classid' : 'handle', handle]
  const looks = object === 'filter' ? ['protocol', protocol, 'pref', String(pref)] : []
  return [...at, ...looks, ...(chain === undefined ? [] : ['chain', String(chain)]), ...named, kind]
}

/** `tc OBJECT VERB dev IF …`, a line of `tc -batch` if there are several. */
const command = (r: Resource<TcSpec>, verb: string, words: readonly string[]): Program => ({
  ...within(r, 'tc', r.spec.object, verb, 'dev', r.spec.dev, ...words),
  batch: 'tc',
})

/** What makes it. */
export function createTc(r: Resource<TcSpec>): Emission[] {
  const { spec } = r
  return [{ stage: 'add qdiscs', operation: command(r, 'add', [...placed(spec, spec.handle), ...spec.words]) }]
}

/**
 * What changes it in place. tc keeps options of a qdisc that a change does not name: all are named, but for those that the kernel
 * refuses in a change even when they stay as they are (fq_codel_change in net/sched/sch_fq_codel.c).
 */
export function updateTc(r: Resource<TcSpec>, live: TcSpec): Emission[] {
  const { spec } = r
  const { object, kind, handle, text = '' } = spec
  const printed = printedWords(object, kind, text)
  const named = printed.filter((word, i) => !FIXED.has(word) && !FIXED.has(printed[i - 1] ?? ''))
  const words = object === 'qdisc' ? named : spec.words
  const verb = object === 'filter' ? 'replace' : 'change'
  const own = object === 'filter' ? (live.fh ?? handle) : handle
  return [{ stage: 'add qdiscs', operation: command(r, verb, [...placed(spec, own), ...words]) }]
}

/** What removes it, after what the kernel wants to be gone before: filters that send to a class, and classes below it. */
export function removeTc(r: Resource<TcSpec>, live: Resources): Emission[] {
  const { spec } = r
  const { object, handle, fh } = spec
  const place = placed(spec, object === 'filter' ? (fh ?? handle) : undefined)
  const words = object === 'class' ? ['classid', handle ?? ''] : isQueued(spec) ? place.slice(0, -1) : place
  const own: Emission = { stage: 'delete qdiscs', operation: command(r, 'del', words) }
  if (object === 'qdisc') return [own]
  const before = usersIn(live).get(r.id) ?? []
  return [...before.flatMap((other) => removeTc(other, live)), own]
}

/** By the id of a class or table, the classes and filters that cannot be without it. */
const usersIn = oncePer((resources): ReadonlyMap<string, Resource<TcSpec>[]> => {
  const result = new Map<string, Resource<TcSpec>[]>()
  for (const r of resources.values())
    if (isTcResource(r))
      for (const id of usesOf(r)) {
        const list = result.get(id)
        if (list) list.push(r)
        else result.set(id, [r])
      }
  return result
})

/** The filters of one preference, of which the kernel has a single kind. */
interface Preference {
  readonly names: Set<string>
  last: string
  tables: boolean
}
const prefKey = ({ namespace, spec: { dev, parent, chain = 0, pref } }: Resource<TcSpec>): string =>
  JSON.stringify([namespace, dev, parent, chain, pref])
const nameOfPref = ({ kind, protocol }: TcSpec): string => `${kind} ${protocol ?? ''}`

const preferences = oncePer((resources): ReadonlyMap<string, Preference> => {
  const result = new Map<string, Preference>()
  for (const r of resources.values()) {
    if (!isTcResource(r) || r.spec.object !== 'filter') continue
    const key = prefKey(r)
    const found = result.get(key) ?? { names: new Set(), last: '', tables: false }
    result.set(key, found)
    found.names.add(nameOfPref(r.spec))
    found.last = r.id
    found.tables ||= !r.spec.handle?.startsWith('::')
  }
  return result
})

/**
 * What removes a filter. The kernel keeps a preference of u32 after its last filter while there are others (u32_delete in
 * net/sched/cls_u32.c), and refuses another kind in its place: it is removed as a whole. Tables that have a number stay even then.
 */
function removeFilter(r: Resource<TcSpec>, { live, desired }: PlanContext): Emission[] {
  const { spec } = r
  const here = preferences(live).get(prefKey(r))
  const stays = preferences(desired).get(prefKey(r))?.names.has(nameOfPref(spec))
  if (spec.kind !== 'u32' || stays || !here || here.tables || here.names.size > 1) return removeTc(r, live)
  if (here.last !== r.id) return []
  return [{ stage: 'delete qdiscs', operation: command(r, 'del', placed(spec, undefined).slice(0, -1)) }]
}

/** The ids of the class and the table without which a filter, and of the class without which a class, cannot be. */
function usesOf({ namespace, spec }: Resource<TcSpec>): string[] {
  const { object, dev, parent, flowid, kind, handle = '', text = '' } = spec
  if (object === 'qdisc') return []
  if (object === 'class') return parent.endsWith(':') ? [] : [ofClass(namespace, dev, parent)]
  const tables = [/^(\w+:)\w+:/.exec(handle)?.[1], /\blink (\w+:)/.exec(text)?.[1]].flatMap((table) =>
    kind !== 'u32' || table === undefined ? [] : [tcId(namespace, { ...spec, handle: table })],
  )
  // At ingress and egress, flowid names no class: the kernel holds none for it.
  return [...(flowid === undefined || isHook(parent) ? [] : [ofClass(namespace, dev, flowid)]), ...tables]
}

/** A class, a filter, or a qdisc besides the root qdisc, in tc's own words. */
export const tc: Kind<TcSpec> = {
  name: 'tc',
  read: (dump, { namespace, borrowed }) =>
    dump.qdiscs.length === 0
      ? []
      : readInWords(dump, (spec) => !isRoot(spec)).map((spec) => ({
          id: tcId(namespace, spec),
          kind: 'tc',
          namespace,
          ...(borrowed && { borrowed }),
          spec,
        })),
  describe: ({ object, kind, words }) => joinWords([object, kind, ...words]),
  published: ({ above: _, fh: _fh, words: _words, ...spec }) => spec,
  toLab: (r, resources) => ofInterface(r, r.spec.dev, resources, { qdiscs: [entryOf(r.spec)] }),
  compare: compareTc,
  requires: ({ spec }) => ['tc', ...requiredBy(spec)],
  needs: (r) => [linkId(r.namespace, r.spec.dev), ...aboveOf(r), ...usesOf(r), ...targetsOf(r)],
  lostWith: (r) => [r.namespace, linkId(r.namespace, r.spec.dev), ...aboveOf(r), ...usesOf(r)],
  create: (r) => createTc(r),
  update: ({ live, desired }) => updateTc(desired, live.spec),
  remove(r, context) {
    if (isLost(tc, r, context)) return []
    return r.spec.object === 'filter' ? removeFilter(r, context) : removeTc(r, context.live)
  },
}

/** The interfaces that the actions of a filter hand packets to. */
const targetsOf = ({ namespace, spec: { object, words } }: Resource<TcSpec>): string[] =>
  words.flatMap((word, i) => (object === 'filter' && word === 'dev' ? [linkId(namespace, words[i + 1] ?? '')] : []))

/** The qdisc that it belongs to, and the class that a qdisc hangs on. */
const aboveOf = ({ namespace, spec: { object, dev, parent, above } }: Resource<TcSpec>): string[] => [
  ...(above === undefined ? [] : [ofQdisc(namespace, dev, above)]),
  ...(object === 'qdisc' && parent.includes(':') ? [ofClass(namespace, dev, parent)] : []),
]

/** The entry of `qdiscs` that asks for it: what follows `tc`. */
const entryOf = (spec: TcSpec): string => joinWords([spec.object, ...placed(spec, spec.handle), ...spec.words])

/** The features of the kernel that it needs, as far as they are known by name. */
const requiredBy = ({ object, kind, words }: TcSpec): string[] =>
  [kind, ...(object === 'filter' ? words : [])].filter((word) => trafficFeatures.includes(word))
