import { waitUntilSettled } from '../checks/settle.ts'
import { survey } from '../checks/survey.ts'
import { stage } from '../host/status-line.ts'
import type { Lab } from '../language/load-lab.ts'
import type { Diagnostic } from '../model/diagnostic.ts'
import { UserError } from '../model/diagnostic.ts'
import type { Pair, Reachable } from '../model/reach-pair.ts'
import type { Runner } from '../model/runner.ts'
import { neighborOverflows, overflowed, procOf } from '../observe/limits.ts'
import type { Live } from '../observe/read.ts'
import { reachAll } from '../reach/ask-all.ts'
import { openReachHere } from '../reach/reach-here.ts'
import type { ReachMachine } from '../reach/reach-machine.ts'
import { otherWorldHint, ownNamespaces } from './elsewhere.ts'

/** What is needed of a lab: its file, or what is live of it. */
export type ReachableLab = Pick<Lab, 'name' | 'folder' | 'checks' | 'resources' | 'topology' | 'namespaces'>

/** Who reaches whom. */
export interface Reach {
  readonly pairs: readonly Pair[]
  /** The namespaces that were left out, because they have no address. */
  readonly without: readonly string[]
  /** Warnings that may explain losses. */
  readonly remarks: readonly Diagnostic[]
}

/**
 * Asks the namespaces that `chosen` returns, who may ask and who is asked for, from the names of those with an address; `machineOf` is
 * the machine of each. Default: this one. `dumps` reads everything in the namespaces; of `live`, links and addresses are enough. Throws a UserError when there are none.
 */
export async function reachLive(
  lab: ReachableLab,
  live: Live,
  dumps: () => Promise<Live['dumps']>,
  runner: Runner,
  chosen: (names: readonly string[]) => { readonly from: ReadonlySet<string>; readonly to: ReadonlySet<string> },
  machineOf?: (name: string) => ReachMachine,
): Promise<Reach> {
  const index = survey(lab, live)
  const hosts = [...lab.namespaces].flatMap(([name, { shares }]): Reachable[] => {
    const address = index.names.get(name)
    return address === undefined || shares !== undefined || !index.places.has(name)
      ? []
      : [{ name, netns: index.places.get(name), address }]
  })
  if (hosts.length === 0)
    throw UserError.of(
      'lab-not-live',
      `lab ${lab.name} is not live, or none of its namespaces has an address`,
      [...otherWorldHint(runner.host, ownNamespaces(lab.namespaces), 'reach'), 'netlab apply makes it live.'].join(
        '\n',
      ),
    )
  const names = new Set(hosts.map(({ name }) => name))
  const { from, to } = chosen([...names])
  await waitUntilSettled(live, runner, (bridges) => stage(`Waiting for the spanning tree of ${bridges.join(', ')} …`))
  const proc = procOf(runner.host)
  const overflows = neighborOverflows(proc)
  const here = machineOf ? undefined : openReachHere()
  const pairs = await reachAll({
    machineOf: machineOf ?? (() => here!),
    index,
    dumps,
    desired: lab.resources,
    checks: lab.checks,
    hosts: hosts.filter(({ name }) => from.has(name) || to.has(name)),
    isFrom: (name) => from.has(name),
    isTo: (name) => to.has(name),
    borrowed: (name) => lab.namespaces.get(name)?.borrowed !== undefined,
    progress: (what, done, of) => stage(`Trying ${what}: ${done} of ${of} …`),
  })
  const without = [...lab.namespaces].flatMap(([name, { shares }]) => (names.has(name) || shares ? [] : [name]))
  return { pairs, without, remarks: overflowed(neighborOverflows(proc) - overflows, proc) }
}
