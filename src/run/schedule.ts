import { HERE_NAME, placeName, placeOf } from '../model/place.ts'
import { stageOf, type Plan, type Stage, type Step } from '../model/change.ts'
import { concerns } from '../model/operation.ts'
import { goneGroup } from '../model/owner.ts'
import { nameOf, type Resource } from '../model/resource.ts'

/**
 * Thresholds of everything that netlab does differently only because a lab is large. Plans are correct without any of it, and
 * slower. The times were measured on two cores at 2.4 GHz (docs/kernel.md, "Costs").
 */
export const scale = {
  /** From this many namespaces on, a lab is set up in `count` parts: one is read again while the next is created. */
  parts: { from: 400, count: 4 },
  /** From this many namespaces on, `destroy` reads only their marks and does not list what is in them. */
  marksOnly: 400,
  /** Up to this many namespaces, sysctls that labs seldom set are read as well: each costs 0.01 ms per namespace. */
  rareSysctls: 100,
  /** From this many links of a namespace on, they are deleted as a group: that takes the kernel about as long as one link. */
  linksTogether: 4,
  /** From this many characters of a lab file on, V8 optimizes late: with 100 hosts, that saves an eighth of the processor time. */
  optimizeLate: 4000,
  /** From this many new namespaces on, a second thread begins to create them while the lab is still being planned. */
  premade: 200,
  /**
   * From this many namespaces, operations of one wave or rule sets on, a thread of its own does the work. It takes 40 ms to start, and is
   * started as soon as the size of the lab file, in characters, promises that it is needed.
   */
  thread: { from: 100, file: 16_000 },
  /** From this many operations of one wave on, a second thread takes half of those that the kernel can do in parallel. */
  secondWriter: 200,
  /**
   * From this many namespaces with files to read on, a second thread reads files as well: it takes 40 ms of processor time to start,
   * and with 333 namespaces saves none.
   */
  secondReader: 400,
  /** From this many namespaces on, the descriptor table is enlarged at once: the kernel takes 23 ms for each doubling. */
  descriptors: 100,
  /** How many waves the thread gets at a time: it goes from one to the next without waiting for the main thread. */
  wavesAhead: 3,
  /** From this many rule sets of nftables on, they are tried out in this process instead of by one `nft` each. */
  nftInProcess: 4,
} as const

/** Whether sysctls that labs seldom set are read as well, in a lab with this many namespaces. */
export const readsRareSysctls = (namespaces: number): boolean => namespaces <= scale.rareSysctls

/** Whether a plan only deletes namespaces, and at least so many: then nothing but their marks has to be read. */
export const onlyTakesNames = ({ steps, strangers }: Plan, least: number): boolean =>
  steps.length >= least && steps.every(({ operation }) => operation.do === 'netns.delete') && strangers.length === 0

/**
 * The plan with its steps in the order that takes the least time. Namespaces in which a bridge starts forwarding come last,
 * together with those whose links depend on them: a bridge floods what every host sends when IPv6 comes up. Large labs are set
 * up in parts, unless links are stacked on other links. `below` returns the resources that one is made on top of.
 */
export function schedule(plan: Plan, below: (id: string) => readonly Resource[]): Plan {
  const steps = removedTogether(plan)
  const late = lateNamespaces(steps, below)
  const partOf = parted(plan)
  if (!partOf && late.size === 0) return { ...plan, steps }
  const last = partOf ? scale.parts.count : 1
  const turnOf = ({ stage, operation }: Step): number => {
    const netns = placeName(operation.place)
    const { turn } = stageOf(stage)
    if (turn === 'lab') return 0
    if (turn === 'end') return last + 2
    if (turn === 'namespace' && late.has(netns)) return last + 1
    if (!partOf) return 1
    // A cable is created with the first of the parts that contain one of its ends.
    return 1 + (turn === 'links' ? Math.min(...concerns(operation).map(partOf)) : partOf(netns))
  }
  const turns = Array.from({ length: last + 3 }, (): Step[] => [])
  for (const step of steps) turns[turnOf(step)]?.push(step)
  let wave = -1
  const result = turns.flatMap((turn) => {
    let before = -1
    return turn.map(({ change, stage, wave: ordered, operation, after }): Step => {
      if (ordered !== before) wave++
      before = ordered
      return after === undefined ? { change, stage, wave, operation } : { change, stage, wave, operation, after }
    })
  })
  return { ...plan, steps: result }
}

/**
 * The steps, except that a namespace which loses many links first puts them into a group and then deletes the group. A
 * cable can be deleted by either end: the end in the namespace that loses more links is chosen, so that the ports of a bridge
 * go together. In a borrowed namespace, where others may use groups, links are deleted one by one.
 */
