import { readAhead, type Found } from '../observe/found.ts'
import { asPrinted } from '../observe/canonical-sysctls.ts'
import { canonicalize } from '../observe/canonical.ts'
import { withOwners } from '../observe/home-owners.ts'
import { mustRunHere } from '../observe/run-here.ts'
import { withListed } from '../observe/others.ts'
import { read, type Live } from '../observe/read.ts'
import { lentTo, rootOf, type ReadRequest } from '../observe/read-request.ts'
import { withTuned } from '../observe/tuned.ts'
import type { Plan } from '../model/change.ts'
import { UserError } from '../model/diagnostic.ts'
import { HERE_NAME } from '../model/place.ts'
import type { Resources } from '../model/resource.ts'
import type { Runner } from '../model/runner.ts'
import type { OpenLab } from '../language/load-lab.ts'
import { scale } from '../run/schedule.ts'
import { withLenders, type FoundLab } from './borrow.ts'
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
  /** Where the namespaces are that the lab borrows, as far as they are there; undefined: where netlab runs. */
  readonly borrowed: () => readonly (string | undefined)[]
  /** The lab's name of a namespace, from its name under /run/netns or its path. */
  readonly nameOf: (netns: string | undefined) => string
  /** The names of the lab's own namespaces in its file. */
  readonly own: readonly string[]
  /** Finds somebody else's namespaces again; returns whether any is at another path than before, has come or is gone. */
  readonly find: () => Promise<boolean>
  /**
   * Makes the plan that `netlab plan` would make. Reads only these namespaces (by the lab's names), and those that it has not read
   * yet; all of them if it is not said which. Ends faults whose time is over. Throws a UserError as planning does,
   * and when somebody else's namespace is not there.
   */
  readonly look: (changed?: ReadonlySet<string>) => Promise<Sight>
}

/** What a lab file asks for, with somebody else's namespaces where they were found. */
interface View extends Pick<FoundLab, 'problems'> {
  readonly request: ReadRequest
  readonly root: string
  readonly lent: ReadonlyMap<string, string>
  /** Nothing where there are problems. */
  readonly written: Resources
}

async function viewOf({ opened, problems }: FoundLab, runner: Runner): Promise<View> {
  const lab = opened.lab()
  const request = readRequestOf(lab.name, lab)
  const view = { problems, request, root: rootOf(request), lent: lentTo(request) }
  if (problems.length) return { ...view, written: new Map() }
  await mustRunHere(lab.resources, runner.host)
  return { ...view, written: await canonicalize(lab.resources, runner, lab.where, scale.nftInProcess) }
}

/**
 * Prepares what a lab file asks for, which does not change until the file does. Throws a UserError as planning does; what the lab borrows
 * need not be there yet.
 */
export async function openLookout(unfound: OpenLab, runner: Runner, options: PlanOptions): Promise<Lookout> {
  let view = await viewOf(await withLenders(unfound, runner.host), runner)
  const own = [...unfound.namespaces].flatMap(([name, { borrowed, shares }]) => (borrowed || shares ? [] : [name]))
  const known = new Map<string, Found>()
  // The first position in a large file takes a second, which the first report of a drift should not take.
  for (const { source } of view.written.values()) if (source?.()) break
  const nameOf = (netns: string | undefined): string =>
    netns === undefined ? view.root : (view.lent.get(netns) ?? netns)
  return {
    ...{ name: unfound.name, own, nameOf, look },
    borrowed: () => [...(view.root === HERE_NAME ? [] : [undefined]), ...view.lent.keys()],
    async find() {
      const found = await withLenders(unfound, runner.host)
      const [lent, before] = [[...lentTo(found.opened)], [...view.lent]]
      if (found.problems.length === 0 && view.problems.length === 0 && String(lent) === String(before)) return false
      view = await viewOf(found, runner)
      return true
    },
  }

  async function look(changed?: ReadonlySet<string>): Promise<Sight> {
    const { problems, request, lent, written } = view
    if (problems.length) throw new UserError(problems)
    for (const name of changed ?? [...known.keys()]) known.delete(name)
    const places = [undefined, ...lent.keys(), ...own]
    const unread = places.filter((place) => !known.has(nameOf(place)))
    for (const [name, found] of await readAhead(request, unread, runner).found) known.set(name, found)
    const found = await read(request, runner, [Promise.resolve(known)])
    if ((await endOverdue(request, found, runner)).length) return await look()
    const wanted = await asPrinted(await withOwners(written, runner.host), found.resources, runner)
    const live = await withTuned(withListed(found, wanted), wanted, runner, true)
    const { plan } = await planFor(unfound.name, wanted, live, runner, options)
    return { plan, live, wanted }
  }
}
