import type { Lab, NamespaceHeader, OpenLab } from '../language/load-lab.ts'
import type { Peer } from '../machines/connect.ts'
import type { Spread, Wire } from '../machines/wires.ts'
import { NEAR, theirsOf } from '../model/other-machine.ts'
import { HERE_NAME } from '../model/place.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import { startRunner } from '../run/choose-runner.ts'
import type { OpenedFile } from './change-machines.ts'
import type { Machines } from './open-machines.ts'
import type { NamespaceOptions } from './live-namespaces.ts'
import { locate, recorded, type Located } from './locate.ts'
import { connectAhead } from './locate-ahead.ts'
import { openLocated } from './open-located.ts'
import { asSeenFromHere } from './prepare.ts'

/** Whether a lab file may name machines, in its own text or in that of a file that it includes. */
const MAY_NAME_MACHINES = /^["']?(machines|include)["']?\s*:/m

/** The machines of a lab that is on several, and their network as one. */
export interface SpreadLab {
  readonly opened: OpenLab
  readonly lab: Lab
  readonly runner: Runner
  readonly peers: readonly Peer[]
  /** By namespace, its machine. */
  readonly places: Spread['places']
  readonly wires: readonly Wire[]
  /** What the lab borrows from containers and processes of other machines, and is not there. */
  readonly unseen: readonly string[]
}

/**
 * The machines of a lab that was located; undefined when it is where netlab runs. They are connected until this process ends. Throws a
 * UserError when one does not answer.
 */
export async function spreadOf(host: Host, located: Located): Promise<SpreadLab | undefined> {
  if (!('file' in located) || !MAY_NAME_MACHINES.test(located.text)) return undefined
  await connectAhead(host, located)
  const file = recorded(located)
  const opened = openLocated(file, host, { lint: false })
  if (!opened?.machines) return undefined
  const { openMachines } = await import('./open-machines.ts')
  return await spreadLab(host, { located: file, opened }, await openMachines(host, file, opened))
}

/** The network of machines that are connected as one. */
export async function spreadLab(
  host: Host,
  { located, opened }: OpenedFile,
  { peers, spread, lab }: Machines,
): Promise<SpreadLab> {
  const { wiresOf } = await import('../machines/wires.ts')
  const { withSmallMtus } = await import('../machines/small-mtus.ts')
  const { spreadRunner } = await import('../machines/spread-host.ts')
  const { places } = spread
  const near = startRunner(host, located.text.length)
  const wires = wiresOf(lab, places)
  const lent = await lentOn(peers, lab)
  const fitting = asSeenFromHere(withSmallMtus(lab, spread), lent)
  const { namespaces } = fitting
  const roots = new Set([...lab.namespaces.values()].flatMap(ownMachineOf))
  const runner = await spreadRunner({ lab: lab.name, near, peers, places, wires, roots, lent })
  const unseen = [...namespaces].flatMap(([name, { lender }]) => (lender && !lent.has(name) ? [name] : []))
  const seen: OpenLab = { ...opened, namespaces, lab: () => fitting, at: () => seen }
  return { opened: seen, lab: fitting, runner, peers, places, wires, unseen }
}

const ownMachineOf = ({ borrowed, machine }: NamespaceHeader): string | readonly [] =>
  (borrowed === HERE_NAME ? machine : undefined) ?? []

/** By name, the paths of the namespaces that a lab borrows from containers and processes, as far as they are there. */
async function lentOn(peers: readonly Peer[], { namespaces }: Lab): Promise<Map<string, string>> {
  if (![...namespaces.values()].some(({ lender }) => lender)) return new Map()
  const found = await Promise.all(
    peers.map(async ({ name: machine, ask }) =>
      Object.entries(await ask('lenders', null)).map(
        ([name, path]) => [name, machine === NEAR ? path : theirsOf(machine, path)] as const,
      ),
    ),
  )
  return new Map(found.flat())
}

/** Where the packets of a lab go that is on several machines; undefined: all on this one. */
export const walkOver = async (spread: SpreadLab | undefined) =>
  spread && (await import('../machines/spread-probes.ts')).spreadWalk(spread.peers, spread.places, spread.wires)

/** The machine of each namespace for `netlab reach`; undefined: all are on this one. */
export const reachOver = async (spread: SpreadLab | undefined) =>
  spread && (await import('../machines/spread-probes.ts')).spreadReach(spread.peers, spread.places)

/** Throws a UserError for a command that needs all of a lab, when some of what it borrows is not there. */
export function mustBeSeen({ unseen: [name], places }: SpreadLab): void {
  if (name === undefined) return
  const where = places[name] === NEAR ? '' : ` on ${places[name]}`
  throw UserError.of('no-lender', `${name}${where} cannot be entered`, 'netlab plan says why.')
}

/** The runner of a lab that was located: of one on several machines, the network of all of them as one. Throws as `spreadOf` does. */
export const runnerOf = async (host: Host, located: Located): Promise<Runner> =>
  (await spreadOf(host, located))?.runner ?? startRunner(host, 'text' in located ? located.text.length : 0)

/** The runner for commands that take the names of namespaces: that of the lab that was named, or of the one of this directory. */
export async function runnerHere(host: Host, options: NamespaceOptions): Promise<Runner> {
  const located = locatedHere(options)
  return located ? await runnerOf(host, located) : startRunner(host)
}

/** The lab that was named, or the one of this directory; undefined when there is none: the command says so when it needs one. */
export function locatedHere({ lab, set = [] }: NamespaceOptions): Located | undefined {
  try {
    return locate(lab, { set, say: () => {} })
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}