function removedTogether({ changes, strangers, steps }: Plan): readonly Step[] {
  const doomed = steps.filter(({ operation }) => operation.do === 'link.delete' && 'name' in operation)
  if (doomed.length < scale.linksTogether) return steps
  const byId = new Map(changes.map((change) => [change.id, change]))
  const occupied = new Set(strangers.map(({ namespace }) => namespace))
  const removed = (id: string): Resource | undefined => {
    const change = byId.get(id)
    return change?.action === 'delete' || change?.action === 'replace' ? change.before : undefined
  }
  const endsOf = ({ change }: Step): Resource[] => {
    const link = removed(change)
    return [link, removed(String(link?.spec['peer']))].flatMap((end) =>
      end && !end.borrowed && (occupied.has(end.namespace) || !removed(end.namespace)) ? [end] : [],
    )
  }
  const counts = new Map<string, number>()
  for (const { namespace } of doomed.flatMap(endsOf)) counts.set(namespace, (counts.get(namespace) ?? 0) + 1)
  const groups = new Map<string, { step: Step; end: Resource }[]>()
  for (const step of doomed) {
    const [end] = endsOf(step).sort((a, b) => (counts.get(b.namespace) ?? 0) - (counts.get(a.namespace) ?? 0))
    if (!end) continue
    const group = groups.get(end.namespace)
    if (group) group.push({ step, end })
    else groups.set(end.namespace, [{ step, end }])
  }
  const many = [...groups.values()].filter(({ length }) => length >= scale.linksTogether)
  const grouped = new Set(many.flat().map(({ step }) => step))
  const instead = many.flatMap((group) => {
    const number = goneGroup(group.map(({ end }) => end.id))
    const sets = group.map(({ step: { change, stage, wave }, end }): Step => {
      const place = { netns: end.namespace }
      return { change, stage, wave, operation: { do: 'link.set', place, name: nameOf(end.id), set: { group: number } } }
    })
    const last = sets.at(-1)
    return last
      ? [...sets, { ...last, operation: { do: 'link.delete' as const, place: last.operation.place, group: number } }]
      : []
  })
  return steps.flatMap((step) => [...(step === doomed[0] ? instead : []), ...(grouped.has(step) ? [] : [step])])
}

/**
 * The names of the namespaces in which a bridge starts forwarding, and of those whose links are made on top of links there.
 * `HERE_NAME` is the machine's own namespace.
 */
function lateNamespaces(steps: readonly Step[], below: (id: string) => readonly Resource[]): Set<string> {
  const late = new Set(
    steps.flatMap(({ stage, operation: { place } }) => (stageOf(stage).opens ? [placeName(place)] : [])),
  )
  const links = late.size === 0 ? [] : steps.filter(({ stage }) => stageOf(stage).links)
  for (let size = -1; size !== late.size;) {
    size = late.size
    for (const {
      change,
      operation: { place },
    } of links)
      if (below(change).some((r) => late.has(placeName(placeOf(r))))) late.add(placeName(place))
  }
  return late
}

/** Returns the zero-based part of the lab that a namespace belongs to; undefined when the lab is not set up in parts. */
function parted({ changes, steps }: Plan): ((netns?: string) => number) | undefined {
  const { from, count } = scale.parts
  const places = new Map<string, number>()
  for (const { namespace } of changes) if (!places.has(namespace)) places.set(namespace, places.size)
  if (places.size < from) return undefined
  // Links that are stacked on other links take several waves of one stage.
  const waves = new Map<Stage, number>()
  for (const { stage, wave } of steps) {
    if (stageOf(stage).links && (waves.get(stage) ?? wave) !== wave) return undefined
    waves.set(stage, wave)
  }
  return (netns = HERE_NAME) => Math.floor(((places.get(netns) ?? 0) * count) / places.size)
}

/** The steps, grouped by wave. */
export function waves(steps: readonly Step[]): Step[][] {
  const result: Step[][] = []
  for (const step of steps) {
    const last = result.at(-1)
    if (last?.[0]?.wave === step.wave) last.push(step)
    else result.push([step])
  }
  return result
}

/**
 * The waves in groups that are each handed to the runner at once. A group begins where bridges start forwarding: reads that are
 * under way end first, because the frames that bridges then flood slow everything down. A wave that starts or ends programs is a
 * group of its own.
 */
export function uninterrupted(all: readonly Step[][]): Step[][][] {
  const result: Step[][][] = [[]]
  let apart = false
  for (const wave of all) {
    const programs = ofPrograms(wave)
    if (opens(wave) || programs || apart) result.push([])
    result.at(-1)?.push(wave)
    apart = programs
  }
  return result
}

/** Whether bridges start forwarding in this wave. */
export const opens = (wave: readonly Step[] | undefined): boolean =>
  wave?.some(({ stage }) => stageOf(stage).opens) === true

/** Whether the steps of this wave start or end programs of the lab. */
export const ofPrograms = (wave: readonly Step[]): boolean =>
  wave[0] !== undefined && stageOf(wave[0].stage).programs !== undefined

/** Whether the steps of this wave start programs of the lab. */
export const startsPrograms = (wave: readonly Step[]): boolean =>
  wave[0] !== undefined && stageOf(wave[0].stage).programs === 'start'

/** By wave, the namespaces that no later wave changes: they can be read again while others are still being set up. */
export function settledAfter(all: readonly (readonly Step[])[]): (string | undefined)[][] {
  const least = all.findLastIndex((wave) => wave.some(({ stage }) => stageOf(stage).turn === 'lab'))
  const lasts = new Map<string | undefined, number>()
  all.forEach((wave, place) =>
    wave.forEach(({ operation }) => concerns(operation).forEach((netns) => lasts.set(netns, Math.max(place, least)))),
  )
  const result = all.map((): (string | undefined)[] => [])
  for (const [netns, place] of lasts) result[place]?.push(netns)
  return result
}

/** What a run does in a namespace that it creates: what it does not touch there need not be read again. */
export interface DoneInNamespace {
  /** The sysctls that it sets. */
  readonly sysctls: readonly string[]
  /** Whether it creates nothing there but links, addresses and routes. */
  readonly plain: boolean
}

/** The namespaces that a plan creates, by id, and what it does in them. */
export function doneInNew({ changes, steps }: Plan): Map<string, DoneInNamespace> {
  const made = new Map<string, { sysctls: string[]; plain: boolean }>()
  for (const { kind, action, id } of changes)
    if (kind === 'namespace' && action === 'create') made.set(id, { sysctls: [], plain: true })
  for (const { stage, operation } of steps) {
    const one = made.get(placeName(operation.place))
    if (!one) continue
    const { ofLinks, more } = stageOf(stage)
    if (operation.do === 'sysctl.set' && !ofLinks) one.sysctls.push(operation.key)
    if (more) one.plain = false
  }
  return made
}
