import { readAhead, type Found } from '../observe/found.ts'
import { asPrinted } from '../observe/canonical-sysctls.ts'
import { canonicalize } from '../observe/canonical.ts'
import { withOwners } from '../observe/home-owners.ts'
import { mustRunHere } from '../observe/run-here.ts'
import { withListed } from '../observe/others.ts'
import { read, type Live } from '../observe/read.ts'
import { lentTo, rootOf } from '../observe/read-request.ts'
import { withTuned } from '../observe/tuned.ts'
import type { Plan } from '../model/change.ts'
import { UserError } from '../model/diagnostic.ts'
import { HERE_NAME } from '../model/place.ts'
import type { Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import type { OpenLab } from '../language/load-lab.ts'
import { scale } from '../run/schedule.ts'
import { withLenders } from './borrow.ts'
import { planFor, readRequestOf, type PlanOptions } from './prepare.ts'
import { endOverdue } from './read-live.ts'

/** What a look at the live network has found. */
export interface Sight {
  readonly plan: Plan
  readonly live: Live
  readonly wanted: Resources
}

/** Plans the same lab again and again. */
export interface Lookout {
  readonly name: string
  /** The namespaces that the lab borrows: where each is, by its name in the lab; undefined: where netlab runs. */
  readonly borrowed: ReadonlyMap<string, string | undefined>
  /** The lab's name of a namespace, from its name under /run/netns or its path. */
  readonly nameOf: (netns: string | undefined) => string
  /** The names of the lab's own namespaces in its file. */
  readonly own: readonly string[]
  /**
   * Makes the plan that `netlab plan` would make. Reads only these namespaces (by the lab's names), and those that it has not read
   * yet; all of them if it is not said which. Ends faults whose time is over. Throws a UserError as planning does.
   */
  readonly look: (changed?: ReadonlySet<string>) => Promise<Sight>
}

/** Prepares what a lab file asks for, which does not change until the file does. Throws a UserError as planning does. */
export async function openLookout(unfound: OpenLab, runner: Runner, options: PlanOptions): Promise<Lookout> {
  const { opened, problems } = await withLenders(unfound, runner.host)
  const lab = opened.lab()
  if (problems.length) throw new UserError(problems)
  await mustRunHere(lab.resources, runner.host)
  const written = await canonicalize(lab.resources, runner, lab.where, scale.nftInProcess)
  const request = readRequestOf(lab.name, lab)
  const lent = lentTo(request)
  const root = rootOf(request)
  const own = [...lab.namespaces].flatMap(([name, { borrowed, shares }]) => (borrowed || shares ? [] : [name]))
  const known = new Map<string, Found>()
  // The first position in a large file takes a second, which the first report of a drift should not take.
  for (const { source } of written.values()) if (source?.()) break
  return {
    name: lab.name,
    borrowed: new Map([
      ...(root === HERE_NAME ? [] : [[root, undefined] as const]),
      ...[...lent].map(([path, name]) => [name, path] as const),
    ]),
    nameOf: (netns) => (netns === undefined ? root : (lent.get(netns) ?? netns)),
    own,
    look,
  }

  async function look(changed?: ReadonlySet<string>): Promise<Sight> {
    for (const name of changed ?? [...known.keys()]) known.delete(name)
    const places = [undefined, ...lent.keys(), ...own]
    const unread = places.filter((place) => !known.has(place === undefined ? root : (lent.get(place) ?? place)))
    for (const [name, found] of await readAhead(request, unread, runner).found) known.set(name, found)
    const found = await read(request, runner, [Promise.resolve(known)])
    if ((await endOverdue(request, found, runner)).length) return await look()
    const wanted = await asPrinted(await withOwners(written, runner.host), found.resources, runner)
    const live = await withTuned(withListed(found, wanted), wanted, runner, true)
    const { plan } = await planFor(lab.name, wanted, live, runner, options)
    return { plan, live, wanted }
  }
}
