import type { FaultNet } from '../faults/sites.ts'
import { owners } from '../observe/owners.ts'
import type { Live } from '../observe/read.ts'
import type { ReadRequest } from '../observe/read-request.ts'
import { stage } from '../host/status-line.ts'
import type { Lab } from '../language/load-lab.ts'
import type { Host } from '../model/host.ts'
import type { Runner } from '../model/runner.ts'
import { HERE_NAME, isPath, placeIn, placeOf, type Place } from '../model/place.ts'
import { runnerHere } from './lab-runner.ts'
import { labHere, type NamespaceOptions } from './live-namespaces.ts'
import { note } from './terminal.ts'

/** A network of faults, and the labs to which its namespaces belong. */
export interface LabsNet extends FaultNet {
  /** By namespace. */
  readonly labs: ReadonlyMap<string, string>
  /** The lab that was named, or the one of this directory. */
  readonly here?: Lab | undefined
}

/** How long a fault waits for a run on the lab, in milliseconds. */
const PATIENCE = 60_000

/**
 * The namespaces of all labs that are live, and those that the lab of this directory borrows; with `hereOnly`, of that lab alone
 * where there is one.
 */
export async function faultNet(host: Host, options: NamespaceOptions, hereOnly = false): Promise<LabsNet> {
  const runner = await runnerHere(host, options)
  const here = await labHere(runner.host, options)
  stage('Reading the live network …')
  const { byNamespace } = await owners(runner)
  const labs = new Map<string, string>()
  const places = new Map<string, Place>()
  for (const [name, lab] of byNamespace) {
    if (lab === undefined || (hereOnly && here && here.name !== lab)) continue
    labs.set(name, lab)
    places.set(name, placeIn(name))
  }
  for (const [name, { borrowed }] of here?.namespaces ?? []) {
    if (borrowed === undefined || !here) continue
    labs.set(name, here.name)
    places.set(name, isPath(borrowed) ? placeIn(borrowed) : {})
  }
  return { runner, places, labs, here }
}

/** The namespaces of one lab. */
export function netOfLab(
  { name: lab, namespaces }: Pick<ReadRequest, 'namespaces'> & { readonly name: string },
  runner: Runner,
): LabsNet {
  const own = [...namespaces].filter(([, { shares }]) => shares === undefined)
  return {
    runner,
    labs: new Map(own.map(([name]) => [name, lab])),
    places: new Map(own.map(([name, { borrowed }]) => [name, placeOf({ namespace: name, borrowed })])),
  }
}

/** The namespaces of a lab in which something is live, and those of its file. */
export function netOfLive(
  lab: string,
  { dumps, foreign }: Pick<Live, 'dumps' | 'foreign'>,
  namespaces: ReadRequest['namespaces'],
  runner: Runner,
): LabsNet {
  const found = [...dumps.keys()].filter((name) => !foreign.has(name) && !namespaces.has(name))
  const here = found.map((name) => [name, name === HERE_NAME ? { borrowed: HERE_NAME } : {}] as const)
  return netOfLab({ name: lab, namespaces: new Map([...here, ...namespaces]) }, runner)
}

/** Does something while no other run changes these labs. */
export async function withLocks<T>({ labs, runner: { host } }: LabsNet, work: () => Promise<T>): Promise<T> {
  const releases: (() => void)[] = []
  try {
    for (const lab of [...new Set(labs.values())].sort())
      releases.push(
        await host.lock(lab, PATIENCE, (holder) =>
          note(`Waiting for another run on lab ${lab}${holder && ` (${holder})`} …\n`),
        ),
      )
    return await work()
  } finally {
    for (const release of releases.reverse()) release()
  }
}
