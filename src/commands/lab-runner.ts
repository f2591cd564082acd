import type { Lab, OpenLab } from '../language/load-lab.ts'
import type { Peer } from '../machines/connect.ts'
import type { Spread, Wire } from '../machines/wires.ts'
import { machineIn } from '../model/other-machine.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import { startRunner } from '../run/choose-runner.ts'
import type { OpenedFile } from './change-machines.ts'
import type { Machines } from './open-machines.ts'
import type { NamespaceOptions } from './live-namespaces.ts'
import { locate, recorded, type Located } from './locate.ts'
import { openLocated, asSeenFromHere } from './prepare.ts'

/** Whether a lab file may name machines, in its own text or in that of a file that it includes. */
const MAY_NAME_MACHINES = /^["']?(machines|include)["']?\s*:/m

/** What `startRunner` is told of the size of a lab file: 0 when other machines may have most of the work. */
export const sizeHere = (located: Located): number =>
  'text' in located && !/^["']?machines["']?\s*:/m.test(located.text) ? located.text.length : 0

/** The machines of a lab that is on several, and their network as one. */
export interface SpreadLab {
  readonly opened: OpenLab
  readonly lab: Lab
  readonly runner: Runner
  readonly peers: readonly Peer[]
  /** By namespace, its machine. */
  readonly places: Spread['places']
  readonly wires: readonly Wire[]
  /** What the lab borrows from containers and processes of other machines: commands do not look into that. */
  readonly unseen: readonly string[]
}

/**
 * The machines of a lab that was located; undefined when it is where netlab runs. They are connected until this process ends. Throws a
 * UserError when one does not answer.
 */
export async function spreadOf(host: Host, located: Located): Promise<SpreadLab | undefined> {
  if (!('file' in located) || !MAY_NAME_MACHINES.test(located.text)) return undefined
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
  const fitting = asSeenFromHere(withSmallMtus(lab, spread))
  const { namespaces } = fitting
  const roots = new Set([...namespaces.values()].flatMap(({ borrowed }) => machineIn(borrowed) ?? []))
  const runner = await spreadRunner({ lab: lab.name, near, peers, places, wires, roots })
  const unseen = [...lab.namespaces.keys()].filter((name) => !namespaces.has(name))
  return { opened: { ...opened, namespaces, lab: () => fitting }, lab: fitting, runner, peers, places, wires, unseen }
}

/** Where the packets of a lab go that is on several machines; undefined: all on this one. */
export const walkOver = async (spread: SpreadLab | undefined) =>
  spread && (await import('../machines/spread-probes.ts')).spreadWalk(spread.peers, spread.places, spread.wires)

/** The machine of each namespace for `netlab reach`; undefined: all are on this one. */
export const reachOver = async (spread: SpreadLab | undefined) =>
  spread && (await import('../machines/spread-probes.ts')).spreadReach(spread.peers, spread.places)

/** Throws a UserError for a command that compares all of a lab with its file, when some of it is not looked into. */
export function mustBeSeen({ unseen: [name] }: SpreadLab, command: string): void {
  if (name === undefined) return
  throw UserError.of(
    'several-machines',
    `netlab ${command} does not look into ${name}, which is the namespace of another machine’s container or process`,
    `Without that namespace it works on several machines, and in a copy of the whole lab: netlab test --fresh`,
  )
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
