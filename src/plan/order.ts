import { kindOf } from '../kinds/index.ts'
import { placeName } from '../model/place.ts'
import { stageOf, stages, type Emission, type Stage, type Step } from '../model/change.ts'
import type { Resource, Resources } from '../model/resource.ts'

const rank = new Map<Stage, number>(stages.map(({ name }, i) => [name, i]))
/** For each stage, the index of the last stage with a barrier up to and including it. */
const wall = new Map<Stage, number>()
stages.forEach(({ name }, i) =>
  wall.set(name, stageOf(name).barrier ? i : (wall.get(stages[i - 1]?.name ?? name) ?? 0)),
)

/** The desired resources that this one is made on top of, without its namespace. */
export const below = (id: string, desired: Resources): Resource[] => {
  const r = desired.get(id)
  const kind = r && kindOf(r.kind)
  const needs = r && kind ? (kind.below?.(r) ?? kind.needs(r)) : []
  return needs.flatMap((need) => (need === r?.namespace ? [] : (desired.get(need) ?? [])))
}

/**
 * Orders the operations as the kernel accepts them: by barrier, then by the depth of stacked links, then namespace by
 * namespace. Steps of one wave may run at the same time.
 */
export function order(emitted: readonly (Emission & { change: string })[], desired: Resources): Step[] {
  const depths = new Map<string, number>()
  const depth = (id: string): number => {
    const known = depths.get(id)
    if (known !== undefined) return known
    depths.set(id, 0) // ends the recursion in a cycle, which validation has refused
    const result = Math.max(0, ...below(id, desired).map((need) => depth(need.id) + 1))
    depths.set(id, result)
    return result
  }
  const places = new Map<string, number>()
  // One sort key: barrier and depth first, then the index of the namespace, then the stage.
  const keyed = emitted.map((e) => {
    const netns = placeName(e.operation.place)
    const place = places.get(netns) ?? places.size
    if (place === places.size) places.set(netns, place)
    // A VLAN can be created, or set up, only when its lower device has been.
    const deep = stageOf(e.stage).links ? depth(e.change) : 0
    const when = (wall.get(e.stage) ?? 0) * (desired.size + 1) + deep
    return { e, when, key: (when * emitted.length + place) * stages.length + (rank.get(e.stage) ?? 0) }
  })
  keyed.sort((a, b) => a.key - b.key)
  let wave = -1
  let last = -1
  return keyed.map(({ e: { change, stage, operation, after }, when }) => {
    if (when !== last) wave++
    last = when
    return after === undefined ? { change, stage, wave, operation } : { change, stage, wave, operation, after }
  })
}
