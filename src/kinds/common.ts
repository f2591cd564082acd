import { sha256 } from '../model/digest.ts'
import type { Kind, PlanContext } from '../model/kind.ts'
import type { Program } from '../model/operation.ts'
import { HERE_NAME, placeOf } from '../model/place.ts'
import type { Resource } from '../model/resource.ts'

/** Runs the program with these arguments, in the namespace of the resource. */
export const within = (resource: Resource<any>, ...argv: string[]): Program => ({
  do: 'run',
  place: placeOf(resource),
  argv,
})

/** Whether the kernel removes the resource along with something that the plan removes. */
export const isLost = (kind: Pick<Kind, 'lostWith'>, resource: Resource<any>, { goes, live }: PlanContext): boolean =>
  kind.lostWith(resource, live).some(goes)

/**
 * The stage in which the rules of a firewall are removed: that of other firewall changes or, in a namespace that the plan deletes
 * and processes of others keep alive, an earlier one, before the namespace loses its name.
 */
export const removalStage = (
  { borrowed, namespace }: Resource<any>,
  { desired }: PlanContext,
): 'delete rules' | 'load firewall' => (borrowed || desired.has(namespace) ? 'load firewall' : 'delete rules')

/**
 * The ends of a pair: first the one in whose namespace the pair is created, then the other. Before Linux 6.13, both names must be
 * unused in the namespace of the command, which is therefore the namespace of one end. The machine's own has no name to be told of.
 */
export function ends<R extends Resource<any>>(one: R, other: R): [near: R, far: R] {
  const [first, second] = one.id < other.id ? [one, other] : [other, one]
  return second.borrowed === HERE_NAME ? [second, first] : [first, second]
}

/**
 * A locally administered unicast MAC address, always the same for an interface of a lab, so that neighbours still know an
 * interface that was replaced, and a bridge keeps its address when its ports change.
 */
export function generatedMac(lab: string, id: string): string {
  const digest = sha256(`${lab}\0${id}`)
  return `02:${[0, 2, 4, 6, 8].map((at) => digest.slice(at, at + 2)).join(':')}`
}

/** A copy of the object with `make` applied to every value. */
export const mapped = <A, B>(object: Readonly<Record<string, A>>, make: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, make(value)]))

/** Whether two settings are the same: numbers, texts, lists. */
export const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)
