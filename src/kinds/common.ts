import { sha256 } from '../model/digest.ts'
import type { Kind, PlanContext } from '../model/kind.ts'
import type { Program } from '../model/operation.ts'
import { HERE, type Place } from '../model/place.ts'
import type { Resource } from '../model/resource.ts'

/** Where the resource is. */
export const placeOf = ({ root, namespace }: Resource<any>): Place => (root ? HERE : { netns: namespace })

/** Runs the program with these arguments, in the namespace of the resource. */
export const within = (resource: Resource<any>, ...argv: string[]): Program => ({
  do: 'run',
  place: placeOf(resource),
  argv,
})

/** Whether something else that goes takes the resource along. */
export const covered = (kind: Pick<Kind, 'lostWith'>, resource: Resource<any>, { goes, live }: PlanContext): boolean =>
  kind.lostWith(resource, live).some(goes)

/**
 * When the rules of a firewall are removed: where others loaded, but before a namespace loses its name in which somebody
 * still is, so that they do not go with it.
 */
export const clearing = (
  { root, namespace }: Resource<any>,
  { desired }: PlanContext,
): 'delete rules' | 'load firewall' => (root || desired.has(namespace) ? 'load firewall' : 'delete rules')

/**
 * The ends of a pair: the one in whose namespace both are made, and the other. Before Linux 6.13 a name is free only if no
 * device is called so where the command runs: that is where one end is.
 */
export function ends<R extends Resource<any>>(one: R, other: R): [near: R, far: R] {
  const [first, second] = one.id < other.id ? [one, other] : [other, one]
  return second.root ? [second, first] : [first, second]
}

/**
 * A locally administered unicast MAC that is always the same for the same interface of the same lab, so that a rebuilt
 * interface is still known to its neighbours, and a bridge keeps its address when ports come and go.
 */
export function generatedMac(lab: string, id: string): string {
  const digest = sha256(`${lab}\0${id}`)
  return `02:${[0, 2, 4, 6, 8].map((at) => digest.slice(at, at + 2)).join(':')}`
}

/** The object with every value made anew. */
export const mapped = <A, B>(object: Readonly<Record<string, A>>, make: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, make(value)]))

/** Whether two settings are the same: numbers, texts, lists. */
export const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)
